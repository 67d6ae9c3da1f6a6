#include "tabular/table_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "tabular/table_metric.h"
#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {
namespace {

constexpr std::string_view importance_header = "column,metric,importance,spread\n";

std::string path_in(const std::string& folder, const char* name) {
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path.string();
  throw Error(ExitCode::no_input,
              fmt::format("there is no {0} beside the model in the folder {1}: unroll table train leaves it in its run "
                          "directory; train the model again, with {2} {1} {3}",
                          name, folder, option_name("out"), option_name("overwrite")));
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

TableMetric metric_in(const Table& table) {
  const auto metric = metric_named(table.column("metric").text(0));
  if (!metric) refuse(table, 0, "there is no such metric");
  return *metric;
}

std::vector<Importance> importances_in(const Table& table) {
  std::vector<Importance> importances;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);  // NaN: not measured, or a fold had no score
    importances.push_back(
        {std::string(table.column("column").text(row)),
         {.mean = table.column("importance").numbers()[at], .deviation = table.column("spread").numbers()[at]}});
  }
  return importances;
}

/// The rows of oof.csv.
std::vector<ValidatedRow> rows_in(const Table& oof, const std::string& header, const std::string& target_name,
                                  TableMetric metric) {
  std::vector<ValidatedRow> rows;
  for (std::int64_t row = 0; row < oof.rows(); ++row) {
    const double target = number_in(oof, target_name, row), prediction = number_in(oof, "prediction", row);
    const bool logarithmic = metric == TableMetric::log_rmse;
    if (logarithmic && (target <= 0 || prediction <= 0)) refuse(oof, row, "log-rmse takes numbers above 0");
    const double fold = number_in(oof, "fold", row);
    if (!(fold >= 1 && fold <= static_cast<double>(oof.rows()))) refuse(oof, row, "there is no such fold");
    rows.push_back({.name = std::string(oof.column(header).text(row)),
                    .fold = std::llround(fold),
                    .target = target,
                    .prediction = prediction,
                    .error = logarithmic ? std::log(prediction / target) : prediction - target});
  }
  return rows;
}

MeanAndDeviation score_over_folds(const std::vector<ValidatedRow>& rows, TableMetric metric) {
  std::map<std::int64_t, std::pair<std::vector<double>, std::vector<double>>> folds;
  for (const ValidatedRow& row : rows) {
    folds[row.fold].first.push_back(row.prediction);
    folds[row.fold].second.push_back(row.target);
  }
  std::vector<double> scores;
  scores.reserve(folds.size());
  for (const auto& [fold, numbers] : folds) scores.push_back(score(metric, numbers.first, numbers.second));
  return mean_and_deviation_of(scores);
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

std::string importance_text(std::span<const Importance> importances, TableMetric metric) {
  std::string text(importance_header);
  for (const Importance& one : importances) {
    text +=
        fmt::format("{},{},{},{}\n", csv_cell(one.column), name_of(metric), one.increase.mean, one.increase.deviation);
  }
  return text;
}

TableResults read_table_results(const std::string& folder, const TableModel& model) {
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
  results.importances = importances_in(importances);
  results.row_header = model.id().empty() ? "row" : model.id();
  const Table oof = read_results(path_in(folder, oof_name), {{results.row_header, ColumnKind::text},
                                                             {"fold", ColumnKind::number},
                                                             {model.target(), ColumnKind::number},
                                                             {"prediction", ColumnKind::number}});
  results.rows = rows_in(oof, results.row_header, model.target(), results.metric);
  std::ranges::stable_sort(results.rows, std::greater<>(), [](const ValidatedRow& row) { return std::abs(row.error); });
  results.validation = score_over_folds(results.rows, results.metric);
  return results;
}

}  // namespace unroll
