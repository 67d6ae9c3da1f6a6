#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "table/cell_values.h"
#include "table/table_view.h"

namespace unroll {

/// A column of strings that contains, in some rows, the number of another column in the same row, such as "last sold
/// for $1,234,000".
struct Leak {
  const Column* into = nullptr;    ///< column of strings: text, category or list
  const Column* of = nullptr;      ///< column of numbers
  std::vector<std::int64_t> rows;  ///< rows of the table with a match
};

/// Searches all columns of strings for the numbers of each column in `of`. A number matches with or without commas
/// between groups of digits, and also rounded to a whole number. A column leaks if at least 3 rows and 0.1 % of the
/// rows contain their own number, and that is at least 10 times the number of rows that contain the number of another
/// row, which is the chance rate.
std::vector<Leak> find_leaks(const TableView& view, std::span<const Column* const> of);

/// The text of a cell of a text, category or list column; the tokens of a list are joined. Empty if missing.
std::string string_of(const Column& column, std::int64_t row);

/// Calls take(number, its part of the text) for each number in a text, without its sign.
template <class Take>
void for_each_number_in(std::string_view text, Take&& take) {
  const auto is_digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  for (std::size_t begin = 0; begin < text.size();) {
    if (!is_digit(begin)) {
      ++begin;
      continue;
    }
    const auto end_of = [&](std::string_view separators) {
      std::size_t end = begin;
      while (is_digit(end) || (is_digit(end + 1) && separators.find(text[end]) != std::string_view::npos)) ++end;
      return end;
    };
    std::size_t end = end_of(",.");
    auto number = parse_number(text.substr(begin, end - begin));
    if (!number) {  // such as 3,4: two numbers
      end = end_of("");
      number = parse_number(text.substr(begin, end - begin));
    }
    if (number) take(*number, text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace unroll
