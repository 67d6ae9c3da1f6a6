#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "commands.h"
#include "format.h"
#include "metric.h"
#include "output.h"
#include "stop_signals.h"
#include "unroll/error.h"
#include "unroll/table_run.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

struct TableTrainOptions {
  TableFileRunOptions run;
  bool json = false;  ///< print the result as JSON
};

constexpr const char* table_train_details =
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
  std::vector<OptionGroup> groups = describe(o.run);
  groups.back().options.push_back(toggle("json", o.json, "print the result as one JSON object"));
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

std::string report(const Table& table, const TableRunResult& result, const TableModelOptions& o) {
  const TableValidation& v = result.validation;
  std::string text = fmt::format("{}: {}\n\n{:<6}{:>10}{:>12}\n", one_line(table.name()), counted(table.rows(), "row"),
                                 "fold", "training", "validation");
  for (const FoldResult& fold : v.folds)
    text += fmt::format("{:<6}{:>10}{:>12}\n", fold.number, score_text(fold.training), score_text(fold.validation));
  return text + fmt::format("{:<6}{:>10}{:>12} +- {}   {}\n\nmodel of all rows: {}\n", "mean",
                            score_text(v.training.mean), score_text(v.validation.mean),
                            score_text(v.validation.deviation), name_of(o.metric), one_line(result.model_path));
}

Json json_of(const FoldResult& fold) {
  return {{"training_rows", fold.training_rows},
          {"validation_rows", fold.validation_rows},
          {"training", fold.training},
          {"validation", fold.validation},
          {"choices", Json::parse(fold.choices)}};
}

Json json_of(const Table& table, const TableRunResult& result, const TableModelOptions& o) {
  const TableValidation& v = result.validation;
  Json json = {{"file", table.name()},
               {"rows", table.rows()},
               {"target", o.target},
               {"model", model_name(o.members)},
               {"metric", name_of(o.metric)},
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

void train_table(const TableTrainOptions& o, OptionValues given) {
  given.erase("json");
  const std::unique_ptr<TableFileRun> run =
      with_help("table train", [&] { return TableFileRun::create_from_values(given); });
  run->run().add_observer(std::make_shared<Printer>());
  const StopSignals signals;
  run->run().stop_when([&] { return signals.received() != 0; });
  const std::optional<TableRunResult> result = run->train();
  if (!result) {
    log_message(fmt::format("stopped   by {}; go on with: unroll table train{} --resume {}",
                            signal_name(signals.received()), run->options().file == "-" ? " FILE" : "",
                            for_shell(run->directory())));
    throw StoppedBySignal{signals.received()};
  }
  const TableModelOptions& model = run->options().model;
  write_result(o.json ? to_text(json_of(run->table(), *result, model)) : report(run->table(), *result, model));
}

}  // namespace

Command table_train_command() {
  auto options = std::make_shared<TableTrainOptions>();
  return {"table train", "Learn to predict a column of a table, validated on folds.", table_train_details,
          options_of(*options), [options](const OptionValues& given) { train_table(*options, given); }};
}

}  // namespace unroll::cli
