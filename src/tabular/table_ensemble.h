#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "table/table_view.h"
#include "tabular/stop_asked.h"
#include "tabular/table_member.h"

namespace unroll {

/// The target of a model of a table.
struct TableTarget {
  std::string target;      ///< column of numbers
  std::string id;          ///< column that names the rows; empty: none
  bool logarithm = false;  ///< minimise squared errors of log(target); the target must be positive
};

/// Options for fitting an ensemble.
struct EnsembleOptions {
  std::vector<MemberKind> members = {};   ///< at least one
  std::vector<std::string> without = {};  ///< columns without features, besides target and id
  std::vector<std::string> hashed = {};   ///< texts whose words are features
  bool keep_leaks = false;                ///< use columns of strings even if they leak the target
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: as many as the machine allows; does not change results
  StopAsked stop_asked = {};
};

/// The implementation of TableModel: members fitted to any rows of a table.
class TableEnsemble {
 public:
  /// Fits the members to `rows`, at least one, and to no other row. The targets of these rows must be numbers, positive
  /// ones if the task takes logarithms. If a column of strings leaks the target, it is left out if it is a category or
  /// list; in a text, words with digits are ignored. Throws TrainingStopped if `learning.stop_asked` returns true.
  static TableEnsemble fit(const TableView& rows, const TableTarget& task, const EnsembleOptions& learning);

  /// One prediction for each of `rows`. Throws Error(bad_data) if the table lacks a column.
  std::vector<double> predict(const TableView& rows) const;

  const TableTarget& task() const { return task_; }
  /// Those of TableOptions::missing_values of the training table that count for the inputs.
  std::vector<std::string> missing_values() const;
  bool unit_line() const { return unit_line_; }  ///< Table::unit_line() of the training table
  std::vector<TableInput> inputs() const;        ///< inputs of all members, ordered by name
  /// The choices() of the members, by their names.
  nlohmann::ordered_json choices() const;

  void save(const std::string& path) const;
  /// Throws Error: no_input, io; bad_data if the file is damaged or not a table model.
  static TableEnsemble load(const std::string& path);

 private:
  struct Named {
    std::string name;
    std::unique_ptr<TableMember> member;
  };

  TableTarget task_;
  double low_ = 0, high_ = 0;  // clipping range of a member's predictions, in logarithms if the task takes them
  std::vector<Named> members_;
  std::vector<std::string> missing_values_;  // TableOptions::missing_values of the training table
  bool unit_line_ = false;
  std::set<std::string> unseen_marks_;        // as TableOptions
  std::map<std::string, std::string> forms_;  // of the columns that are not plain, as ColumnForm::name
};

}  // namespace unroll
