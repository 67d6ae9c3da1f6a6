#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/format.h"

namespace unroll::cli {

/// Visible form of UTF-8 text: itself, but ␣, \n, \t or U+200B for a character that would be invisible, and \xE4 for a
/// byte that is not UTF-8.
std::string visible(std::string_view text);
/// "U+60F3", the code point of a single character.
std::string code_point(std::string_view character);
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
