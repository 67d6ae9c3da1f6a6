#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace unroll::cli {

/// Thrown where the reader of standard output has gone (`| head -1`): the program ends quietly.
struct OutputClosed {};

/// Writes a result to standard output at once. Throws OutputClosed, or Error(io) with the reason.
void write_result(std::string_view text);

/// Indented, with a line end. Numbers that are not finite become null, as JSON has none; bytes that are not UTF-8
/// become U+FFFD.
std::string to_text(const nlohmann::ordered_json& json);

/// Writes one line (or a block of lines) for the person at the terminal to standard error. Never fails: a lost message
/// is no reason to stop.
void say(std::string_view line);

/// A line on standard error that overwrites itself, on a terminal only.
class LiveLine {
 public:
  LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine() { clear(); }

  /// True where a new text would be seen: on a terminal, and not sooner than a quarter of a second after the last.
  bool due() const;
  void show(std::string_view text);
  /// Removes the line; to be called before anything else is written.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  double last_ = 0;
};

/// Seconds on a clock that only moves forward.
double monotonic_seconds();

}  // namespace unroll::cli
