#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unroll::cli {

std::string with_commas(std::int64_t number);                    ///< 1234567 -> 1,234,567
std::string four_digits(double number);                          ///< 1.018, 27.35, 812.4, 13,250
std::string byte_count(double bytes);                            ///< 640 kB, 34 MB, 1.2 GB
std::string duration(double seconds);                            ///< 12 s, 3 min 20 s, 2 h 5 min
std::string counted(std::int64_t count, std::string_view noun);  ///< 1 layer, 2 layers

/// Visible form of a symbol: itself, or \n, \t, U+200B if it would be invisible.
std::string visible(char32_t symbol);
/// Columns that UTF-8 text takes on a terminal; a Chinese character takes two.
int display_width(std::string_view text);
/// The longest prefix that fits into `width` columns.
std::string_view cut_to_width(std::string_view text, int width);
/// The text on one line of at most `width` columns, ending in .. if it was cut.
std::string shortened(std::string_view text, int width);
/// Padded with spaces to `width` columns.
std::string align_left(std::string_view text, int width);
std::string align_right(std::string_view text, int width);

/// One line per row, with cells in aligned columns two spaces apart; the last cell of a row may have any length.
/// `to_the_right`: per column, true to align right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& to_the_right);

/// The text quoted so that a shell reads it as one word.
std::string for_shell(std::string_view text);

/// The text with line ends and other control characters written as escapes, so that it stays one line.
std::string one_line(std::string_view text);

}  // namespace unroll::cli
