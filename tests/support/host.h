#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/device_memory.h"
#include "base/guarded_memory.h"
#include "nn/parameter_memory.h"
#include "unroll/parameters.h"

namespace unroll {

/// A copy of values in the memory of any device.
struct HostCopy : std::vector<float> {
  explicit HostCopy(std::span<const float> values) : std::vector<float>(values.size()) {
    const bool is_guarded = !values.empty() && guarded_memory().contains(values.data());
    (is_guarded ? guarded_memory() : host_memory()).download(values.data(), *this);
  }
  template <class Index>
  float operator[](Index i) const {
    return at(static_cast<std::size_t>(i));
  }
};

inline HostCopy on_host(std::span<const float> values) { return HostCopy(values); }
inline HostCopy on_host(const ConstView& view) { return HostCopy(view.span()); }
inline HostCopy values_on_host(const Parameters& p) { return on_host(values_on_device(p)); }
inline HostCopy gradients_on_host(const Parameters& p) { return on_host(gradients_on_device(p)); }

/// Lets `edit` write into memory of a device.
template <class Edit>
void edit_on_host(std::span<float> values, const Edit& edit) {
  const bool is_guarded = !values.empty() && guarded_memory().contains(values.data());
  edit(is_guarded ? std::span(guarded_memory().place_of(values.data()), values.size()) : values);
}

/// The same for all values of parameters.
template <class Edit>
void edit_values(Parameters& p, const Edit& edit) {
  edit_on_host(values_on_device(p), edit);
  p.updated();
}

}  // namespace unroll
