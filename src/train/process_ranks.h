#pragma once

#include <array>
#include <optional>

#include "train/communicator.h"

namespace unroll {

/// What ranks tell each other beside their work.
struct Note {
  enum class Kind : int { alive, failed };
  Kind kind = Kind::alive;
  int from = 0;
  int code = 0;                   ///< of a failure: its exit code
  int lost = -1;                  ///< of a failure: the rank that was lost; -1: none
  std::array<char, 4000> text{};  ///< of a failure: its line, ended by a 0
};

/// Ranks that are processes, on one host or several.
class ProcessRanks : public Communicator {
 public:
  // Notes may come and go from another thread, while exchange() waits. Neither call waits for anybody.
  virtual void post(int to, const Note& note) = 0;
  virtual std::optional<Note> next_note() = 0;
};

}  // namespace unroll
