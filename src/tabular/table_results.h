#pragma once

#include <span>
#include <string>

#include "tabular/row_names.h"
#include "unroll/table_run.h"

namespace unroll {

// Files that a validation leaves next to the model.

/// oof.csv: one line per prediction, with the name of its row. `targets`: of all rows.
std::string oof_text(std::span<const OutOfFold> predictions, const RowNames& names, std::span<const double> targets,
                     const std::string& target);
/// importance.csv: one line per column.
std::string importance_text(std::span<const Importance> importances, TableMetric metric);

}  // namespace unroll
