#pragma once

#include <span>
#include <vector>

#include "tabular/row_names.h"
#include "tabular/table_ensemble.h"
#include "unroll/table_model.h"

namespace unroll {

/// Throws Error if a member's library is missing, and the errors of check_conflicts().
void check_options(const TableModelOptions& options);

/// A table that a model is trained on, checked. Keeps references to the table and to the options.
class TrainingTable {
 public:
  /// Throws the errors of TableModel::train(), and those of RowNames.
  TrainingTable(const Table& table, const TableModelOptions& options, StopAsked stop_asked = {});

  const Table& table() const { return table_; }
  const TableModelOptions& options() const { return options_; }
  const RowNames& names() const { return names_; }
  std::span<const double> targets() const { return targets_; }  ///< of all rows
  /// The folds that the options ask for. Throws Error if the rows do not make them.
  std::vector<Fold> folds() const;
  /// A model fitted to these rows alone, in the same way for each fold and for all rows. Throws TrainingStopped if
  /// `stop_asked` returns true.
  TableEnsemble fit(Rows rows) const;

 private:
  const Table& table_;
  const TableModelOptions& options_;
  StopAsked stop_asked_;
  RowNames names_;
  std::vector<double> targets_;
};

}  // namespace unroll
