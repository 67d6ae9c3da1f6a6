#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// Training rows and validation rows, both in ascending order and disjoint.
struct Fold {
  std::vector<std::int64_t> training, validation;
};

/// Random folds: each of `rows` rows is in the validation set of exactly one of `count` folds, whose sizes differ by at
/// most one. Throws Error unless 2 <= count <= rows.
std::vector<Fold> shuffled_folds(std::int64_t rows, int count, std::uint64_t seed);

/// Folds for forecasting: the rows, in ascending order of `times`, are cut into count + 1 blocks; fold i validates on
/// block i + 1 and trains on all blocks before it. Rows with equal times stay in one block, so sizes may differ. Throws
/// Error if count < 1, if a time is NaN, or if there are too few distinct times.
std::vector<Fold> folds_in_order(std::span<const double> times, int count);

/// One fold for each value of a column of numbers, dates or categories, in ascending order: it validates on the rows
/// with that value and trains on all others. Throws Error for other kinds, if a row has no value, and if there are
/// fewer than two values.
std::vector<Fold> folds_from_values(const Column& column);

}  // namespace unroll
