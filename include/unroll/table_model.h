#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "unroll/options.h"
#include "unroll/table.h"

namespace unroll {

class TableEnsemble;

/// Kinds of members. The prediction of a model is the mean of its members' predictions.
enum class MemberKind {
  linear,   ///< a lasso on numbers, bins, levels, tokens and parts of dates; outliers are left out
  mlp,      ///< four residual nets on the same features
  trees,    ///< three runs of boosted trees; needs XGBoost
  textbook  ///< linear regression on standardised numbers and one-hot categories; never on logarithms
};

/// Names of the combinations of members.
template <>
const EnumNames<std::vector<MemberKind>>& enum_names<std::vector<MemberKind>>();

/// The name of a model with these members: linear+mlp, say; "ensemble" for linear, mlp and trees.
std::string model_name(std::span<const MemberKind> members);

/// Measure of the error of predictions.
enum class TableMetric {
  log_rmse,  ///< root mean square of the errors of the logarithms
  rmse,      ///< root mean square error
  mae,       ///< mean absolute error
  r2         ///< share of variance explained; the only one for which higher is better
};
template <>
const EnumNames<TableMetric>& enum_names<TableMetric>();

/// The value of the metric; NaN if the metric is r2 and all targets are equal.
double score(TableMetric metric, std::span<const double> predictions, std::span<const double> targets);

/// Mean and sample standard deviation (n - 1; 0 for a single number).
struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};
MeanAndDeviation mean_and_deviation_of(std::span<const double> numbers);

/// Treatment of rows without a target in training.
enum class MissingTarget { leave_out, refuse };
template <>
const EnumNames<MissingTarget>& enum_names<MissingTarget>();

struct TableModelOptions {
  std::string target = {};  ///< column of numbers that is to be predicted
  MissingTarget missing_target = MissingTarget::leave_out;
  std::string id = {};  ///< column of row identifiers, not used as a feature; empty: rows are identified by number
  std::vector<MemberKind> members = {MemberKind::linear, MemberKind::mlp};  ///< each kind once
  TableMetric metric =
      TableMetric::log_rmse;  ///< metric to report; with log_rmse, all members but textbook are trained on log(target)
  int folds = 5;              ///< of the validation; 2 or more, or 1 with time_order
  std::string time_order = {};  ///< column of numbers or dates: folds validate on later rows; empty: random folds
  std::string folds_from = {};  ///< column whose values define the folds, not used as a feature; empty: random folds
  std::vector<std::string> hash = {};  ///< text columns whose words become features, by feature hashing
  bool keep_leaks = false;             ///< use columns of strings even if they contain the target
  std::uint64_t seed = 0;              ///< of the folds and of the members
  int threads = 0;                     ///< 0: as many as the machine allows; does not change results
};

std::vector<OptionGroup> describe(TableModelOptions& options);

/// Throws OptionError for options that contradict each other, before a table is read.
void check_conflicts(const TableModelOptions& options);

/// Options for reading the table that a model is trained on: `table`, with the target as numbers, so that a cell that
/// is no number is reported, and the id as categories, so that names such as 007 stay as they are.
TableOptions reading_options(const TableModelOptions& options, TableOptions table = {});

/// Treatment of a column of strings that leaks the target.
enum class LeakTreatment {
  kept,       ///< keep_leaks is set
  left_out,   ///< a category or list is no feature
  masked,     ///< words with digits of a text are ignored
  no_feature  ///< a text is no feature anyway unless it is named in `hash`
};

struct TargetLeak {
  std::string column;
  std::int64_t rows = 0;  ///< number of rows with a match
  LeakTreatment treatment = LeakTreatment::left_out;
};

/// The columns that contain the target, such as "last sold for $1,234,000": at least 3 rows and 0.1 % of the rows
/// contain their own target, and ten times as many rows as contain the target of another row. Each fold searches again,
/// in its training rows only.
std::vector<TargetLeak> find_target_leaks(const Table& table, const TableModelOptions& options);

/// Permutation importance of a column.
struct ColumnImportance {
  std::string column;
  double increase = 0;  ///< increase of the error of the predictions; NaN: not measured
};

/// Maximum number of columns for which importances are measured: the time grows with the square of their number.
inline constexpr std::size_t max_permuted_columns = 500;

/// A prediction for a row by a model that was not trained on it.
struct OutOfFold {
  std::int64_t row = 0;
  std::size_t fold = 0;  ///< from 1
  double prediction = 0;
};

struct FoldResult {
  std::size_t number = 0;  ///< of the fold, from 1
  std::int64_t training_rows = 0, validation_rows = 0;
  double training = 0, validation = 0;             ///< scores
  std::string choices = "{}";                      ///< TableModel::choices() of the fold's model
  std::vector<ColumnImportance> importances = {};  ///< measured on at most 200 validation rows
  std::vector<OutOfFold> predictions = {};         ///< of the validation rows
};

/// Importance of a column over the folds.
struct Importance {
  std::string column;
  MeanAndDeviation increase;  ///< of the error; NaN: not measured
};

struct TableValidation {
  std::vector<FoldResult> folds;
  std::vector<OutOfFold> predictions;     ///< of all folds, sorted by row
  std::vector<Importance> importances;    ///< largest first; a fold whose model does not read the column counts as 0
  MeanAndDeviation training, validation;  ///< scores
};

/// The mean prediction of a model if all rows have one value of a column.
struct DependencePoint {
  double number = 0;       ///< value of a number; days since 1970-01-01 of a date
  std::string level = {};  ///< level of a category; token of a list
  bool missing = false;    ///< the value is a missing cell
  std::int64_t rows = 0;   ///< number of rows of the table with this value
  double prediction = 0;   ///< mean prediction
};

/// Partial dependence of the predictions on one column (Friedman: Greedy Function Approximation: A Gradient Boosting
/// Machine. Annals of Statistics 29, 2001), the other cells of the rows unchanged. The values come from the table:
/// - number, date: up to 25 quantiles from 0.5 % to 99.5 %, ascending, then missing, if any cell is;
/// - category: the 12 most frequent levels, missing included;
/// - list: cells with each of the 12 most frequent tokens, missing included;
/// - text: none.
struct PartialDependence {
  TableInput input;
  std::vector<DependencePoint> points;
};

struct TableExplanation {
  std::vector<PartialDependence> dependences;  ///< of the most important columns, the most important one first
  std::int64_t rows = 0;                       ///< number of rows that predictions are averaged over
  double mean = 0;                             ///< mean prediction for these rows
};

/// Predicts a column of a table from the others: the mean of its members' predictions, each clipped to the 0.5 % and
/// 99.5 % quantiles of the training targets. The feature encoder, fitted to the training rows, is part of the model.
/// The same table, options and seed give the same bits on any number of threads. Copies share one immutable model.
class TableModel {
 public:
  /// Trains on all rows. Throws Error: usage for options that contradict each other or name a column that the table
  /// does not have; bad_data, with the line, for a target that is missing, not a number, beyond 1e100 (textbook: 1e18)
  /// or, with log-rmse, not above 0; or if no target reaches 1e-100 in magnitude (textbook: 1e-18), except with
  /// log-rmse.
  static TableModel train(const Table& table, const TableModelOptions& options);
  /// For each fold, trains a model on the training rows only, scores it on the validation rows and calls `on_fold`.
  /// Throws the errors of train(), and Error if the rows do not make these folds.
  static TableValidation validate(const Table& table, const TableModelOptions& options,
                                  const std::function<void(const FoldResult&)>& on_fold = {});

  /// Writes a model file (docs/model-file.md), atomically. Throws Error(io).
  void save(const std::string& path) const;
  /// Throws Error: no_input, io; bad_data if the file is damaged or not a model of a table.
  static TableModel load(const std::string& path);

  const std::string& target() const;
  const std::string& id() const;           ///< empty: rows have numbers
  std::vector<TableInput> inputs() const;  ///< the columns that it reads, ordered by name
  std::string choices() const;             ///< a JSON object: for each member, what it chose on the training rows

  /// Options for reading a table that is to be predicted: the inputs as the kinds and in the forms that the model was
  /// trained on and, if `with_id` is set, the id as categories; the kinds, forms and decimal mark that `given` has come
  /// first. Table::read() then refuses a missing column, and one in which nothing is in its form.
  TableOptions reading_options(bool with_id = true, const TableOptions& given = {}) const;
  /// What is said of a table that is to be predicted: what was left out of it, and of the inputs what was taken for
  /// what and what was not read, one line each.
  std::vector<std::string> reading_notes(const Table& table) const;
  /// One prediction for each row. Throws Error(bad_data) if the table lacks an input or has it as another kind.
  std::vector<double> predict(const Table& table) const;
  /// CSV with a header, in the delimiter and decimal mark of the table: the id of each row, or its number from 1, and
  /// its prediction. Throws Error(bad_data) for a row without an id, and the errors of predict().
  std::string predictions_text(const Table& table) const;

  /// Partial dependences on at most `max_columns` of the inputs with a positive importance, averaged over at most 1,000
  /// evenly spaced rows. `importances`: those of a validation, largest first. Throws the errors of predict().
  TableExplanation explain(const Table& table, std::span<const Importance> importances,
                           std::size_t max_columns = 10) const;

 private:
  friend class TableTrainingRun;
  explicit TableModel(TableEnsemble ensemble);

  std::shared_ptr<const TableEnsemble> ensemble_;
};

}  // namespace unroll
