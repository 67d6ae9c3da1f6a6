#include "cli/table_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr std::string_view importance_header = "column,metric,importance,spread\n";

std::string path_in(const std::string& folder, const char* name) {
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path.string();
  throw Error(ExitCode::no_input,
              fmt::format("there is no {0} beside the model in the folder {1}: unroll table train leaves it in its run "
                          "directory; train the model again, with --out {1} --overwrite",
                          name, folder));
}

[[noreturn]] void refuse(const Table& table, std::int64_t row, const std::string& problem) {
  throw Error(ExitCode::bad_data, fmt::format("{}: line {}: {}; it is not as unroll table train writes it",
                                              table.name(), table.line(row), problem));
}

Table read_results(const std::string& path, std::map<std::string, ColumnKind> kinds) {
  try {
    return Table::read(path, {.as = std::move(kinds)});
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) throw;
    throw Error(ExitCode::bad_data, fmt::format("{}; it is not as unroll table train writes it", error.what()));
  }
}

double number_in(const Table& table, const std::string& column, std::int64_t row) {
  const double number = table.column(column).numbers()[static_cast<std::size_t>(row)];
  if (std::isnan(number)) refuse(table, row, fmt::format("{} is no number", column));
  return number;
}

Metric metric_in(const Table& table) {
  const std::string_view word = table.column("metric").text(0);
  const auto found = std::ranges::find(metric_names, word, &std::pair<std::string, Metric>::first);
  if (found == metric_names.end()) refuse(table, 0, "there is no such metric");
  return found->second;
}

}  // namespace

std::string oof_text(std::span<const OutOfFold> predictions, const RowNames& names, std::span<const double> targets,
                     const std::string& target) {
  std::string text = fmt::format("{},fold,{},prediction\n", names.header(), csv_cell(target));
  for (const OutOfFold& one : predictions) {
    text += fmt::format("{},{},{},{}\n", names[one.row], one.fold, targets[static_cast<std::size_t>(one.row)],
                        one.prediction);
  }
  return text;
}

std::string importance_text(std::span<const Importance> importances, Metric metric) {
  std::string text(importance_header);
  for (const Importance& one : importances) {
    text += fmt::format("{},{},{},{}\n", csv_cell(one.column), name_of(metric_names, metric), one.increase.mean,
                        one.increase.deviation);
  }
  return text;
}

TableResults read_table_results(const std::string& folder, const TableTarget& task) {
  TableResults results;
  const std::string importance_path = path_in(folder, importance_name);
  std::error_code ignored;
  if (std::filesystem::file_size(importance_path, ignored) == importance_header.size()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the folds' models read no column, so nothing explains them", importance_path));
  }
  const Table importances = read_results(importance_path, {{"column", ColumnKind::text},
                                                           {"metric", ColumnKind::text},
                                                           {"importance", ColumnKind::number},
                                                           {"spread", ColumnKind::number}});
  results.metric = metric_in(importances);
  for (std::int64_t row = 0; row < importances.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);  // NaN: not measured, or a fold had no score
    results.importances.push_back({std::string(importances.column("column").text(row)),
                                   {.mean = importances.column("importance").numbers()[at],
                                    .deviation = importances.column("spread").numbers()[at]}});
  }
  results.row_header = task.id.empty() ? "row" : task.id;
  const Table oof = read_results(path_in(folder, oof_name), {{results.row_header, ColumnKind::text},
                                                             {"fold", ColumnKind::number},
                                                             {task.target, ColumnKind::number},
                                                             {"prediction", ColumnKind::number}});
  for (std::int64_t row = 0; row < oof.rows(); ++row) {
    const double target = number_in(oof, task.target, row), prediction = number_in(oof, "prediction", row);
    if (results.metric == Metric::log_rmse && (target <= 0 || prediction <= 0))
      refuse(oof, row, "log-rmse takes numbers above 0");
    const double fold = number_in(oof, "fold", row);
    if (!(fold >= 1 && fold <= static_cast<double>(oof.rows()))) refuse(oof, row, "there is no such fold");
    results.rows.push_back({.name = std::string(oof.column(results.row_header).text(row)),
                            .fold = std::llround(fold),
                            .target = target,
                            .prediction = prediction});
  }
  return results;
}

}  // namespace unroll::cli
