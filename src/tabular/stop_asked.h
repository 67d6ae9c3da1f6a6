#pragma once

#include <functional>

namespace unroll {

/// True if training is to stop; called from several threads at once. Empty: training never stops early.
using StopAsked = std::function<bool()>;

/// Thrown while a model is fitted if training is to stop.
struct TrainingStopped {};

inline void throw_if_stopped(const StopAsked& stop_asked) {
  if (stop_asked && stop_asked()) throw TrainingStopped{};
}

}  // namespace unroll
