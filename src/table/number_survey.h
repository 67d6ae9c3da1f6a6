#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "table/number_form.h"
#include "table/raw_cells.h"

namespace unroll {

/// The number of cells of one kind, and the first of them.
struct CellCount {
  std::int64_t cells = 0;
  std::int64_t row = -1;
  std::string text = {};

  void add(std::int64_t at, std::string_view cell) {
    if (cells++ == 0) {
      row = at;
      text = cell;
    }
  }
};

/// What all cells of a column say of the form of its numbers.
struct NumberSurvey {
  std::int64_t filled = 0;                ///< neither missing nor empty
  std::int64_t numbers = 0;               ///< numbers in some form
  CellCount point, comma;                 ///< numbers only if the decimal mark is a point, a comma
  CellCount lone_comma;                   ///< such as 1,234: thousands or a decimal comma
  CellCount lone_point;                   ///< such as 1.234
  CellCount not_plain;                    ///< numbers that parse_number() does not read
  CellCount not_numbers;                  ///< numbers in no form
  std::int64_t texts_with_comma = 0;      ///< of these
  std::int64_t bare_zeros = 0, bare = 0;  ///< zeros and others without unit and multiplier
  std::map<std::string, std::int64_t> currencies = {}, currencies_behind = {}, units = {};
  std::map<char, std::int64_t> multipliers = {};  ///< of numbers without a unit
  std::int64_t with_unit = 0;
  std::int64_t multiplied_units = 0;  ///< numbers with a unit and a multiplier
  /// Marks between groups, with a decimal point and with a decimal comma.
  std::array<std::map<char, std::int64_t>, 2> groups = {};
  std::array<std::int64_t, 2> indian = {};

  void add(std::int64_t row, std::string_view cell);

 private:
  void add_text(std::int64_t row, std::string_view cell);
  bool add_simple(std::int64_t row, std::string_view cell);
};

/// Looks at all cells; stops after `max_not_numbers` cells that are no numbers, and with no numbers if these have as
/// many units as texts have.
NumberSurvey survey_numbers(const RawCells& cells, std::int64_t max_not_numbers);

/// What the file says of its decimal mark.
struct FileMarks {
  char delimiter = ',';
  char given = 0;                               ///< the mark that the caller gives; 0: none
  bool some_comma = false, some_point = false;  ///< there are columns whose own cells decide
  bool some_lone_comma = false;                 ///< there are cells such as 1,234
};

/// The decimal mark of a column, from its own cells, else from the other columns, else from the delimiter: beside
/// semicolons and tabs a lone comma is decimal, beside commas it separates groups of three digits.
struct DecimalChoice {
  char mark = '.';
  bool undecided = false;  ///< the cells of the column can be read with the other mark too
};
DecimalChoice choose_decimal(const NumberSurvey& survey, const FileMarks& file);

/// The form that reads most of the cells, given its decimal mark.
NumberForm form_of(const NumberSurvey& survey, char decimal);

}  // namespace unroll
