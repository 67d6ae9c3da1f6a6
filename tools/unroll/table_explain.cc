#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dependence_picture.h"
#include "format.h"
#include "gnuplot.h"
#include "metric.h"
#include "output.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"
#include "unroll/table_run.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

struct TableExplainOptions {
  std::string run;     ///< run directory
  std::string file;    ///< CSV
  TableOptions table;  ///< only its encoding
  std::size_t top = 10;
  bool json = false;  ///< print the result as JSON
};

constexpr const char* table_explain_details =
    R"(What was seen while unroll table train validated the model: the columns whose cells matter most, by how much the error
grows where these are permuted among the validation rows of a fold; and the rows with the largest error, by a model
that had not learned of them. And what the model does with the rows of FILE: RUN/explain.svg shows for each of these
columns the mean prediction where all rows have the same value of it. It is drawn by gnuplot (Debian package
gnuplot-nox).

Examples:
  unroll table explain runs/train-linear+mlp test.csv
  unroll table explain runs/train-linear+mlp train.csv --top 30 --json)";

std::vector<OptionGroup> options_of(TableExplainOptions& o) {
  constexpr int most = 1000;
  return {{"What to explain",
           {argument("RUN", o.run, "a run directory of unroll table train"),
            argument("FILE", o.file, "CSV with a header or xlsx: plain, gzip or zip; - is standard input"),
            encoding(o.table.encoding), whole_number("top", o.top, 1, most, "how many columns and rows are shown"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

/// The contents of the output.
struct Explanation {
  std::string target;
  std::string folder;
  TableResults results;
  TableExplanation model;
};

std::string picture_path(const Explanation& e) { return (std::filesystem::path(e.folder) / picture_name).string(); }

std::string script_of(const Explanation& e) {
  return dependence_script(
      e.model.dependences, e.model.mean,
      fmt::format("mean {} predicted for {}, one column held at each value", e.target, counted(e.model.rows, "row")));
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
  const std::string metric = unroll::name_of(e.results.metric);
  const double largest = std::max(all.front().increase.mean, 0.0);
  Lines lines = {{"column", metric, "spread", ""}};
  for (std::size_t i = 0; i < std::min(top, all.size()); ++i) {
    const auto& [column, increase] = all[i];
    lines.push_back({shortened(column, max_name), change_text(increase.mean), "+- " + score_text(increase.deviation),
                     bar(increase.mean / largest)});
  }
  std::string text =
      fmt::format("the columns that matter most: by how much {} {} where a column is permuted\n\n{}", metric,
                  e.results.metric == TableMetric::r2 ? "falls" : "grows", aligned(lines, {false, true, true, false}));
  if (all.size() > top) text += fmt::format("and {} more in {}\n", all.size() - top, importance_name);
  return text;
}

std::string error_text(double error, TableMetric metric) {
  if (metric != TableMetric::log_rmse) return fmt::format("{}{}", error > 0 ? "+" : "", number_text(error));
  return fmt::format("{} times too {}", four_digits(std::exp(std::abs(error))), error > 0 ? "high" : "low");
}

std::string rows_text(const Explanation& e, std::size_t top) {
  constexpr int max_name = 28;
  Lines lines = {
      {shortened(e.results.row_header, max_name), "fold", shortened(e.target, max_name), "predicted", "error"}};
  for (std::size_t i = 0; i < std::min(top, e.results.rows.size()); ++i) {
    const ValidatedRow& row = e.results.rows[i];
    lines.push_back({shortened(row.name, max_name), std::to_string(row.fold), number_text(row.target),
                     number_text(row.prediction), error_text(row.error, e.results.metric)});
  }
  return fmt::format("the largest errors for rows that the model had not seen\n\n{}",
                     aligned(lines, {false, true, true, true, false}));
}

std::string report(const Explanation& e, std::size_t top) {
  const MeanAndDeviation& validation = e.results.validation;
  return fmt::format("{}: validation {} {} +- {}\n\n{}\n{}\n", one_line(e.folder), unroll::name_of(e.results.metric),
                     score_text(validation.mean), score_text(validation.deviation), columns_text(e, top),
                     rows_text(e, top));
}

Json json_of(const PartialDependence& d) {
  Json result = {{"column", d.input.name}, {"kind", name_of(d.input.kind)}, {"points", Json::array()}};
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
  const MeanAndDeviation& validation = e.results.validation;
  Json result = {{"run", e.folder},
                 {"metric", unroll::name_of(e.results.metric)},
                 {"validation", validation.mean},
                 {"spread", validation.deviation},
                 {"importance", Json::array()},
                 {"largest_errors", Json::array()},
                 {"rows", e.model.rows},
                 {"mean_prediction", e.model.mean},
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
                                        {"error", row.error}});
  }
  for (const PartialDependence& d : e.model.dependences) result["partial_dependence"].push_back(json_of(d));
  return result;
}

void explain_table(const TableExplainOptions& o) {
  const std::string model_file = model_file_of(o.run);
  const TableModel model = TableModel::load(model_file);
  if (model.inputs().empty())
    throw Error(ExitCode::bad_data, fmt::format("{}: the model reads no column, so nothing explains it", model_file));
  Explanation e;
  e.target = model.target();
  const std::filesystem::path folder = std::filesystem::path(model_file).parent_path();
  e.folder = folder.empty() ? "." : folder.string();
  e.results = read_table_results(e.folder, model);
  const Table table = Table::read(o.file, model.reading_options(false, o.table));
  for (const std::string& note : model.reading_notes(table)) log_message(note);
  e.model = model.explain(table, e.results.importances, o.top);
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
  return {"table explain", "Show what a model of a table learned from, and where it is wrong.", table_explain_details,
          options_of(*options), [options](const OptionValues&) { explain_table(*options); }};
}

}  // namespace unroll::cli
