#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll::cli {

/// What gnuplot, run as a child process, writes to its standard output for a script. The script comes over standard
/// input, and start-up files are not read. Throws Error(io) where gnuplot is not installed, fails, or takes more than a
/// minute. Any thread may call it.
std::string run_gnuplot(const std::string& script);

/// The beginning of the script for a picture in SVG, so many pixels large: how all our pictures look.
std::string picture_settings(std::size_t width, std::size_t height);

/// Text, on one line, as a gnuplot string: in double quotes, but for letters and spaces by octal escapes, so that
/// nothing in it means anything to gnuplot. Otherwise `commands` and @macros would be obeyed; single quotes, which obey
/// neither, cannot hold a text that begins with one; and a digit behind an escape would be taken for a part of it.
std::string gnuplot_string(std::string_view text);

}  // namespace unroll::cli
