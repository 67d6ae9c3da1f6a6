#include "unroll/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace unroll {

std::string with_commas(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t end = digits.size(); end > first + 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

std::string four_digits(double number) {
  if (!std::isfinite(number)) return fmt::format("{}", number);
  if (number >= 9999.5) return number < 1e15 ? with_commas(std::llround(number)) : fmt::format("{:.3e}", number);
  const int decimals = number >= 999.95 ? 0 : number >= 99.995 ? 1 : number >= 9.9995 ? 2 : 3;
  return fmt::format("{:.{}f}", number, decimals);
}

std::string number_text(double number) {
  const double size = std::abs(number);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return fmt::format("{:.4g}", number);
  if (number == std::round(number) && size < 1e4) return fmt::format("{}", number);  // may be a year
  if (size >= 1000) return with_commas(std::llround(number));
  return fmt::format("{:.4g}", number);
}

std::string byte_count(double bytes) {
  constexpr std::array units = {"kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  bytes /= 1e3;
  while (bytes >= 999.5 && unit + 1 < units.size()) {
    bytes /= 1e3;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 9.95 ? 1 : 0, units[unit]);
}

std::string duration(double seconds) {
  const std::int64_t whole = std::llround(std::clamp(seconds, 0.0, 1e12));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(count), noun, count == 1 ? "" : "s");
}

double shortest_float(double number) { return std::stod(fmt::format("{}", static_cast<float>(number))); }

}  // namespace unroll
