#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "format.h"
#include "output.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

struct TableInspectOptions {
  std::string file;    ///< CSV
  std::string target;  ///< column to predict; empty: not given
  TableOptions table;
  bool json = false;  ///< print the result as JSON
};

constexpr const char* table_inspect_details =
    R"(For each column: its kind, the share of missing cells, distinct values, numbers far outside the quartiles, and its range
(minimum, median, maximum) or its most frequent values. Then what looks like trouble for a model: texts that hold the
target, ids in the order of time, words among numbers, mixed units, absurd years.

Examples:
  unroll table inspect train.csv
  unroll table inspect train.csv --target SalePrice --as MSSubClass=category --drop Id
  unroll table inspect houses.zip:train.csv --target "Sold Price" --json)";

std::vector<OptionGroup> options_of(TableInspectOptions& o) {
  std::vector<Option> settings = {
      argument("FILE", o.file, "CSV with a header or xlsx: plain, gzip or zip; - is standard input"),
      text("target", "COLUMN", o.target, "", "the column that is to be predicted")};
  for (Option& setting : describe(o.table)) settings.push_back(std::move(setting));
  settings.push_back(toggle("json", o.json, "print the result as one JSON object"));
  return {{"What to look at", std::move(settings)}};
}

bool holds_numbers(const Column& column) {
  return column.kind() == ColumnKind::number || column.kind() == ColumnKind::date;
}

std::string value_text(const Column& column, double number) {
  return column.kind() == ColumnKind::date ? date_text(number) : number_text(number);
}

std::string share_text(std::int64_t part, std::int64_t whole) {
  return part == 0 ? "-" : fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

/// A share in whole per cent: "<1 %" below 1, ">99 %" above 99 unless it is all.
std::string whole_percent(std::int64_t part, std::int64_t whole) {
  const double share = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (share < 1) return "<1 %";
  return part < whole && share > 99 ? ">99 %" : fmt::format("{:.0f} %", share);
}

std::string values_text(const Column& column, const ColumnSummary& summary) {
  constexpr std::size_t levels = 3;
  constexpr int max_level = 20, max_text = 36;
  const std::int64_t present = column.size() - summary.missing;
  if (present == 0) return "";
  if (holds_numbers(column)) {
    const NumberSummary& n = summary.numbers;
    if (n.count == 0) return "";
    return fmt::format("{} .. {} .. {}", value_text(column, n.minimum), value_text(column, n.median),
                       value_text(column, n.maximum));
  }
  if (column.kind() == ColumnKind::text) {
    std::int64_t row = 0;
    while (column.is_missing(row)) ++row;
    return fmt::format("{} bytes on average: {}", with_commas(summary.bytes / present),
                       shortened(column.text(row), max_text));
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(levels, summary.frequent.size()); ++i) {
    const auto& [level, count] = summary.frequent[i];
    const std::string name = level.empty() ? "\"\"" : shortened(level, max_level);
    text += fmt::format("{}{} {}", i > 0 ? ", " : "", name, whole_percent(count, present));
  }
  return text;
}

std::string outliers_text(const Column& column, const ColumnSummary& summary) {
  return holds_numbers(column) && summary.numbers.outliers > 0 ? with_commas(summary.numbers.outliers) : "-";
}

/// "81 columns: 38 of numbers, 43 of categories"
std::string columns_text(const Table& table) {
  const std::map<ColumnKind, const char*> names = {{ColumnKind::number, "numbers"},
                                                   {ColumnKind::category, "categories"},
                                                   {ColumnKind::date, "dates"},
                                                   {ColumnKind::list, "lists"},
                                                   {ColumnKind::text, "texts"}};
  std::vector<std::string> parts;
  for (const auto& [kind, name] : names) {
    const auto count = std::ranges::count(table.columns(), kind, &Column::kind);
    if (count > 0) parts.push_back(fmt::format("{} of {}", with_commas(count), name));
  }
  return fmt::format("{}: {}", counted(static_cast<std::int64_t>(table.columns().size()), "column"), join(parts, ", "));
}

std::string report(const Table& table, const std::vector<ColumnSummary>& summaries,
                   const std::vector<DataIssue>& trouble) {
  constexpr int max_name = 28;
  std::vector<std::vector<std::string>> rows = {{"column", "kind", "missing", "distinct", "outliers", "values"}};
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const Column& column = table.columns()[i];
    rows.push_back({shortened(column.name(), max_name), name_of(column.kind()),
                    share_text(summaries[i].missing, table.rows()), with_commas(summaries[i].distinct),
                    outliers_text(column, summaries[i]), values_text(column, summaries[i])});
  }
  std::string text = fmt::format("{}: {}, {}\n\n{}\n", one_line(table.name()), counted(table.rows(), "row"),
                                 columns_text(table), aligned(rows, {false, false, true, true, true, false}));
  const std::vector<std::string> notes = reading_notes(table);
  if (!notes.empty()) text += fmt::format("how it is read\n- {}\n\n", join(notes, "\n- "));
  if (trouble.empty()) return text + "no suspected trouble\n";
  text += "suspected trouble\n";
  for (const DataIssue& one : trouble) text += fmt::format("- {} {}\n", one_line(one.column) + ":", one.text);
  return text;
}

Json value_json(const Column& column, double number) {
  return column.kind() == ColumnKind::date ? Json(date_text(number)) : Json(number);
}

Json json_of(const Column& column, const ColumnSummary& summary) {
  Json result = {{"name", column.name()},
                 {"kind", name_of(column.kind())},
                 {"missing", summary.missing},
                 {"missing_share", static_cast<double>(summary.missing) / static_cast<double>(column.size())},
                 {"distinct", summary.distinct}};
  if (holds_numbers(column)) {
    const NumberSummary& n = summary.numbers;
    const auto put = [&](const char* name, double number) {
      result[name] = n.count > 0 ? value_json(column, number) : Json();
    };
    put("minimum", n.minimum);
    put("lower_quartile", n.lower_quartile);
    put("median", n.median);
    put("upper_quartile", n.upper_quartile);
    put("maximum", n.maximum);
    result["outliers"] = n.outliers;
    result["misfits"] = column.unparsed().size();
    if (!column.form().name.empty()) result["form"] = column.form().name;
    if (column.form().undecided) result["undecided"] = true;
  } else if (column.kind() == ColumnKind::text) {
    const std::int64_t present = column.size() - summary.missing;
    result["mean_bytes"] =
        present > 0 ? Json(static_cast<double>(summary.bytes) / static_cast<double>(present)) : Json();
    result["longest_bytes"] = summary.max_bytes;
  } else {
    result["frequent"] = Json::array();
    for (const auto& [value, count] : summary.frequent)
      result["frequent"].push_back({{"value", value}, {"rows", count}});
  }
  return result;
}

Json json_of(const Table& table, const DataIssue& trouble) {
  constexpr std::size_t most = 10;
  Json result = {
      {"kind", trouble.kind}, {"column", trouble.column}, {"text", trouble.text}, {"rows", trouble.rows.size()}};
  result["lines"] = Json::array();
  for (std::size_t i = 0; i < std::min(most, trouble.rows.size()); ++i)
    result["lines"].push_back(table.line(trouble.rows[i]));
  return result;
}

const Column* target_of(const Table& table, const std::string& name) {
  if (name.empty()) return nullptr;
  const Column& column = table.column(name);
  if (column.kind() == ColumnKind::number) return &column;
  throw Error(
      fmt::format("--target {}: the column is of kind {}, and a target is numbers; see unroll table inspect --help",
                  in_quotes(name), name_of(column.kind())));
}

void inspect_table(const TableInspectOptions& o) {
  const Table table = Table::read(o.file, o.table);
  const std::vector<DataIssue> trouble = find_data_issues(table, target_of(table, o.target));
  std::vector<ColumnSummary> summaries;
  for (const Column& column : table.columns()) summaries.push_back(summary_of(column));
  if (!o.json) return write_result(report(table, summaries, trouble));
  Json result = {
      {"file", table.name()}, {"rows", table.rows()}, {"columns", Json::array()}, {"trouble", Json::array()}};
  if (const auto notes = reading_notes(table); !notes.empty()) result["notes"] = notes;
  for (std::size_t i = 0; i < summaries.size(); ++i)
    result["columns"].push_back(json_of(table.columns()[i], summaries[i]));
  for (const DataIssue& one : trouble) result["trouble"].push_back(json_of(table, one));
  write_result(to_text(result));
}

}  // namespace

Command table_inspect_command() {
  auto options = std::make_shared<TableInspectOptions>();
  return {"table inspect", "Show what the columns of a table hold, and what looks like trouble.", table_inspect_details,
          options_of(*options), [options](const OptionValues&) { inspect_table(*options); }};
}

}  // namespace unroll::cli
