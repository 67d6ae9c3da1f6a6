#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll {

/// A cell of a number, taken apart without deciding whether a comma or a point is its decimal mark.
struct NumberCell {
  bool negative = false;         ///< a minus, a Unicode minus, parentheses or a minus behind
  std::string body;              ///< digits and marks; every kind of space is ' ', every apostrophe '\''
  std::string_view exponent;     ///< 6 in 1e6; empty: none
  std::string_view currency;     ///< sign or code, before or behind; empty: none
  bool currency_behind = false;  ///< where it stood
  char multiplier = 0;           ///< k, M or B; 0: none
  std::string_view unit;         ///< what else stands behind; empty: none
};

/// nullopt if the cell cannot be a number in any form. `cell` has no spaces around it and outlives the result.
std::optional<NumberCell> take_number_apart(std::string_view cell);

/// What most numbers are: at most 15 digits, perhaps with a minus before them and one comma or point between them. It
/// is found in a fraction of the time of take_number_apart().
struct SimpleNumber {
  bool negative = false;
  std::int64_t digits = 0;   ///< without the mark
  char mark = 0;             ///< comma or point; 0: none
  std::size_t whole = 0;     ///< number of digits before the mark
  std::size_t fraction = 0;  ///< number of digits behind it

  double value() const;  ///< the mark being a decimal one
};

/// nullopt if the cell is something else. `cell` has no spaces around it.
std::optional<SimpleNumber> simple_number(std::string_view cell);

/// The digits of a body under one decimal mark.
struct NumberDigits {
  std::string text;     ///< as std::from_chars reads it
  char group = 0;       ///< the mark between groups of digits: , . ' or space; 0: there are no groups
  bool indian = false;  ///< groups of two digits before the last one of three: 12,34,567
};

/// nullopt if the body is no number with this decimal mark: 1,2345 with a point, 1,234,567 with a comma. A group does
/// not begin with 0, so 0,500 has a decimal comma.
std::optional<NumberDigits> digits_of(std::string_view body, char decimal);

/// The digits of a cell under one decimal mark: as digits_of(), but an exponent does not follow groups alone, so
/// 1,234E+05 has a decimal comma.
std::optional<NumberDigits> digits_before_exponent(const NumberCell& cell, char decimal);

/// How the numbers of a column are written. Signs, parentheses and the + of 10,000+ are read in every form, since they
/// have one meaning only.
struct NumberForm {
  char decimal = '.';            ///< . or ,
  char group = 0;                ///< as NumberDigits::group; 0: read where they cannot be a decimal mark
  bool indian = false;           ///< groups of two digits are read
  std::string currency = {};     ///< read with and without; another one is not read
  bool currency_behind = false;  ///< in the name
  bool multiplied = false;       ///< k, M and B multiply by a thousand, a million and a billion
  std::string unit = {};         ///< behind every number except 0; k, M or B if all numbers have the same

  bool operator==(const NumberForm&) const = default;

  /// 1234.5 in this form, such as "1.234,5 €"; " [kMB]" behind the number if these multiply.
  std::string name() const;
  /// nullopt if `name` is not what name() returns.
  static std::optional<NumberForm> named(std::string_view name);

  /// nullopt if the cell, without spaces around it, is no finite number in this form.
  std::optional<double> read(std::string_view cell) const;
  std::optional<double> read(const NumberCell& cell) const;
};

/// The form with another decimal mark; groups are then separated by the other one of comma and point.
NumberForm with_decimal(NumberForm form, char decimal);

}  // namespace unroll
