#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace unroll {

/// What the generated tables have in their columns of numbers; in each form some of them decide it.
constexpr double written_numbers[] = {1234567.89, 0.25,     -12345.75, 7,     650.5,  1234.56,
                                      -3.5,       98765.43, 100000,    12.34, -650.25};

/// How one column of the generated table is written.
struct NumberWriting {
  std::string name;
  std::function<std::string(double)> write;
};

/// 1234.5 with the marks given; `digits` behind the decimal mark.
inline std::string with_marks(double number, char decimal, const std::string& group, int digits, bool indian = false) {
  const std::string plain = fmt::format("{:.{}f}", std::abs(number), digits);
  const std::size_t point = std::min(plain.find('.'), plain.size());
  std::string text;
  for (std::size_t i = 0; i < point; ++i) {
    const std::size_t left = point - i;
    const bool ends_group = i > 0 && (indian ? left == 3 || (left > 3 && left % 2 == 1) : left % 3 == 0);
    if (ends_group) text += group;
    text += plain[i];
  }
  if (digits > 0) text += decimal + plain.substr(point + 1);
  return number < 0 ? "-" + text : text;
}

inline std::vector<NumberWriting> number_writings() {
  const auto marks = [](char decimal, std::string group, int digits, bool indian = false) {
    return [=](double number) { return with_marks(number, decimal, group, digits, indian); };
  };
  const auto around = [](std::function<std::string(double)> write, std::string before, std::string behind) {
    return [=](double number) {
      return fmt::format("{}{}{}{}", number < 0 ? "-" : "", before, write(std::abs(number)), behind);
    };
  };
  std::vector<NumberWriting> all = {
      {"point", marks('.', "", 2)},
      {"comma", marks(',', "", 2)},
      {"comma, one digit", marks(',', "", 1)},
      {"groups by commas", marks('.', ",", 2)},
      {"groups by points", marks(',', ".", 2)},
      {"groups by apostrophes", marks('.', "'", 2)},
      {"groups by typographic apostrophes", marks('.', "\u2019", 2)},
      {"groups by spaces", marks(',', " ", 2)},
      {"groups by no-break spaces", marks(',', "\u00a0", 2)},
      {"groups by narrow spaces", marks(',', "\u202f", 2)},
      {"groups by thin spaces", marks('.', "\u2009", 2)},
      {"Indian groups", marks('.', ",", 2, true)},
      {"euros before", around(marks('.', ",", 2), "€", "")},
      {"euros behind", around(marks(',', ".", 2), "", " €")},
      {"code before", around(marks('.', ",", 2), "USD ", "")},
      {"code behind", around(marks(',', " ", 2), "", " EUR")},
      {"percent", around(marks('.', "", 2), "", "%")},
      {"percent after a space", around(marks(',', "", 2), "", " %")},
      {"unit", around(marks('.', ",", 2), "", " sqm")},
      {"unit without a space", around(marks(',', "", 2), "", "m2")},
      {"open end", around(marks('.', ",", 2), "", "+")},
      {"leading plus", [](double x) { return fmt::format("{:+.2f}", x); }},
      {"Unicode minus", [](double x) { return fmt::format("{}{:.2f}", x < 0 ? "\u2212" : "", std::abs(x)); }},
      {"accounting",
       [](double x) { return fmt::format(fmt::runtime(x < 0 ? "({})" : "{}"), with_marks(std::abs(x), '.', ",", 2)); }},
      {"minus behind",
       [](double x) { return fmt::format("{}{}", with_marks(std::abs(x), ',', ".", 2), x < 0 ? "-" : ""); }},
      {"exponents", [](double x) { return fmt::format("{:.8e}", x); }},
      {"exponents with a comma",
       [](double x) {
         std::string text = fmt::format("{:.8e}", x);
         std::ranges::replace(text, '.', ',');
         return text;
       }},
      {"thousands, or bare numbers",
       [](double x) { return std::abs(x) < 1000 ? fmt::format("{:.2f}", x) : fmt::format("{:.5f}k", x / 1000); }},
      {"millions and thousands",
       [](double x) {
         return std::abs(x) < 100'000 ? fmt::format("${:.5f}k", x / 1000) : fmt::format("${:.8f}M", x / 1e6);
       }},
  };
  return all;
}

}  // namespace unroll
