#pragma once

#include <cstdint>
#include <unordered_map>

#include "unroll/corpus.h"

namespace unroll {

using SymbolCounts = std::unordered_map<char32_t, std::int64_t>;

/// The counted symbols as a vocabulary, from the most frequent to the rarest, ties in code point order.
Vocabulary vocabulary_of(const SymbolCounts& counts);

}  // namespace unroll
