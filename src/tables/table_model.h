#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/table_view.h"
#include "tables/table_member.h"

namespace unroll {

/// What a model of a table predicts.
struct TableTask {
  std::string target;      ///< column of numbers
  std::string id;          ///< column that names the rows; empty: none does
  bool logarithm = false;  ///< squared errors are those of log(target), which is above 0
};

/// How a model is made of rows.
struct TableLearning {
  std::vector<MemberKind> members = {};   ///< at least one
  std::vector<std::string> without = {};  ///< columns that are no features, besides target and id
  std::vector<std::string> hashed = {};   ///< texts whose words are features
  bool keep_leaks = false;                ///< also where a column of strings holds the target
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: what the machine allows; changes no result
};

/// Predicts a column of a table from the others: the mean of what its members predict, each within the 0.5 % quantiles
/// of the targets that were learned.
class TableModel {
 public:
  /// The members learn of `rows`, at least one, and of no other row. The targets of these rows are numbers, and above 0
  /// where the task takes logarithms. Where a column of strings holds the target in some rows, it is left out if it is
  /// one of categories or lists; of a text, words with digits are.
  static TableModel fit(const TableView& rows, const TableTask& task, const TableLearning& learning);

  /// One for each of `rows`. Throws Error(bad_data) where the table lacks a column.
  std::vector<double> predict(const TableView& rows) const;

  const TableTask& task() const { return task_; }
  std::vector<TableInput> inputs() const;  ///< of all members, in the order of their names
  /// What the members chose, by their names.
  nlohmann::ordered_json choices() const;

  void save(const std::string& path) const;
  /// Throws Error: no_input, io, bad_data where the file is none of a table model, or damaged.
  static TableModel load(const std::string& path);

 private:
  struct Named {
    std::string name;
    std::unique_ptr<TableMember> member;
  };

  TableTask task_;
  double low_ = 0, high_ = 0;  // of what a member predicts, before its exponential where the task takes logarithms
  std::vector<Named> members_;
};

}  // namespace unroll
