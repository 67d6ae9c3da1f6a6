#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cli/metric.h"
#include "cli/table_rows.h"
#include "tabular/table_model.h"

namespace unroll::cli {

// Files that a validation writes next to the model: oof.csv and importance.csv. The picture is drawn later.

inline constexpr const char* oof_name = "oof.csv";
inline constexpr const char* importance_name = "importance.csv";
inline constexpr const char* picture_name = "explain.svg";

/// With more columns importances are not measured: the time of the permutations grows with the square of their number.
inline constexpr std::size_t max_permuted_columns = 500;

/// A prediction for a row by a model that was not trained on it.
struct OutOfFold {
  std::int64_t row = 0;
  std::size_t fold = 0;  ///< from 1
  double prediction = 0;
};

/// Increase of the error if a column's cells are permuted, over the folds.
struct Importance {
  std::string column;
  MeanAndDeviation increase;
};

/// oof.csv: one line per prediction, with the name of its row. `targets`: of all rows.
std::string oof_text(std::span<const OutOfFold> predictions, const RowNames& names, std::span<const double> targets,
                     const std::string& target);
/// importance.csv: one line per column.
std::string importance_text(std::span<const Importance> importances, Metric metric);

/// A line of oof.csv.
struct ValidatedRow {
  std::string name;
  std::int64_t fold = 0;
  double target = 0, prediction = 0;
};

struct TableResults {
  Metric metric = Metric::log_rmse;
  std::vector<Importance> importances;
  std::vector<ValidatedRow> rows;
  std::string row_header;  ///< header of the row names: the id column, or "row"
};

/// Reads both files from the run directory `folder` of a model for `task`. Throws Error: no_input if one is missing,
/// bad_data if it is not as unroll table train writes it.
TableResults read_table_results(const std::string& folder, const TableTarget& task);

}  // namespace unroll::cli
