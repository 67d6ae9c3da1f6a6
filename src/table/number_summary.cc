#include "table/number_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace unroll {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> ranks_of(const std::vector<double>& numbers) {
  std::vector<std::size_t> order(numbers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return numbers[i]; });
  std::vector<double> ranks(numbers.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && numbers[order[end]] == numbers[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return ranks;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace

Fences fences(double lower_quartile, double upper_quartile) {
  const double range = upper_quartile - lower_quartile;
  if (!(range > 0)) return {-infinity, infinity};
  return {lower_quartile - 3 * range, upper_quartile + 3 * range};
}

std::vector<double> sorted_numbers(std::span<const double> numbers) {
  std::vector<double> sorted;
  std::ranges::copy_if(numbers, std::back_inserter(sorted), [](double number) { return !std::isnan(number); });
  std::ranges::sort(sorted);
  return sorted;
}

double mean_of(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

double central_moment(std::span<const double> numbers, double mean, int power) {
  double sum = 0;
  for (const double number : numbers) sum += std::pow(number - mean, power);
  return sum / static_cast<double>(numbers.size());
}

double standard_deviation(std::span<const double> numbers, double mean) {
  const double deviation = std::sqrt(central_moment(numbers, mean, 2));
  double largest = 0;
  for (const double number : numbers) largest = std::max(largest, std::abs(number));
  return deviation > 1e-12 * largest ? deviation : 0;
}

double quantile(std::span<const double> ascending, double share) {
  const double place = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(ascending[below], ascending[above], place - std::floor(place));
}

NumberSummary summary_of(std::span<const double> numbers) {
  const std::vector<double> sorted = sorted_numbers(numbers);
  NumberSummary summary;
  if (sorted.empty()) return summary;
  summary.count = static_cast<std::int64_t>(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) summary.distinct += i == 0 || sorted[i] != sorted[i - 1] ? 1 : 0;
  summary.minimum = sorted.front();
  summary.lower_quartile = quantile(sorted, 0.25);
  summary.median = quantile(sorted, 0.5);
  summary.upper_quartile = quantile(sorted, 0.75);
  summary.maximum = sorted.back();
  const Fences outside = fences(summary.lower_quartile, summary.upper_quartile);
  summary.outliers =
      std::ranges::count_if(sorted, [&](double number) { return number < outside.low || number > outside.high; });
  return summary;
}

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  std::vector<double> both_a, both_b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    both_a.push_back(a[i]);
    both_b.push_back(b[i]);
  }
  return both_a.size() < 3 ? 0 : correlation(ranks_of(both_a), ranks_of(both_b));
}

}  // namespace unroll
