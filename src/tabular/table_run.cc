#include "unroll/table_run.h"

#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"
#include "run/checkpoint_files.h"
#include "run/run_directory.h"
#include "tabular/table_checkpoints.h"
#include "tabular/table_record.h"
#include "tabular/table_results.h"
#include "tabular/table_validation.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

/// Throws Error if the id or the target has the name of another column of oof.csv.
void check_names(const TableModelOptions& o) {
  const std::string row = o.id.empty() ? "row" : o.id;
  const auto refuse = [](const std::string& name) {
    throw Error(fmt::format("column {} has the name of another column of {}; rename it", in_quotes(name), oof_name));
  };
  for (const char* taken : {"fold", "prediction"}) {
    if (o.target == taken || row == taken) refuse(taken);
  }
  if (o.target == row) refuse(row);
}

/// Fields of the event start in the log.
nlohmann::ordered_json start_fields(const Table& table, const TableModelOptions& o, std::size_t folds,
                                    const std::string& further) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::parse(further);
  fields.update({{"table", table.name()},
                 {"rows", table.rows()},
                 {"columns", table.columns().size()},
                 {"target", o.target},
                 {"id", o.id},
                 {"model", model_name(o.members)},
                 {"metric", name_of(o.metric)},
                 {"folds", folds},
                 {"time_order", o.time_order},
                 {"folds_from", o.folds_from},
                 {"seed", o.seed}});
  return fields;
}

}  // namespace

struct TableTrainingRun::Impl {
  Impl(TableModelOptions model, TableRunOptions options);

  std::optional<TableRunResult> train(const Table& table);

  template <class Event>
  void notify(const Event& event) const;
  bool resumes() const;
  std::vector<FoldResult> finished_folds(const TableCheckpoints& checkpoints, std::span<const Fold> folds) const;
  void keep(const TableCheckpoints& checkpoints, const FoldResult& fold) const;
  TableRunResult finish(const TrainingTable& training, std::vector<FoldResult> folds) const;

  TableModelOptions model_;
  TableRunOptions options_;
  std::unique_ptr<RunDirectory> directory_;
  std::vector<std::shared_ptr<TableRunObserver>> observers_;
  std::atomic<bool> stop_requested_ = false;
  std::function<bool()> stop_asked_;
};

template <class Event>
void TableTrainingRun::Impl::notify(const Event& event) const {
  for (const std::shared_ptr<TableRunObserver>& observer : observers_) event(*observer);
}

bool TableTrainingRun::Impl::resumes() const {
  return options_.resume != Resume::never && !checkpoints_in(options_.directory).empty();
}

TableTrainingRun::Impl::Impl(TableModelOptions model, TableRunOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  check_options(model_);
  check_names(model_);
  if (!nlohmann::ordered_json::parse(options_.log_fields, nullptr, false).is_object())
    throw Error("log_fields is no JSON object");
  if (options_.resume == Resume::required) TableCheckpoints::newest_in(options_.directory);
  directory_ = std::make_unique<RunDirectory>(options_.directory, resumes()          ? Existing::resume
                                                                  : options_.replace ? Existing::replace
                                                                                     : Existing::refuse);
}

std::vector<FoldResult> TableTrainingRun::Impl::finished_folds(const TableCheckpoints& checkpoints,
                                                               std::span<const Fold> folds) const {
  if (!resumes()) {
    checkpoints.write_beginning();
    return {};
  }
  std::vector<FoldResult> finished = checkpoints.finished_folds();
  for (std::size_t i = 0; i < finished.size(); ++i) {
    if (i < folds.size() && std::ranges::equal(finished[i].predictions, folds[i].validation, {}, &OutOfFold::row))
      continue;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the checkpoint of fold {} has not the rows of that fold; remove the "
                            "file to train the fold again",
                            options_.directory, i + 1));
  }
  notify([&](TableRunObserver& observer) { observer.on_resume(finished.size(), folds.size()); });
  return finished;
}

/// A checkpoint that cannot be written does not end the run: without it the fold is trained again.
void TableTrainingRun::Impl::keep(const TableCheckpoints& checkpoints, const FoldResult& fold) const {
  try {
    checkpoints.write_fold(fold);
  } catch (const Error& error) {
    notify([&](TableRunObserver& observer) { observer.on_warning(error.what()); });
  }
}

TableRunResult TableTrainingRun::Impl::finish(const TrainingTable& training, std::vector<FoldResult> folds) const {
  const auto path_of = [&](const char* name) { return (std::filesystem::path(directory_->path()) / name).string(); };
  TableRunResult result = {.validation = over_folds(std::move(folds)),
                           .model = TableModel(training.fit(all_rows(training.table().rows()))),
                           .model_path = directory_->model_path(),
                           .oof_path = path_of(oof_name),
                           .importance_path = path_of(importance_name)};
  const TableValidation& validation = result.validation;
  write_file_atomically(result.oof_path,
                        oof_text(validation.predictions, training.names(), training.targets(), model_.target));
  write_file_atomically(result.importance_path, importance_text(validation.importances, model_.metric));
  result.model.save(result.model_path);
  return result;
}

std::optional<TableRunResult> TableTrainingRun::Impl::train(const Table& table) {
  /// Takes back a request to stop, however train() ends.
  struct Release {
    std::atomic<bool>& stop_requested;
    ~Release() { stop_requested = false; }
  } release{stop_requested_};
  const auto stop_asked = [this] { return stop_requested_.load() || (stop_asked_ && stop_asked_()); };
  const TrainingTable training(table, model_, stop_asked);
  const std::vector<Fold> folds = training.folds();
  directory_->create();
  const TableCheckpoints checkpoints(directory_->path(), describe_run(table, model_), options_.metadata);
  std::vector<FoldResult> results = finished_folds(checkpoints, folds);
  for (const TargetLeak& leak : find_target_leaks(table, model_))
    notify([&](TableRunObserver& observer) { observer.on_leak(leak); });
  for (const auto& notes : {reading_notes(table), unparsed_notes(table)}) {
    for (const std::string& note : notes) notify([&](TableRunObserver& observer) { observer.on_note(note); });
  }
  const auto warn = [this](const std::string& what) {
    notify([&](TableRunObserver& observer) { observer.on_warning(what + "; training goes on without"); });
  };
  TableRecord record(directory_->path(), start_fields(table, model_, folds.size(), options_.log_fields), warn);
  for (const FoldResult& finished : results) record.fold(finished);
  try {
    while (results.size() < folds.size()) {
      results.push_back(validate_fold(training, folds[results.size()], results.size() + 1));
      keep(checkpoints, results.back());
      record.fold(results.back());
      notify([&](TableRunObserver& observer) { observer.on_fold(results.back(), folds.size()); });
    }
    TableRunResult result = finish(training, std::move(results));
    record.end("finished");
    checkpoints.remove();
    return result;
  } catch (const TrainingStopped&) {
    record.end("stopped");
    return std::nullopt;
  }
}

TableTrainingRun::TableTrainingRun(TableModelOptions model, TableRunOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(options))) {}

TableTrainingRun::~TableTrainingRun() = default;

void TableTrainingRun::add_observer(std::shared_ptr<TableRunObserver> observer) {
  impl_->observers_.push_back(std::move(observer));
}

std::optional<TableRunResult> TableTrainingRun::train(const Table& table) { return impl_->train(table); }
void TableTrainingRun::stop() noexcept { impl_->stop_requested_ = true; }
void TableTrainingRun::stop_when(std::function<bool()> asked) { impl_->stop_asked_ = std::move(asked); }

std::string TableTrainingRun::metadata_in(const std::string& directory, const std::string& key) {
  const StoredCheckpoint checkpoint = TableCheckpoints::newest_in(directory);
  if (checkpoint.has(key)) return checkpoint.metadata(key);
  throw Error(ExitCode::bad_data,
              fmt::format("{}: has no {}, since a program that uses the library has written it: resume it with that "
                          "program",
                          checkpoint.path(), key));
}

}  // namespace unroll
