#include "table/number_suspicions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "table/number_summary.h"

namespace unroll {
namespace {

template <class Suspect>
std::vector<std::int64_t> rows_where(std::span<const double> numbers, Suspect suspect) {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (!std::isnan(numbers[row]) && suspect(numbers[row])) rows.push_back(static_cast<std::int64_t>(row));
  }
  return rows;
}

std::vector<double> logarithms(std::span<const double> numbers) {
  std::vector<double> result(numbers.size());
  std::ranges::transform(numbers, result.begin(), [](double number) {
    return number > 0 ? std::log(number) : std::numeric_limits<double>::quiet_NaN();
  });
  return result;
}

bool looks_like_mark(double number, bool only_negative) {
  if (number != std::floor(number)) return false;
  constexpr std::array nines = {99.0,      999.0,      9999.0,      99999.0,     999999.0,
                                9999999.0, 99999999.0, 999999999.0, 9999999999.0};
  if (std::ranges::find(nines, std::abs(number)) != nines.end()) return true;
  return number < 0 && (only_negative || std::fmod(number, 100) == 0);
}

/// True if `number` is far from `others`, different values in order of their distance from it.
bool is_far(double number, std::span<const double> others) {
  constexpr double min_ratio = 10;
  const std::size_t near = std::max<std::size_t>(2, others.size() / 4);
  double step = 0;
  for (std::size_t i = 1; i < std::min(near + 1, others.size()); ++i)
    step = std::max(step, std::abs(others[i] - others[i - 1]));
  return std::abs(others.front() - number) >= min_ratio * step;
}

}  // namespace

std::vector<Sentinel> find_sentinels(std::span<const double> numbers) {
  constexpr std::ptrdiff_t min_others = 10;
  constexpr std::size_t min_distinct = 3;
  std::vector<Sentinel> found;
  const std::vector<double> sorted = sorted_numbers(numbers);
  for (const bool low : {true, false}) {
    if (sorted.empty()) break;
    const double number = low ? sorted.front() : sorted.back();
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), number);
    std::vector<double> others(low ? last : sorted.begin(), low ? sorted.end() : first);
    const bool only_negative = low && !others.empty() && others.front() >= 0;
    if (last - first < 2 || std::ssize(others) < min_others || !looks_like_mark(number, only_negative)) continue;
    // The other end may be a mark too.
    if (!low && !found.empty()) std::erase(others, found.front().number);
    others.erase(std::unique(others.begin(), others.end()), others.end());
    if (!low) std::ranges::reverse(others);
    if (others.size() < min_distinct || !is_far(number, others)) continue;
    // Nines may be prices, so they have to be farther away.
    if (!low && number - others.front() < others.front() - others.back()) continue;
    found.push_back({number, rows_where(numbers, [&](double other) { return other == number; })});
  }
  return found;
}

std::optional<UnitMismatch> find_unit_mismatch(std::span<const double> numbers) {
  const std::vector<double> logs = logarithms(numbers);
  const std::vector<double> sorted = sorted_numbers(logs);
  if (sorted.empty()) return std::nullopt;
  const double median = quantile(sorted, 0.5);
  const Fences within = fences(quantile(sorted, 0.25), quantile(sorted, 0.75));
  const auto is_within = [&](double log) { return log >= within.low && log <= within.high; };
  std::vector<double> inside;
  std::ranges::copy_if(sorted, std::back_inserter(inside), is_within);
  std::optional<UnitMismatch> found;
  double nearest = std::numeric_limits<double>::infinity();  // of a shifted median to the median of all
  for (const double ratio : std::array{43560.0, 1e3, 1e6, 1 / 43560.0, 1e-3, 1e-6}) {
    const double shift = std::log(ratio);
    const auto rows = rows_where(logs, [&](double log) { return !is_within(log) && is_within(log + shift); });
    if (rows.size() < 3 || 1000 * rows.size() < sorted.size()) continue;
    std::vector<double> shifted;
    shifted.reserve(rows.size());
    for (const std::int64_t row : rows) shifted.push_back(logs[static_cast<std::size_t>(row)] + shift);
    std::ranges::sort(shifted);
    const bool below = shift > 0;
    const double gap = below ? quantile(inside, 0.01) + shift - quantile(shifted, 0.95)
                             : quantile(shifted, 0.05) - shift - quantile(inside, 0.99);
    if (gap < std::log(5)) continue;
    const double distance = std::abs(quantile(shifted, 0.5) - median);
    if (distance >= nearest) continue;
    nearest = distance;
    found = UnitMismatch{ratio, rows};
  }
  return found;
}

std::vector<std::int64_t> find_implausible_years(std::span<const double> numbers) {
  const auto is_no_year = [](double number) { return number < 1700 || number > 2100 || std::floor(number) != number; };
  const auto count = std::ranges::count_if(numbers, [](double number) { return !std::isnan(number); });
  auto rows = rows_where(numbers, is_no_year);
  const bool are_years = count > 0 && 20 * static_cast<std::int64_t>(rows.size()) <= count;
  return are_years ? rows : std::vector<std::int64_t>();
}

std::vector<std::int64_t> find_extreme_values(std::span<const double> numbers) {
  const std::vector<double> sorted = sorted_numbers(numbers);
  if (sorted.empty()) return {};
  const double high = quantile(sorted, 0.99);
  const auto negative = std::ranges::lower_bound(sorted, 0.0) - sorted.begin();
  const bool rarely_negative = 1000 * negative < static_cast<std::ptrdiff_t>(sorted.size());
  return rows_where(
      numbers, [&](double number) { return (high > 0 && number > 100 * high) || (rarely_negative && number < 0); });
}

}  // namespace unroll
