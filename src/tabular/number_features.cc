#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "table/cell_values.h"
#include "table/number_summary.h"
#include "tabular/feature_groups.h"

namespace unroll {
namespace {

// Distinct values up to which each frequent one gets an indicator; times of day may be half-hourly.
constexpr std::size_t max_values = 20, max_times = 48;
constexpr double tail = 0.005;  // share of the numbers on each side that is clipped
constexpr double skewness_for_log = 0.75;
constexpr int bins = 8;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::chrono::year_month_day calendar_date(double days) {
  return std::chrono::sys_days(std::chrono::days(static_cast<int>(std::floor(days))));
}

/// Hours since midnight, in whole seconds: 5 for 18321 and 5/24 days.
double hours_of(double days) { return std::round((days - std::floor(days)) * 86400) / 3600; }

double part_of_date(double days, NumberPart part) {
  const std::chrono::year_month_day date = calendar_date(days);
  switch (part) {
    case NumberPart::month:
      return static_cast<unsigned>(date.month());
    case NumberPart::year:
      return static_cast<int>(date.year());
    case NumberPart::time:
      return hours_of(days);
    case NumberPart::weekday:
      return std::chrono::weekday(std::chrono::sys_days(date)).iso_encoding();
    case NumberPart::day_of_year: {
      const std::chrono::sys_days first_day = date.year() / std::chrono::January / 1;
      return static_cast<double>((std::chrono::sys_days(date) - first_day).count() + 1);
    }
    default:
      return days;
  }
}

double number_of(const Column& column, NumberPart part, std::int64_t row) {
  const double number = column.numbers()[static_cast<std::size_t>(row)];
  switch (part) {
    case NumberPart::value:
      return number;
    case NumberPart::items: {
      const auto unparsed_cell = std::ranges::lower_bound(column.unparsed(), row, {}, &UnparsedCell::row);
      if (unparsed_cell == column.unparsed().end() || unparsed_cell->row != row) return nan;
      double items = 0;
      for_each_token(unparsed_cell->text, [&](std::string_view) { ++items; });
      return items;
    }
    default:
      return std::isnan(number) ? nan : part_of_date(number, part);
  }
  return nan;
}

/// 0: the part does not repeat.
double period_of(NumberPart part) {
  switch (part) {
    case NumberPart::time:
      return 24;
    case NumberPart::weekday:
      return 7;
    case NumberPart::day_of_year:
      return 365.25;
    default:
      return 0;
  }
}

double skewness(std::span<const double> numbers) {
  const double mean = mean_of(numbers), variance = central_moment(numbers, mean, 2);
  return variance > 0 ? central_moment(numbers, mean, 3) / std::pow(variance, 1.5) : 0;
}

std::vector<double> frequent_values(std::span<const double> ascending, std::size_t distinct, NumberPart part) {
  std::vector<double> values;
  if (distinct > (part == NumberPart::time ? max_times : max_values)) return values;
  const auto rows = static_cast<std::int64_t>(ascending.size());
  for (auto begin = ascending.begin(); begin != ascending.end();) {
    const auto end = std::upper_bound(begin, ascending.end(), *begin);
    if (end - begin >= min_rows && end - begin <= rows - min_rows) values.push_back(*begin);
    begin = end;
  }
  return values;
}

struct Interval {
  double low, high;
};

/// The range without far-out values (Tukey: Exploratory Data Analysis. 1977). With few rows, the tail quantiles alone
/// would be typing errors.
Interval plausible_interval(std::span<const double> ascending) {
  constexpr double ranges = 3;  // interquartile ranges allowed beyond each quartile
  const double lower = quantile(ascending, 0.25), upper = quantile(ascending, 0.75), range = upper - lower;
  if (!(range > 0 && std::isfinite(range))) return {ascending.front(), ascending.back()};
  return {std::max(ascending.front(), lower - ranges * range), std::min(ascending.back(), upper + ranges * range)};
}

void clip_to(Interval interval, std::span<double> numbers) {
  for (double& number : numbers) number = std::clamp(number, interval.low, interval.high);
}

double transformed(const NumberFeatures& f, double number) {
  if (f.logarithm) number = std::log1p(std::max(number, 0.0));
  return std::clamp(number, f.low, f.high);
}

/// Fits the scale and, if there are more than two distinct values, the bins. `numbers` ascend.
void fit_scale(NumberFeatures& f, std::vector<double> numbers, std::size_t distinct) {
  std::vector<double> plausible = numbers;
  clip_to(plausible_interval(numbers), plausible);
  f.logarithm = numbers.front() >= 0 && skewness(plausible) > skewness_for_log;
  if (f.logarithm) {
    for (double& number : numbers) number = std::log1p(number);
  }
  clip_to(plausible_interval(numbers), numbers);
  f.low = quantile(numbers, tail);
  f.high = quantile(numbers, 1 - tail);
  clip_to({f.low, f.high}, numbers);
  f.mean = mean_of(numbers);
  f.deviation = standard_deviation(numbers, f.mean);
  f.scaled = f.high > f.low && std::isfinite(f.deviation) && f.deviation > 0;
  if (!f.scaled || distinct <= 2) return;
  for (int i = 0; i <= bins; ++i) {
    const double edge = quantile(numbers, static_cast<double>(i) / bins);
    if (f.edges.empty() || edge > f.edges.back()) f.edges.push_back(edge);
  }
}

}  // namespace

std::vector<double> numbers_of(const Column& column, NumberPart part, Rows rows) {
  std::vector<double> numbers;
  numbers.reserve(rows.size());
  for (const std::int64_t row : rows) numbers.push_back(number_of(column, part, row));
  return numbers;
}

std::vector<NumberPart> parts_of(const Column& column, Rows rows) {
  // With fewer weeks or years than these, a weekday or a day of the year is little more than a name for some dates.
  constexpr double min_weeks = 56, min_year = 300;  // days
  if (column.kind() == ColumnKind::number) return {NumberPart::value, NumberPart::items};
  if (column.kind() != ColumnKind::date) return {};
  std::vector<NumberPart> parts = {NumberPart::value, NumberPart::month, NumberPart::year};
  const auto range_of = [&](NumberPart part) {
    const std::vector<double> sorted = sorted_numbers(numbers_of(column, part, rows));
    return sorted.empty() ? 0.0 : sorted.back() - sorted.front();
  };
  const double days = range_of(NumberPart::value);
  if (range_of(NumberPart::time) > 0) parts.push_back(NumberPart::time);
  if (days >= min_weeks && range_of(NumberPart::weekday) > 0) parts.push_back(NumberPart::weekday);
  if (days >= min_year) parts.push_back(NumberPart::day_of_year);
  return parts;
}

std::optional<NumberFeatures> NumberFeatures::fit(const Column& column, NumberPart part, Rows rows) {
  std::vector<double> numbers = sorted_numbers(numbers_of(column, part, rows));
  if (numbers.empty()) return std::nullopt;
  NumberFeatures f;
  f.column = column.name();
  f.part = part;
  f.median = quantile(numbers, 0.5);
  f.missing = numbers.size() < rows.size();
  numbers.insert(std::ranges::lower_bound(numbers, f.median), rows.size() - numbers.size(), f.median);
  std::size_t distinct = 1;
  for (std::size_t i = 1; i < numbers.size(); ++i) distinct += numbers[i] != numbers[i - 1] ? 1 : 0;
  if (distinct > 1) {
    f.values = frequent_values(numbers, distinct, part);
    fit_scale(f, std::move(numbers), distinct);
  }
  return f.width() > 0 ? std::optional(std::move(f)) : std::nullopt;
}

std::int64_t NumberFeatures::width() const {
  const std::size_t bin_count = edges.empty() ? 0 : edges.size() - 1;
  return static_cast<std::int64_t>((missing ? 1 : 0) + values.size() + (scaled ? 1 : 0) + bin_count);
}

void NumberFeatures::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                            std::int64_t stride) const {
  for (const std::int64_t row : rows) {
    double* feature = to;
    to += stride;
    double number = number_of(from, part, row);
    if (missing) *feature++ = std::isnan(number) ? scales.missing : 0;
    if (std::isnan(number)) number = median;
    for (const double value : values) *feature++ = number == value ? scales.value : 0;
    if (!scaled) continue;
    number = transformed(*this, number);
    *feature++ = scales.number * (number - mean) / deviation;
    for (std::size_t i = 1; i < edges.size(); ++i) {
      *feature++ = scales.bin * std::clamp((number - edges[i - 1]) / (edges[i] - edges[i - 1]), 0.0, 1.0);
    }
  }
}

std::optional<PeriodicFeatures> PeriodicFeatures::fit(const Column& column, NumberPart part) {
  if (period_of(part) == 0) return std::nullopt;
  return PeriodicFeatures{.column = column.name(), .part = part};
}

void PeriodicFeatures::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                              std::int64_t stride) const {
  const double scale = scales.number * std::numbers::sqrt2;  // a sine has the deviation 1 / sqrt(2)
  for (const std::int64_t row : rows) {
    const double number = number_of(from, part, row);
    const double angle = 2 * std::numbers::pi * number / period_of(part);
    for (std::int64_t i = 0; i < harmonics; ++i) {
      const double turn = static_cast<double>(i + 1) * angle;
      to[2 * i] = std::isnan(number) ? 0 : scale * std::sin(turn);
      to[2 * i + 1] = std::isnan(number) ? 0 : scale * std::cos(turn);
    }
    to += stride;
  }
}

}  // namespace unroll
