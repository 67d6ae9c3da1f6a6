#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/cell_values.h"
#include "data/table_view.h"

namespace unroll {

/// A column of strings that holds, in some rows, the number that another column has in the same row: "last sold for
/// $1,234,000".
struct Leak {
  const Column* into = nullptr;    ///< text, category or list
  const Column* of = nullptr;      ///< number
  std::vector<std::int64_t> rows;  ///< of the table
};

/// Looks, in some rows of a table, for the numbers of each of `of` in every other column of strings, with commas
/// between their groups of digits or without, whole numbers for those with decimals too. Three rows and one in a
/// thousand must hold theirs, and ten times as many as hold that of a row further on, so that small numbers found by
/// chance are no leak.
std::vector<Leak> find_leaks(const TableView& view, std::span<const Column* const> of);

/// The text of a cell of a text, category or list column; tokens are joined again. Empty where it is missing.
std::string string_of(const Column& column, std::int64_t row);

/// Calls take(number, where it is in the text) for each number in a text, without its sign.
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
    if (!number) {  // 3,4
      end = end_of("");
      number = parse_number(text.substr(begin, end - begin));
    }
    if (number) take(*number, text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace unroll
