#pragma once

#include <string>
#include <string_view>

namespace unroll::cli {

/// What gnuplot, run as a child process, writes to its standard output for a script. The script comes over standard
/// input, and start-up files are not read. Throws Error(io) where gnuplot is not installed, fails, or takes more than a
/// minute. Any thread may call it.
std::string run_gnuplot(const std::string& script);

/// Text, on one line, as a gnuplot string: in double quotes, but for letters, digits and spaces by octal escapes, so
/// that nothing in it means anything to gnuplot. Otherwise `commands` and @macros would be obeyed; and single quotes,
/// which obey neither, cannot hold a text that begins with one.
std::string gnuplot_string(std::string_view text);

}  // namespace unroll::cli
