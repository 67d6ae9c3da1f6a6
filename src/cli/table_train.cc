#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/metric.h"
#include "cli/output.h"
#include "cli/stop_signals.h"
#include "run/run_paths.h"
#include "run/run_settings.h"
#include "unroll/error.h"
#include "unroll/table_run.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

struct TableTrainOptions {
  std::string file;  ///< CSV
  TableOptions table;
  TableModelOptions model;
  std::string out;         ///< run directory; empty: named after the file
  bool overwrite = false;  ///< replace a model in the run directory
  std::string resume;      ///< run directory of a stopped run; empty: a new run
  bool json = false;       ///< print the result as JSON
};

constexpr const char* details =
    R"(The model is validated on folds: each time it learns from the other rows all that it knows, down to the median that
stands for missing numbers. Then it learns from all rows and is saved, with everything that makes numbers of raw CSV.
linear: a lasso on numbers, logarithms of skewed ones, bins, levels, tokens and parts of dates; its penalty is chosen
within the training rows, and outliers among these are left out. mlp: four residual nets on the same features.
linear+mlp: the mean of both. trees: boosted trees on numbers as they are, mean targets of levels, tokens and parts of
dates; how many is chosen within the training rows; needs XGBoost. ensemble: the mean of linear, mlp and trees.
With log-rmse these learn logarithms of the target.
textbook: one linear layer on standardised numbers and one-hot categories, which learns the target itself.

Examples:
  unroll table train train.csv --target SalePrice --id Id
  unroll table train houses.csv --target "Sold Price" --id Id --time-order "Listed On" --model linear
  unroll table train --resume runs/train-linear+mlp
  unroll table predict runs/train-linear+mlp test.csv -o submission.csv)";

std::vector<OptionGroup> options_of(TableTrainOptions& o) {
  using enum OnResume;
  std::vector<OptionGroup> groups = describe(o.model);
  std::vector<Option>& columns = groups.front().options;
  std::vector<Option> reading = describe(o.table);
  columns.insert(
      columns.begin(),
      optional_argument("FILE", o.file, "CSV with a header: plain, gzip or zip; - is standard input").with(may_change));
  columns.insert(std::ranges::find(columns, "hash", &Option::name), reading.begin(), reading.end());
  groups.push_back(
      {"Saving and result",
       {text("out", "DIR", o.out, "runs/NAME-MODEL", "run directory").with(not_kept),
        toggle("overwrite", o.overwrite, "replace the model that the run directory holds").with(not_kept),
        text("resume", "RUN", o.resume, "", "go on with a run that was stopped, with its flags").with(not_kept),
        toggle("json", o.json, "print the result as one JSON object").with(not_kept)}});
  return groups;
}

class Printer final : public TableRunObserver {
 public:
  void on_leak(const TargetLeak& leak) override {
    log_message(fmt::format("column {} holds the target in {}: {}", in_quotes(leak.column), counted(leak.rows, "row"),
                            treatment_text(leak.treatment)));
  }
  void on_note(const std::string& note) override { log_message(note); }
  void on_resume(std::size_t finished, std::size_t folds) override {
    log_message(
        fmt::format("resumed   {} of {} are done", finished, counted(static_cast<std::int64_t>(folds), "fold")));
  }
  void on_fold(const FoldResult& fold, std::size_t folds) override {
    log_message(fmt::format("fold {} of {}: training {}, validation {}", fold.number, folds, score_text(fold.training),
                            score_text(fold.validation)));
  }
  void on_warning(const std::string& what) override { log_message("warning   " + what); }

 private:
  static const char* treatment_text(LeakTreatment treatment) {
    switch (treatment) {
      case LeakTreatment::kept:
        return "kept";
      case LeakTreatment::left_out:
        return "left out; --keep-leaks keeps it";
      case LeakTreatment::masked:
        return "its words with digits are hidden; --keep-leaks keeps them";
      case LeakTreatment::no_feature:
        return "a text that is no feature";
    }
    return "";
  }
};

std::string report(const Table& table, const TableRunResult& result, const TableTrainOptions& o) {
  const TableValidation& v = result.validation;
  std::string text = fmt::format("{}: {}\n\n{:<6}{:>10}{:>12}\n", one_line(table.name()), counted(table.rows(), "row"),
                                 "fold", "training", "validation");
  for (const FoldResult& fold : v.folds)
    text += fmt::format("{:<6}{:>10}{:>12}\n", fold.number, score_text(fold.training), score_text(fold.validation));
  return text + fmt::format("{:<6}{:>10}{:>12} +- {}   {}\n\nmodel of all rows: {}\n", "mean",
                            score_text(v.training.mean), score_text(v.validation.mean),
                            score_text(v.validation.deviation), name_of(o.model.metric), one_line(result.model_path));
}

Json json_of(const FoldResult& fold) {
  return {{"training_rows", fold.training_rows},
          {"validation_rows", fold.validation_rows},
          {"training", fold.training},
          {"validation", fold.validation},
          {"choices", Json::parse(fold.choices)}};
}

Json json_of(const Table& table, const TableRunResult& result, const TableTrainOptions& o) {
  const TableValidation& v = result.validation;
  Json json = {{"file", table.name()},
               {"rows", table.rows()},
               {"target", o.model.target},
               {"model", model_name(o.model.members)},
               {"metric", name_of(o.model.metric)},
               {"training", v.training.mean},
               {"validation", v.validation.mean},
               {"spread", v.validation.deviation},
               {"folds", Json::array()},
               {"choices", Json::parse(result.model.choices())},
               {"model_file", result.model_path},
               {"oof_file", result.oof_path},
               {"importance_file", result.importance_path}};
  for (const FoldResult& fold : v.folds) json["folds"].push_back(json_of(fold));
  return json;
}

/// The options that each checkpoint keeps, so that --resume needs only the name of the run.
OptionValues options_to_keep(TableTrainOptions o) {
  if (o.file != "-") o.file = absolute_path(o.file);
  return values_to_keep(options_of(o));
}

/// The options of the run to be resumed. The path of the table and the number of threads may be given again.
OptionValues options_of_run(const std::string& run, const OptionValues& given) {
  for (const char* name : {"out", "overwrite"}) {
    if (!given.contains(name)) continue;
    throw OptionError(fmt::format("--{} is for a new run: leave it or --resume out", name));
  }
  const OptionValues kept = settings_from_json(TableTrainingRun::metadata_in(run, "settings"), run);
  const auto describe_run = [](TableTrainOptions& options) { return options_of(options); };
  return resumed_values(new_options<TableTrainOptions>(describe_run), kept, given, {.name = run, .checkpoint = run});
}

TableRunOptions run_options(TableTrainOptions o, const OptionValues& kept) {
  const std::string new_run = o.out.empty() ? default_run_directory(o.file, model_name(o.model.members)) : o.out;
  return {.directory = o.resume.empty() ? new_run : o.resume,
          .replace = o.overwrite,
          .resume = o.resume.empty() ? Resume::never : Resume::required,
          .log_fields = to_text(Json{{"version", UNROLL_VERSION}}),
          .metadata = {{"settings", settings_json(options_of(o), kept)}, {"unroll_version", UNROLL_VERSION}}};
}

TableTrainOptions resumed_options(const TableTrainOptions& given_now, const OptionValues& given) {
  const std::string& run = given_now.resume;
  if (run.empty()) throw OptionError("--resume needs the name of a run");
  TableTrainOptions o;
  assign_values(options_of(o), options_of_run(run, given), run);
  if (o.file.empty()) throw Error(ExitCode::bad_data, fmt::format("{}: its settings name no table", run));
  if (o.file == "-")
    throw Error(
        fmt::format("--resume {}: standard input cannot be read again; name a file that holds the same table", run));
  o.resume = run;
  o.json = given_now.json;
  return o;
}

void check_new_run(const TableTrainOptions& o) {
  if (o.file.empty()) throw OptionError("table train: FILE is required");
  check_conflicts(o.model);
}

void train_table(TableTrainOptions& o, const OptionValues& given) {
  with_help("table train", [&] { given.contains("resume") ? void(o = resumed_options(o, given)) : check_new_run(o); });
  const OptionValues kept = options_to_keep(o);
  TableTrainingRun run(o.model, run_options(o, kept));
  run.add_observer(std::make_shared<Printer>());
  const Table table = Table::read(o.file, reading_options(o.model, o.table));
  const StopSignals signals;
  run.stop_when([&] { return signals.received() != 0; });
  const std::optional<TableRunResult> result = run.train(table);
  if (!result) {
    const std::string folder = run_options(o, kept).directory;
    log_message(fmt::format("stopped   by {}; go on with: unroll table train{} --resume {}",
                            signal_name(signals.received()), o.file == "-" ? " FILE" : "", for_shell(folder)));
    throw StoppedBySignal{signals.received()};
  }
  write_result(o.json ? to_text(json_of(table, *result, o)) : report(table, *result, o));
}

/// train_table() with the flags that help if the run directory is refused.
void train_or_refuse(TableTrainOptions& o, const OptionValues& given) try {
  train_table(o, given);
} catch (const DirectoryRefused& refusal) {
  refuse_with_options(refusal, "unroll table train");
}

}  // namespace

Command table_train_command() {
  auto options = std::make_shared<TableTrainOptions>();
  return {"table train", "Learn to predict a column of a table, validated on folds.", details, options_of(*options),
          [options](const OptionValues& given) { train_or_refuse(*options, given); }};
}

}  // namespace unroll::cli
