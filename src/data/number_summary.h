#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace unroll {

/// How numbers are distributed. NaN does not count.
struct NumberSummary {
  std::int64_t count = 0;
  std::int64_t distinct = 0;
  double minimum = 0, lower_quartile = 0, median = 0, upper_quartile = 0, maximum = 0;
  std::int64_t outliers = 0;  ///< by Fences
};

/// Beyond three interquartile ranges from the quartiles numbers are outliers (Tukey's outer fences). Where the
/// quartiles are equal, as where most numbers are 0, none is.
struct Fences {
  double low = 0, high = 0;
};
Fences fences(double lower_quartile, double upper_quartile);

NumberSummary summary_of(std::span<const double> numbers);

/// Those that are not NaN, in ascending order.
std::vector<double> sorted_numbers(std::span<const double> numbers);

double mean_of(std::span<const double> numbers);
/// The mean of a power of the distance from the mean.
double central_moment(std::span<const double> numbers, double mean, int power);
/// The root of the mean square of the distance from the mean; 0 where it is no larger than rounding makes that of equal
/// numbers.
double standard_deviation(std::span<const double> numbers, double mean);

/// Of ascending numbers, at least one: between two of them linearly.
double quantile(std::span<const double> ascending, double share);

/// Spearman's, over the places where neither is NaN; equal numbers share the mean of their ranks. 0 where there are
/// less than three such places or one side is constant.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace unroll
