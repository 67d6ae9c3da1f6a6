#pragma once

#include <array>
#include <optional>

#include "unroll/communicator.h"

namespace unroll {

/// A message between ranks about their state, apart from the data of the training.
struct Heartbeat {
  enum class Kind : int { alive, failed };
  Kind kind = Kind::alive;
  int from = 0;
  int code = 0;                   ///< failed: the exit code
  int lost = -1;                  ///< failed: the rank that was lost; -1: none
  std::array<char, 4000> text{};  ///< failed: the error message, terminated by 0
};

/// Ranks that are processes, on one host or several.
class ProcessRanks : public Communicator {
 public:
  // Both calls are non-blocking and may be made by another thread while all_to_all() waits.
  virtual void send(int to, const Heartbeat& heartbeat) = 0;
  virtual std::optional<Heartbeat> next_heartbeat() = 0;
};

}  // namespace unroll
