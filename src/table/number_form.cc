#include "table/number_form.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "table/ascii.h"

namespace unroll {
namespace {

constexpr std::size_t max_unit = 16;  // bytes; what is longer is a text with a number before it

constexpr std::array<std::string_view, 9> wide_spaces = {"\u00a0", "\u2009", "\u202f", "\u2007", "\u2002",
                                                         "\u2003", "\u2005", "\u2006", "\u200a"};
constexpr std::array<std::string_view, 2> wide_apostrophes = {"\u2019", "\u02bc"};
constexpr std::array<std::string_view, 3> wide_minuses = {"\u2212", "\u2013", "\uff0d"};

// A longer word stands before its beginnings.
constexpr auto currencies = std::to_array<std::string_view>(
    {"US$", "AU$", "CA$", "HK$", "NZ$", "MX$", "NT$", "A$",  "C$",  "R$",  "S$",  "$",   "€",   "£",   "¥",   "₹",
     "₽", "₩",   "₪",   "₫",   "₴",   "₺",   "₦",   "₱",   "฿",   "USD", "EUR", "GBP", "JPY", "CNY", "RMB", "CHF",
     "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "RUB", "UAH", "INR", "BRL",
     "MXN", "ZAR", "KRW", "SGD", "HKD", "TWD", "THB", "IDR", "MYR", "PHP", "VND", "ILS", "AED", "SAR", "EGP", "NGN",
     "KES", "ARS", "CLP", "COP", "PEN", "kr.", "kr",  "zł",  "Kč",  "Ft",  "Fr.", "Rs.", "Rs",  "RM"});

/// The length of the word of the list with which the text begins; 0 if there is none.
template <class List>
std::size_t leading(std::string_view text, const List& list) {
  if (text.empty()) return 0;
  for (const std::string_view word : list) {
    if (text.starts_with(word)) return word.size();
  }
  return 0;
}

std::size_t leading_space(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == ' ' || text[0] == '\t') return 1;
  return is_ascii(text[0]) ? 0 : leading(text, wide_spaces);
}

void trim(std::string_view& text) {
  while (const std::size_t size = leading_space(text)) text.remove_prefix(size);
  for (;;) {
    if (text.empty()) return;
    if (text.back() == ' ' || text.back() == '\t') {
      text.remove_suffix(1);
      continue;
    }
    const auto ends = [&](std::string_view space) { return text.ends_with(space); };
    const auto* const space = std::ranges::find_if(wide_spaces, ends);
    if (is_ascii(text.back()) || space == wide_spaces.end()) return;
    text.remove_suffix(space->size());
  }
}

/// Removes a sign from the beginning; true for a minus.
bool take_sign(std::string_view& text, bool& found) {
  const std::size_t wide = leading(text, wide_minuses);
  const bool plain = !text.empty() && (text[0] == '-' || text[0] == '+');
  if (wide == 0 && !plain) return false;
  const bool minus = text[0] != '+';
  found = true;
  text.remove_prefix(plain ? 1 : wide);
  trim(text);
  return minus;
}

std::string_view take_currency_before(std::string_view& text) {
  if (text.empty() || is_digit(text[0])) return {};
  const std::size_t size = leading(text, currencies);
  const std::string_view currency = text.substr(0, size);
  // "Rsx 5" is no amount of rupees.
  if (size == 0 || (is_letter(currency.back()) && size < text.size() && is_letter(text[size]))) return {};
  text.remove_prefix(size);
  trim(text);
  return currency;
}

bool is_currency(std::string_view text) { return std::ranges::find(currencies, text) != currencies.end(); }

/// The length of a mark at the beginning of the text, and the mark in its one spelling; 0 if there is none.
std::pair<std::size_t, char> leading_mark(std::string_view text) {
  if (text.empty()) return {0, 0};
  if (text[0] == ',' || text[0] == '.' || text[0] == '\'') return {1, text[0]};
  if (text[0] == ' ') return {1, ' '};
  if (is_ascii(text[0])) return {0, 0};
  if (const std::size_t size = leading(text, wide_spaces)) return {size, ' '};
  const std::size_t size = leading(text, wide_apostrophes);
  return {size, size == 0 ? '\0' : '\''};
}

/// Removes digits, marks between digits, and a comma or point at either end of them.
std::string take_body(std::string_view& text) {
  std::string body;
  while (!text.empty()) {
    if (is_digit(text[0])) {
      body += text[0];
      text.remove_prefix(1);
      continue;
    }
    const auto [size, mark] = leading_mark(text);
    if (size == 0) break;
    const bool before_digit = size < text.size() && is_digit(text[size]);
    const bool is_decimal = mark == ',' || mark == '.';
    if (!before_digit && (!is_decimal || body.empty())) break;
    if (body.empty() && !is_decimal) break;
    body += mark;
    text.remove_prefix(size);
    if (!before_digit) break;
  }
  return body;
}

std::string_view take_exponent(std::string_view& text) {
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return {};
  std::size_t end = text[1] == '-' || text[1] == '+' ? 2 : 1;
  const std::size_t digits = end;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end == digits || end > digits + 3 || (end < text.size() && is_letter(text[end]))) return {};
  const std::string_view exponent = text.substr(text[1] == '+' ? 2 : 1, end - (text[1] == '+' ? 2 : 1));
  text.remove_prefix(end);
  return exponent;
}

void take_plus_behind(std::string_view& text) {
  if (!text.ends_with('+') && !text.starts_with('+')) return;
  text.ends_with('+') ? text.remove_suffix(1) : text.remove_prefix(1);
  trim(text);
}

char take_multiplier(std::string_view& text) {
  if (text.empty() || std::string_view("kKMB").find(text[0]) == std::string_view::npos) return 0;
  if (text.size() > 1 && (is_letter(text[1]) || is_digit(text[1]) || text[1] == '/')) return 0;
  const char multiplier = text[0] == 'K' ? 'k' : text[0];
  text.remove_prefix(1);
  trim(text);
  return multiplier;
}

/// True for sqm, m2, %, /mo and km/h, but not for what continues a date, a time, a range or an address.
bool is_unit(std::string_view text) {
  if (text.size() > max_unit || is_digit(text[0])) return false;
  if (std::string_view(":-_\\#([").find(text[0]) != std::string_view::npos) return false;
  if (text[0] == '/' && (text.size() == 1 || !is_letter(text[1]))) return false;
  int spaces = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::string_view(",;\"()").find(text[i]) != std::string_view::npos) return false;
    spaces += text[i] == ' ' ? 1 : 0;
    const bool begins_number = is_digit(text[i]) && !is_letter(text[i - 1]) && text[i - 1] != '^';
    if (begins_number || leading_mark(text.substr(i)).second == '\'') return false;
  }
  return spaces <= 1;
}

/// Takes what stands behind the digits apart; false if that is no unit, currency or multiplier.
bool take_behind(std::string_view text, bool signed_before, NumberCell& cell) {
  trim(text);
  if (text.empty()) return true;
  if (text == "-" && !signed_before) {
    cell.negative = is_digit(cell.body.back());  // in 5.- it stands for no cents
    return true;
  }
  take_plus_behind(text);
  cell.multiplier = take_multiplier(text);
  take_plus_behind(text);
  if (is_currency(text)) {
    if (cell.currency.empty()) {
      cell.currency = text;
      cell.currency_behind = true;
    }
    return true;
  }
  cell.unit = text;
  return text.empty() || is_unit(text);
}

/// Sizes of the groups of a whole number: 3 digits, or 2 before the last 3 in the Indian form.
bool check_groups(std::string_view whole, NumberDigits& digits) {
  const std::size_t first = whole.find(digits.group);
  if (first == 0 || first > 3 || whole[0] == '0') return false;
  bool thousands = true, indian = first <= 2;
  std::size_t begin = 0;
  for (std::size_t end = first; begin <= whole.size(); end = std::min(whole.find(digits.group, begin), whole.size())) {
    const std::size_t size = end - begin;
    const bool last = end == whole.size();
    thousands = thousands && (begin == 0 || size == 3);
    indian = indian && (begin == 0 || size == (last ? 3U : 2U));
    digits.text.append(whole.substr(begin, size));
    begin = end + 1;
  }
  digits.indian = indian && !thousands;
  return thousands || indian;
}

double factor_of(char multiplier) {
  switch (multiplier) {
    case 'k':
      return 1e3;
    case 'M':
      return 1e6;
    case 'B':
      return 1e9;
    default:
      return 1;
  }
}

}  // namespace

std::optional<NumberCell> take_number_apart(std::string_view text) {
  NumberCell cell;
  trim(text);
  bool has_sign = false;
  if (text.size() > 2 && text.front() == '(' && text.back() == ')') {
    cell.negative = has_sign = true;
    text = text.substr(1, text.size() - 2);
    trim(text);
  } else {
    cell.negative = take_sign(text, has_sign);
  }
  cell.currency = take_currency_before(text);
  if (!has_sign && !cell.currency.empty()) cell.negative = take_sign(text, has_sign);
  cell.body = take_body(text);
  if (std::ranges::none_of(cell.body, is_digit)) return std::nullopt;
  cell.exponent = take_exponent(text);
  if (!take_behind(text, has_sign, cell)) return std::nullopt;
  return cell;
}

std::optional<SimpleNumber> simple_number(std::string_view cell) {
  constexpr std::size_t most = 15;  // which a double holds exactly
  SimpleNumber number;
  number.negative = cell.starts_with('-');
  if (number.negative) cell.remove_prefix(1);
  if (cell.empty() || cell.size() > most + 1 || !is_digit(cell.back())) return std::nullopt;
  for (const char byte : cell) {
    if (is_digit(byte)) {
      number.digits = 10 * number.digits + (byte - '0');
      ++(number.mark == 0 ? number.whole : number.fraction);
    } else if ((byte == ',' || byte == '.') && number.mark == 0 && number.whole > 0) {
      number.mark = byte;
    } else {
      return std::nullopt;
    }
  }
  return number.whole + number.fraction > most ? std::nullopt : std::optional(number);
}

double SimpleNumber::value() const {
  constexpr std::array powers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const double size = static_cast<double>(digits) / powers[fraction];  // rounded once
  return negative ? -size : size;
}

std::optional<NumberDigits> digits_of(std::string_view body, char decimal) {
  const std::size_t mark = body.find(decimal);
  const std::string_view whole = body.substr(0, mark);
  const std::string_view fraction = mark == std::string_view::npos ? std::string_view() : body.substr(mark + 1);
  NumberDigits digits;
  if (!std::ranges::all_of(fraction, is_digit) || (whole.empty() && fraction.empty())) return std::nullopt;
  const auto separator = std::ranges::find_if_not(whole, is_digit);
  if (separator == whole.end()) {
    digits.text = whole;
  } else {
    digits.group = *separator;
    const auto is_other = [&](char byte) { return !is_digit(byte) && byte != digits.group; };
    if (std::ranges::any_of(whole, is_other) || !check_groups(whole, digits)) return std::nullopt;
  }
  if (!fraction.empty()) digits.text.append(".").append(fraction);
  return digits;
}

std::optional<NumberDigits> digits_before_exponent(const NumberCell& cell, char decimal) {
  auto digits = digits_of(cell.body, decimal);
  const bool only_groups = digits && digits->group != 0 && cell.body.find(decimal) == std::string::npos;
  if (only_groups && !cell.exponent.empty()) digits.reset();
  return digits;
}

std::string NumberForm::name() const {
  std::string digits = indian ? "12" : "1";
  const auto separate = [&](const char* more) {
    if (group != 0) digits += group;
    digits += more;
  };
  if (indian) separate("34");
  separate(indian ? "567" : "234");
  std::string name = currency_behind ? "" : currency;
  if (!name.empty() && (is_letter(name.back()) || name.back() == '.')) name += ' ';
  name.append(digits).append(1, decimal).append("5");
  if (multiplied) name += " [kMB]";
  // k, M and B stand before a currency, and any other unit behind it.
  const bool first = unit == "k" || unit == "M" || unit == "B";
  if (first) name += ' ' + unit;
  if (currency_behind) name += ' ' + currency;
  return unit.empty() || first ? name : name + ' ' + unit;
}

std::optional<NumberForm> NumberForm::named(std::string_view name) {
  constexpr std::string_view marker = " [kMB]";
  std::string text(name);
  NumberForm form;
  if (const std::size_t at = text.find(marker); at != std::string::npos) {
    form.multiplied = true;
    text.erase(at, marker.size());
  }
  const auto cell = take_number_apart(text);
  if (!cell || cell->body.size() < 3) return std::nullopt;
  form.decimal = cell->body[cell->body.size() - 2];
  if (form.decimal != ',' && form.decimal != '.') return std::nullopt;
  const auto digits = digits_of(cell->body, form.decimal);
  if (!digits) return std::nullopt;
  form.group = digits->group;
  form.indian = digits->indian;
  form.currency = cell->currency;
  form.currency_behind = cell->currency_behind;
  form.unit = cell->multiplier == 0 ? std::string(cell->unit) : std::string(1, cell->multiplier);
  return form.name() == name ? std::optional(form) : std::nullopt;
}

std::optional<double> NumberForm::read(std::string_view text) const {
  if (unit.empty()) {
    const auto simple = simple_number(text);
    if (simple && (simple->mark == 0 || simple->mark == decimal)) return simple->value();
  }
  const auto cell = take_number_apart(text);
  return cell ? read(*cell) : std::nullopt;
}

std::optional<double> NumberForm::read(const NumberCell& cell) const {
  if (!cell.currency.empty() && cell.currency != currency) return std::nullopt;
  const auto digits = digits_before_exponent(cell, decimal);
  if (!digits || (digits->indian && !indian)) return std::nullopt;
  const bool other_decimal = digits->group == ',' || digits->group == '.';
  const bool several = other_decimal && std::ranges::count(cell.body, digits->group) > 1;
  const bool certain = several || cell.body.find(decimal) != std::string::npos;
  if (digits->group != 0 && digits->group != group && (group != 0 || !certain)) return std::nullopt;
  std::string text = digits->text;
  if (!cell.exponent.empty()) text.append("e").append(cell.exponent);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const char multiplier_unit[] = {cell.multiplier, 0};
  const bool as_unit = cell.multiplier != 0 && !multiplied;
  const std::string_view its_unit = as_unit && cell.unit.empty() ? std::string_view(multiplier_unit) : cell.unit;
  const bool fits = its_unit == unit || (number == 0 && its_unit.empty());
  if (!fits || (as_unit && !cell.unit.empty())) return std::nullopt;
  if (multiplied) number *= factor_of(cell.multiplier);
  if (!std::isfinite(number)) return std::nullopt;
  return cell.negative ? -number : number;
}

NumberForm with_decimal(NumberForm form, char decimal) {
  if (form.decimal != decimal || form.group == 0) form.group = decimal == ',' ? '.' : ',';
  form.decimal = decimal;
  return form;
}

}  // namespace unroll
