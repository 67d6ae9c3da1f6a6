#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/metric.h"
#include "cli/output.h"
#include "cli/run_paths.h"
#include "cli/table_options.h"
#include "cli/table_record.h"
#include "cli/table_rows.h"
#include "cli/table_validation.h"
#include "io/in_quotes.h"
#include "run/run_directory.h"
#include "table/cell_values.h"
#include "table/folds.h"
#include "tabular/leaks.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

/// A model is a list of its members.
using Model = std::vector<MemberKind>;
const EnumNames<Model> model_names = {{"linear+mlp", {MemberKind::linear, MemberKind::mlp}},
                                      {"linear", {MemberKind::linear}},
                                      {"mlp", {MemberKind::mlp}},
                                      {"trees", {MemberKind::trees}},
                                      {"ensemble", {MemberKind::linear, MemberKind::mlp, MemberKind::trees}},
                                      {"linear+mlp+trees", {MemberKind::linear, MemberKind::mlp, MemberKind::trees}},
                                      {"textbook", {MemberKind::textbook}}};

struct TableTrainOptions {
  std::string file;                          ///< CSV
  std::string target;                        ///< column to predict
  std::string id;                            ///< column that names the rows; empty: none
  Model model = model_names.front().second;  ///< members of the model
  Metric metric = Metric::log_rmse;          ///< metric to report; log_rmse: train on logarithms
  int folds = 5;                             ///< of the validation
  std::string time_order;                    ///< column; validation rows are later ones; empty: random folds
  std::string folds_from;                    ///< column whose values are the folds; empty: random folds
  std::uint64_t seed = 0;                    ///< of the folds and of the model
  int threads = 0;                           ///< 0: what the machine allows
  TableOptions table;
  std::vector<std::string> hash;  ///< texts whose words become features
  bool keep_leaks = false;        ///< use string columns that contain the target
  std::string out;                ///< run directory; empty: named after the file
  bool overwrite = false;         ///< replace a model in the run directory
  bool json = false;              ///< print the result as JSON
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
  unroll table predict runs/train-linear+mlp test.csv -o submission.csv)";

std::vector<SettingGroup> settings_of(TableTrainOptions& o) {
  constexpr int max_folds = 1000;
  std::vector<Setting> columns = {
      argument("FILE", o.file, "CSV with a header: plain, gzip or zip; - is standard input"),
      text("target", "COLUMN", o.target, "", "the column of numbers that is to be predicted"),
      text("id", "COLUMN", o.id, "the row's number", "the column that names the rows, and says nothing else")};
  for (Setting& setting : table_settings(o.table)) columns.push_back(std::move(setting));
  columns.push_back(texts("hash", "COLUMN", o.hash, "", "make features of a text's words; may be repeated"));
  columns.push_back(toggle("keep-leaks", o.keep_leaks, "use strings that hold the target, too"));
  return {
      {"Table", std::move(columns)},
      {"Model and validation",
       {choice("model", o.model, model_names, "what learns"),
        choice("metric", o.metric, metric_names, "what is reported"),
        whole_number("folds", o.folds, 1, max_folds, "parts that the model is validated on in turn"),
        text("time-order", "COLUMN", o.time_order, "none",
             "numbers or dates: learn from earlier rows, validate on later ones"),
        text("folds-from", "COLUMN", o.folds_from, "none", "a fold for each value of the column, which is no feature"),
        seed(o.seed, "of the folds, and of what a model learns with"),
        whole_number("threads", o.threads, 1, max_threads, "what is allowed", "threads to use")}},
      {"Saving and result",
       {text("out", "DIR", o.out, "runs/NAME-MODEL", "run directory"),
        toggle("overwrite", o.overwrite, "replace the model that the run directory holds"),
        toggle("json", o.json, "print the result as one JSON object")}}};
}

bool is_textbook(const TableTrainOptions& o) { return o.model == Model{MemberKind::textbook}; }

void check_conflicts(const TableTrainOptions& o) {
  const char* help = "see unroll table train --help";
  if (o.target.empty()) throw Error(fmt::format("--target COLUMN is missing: what is to be predicted; {}", help));
  if (o.id == o.target) throw Error(fmt::format("--id and --target are the same column; {}", help));
  if (!o.time_order.empty() && !o.folds_from.empty())
    throw Error(fmt::format("--time-order and --folds-from exclude each other: both make the folds; {}", help));
  if (o.folds < 2 && o.time_order.empty() && o.folds_from.empty())
    throw Error(fmt::format("--folds 1 is for --time-order: folds by chance are 2 or more; {}", help));
  if (!o.hash.empty() && is_textbook(o))
    throw Error(fmt::format("--hash makes features of texts, which the textbook's model has not; {}", help));
  for (const MemberKind member : o.model) require_member(member);
}

Table read_table(const TableTrainOptions& o) {
  TableOptions options = o.table;
  options.as[o.target] = ColumnKind::number;  // so that every cell that is not a number is found
  if (!o.id.empty()) options.as[o.id] = ColumnKind::category;
  return Table::read(o.file, options);
}

[[noreturn]] void refuse_row(const Table& table, std::int64_t row, const std::string& problem) {
  throw Error(ExitCode::bad_data, fmt::format("{}: line {}: {}", table.name(), table.line(row), problem));
}

std::vector<double> targets_of(const Table& table, const TableTrainOptions& o) {
  constexpr double max_target = 1e100;  // so that sums of squares are finite
  const Column& column = table.column(o.target);
  const std::string name = in_quotes(o.target);
  std::vector<double> targets(column.numbers().begin(), column.numbers().end());
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const double target = targets[static_cast<std::size_t>(row)];
    if (column.is_missing(row))
      refuse_row(table, row, fmt::format("the target {} is missing; leave out the rows without", name));
    if (std::isnan(target)) {
      const auto unparsed_cell = std::ranges::lower_bound(column.unparsed(), row, {}, &UnparsedCell::row);
      refuse_row(table, row,
                 fmt::format("the target {} is {}, and a target is a number; correct the row or leave it out", name,
                             in_quotes(unparsed_cell->text)));
    }
    if (std::abs(target) > max_target) {
      refuse_row(table, row,
                 fmt::format("the target {} is {}, and no target is beyond 1e100; correct the row or leave it out",
                             name, target));
    }
    if (o.metric == Metric::log_rmse && target <= 0)
      refuse_row(
          table, row,
          fmt::format("the target {} is {}, and log-rmse takes numbers above 0; take another --metric", name, target));
  }
  return targets;
}

/// Numbers or dates of the column, parsed if it was read as categories, as the id is.
std::vector<double> times_of(const Table& table, const std::string& name) {
  const Column& column = table.column(name);
  std::vector<double> times(column.numbers().begin(), column.numbers().end());
  if (column.kind() == ColumnKind::category) {
    for (const std::int32_t code : column.codes()) {
      const std::string_view text = code < 0 ? std::string_view() : column.levels()[code];
      times.push_back(unroll::parse_number(text).value_or(parse_date(text).value_or(std::nan(""))));
    }
  }
  if (times.empty())
    throw Error(fmt::format("--time-order {}: the column has no numbers and no dates", in_quotes(name)));
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (std::isnan(times[static_cast<std::size_t>(row)]))
      refuse_row(table, row, fmt::format("{}, which --time-order names, is no number and no date", in_quotes(name)));
  }
  return times;
}

std::vector<Fold> folds_of(const Table& table, const TableTrainOptions& o) {
  if (!o.folds_from.empty()) return folds_from_values(table.column(o.folds_from));
  if (!o.time_order.empty()) return folds_in_order(times_of(table, o.time_order), o.folds);
  if (table.rows() < o.folds)
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {} cannot be validated in {} folds; take fewer --folds or more rows", table.name(),
                            counted(table.rows(), "row"), o.folds));
  return shuffled_folds(table.rows(), o.folds, o.seed);
}

Learner learner_of(const TableTrainOptions& o) {
  const bool logarithm = o.metric == Metric::log_rmse && !is_textbook(o);
  Learner learner = {.task = {.target = o.target, .id = o.id, .logarithm = logarithm},
                     .learning = {.members = o.model,
                                  .without = {},
                                  .hashed = o.hash,
                                  .keep_leaks = o.keep_leaks,
                                  .seed = o.seed,
                                  .threads = o.threads}};
  if (!o.folds_from.empty()) learner.learning.without.push_back(o.folds_from);
  return learner;
}

/// Logs which columns contain the target. Each fold detects leaks again, in its training rows only.
void log_leaks(const Table& table, const TableTrainOptions& o) {
  const Column* const target = &table.column(o.target);
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  for (const Leak& leak : find_leaks({table, rows}, std::span(&target, 1))) {
    const std::string& name = leak.into->name();
    if (name == o.id) continue;
    const char* what = o.keep_leaks                            ? "kept"
                       : leak.into->kind() != ColumnKind::text ? "left out; --keep-leaks keeps it"
                       : std::ranges::find(o.hash, name) == o.hash.end()
                           ? "a text that is no feature"
                           : "its words with digits are hidden; --keep-leaks keeps them";
    log_message(fmt::format("column {} holds the target in {}: {}", in_quotes(name),
                            counted(static_cast<std::int64_t>(leak.rows.size()), "row"), what));
  }
}

void check_hashed(const Table& table, const TableTrainOptions& o) {
  for (const std::string& name : o.hash) {
    if (table.column(name).kind() != ColumnKind::text)
      throw Error(fmt::format("--hash {0}: the column is a {1}, and texts have words; --as {0}=text makes it one", name,
                              name_of(column_kind_names, table.column(name).kind())));
  }
}

/// Fields of the event start in the log.
Json start_fields(const Table& table, const TableTrainOptions& o, std::size_t folds) {
  return {{"version", UNROLL_VERSION},
          {"table", table.name()},
          {"rows", table.rows()},
          {"columns", table.columns().size()},
          {"target", o.target},
          {"id", o.id},
          {"model", name_of(model_names, o.model)},
          {"metric", name_of(metric_names, o.metric)},
          {"folds", folds},
          {"time_order", o.time_order},
          {"folds_from", o.folds_from},
          {"seed", o.seed}};
}

std::string report(const Table& table, const TableValidation& v, const TableTrainOptions& o,
                   const std::string& model_path) {
  std::string text = fmt::format("{}: {}\n\n{:<6}{:>10}{:>12}\n", one_line(table.name()), counted(table.rows(), "row"),
                                 "fold", "training", "validation");
  for (std::size_t i = 0; i < v.folds.size(); ++i) {
    text +=
        fmt::format("{:<6}{:>10}{:>12}\n", i + 1, score_text(v.folds[i].training), score_text(v.folds[i].validation));
  }
  return text + fmt::format("{:<6}{:>10}{:>12} +- {}   {}\n\nmodel of all rows: {}\n", "mean",
                            score_text(v.training.mean), score_text(v.validation.mean),
                            score_text(v.validation.deviation), name_of(metric_names, o.metric), one_line(model_path));
}

/// Throws Error if the id or the target has the name of another column of oof.csv.
void check_names(const TableTrainOptions& o) {
  const std::string row = o.id.empty() ? "row" : o.id;
  const auto refuse = [](const std::string& name) {
    throw Error(fmt::format("column {} has the name of another column of {}; rename it", in_quotes(name), oof_name));
  };
  for (const char* taken : {"fold", "prediction"}) {
    if (o.target == taken || row == taken) refuse(taken);
  }
  if (o.target == row) refuse(row);
}

void train_table(const TableTrainOptions& o) {
  check_conflicts(o);
  check_names(o);
  RunDirectory directory(o.out.empty() ? default_run_directory(o.file, name_of(model_names, o.model)) : o.out,
                         o.overwrite ? Existing::replace : Existing::refuse, refuse_with_flags);
  const Table table = read_table(o);
  const RowNames names(table, o.id);
  const std::vector<double> targets = targets_of(table, o);
  const std::vector<Fold> folds = folds_of(table, o);
  check_hashed(table, o);
  directory.create();
  log_leaks(table, o);
  TableRecord record(directory.path(), start_fields(table, o, folds.size()));
  const auto on_fold = [&](const FoldResult& fold) {
    record.fold(fold);
    log_message(fmt::format("fold {} of {}: training {}, validation {}", fold.number, folds.size(),
                            score_text(fold.training), score_text(fold.validation)));
  };
  const Learner learner = learner_of(o);
  const TableValidation validation = validate(table, targets, folds, learner, o.metric, on_fold);
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  const TableModel model = learner.fit({table, rows});
  const std::string oof_path = (std::filesystem::path(directory.path()) / oof_name).string();
  const std::string importance_path = (std::filesystem::path(directory.path()) / importance_name).string();
  write_file_atomically(oof_path, oof_text(validation.predictions, names, targets, o.target));
  write_file_atomically(importance_path, importance_text(validation.importances, o.metric));
  model.save(directory.model_path());
  record.finish();
  if (!o.json) return write_result(report(table, validation, o, directory.model_path()));
  Json result = {{"file", table.name()},
                 {"rows", table.rows()},
                 {"target", o.target},
                 {"model", name_of(model_names, o.model)},
                 {"metric", name_of(metric_names, o.metric)},
                 {"training", validation.training.mean},
                 {"validation", validation.validation.mean},
                 {"spread", validation.validation.deviation},
                 {"folds", Json::array()},
                 {"choices", model.choices()},
                 {"model_file", directory.model_path()},
                 {"oof_file", oof_path},
                 {"importance_file", importance_path}};
  for (const FoldResult& fold : validation.folds) result["folds"].push_back(json_of(fold));
  write_result(to_text(result));
}

}  // namespace

Command table_train_command() {
  auto options = std::make_shared<TableTrainOptions>();
  return {"table train", "Learn to predict a column of a table, validated on folds.", details, settings_of(*options),
          [options](const GivenSettings&) { train_table(*options); }};
}

}  // namespace unroll::cli
