#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace unroll::cli {

/// Thrown if the reader of standard output has closed it (`| head -1`); the program then ends without an error.
struct OutputClosed {};

/// Writes a result to standard output at once. Throws OutputClosed, or Error(io) with the reason.
void write_result(std::string_view text);

/// Indented JSON text with a line end. Numbers that are not finite become null, bytes that are not UTF-8 become U+FFFD.
std::string to_text(const nlohmann::ordered_json& json);

/// Writes one line (or a block of lines) to standard error, in place of a live line. Ignores write errors. Thread-safe.
void log_message(std::string_view line);

/// Suppresses all output but log_message_always(): rank 0 of the same training writes it.
void set_quiet();
/// log_message() regardless of set_quiet(): for a rank that reports in place of rank 0.
void log_message_always(std::string_view line);

/// Writes a line without a line end to standard error, replacing the last one; for terminals. See LiveLine.
void show_live_line(std::string_view text);
/// Removes the live line.
void clear_live_line();

}  // namespace unroll::cli
