#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll::cli {

/// Runs gnuplot as a child process and returns its standard output. The script is passed over standard input; start-up
/// files are not read. Throws Error(io) if gnuplot is not installed, fails, or takes more than a minute. Thread-safe.
std::string run_gnuplot(const std::string& script);

/// Settings at the start of every script: an SVG picture of `width` x `height` pixels in the common style.
std::string picture_settings(std::size_t width, std::size_t height);

/// The text on one line as a gnuplot string in double quotes, with octal escapes for all but letters and spaces, so
/// that gnuplot interprets nothing in it. Otherwise it would run `commands` and expand @macros; single quotes prevent
/// both but cannot hold a text that starts with one; and a digit after an escape would be read as part of it.
std::string gnuplot_string(std::string_view text);

}  // namespace unroll::cli
