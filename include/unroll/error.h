#pragma once

#include <stdexcept>
#include <string>

namespace unroll {

/// Exit codes of the program. bad_data, no_input, internal and io have their values in sysexits.h.
enum class ExitCode : int {
  ok = 0,
  usage = 2,       ///< an invalid flag or argument
  bad_data = 65,   ///< the input was read but is invalid
  no_input = 66,   ///< the input does not exist or cannot be opened
  internal = 70,   ///< a defect of unroll itself
  io = 74,         ///< reading or writing failed
  diverged = 75,   ///< the loss or a gradient became infinite or not a number
  rank_lost = 76,  ///< another process of the training died, froze or was disconnected
};

/// An error that a user can cause. The text is one line that names the object (file and position, field and valid
/// range, both shapes) and the advice. Defects of unroll itself abort instead.
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
