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

/// Writes one line (or a block of lines) for the person at the terminal to standard error, in the place of a live line.
/// Never fails: a lost message is no reason to stop. Any thread may call it.
void say(std::string_view line);

/// From now on nothing above or below writes anything: another rank of the same training does.
void be_silent();
/// What say() does otherwise: for a rank that has to speak for rank 0.
void say_even_if_silent(std::string_view line);

/// Writes a line without an end to standard error in the place of the last one; for terminals. See LiveLine.
void show_live_line(std::string_view text);
/// Removes it.
void clear_live_line();

/// Seconds on a clock that only moves forward.
double monotonic_seconds();

}  // namespace unroll::cli
