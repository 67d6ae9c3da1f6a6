#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/table_encoder.h"
#include "model/lasso.h"

namespace unroll {

/// What a model of a table predicts.
struct TableTask {
  std::string target;      ///< column of numbers
  std::string id;          ///< column that names the rows; empty: none does
  bool logarithm = false;  ///< squared errors are those of log(target), which is above 0
};

/// Predicts a column of a table from the others: an encoder, and a linear function of what it makes of a row. What is
/// predicted stays within the 0.5 % quantiles of the targets that were learned.
class TableModel {
 public:
  /// Learns of `rows` of `table`, at least one, and of no other. The columns `without` are left out, besides target and
  /// id. The targets of these rows are numbers, and above 0 where the task takes logarithms.
  static TableModel fit(const Table& table, Rows rows, const TableTask& task, std::vector<std::string> without,
                        std::uint64_t seed);

  /// One for each of `rows`. Throws Error(bad_data) where the table lacks a column.
  std::vector<double> predict(const Table& table, Rows rows) const;

  const TableTask& task() const { return task_; }
  const TableEncoder& encoder() const { return encoder_; }
  double penalty() const { return penalty_; }
  std::int64_t left_out() const { return left_out_; }  ///< rows that were outliers

  void save(const std::string& path) const;
  /// Throws Error: no_input, io, bad_data where the file is none of a table model, or damaged.
  static TableModel load(const std::string& path);

 private:
  TableTask task_;
  TableEncoder encoder_;
  LinearFunction function_;    // its weights are float32, as in the file
  double low_ = 0, high_ = 0;  // of what is predicted, before its exponential where the task takes logarithms
  double penalty_ = 0;
  std::int64_t left_out_ = 0;
};

}  // namespace unroll
