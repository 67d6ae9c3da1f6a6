#pragma once

#include <stdexcept>
#include <string>

namespace unroll {

/// What the program returns to the shell; the values follow sysexits.h where it has one.
enum class ExitCode : int {
  ok = 0,
  usage = 2,       ///< a flag or an argument that cannot be used
  bad_data = 65,   ///< the input was read but does not make sense
  no_input = 66,   ///< the input does not exist or cannot be opened
  internal = 70,   ///< a defect of unroll itself
  io = 74,         ///< reading or writing failed underway
  diverged = 75,   ///< the loss or a gradient became infinite or not a number
  rank_lost = 76,  ///< another process of the training died, froze or was cut off
};

/// Anything a user can cause. The text is one line that names the thing (file and position, field and
/// legal range, both shapes) and what to do about it. Defects of unroll itself abort instead.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  /// A wrong argument to a library call; the program reports it as a usage error.
  explicit Error(const std::string& message) : Error(ExitCode::usage, message) {}

  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace unroll
