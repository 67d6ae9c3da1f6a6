#pragma once

#include <span>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// Numbers more than three interquartile ranges beyond the quartiles are outliers (Tukey's outer fences). If the
/// quartiles are equal, for example because most numbers are 0, there are no outliers.
struct Fences {
  double low = 0, high = 0;
};
Fences fences(double lower_quartile, double upper_quartile);

/// The numbers that are not NaN, in ascending order.
std::vector<double> sorted_numbers(std::span<const double> numbers);

double mean_of(std::span<const double> numbers);
/// The mean of (number - mean)^power.
double central_moment(std::span<const double> numbers, double mean, int power);
/// The root mean square distance from the mean; 0 if it is within the rounding error of equal numbers.
double standard_deviation(std::span<const double> numbers, double mean);

/// The quantile of at least one ascending number, linearly interpolated; `share` in [0, 1].
double quantile(std::span<const double> ascending, double share);

/// Spearman's rank correlation over the indices at which neither is NaN; ties share their mean rank. 0 if there are
/// fewer than three such indices or one side is constant.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace unroll
