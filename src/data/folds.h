#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// Rows to learn from and rows to measure on, both in ascending order; no row is in both.
struct Fold {
  std::vector<std::int64_t> training, validation;
};

/// By chance: each of `rows` rows is validated in one of `count` folds, whose sizes differ by at most one. Throws Error
/// unless 2 <= count <= rows.
std::vector<Fold> shuffled_folds(std::int64_t rows, int count, std::uint64_t seed);

/// The past predicts the future: the rows, in ascending order of `times`, are cut into count + 1 blocks, and fold i is
/// validated on block i + 1 and trained on all before it. Equal times stay in one block, so sizes may differ. Throws
/// Error where count < 1, where a time is NaN and where there are too few distinct times.
std::vector<Fold> folds_in_order(std::span<const double> times, int count);

/// One fold for each value of a column of numbers, dates or categories, in ascending order: validated where the column
/// has it and trained where it has another one. Throws Error for other kinds, for rows without a value and where there
/// are less than two values.
std::vector<Fold> folds_from_values(const Column& column);

}  // namespace unroll
