#pragma once

#include <cstddef>
#include <vector>

#include "tabular/training_table.h"
#include "unroll/table_model.h"

namespace unroll {

/// Trains a model on the training rows of fold `number`, from 1, and scores it.
FoldResult validate_fold(const TrainingTable& table, const Fold& fold, std::size_t number);

/// The results over all folds, of which there must be at least one.
TableValidation over_folds(std::vector<FoldResult> folds);

}  // namespace unroll
