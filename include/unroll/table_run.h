#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "unroll/table_model.h"
#include "unroll/training_run.h"

namespace unroll {

// Files of a run directory besides model.safetensors and log.jsonl.
inline constexpr const char* oof_name = "oof.csv";                ///< predictions for validation rows
inline constexpr const char* importance_name = "importance.csv";  ///< importances over the folds
inline constexpr const char* picture_name = "explain.svg";        ///< of `unroll table explain`; a new run removes it

struct TableRunOptions {
  std::string directory = {};                        ///< run directory; made if missing, used by one run at a time
  bool replace = false;                              ///< replace the model and the checkpoints of an earlier run
  Resume resume = Resume::if_present;                ///< treatment of checkpoints that the directory holds
  std::string log_fields = "{}";                     ///< a JSON object: further fields of the log's start event
  std::map<std::string, std::string> metadata = {};  ///< further __metadata__ of each checkpoint
};

/// Receives the events of a run, in the training thread. An exception thrown by an observer ends the run as failed and
/// reaches the caller of TableTrainingRun::train().
class TableRunObserver {
 public:
  virtual ~TableRunObserver() = default;
  virtual void on_leak(const TargetLeak&) {}
  /// A line of reading_notes() or unparsed_notes(), before the first fold.
  virtual void on_note(const std::string& /*note*/) {}
  /// `finished` of `folds` folds were completed before. on_fold() is not called for them.
  virtual void on_resume(std::size_t /*finished*/, std::size_t /*folds*/) {}
  virtual void on_fold(const FoldResult&, std::size_t /*folds*/) {}  ///< `folds`: their number
  /// A checkpoint or the log could not be written; the run continues.
  virtual void on_warning(const std::string&) {}
};

/// Result of a finished run.
struct TableRunResult {
  TableValidation validation;
  TableModel model;  ///< of all rows
  std::string model_path, oof_path, importance_path;
};

/// A training run on a table in a run directory: cross-validation, a model of all rows, log (docs/log-file.md). Each
/// finished fold is kept as a checkpoint until the run is finished. A resumed run trains only the remaining folds and
/// leaves the same bytes as one that was never interrupted. Installs no signal handler and prints nothing.
class TableTrainingRun {
 public:
  /// Throws, before a table is read, Error: usage for options that contradict each other, for a member whose library is
  /// missing, and if the directory holds a model and `replace` is not set; no_input if there is no checkpoint and
  /// Resume::required is set.
  TableTrainingRun(TableModelOptions model, TableRunOptions options);
  TableTrainingRun(const TableTrainingRun&) = delete;
  TableTrainingRun& operator=(const TableTrainingRun&) = delete;
  ~TableTrainingRun();

  void add_observer(std::shared_ptr<TableRunObserver> observer);

  /// Validates, trains on all rows and writes oof.csv, importance.csv and the model; then removes the checkpoints.
  /// Returns nothing if the run was stopped. Throws the errors of TableModel::validate(), and Error: bad_data for a row
  /// without an id, and for checkpoints of another table or of other options, with the difference; io; usage if another
  /// run uses the directory, or if it holds the checkpoint of another run. The directory is locked from here on while
  /// this object exists.
  std::optional<TableRunResult> train(const Table& table);
  /// Makes train() return, after the current step of a net, the current tree or the current lasso, without the results
  /// of the unfinished fold. May be called from another thread or a signal handler.
  void stop() noexcept;
  /// The same if `asked` returns true. It is called often, and from several threads at once.
  void stop_when(std::function<bool()> asked);

  /// The value of `key` in the metadata of the newest checkpoint in `directory`. Throws Error: no_input if there
  /// is none; bad_data if it is damaged, not one of a run on a table, or lacks the key.
  static std::string metadata_in(const std::string& directory, const std::string& key);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Options of a run on the table in a file: what `unroll table train` asks for.
struct TableFileRunOptions {
  std::string file = {};  ///< CSV, as in Table::read(); may be empty if `resume` is set
  TableOptions table = {};
  TableModelOptions model = {};
  std::string out = {};     ///< run directory; default: runs/NAME-MODEL
  bool overwrite = false;   ///< replace a model and checkpoints in the directory
  std::string resume = {};  ///< run directory of a stopped run; empty: a new run
};
std::vector<OptionGroup> describe(TableFileRunOptions& options);

/// A TableTrainingRun on the table in a file. Its checkpoints keep its options, so that it is resumed by the name of
/// its directory alone.
class TableFileRun {
 public:
  /// Creates a new run and reads the table. If options.resume is set, takes the options from the run that it names; the
  /// path of the table and the number of threads may be other ones, and any other option that differs from its default
  /// must be equal to the kept one. Throws OptionError for illegal options, and the errors of Table::read() and
  /// TableTrainingRun.
  static std::unique_ptr<TableFileRun> create(TableFileRunOptions options);
  /// The same with the options that a user has given, by their names (see describe()).
  static std::unique_ptr<TableFileRun> create_from_values(const OptionValues& given);

  /// As TableTrainingRun::train().
  std::optional<TableRunResult> train();

  const TableFileRunOptions& options() const { return options_; }
  const Table& table() const { return table_; }
  TableTrainingRun& run() { return run_; }
  const std::string& directory() const { return directory_; }

 private:
  TableFileRun(TableFileRunOptions options, std::string directory, const OptionValues& kept);

  TableFileRunOptions options_;
  std::string directory_;
  TableTrainingRun run_;
  Table table_;
};

/// An out-of-fold prediction, as in oof.csv.
struct ValidatedRow {
  std::string name;  ///< its id, or its number from 1
  std::int64_t fold = 0;
  double target = 0, prediction = 0;
  double error = 0;  ///< prediction - target; for log-rmse log(prediction / target)
};

/// Validation results in a run directory.
struct TableResults {
  TableMetric metric = TableMetric::log_rmse;
  MeanAndDeviation validation;  ///< score over the folds
  std::vector<Importance> importances;
  std::vector<ValidatedRow> rows;  ///< the largest error first
  std::string row_header;          ///< header of the row names: the id column, or "row"
};

/// Reads importance.csv and oof.csv from the run directory `folder` of the model. Throws Error: no_input if one is
/// missing, bad_data if it is not as TableTrainingRun writes it.
TableResults read_table_results(const std::string& folder, const TableModel& model);

}  // namespace unroll
