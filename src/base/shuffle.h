#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "unroll/context.h"

namespace unroll {

/// Shuffles up to 2^32 elements; all orders are equally likely (Fisher and Yates).
template <class Element>
void shuffle(std::span<Element> elements, const Random& random) {
  for (std::size_t i = elements.size(); i > 1; --i) {
    std::swap(elements[i - 1], elements[random.below(static_cast<std::uint32_t>(i), i)]);
  }
}

}  // namespace unroll
