#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/data_issues.h"
#include "cli/dependence_picture.h"
#include "cli/format.h"
#include "cli/gnuplot.h"
#include "cli/output.h"
#include "cli/run_paths.h"
#include "cli/table_results.h"
#include "table/cell_values.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

struct TableExplainOptions {
  std::string run;   ///< run directory
  std::string file;  ///< CSV
  std::size_t top = 10;
  bool json = false;  ///< print the result as JSON
};

constexpr const char* details =
    R"(What was seen while unroll table train validated the model: the columns whose cells matter most, by how much the error
grows where these are permuted among the validation rows of a fold; and the rows with the largest error, by a model
that had not learned of them. And what the model does with the rows of FILE: RUN/explain.svg shows for each of these
columns the mean prediction where all rows have the same value of it. It is drawn by gnuplot (Debian package
gnuplot-nox).

Examples:
  unroll table explain runs/train-linear+mlp test.csv
  unroll table explain runs/train-linear+mlp train.csv --top 30 --json)";

std::vector<SettingGroup> settings_of(TableExplainOptions& o) {
  constexpr int most = 1000;
  return {{"What to explain",
           {argument("RUN", o.run, "a run directory of unroll table train"),
            argument("FILE", o.file, "CSV with a header: plain, gzip or zip; - is standard input"),
            whole_number("top", o.top, 1, most, "how many columns and rows are shown"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

/// The contents of the output.
struct Explanation {
  TableTarget task;
  std::string folder;
  TableResults results;
  std::vector<PartialDependence> dependences;  ///< of the most important columns
  std::int64_t rows = 0;                       ///< number of rows that predictions are averaged over
  double mean = 0;                             ///< mean prediction for these rows
};

std::string picture_path(const Explanation& e) { return (std::filesystem::path(e.folder) / picture_name).string(); }

/// Error of a prediction; of its logarithm for log-rmse.
double error_of(const ValidatedRow& row, Metric metric) {
  return metric == Metric::log_rmse ? std::log(row.prediction / row.target) : row.prediction - row.target;
}

MeanAndDeviation score_over_folds(const TableResults& results) {
  std::map<std::int64_t, std::pair<std::vector<double>, std::vector<double>>> folds;
  for (const ValidatedRow& row : results.rows) {
    folds[row.fold].first.push_back(row.prediction);
    folds[row.fold].second.push_back(row.target);
  }
  std::vector<double> scores;
  scores.reserve(folds.size());
  for (const auto& [fold, numbers] : folds) scores.push_back(score(results.metric, numbers.first, numbers.second));
  return mean_and_deviation_of(scores);
}

void explain_model(Explanation& e, const TableModel& model, const Table& table, std::size_t top) {
  constexpr std::size_t max_rows = 1000;
  const std::vector<std::int64_t> rows = evenly_spaced(all_rows(table.rows()), max_rows);
  const std::vector<TableInput> inputs = model.inputs();
  for (const Importance& one : e.results.importances) {
    const auto input = std::ranges::find(inputs, one.column, &TableInput::name);
    const bool matters = one.increase.mean > 0 && input != inputs.end();
    if (matters && e.dependences.size() < top)
      e.dependences.push_back(partial_dependence(model, {table, rows}, *input));
  }
  const std::vector<double> predictions = model.predict({table, rows});
  e.rows = static_cast<std::int64_t>(rows.size());
  e.mean = mean_and_deviation_of(predictions).mean;
}

std::string script_of(const Explanation& e) {
  return dependence_script(
      e.dependences, e.mean,
      fmt::format("mean {} predicted for {}, one column held at each value", e.task.target, counted(e.rows, "row")));
}

using Lines = std::vector<std::vector<std::string>>;

std::string change_text(double change) {
  return fmt::format("{}{}", change < 0 ? "-" : "", score_text(std::abs(change)));
}

std::string bar(double share) {
  constexpr double longest = 20;
  std::string bar;
  for (long i = share > 0 ? std::lround(longest * std::min(share, 1.0)) : 0; i > 0; --i) bar += "█";
  return bar;
}

std::string columns_text(const Explanation& e, std::size_t top) {
  constexpr int max_name = 28;
  const std::vector<Importance>& all = e.results.importances;
  if (all.size() > max_permuted_columns && std::isnan(all.front().increase.mean)) {
    return fmt::format("how much each column matters is measured for up to {}, and the model reads {}; --drop some\n",
                       max_permuted_columns, counted(static_cast<std::int64_t>(all.size()), "column"));
  }
  const std::string metric = name_of(metric_names, e.results.metric);
  const double largest = std::max(all.front().increase.mean, 0.0);
  Lines lines = {{"column", metric, "spread", ""}};
  for (std::size_t i = 0; i < std::min(top, all.size()); ++i) {
    const auto& [column, increase] = all[i];
    lines.push_back({shortened(column, max_name), change_text(increase.mean), "+- " + score_text(increase.deviation),
                     bar(increase.mean / largest)});
  }
  std::string text =
      fmt::format("the columns that matter most: by how much {} {} where a column is permuted\n\n{}", metric,
                  e.results.metric == Metric::r2 ? "falls" : "grows", aligned(lines, {false, true, true, false}));
  if (all.size() > top) text += fmt::format("and {} more in {}\n", all.size() - top, importance_name);
  return text;
}

std::string error_text(double error, Metric metric) {
  if (metric != Metric::log_rmse) return fmt::format("{}{}", error > 0 ? "+" : "", number_text(error));
  return fmt::format("{} times too {}", four_digits(std::exp(std::abs(error))), error > 0 ? "high" : "low");
}

std::string rows_text(const Explanation& e, std::size_t top) {
  constexpr int max_name = 28;
  Lines lines = {
      {shortened(e.results.row_header, max_name), "fold", shortened(e.task.target, max_name), "predicted", "error"}};
  for (std::size_t i = 0; i < std::min(top, e.results.rows.size()); ++i) {
    const ValidatedRow& row = e.results.rows[i];
    lines.push_back({shortened(row.name, max_name), std::to_string(row.fold), number_text(row.target),
                     number_text(row.prediction), error_text(error_of(row, e.results.metric), e.results.metric)});
  }
  return fmt::format("the largest errors for rows that the model had not seen\n\n{}",
                     aligned(lines, {false, true, true, true, false}));
}

std::string report(const Explanation& e, std::size_t top) {
  const MeanAndDeviation validation = score_over_folds(e.results);
  return fmt::format("{}: validation {} {} +- {}\n\n{}\n{}\n", one_line(e.folder),
                     name_of(metric_names, e.results.metric), score_text(validation.mean),
                     score_text(validation.deviation), columns_text(e, top), rows_text(e, top));
}

Json json_of(const PartialDependence& d) {
  Json result = {
      {"column", d.input.name}, {"kind", name_of(column_kind_names, d.input.kind)}, {"points", Json::array()}};
  for (const DependencePoint& point : d.points) {
    Json value;
    if (!point.missing) {
      value = d.input.kind == ColumnKind::number ? Json(point.number)
              : d.input.kind == ColumnKind::date ? Json(date_text(point.number))
                                                 : Json(point.level);
    }
    result["points"].push_back({{"value", value}, {"rows", point.rows}, {"prediction", point.prediction}});
  }
  return result;
}

Json json_of(const Explanation& e, std::size_t top, bool drawn) {
  const MeanAndDeviation validation = score_over_folds(e.results);
  Json result = {{"run", e.folder},
                 {"metric", name_of(metric_names, e.results.metric)},
                 {"validation", validation.mean},
                 {"spread", validation.deviation},
                 {"importance", Json::array()},
                 {"largest_errors", Json::array()},
                 {"rows", e.rows},
                 {"mean_prediction", e.mean},
                 {"partial_dependence", Json::array()},
                 {"picture", drawn ? Json(picture_path(e)) : Json()}};
  for (const auto& [column, increase] : e.results.importances)
    result["importance"].push_back({{"column", column}, {"importance", increase.mean}, {"spread", increase.deviation}});
  for (std::size_t i = 0; i < std::min(top, e.results.rows.size()); ++i) {
    const ValidatedRow& row = e.results.rows[i];
    result["largest_errors"].push_back({{"row", row.name},
                                        {"fold", row.fold},
                                        {"target", row.target},
                                        {"prediction", row.prediction},
                                        {"error", error_of(row, e.results.metric)}});
  }
  for (const PartialDependence& d : e.dependences) result["partial_dependence"].push_back(json_of(d));
  return result;
}

void explain_table(const TableExplainOptions& o) {
  const std::string model_file = model_file_of(o.run);
  const TableModel model = TableModel::load(model_file);
  if (model.inputs().empty())
    throw Error(ExitCode::bad_data, fmt::format("{}: the model reads no column, so nothing explains it", model_file));
  Explanation e;
  e.task = model.task();
  const std::filesystem::path folder = std::filesystem::path(model_file).parent_path();
  e.folder = folder.empty() ? "." : folder.string();
  e.results = read_table_results(e.folder, e.task);
  std::ranges::stable_sort(e.results.rows, std::greater<>(),
                           [&](const ValidatedRow& row) { return std::abs(error_of(row, e.results.metric)); });
  explain_model(e, model, read_table_for(model, o.file, ""), o.top);
  const std::string script = script_of(e);
  std::string problem;
  bool drawn = false;
  try {
    if (!script.empty()) write_file_atomically(picture_path(e), run_gnuplot(script));
    drawn = !script.empty();
  } catch (const Error& error) {
    problem = error.what();  // reported after the result
  }
  write_result(o.json ? to_text(json_of(e, o.top, drawn)) : report(e, o.top));
  if (drawn && !o.json) write_result(fmt::format("partial dependence {}\n", one_line(picture_path(e))));
  if (!problem.empty()) throw Error(ExitCode::io, problem);
}

}  // namespace

Command table_explain_command() {
  auto options = std::make_shared<TableExplainOptions>();
  return {"table explain", "Show what a model of a table learned from, and where it is wrong.", details,
          settings_of(*options), [options](const GivenSettings&) { explain_table(*options); }};
}

}  // namespace unroll::cli
