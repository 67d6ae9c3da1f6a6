#include "tabular/partial_dependence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "table/number_summary.h"
#include "unroll/context.h"

namespace unroll {
namespace {

constexpr std::size_t max_numbers = 25;
constexpr std::size_t max_curve_levels = 12;
constexpr double ignored_share = 0.005;  // share of the numbers on each side that is ignored

/// A value of a column, and the rows whose cells have it.
struct Value {
  DependencePoint point;
  std::vector<std::int64_t> rows;
};

Value missing_value(const Column& column) {
  Value value;
  value.point.missing = true;
  for (std::int64_t row = 0; row < column.size(); ++row) {
    if (column.is_missing(row)) value.rows.push_back(row);
  }
  return value;
}

/// One value for each distinct number, ascending.
std::vector<Value> values_of_numbers(const Column& column, std::span<const std::int64_t> ascending) {
  std::vector<Value> values;
  for (const std::int64_t row : ascending) {
    const double number = column.numbers()[static_cast<std::size_t>(row)];
    if (values.empty() || values.back().point.number != number) values.push_back({{.number = number}, {}});
    values.back().rows.push_back(row);
  }
  return values;
}

std::vector<Value> numbers_between_tails(const Column& column) {
  std::vector<std::int64_t> ascending;
  const auto number_of = [&](std::int64_t row) { return column.numbers()[static_cast<std::size_t>(row)]; };
  for (std::int64_t row = 0; row < column.size(); ++row) {
    if (!std::isnan(number_of(row))) ascending.push_back(row);
  }
  if (ascending.empty()) return {};
  std::ranges::stable_sort(ascending, {}, number_of);
  const auto last = static_cast<double>(ascending.size() - 1);
  const auto at = [&](double share) {
    return number_of(ascending[static_cast<std::size_t>(std::llround(share * last))]);
  };
  std::vector<Value> values = values_of_numbers(column, ascending);
  std::erase_if(values, [&](const Value& v) {
    return v.point.number < at(ignored_share) || v.point.number > at(1 - ignored_share);
  });
  if (values.size() <= max_numbers) return values;
  std::vector<double> kept;
  for (std::size_t i = 0; i < max_numbers; ++i)
    kept.push_back(at(std::lerp(ignored_share, 1 - ignored_share, static_cast<double>(i) / (max_numbers - 1))));
  std::erase_if(values, [&](const Value& v) { return !std::ranges::binary_search(kept, v.point.number); });
  return values;
}

/// The most frequent levels or tokens, missing included, most frequent first.
std::vector<Value> frequent_levels(const Column& column) {
  std::vector<Value> values(static_cast<std::size_t>(column.levels().size()));
  const auto add = [&](std::int32_t code, std::int64_t row) {
    std::vector<std::int64_t>& rows = values[static_cast<std::size_t>(code)].rows;
    if (rows.empty() || rows.back() != row) rows.push_back(row);
  };
  for (std::int64_t row = 0; row < column.size(); ++row) {
    if (column.kind() == ColumnKind::list) {
      for (const std::int32_t token : column.tokens(row)) add(token, row);
    } else if (!column.is_missing(row)) {
      add(column.codes()[static_cast<std::size_t>(row)], row);
    }
  }
  for (std::int32_t code = 0; code < column.levels().size(); ++code)
    values[static_cast<std::size_t>(code)].point.level = column.levels()[code];
  values.push_back(missing_value(column));
  std::erase_if(values, [](const Value& value) { return value.rows.empty(); });
  std::ranges::stable_sort(values, std::greater<>(), [](const Value& value) { return value.rows.size(); });
  if (values.size() > max_curve_levels) values.resize(max_curve_levels);
  return values;
}

std::vector<Value> values_of(const Column& column) {
  if (column.kind() == ColumnKind::category || column.kind() == ColumnKind::list) return frequent_levels(column);
  if (column.kind() == ColumnKind::text) return {};
  std::vector<Value> values = numbers_between_tails(column);
  if (Value missing = missing_value(column); !missing.rows.empty()) values.push_back(std::move(missing));
  return values;
}

}  // namespace

PartialDependence partial_dependence(const TableEnsemble& model, const TableView& rows, const TableInput& input) {
  PartialDependence dependence = {.input = input, .points = {}};
  const Random random(0, RandomStream::permutations);
  std::vector<std::int64_t> cells(static_cast<std::size_t>(rows.size()));
  for (Value& value : values_of(column_for(input, rows.table()))) {
    const auto count = static_cast<std::uint32_t>(value.rows.size());
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = value.rows[random.below(count, i)];
    const std::vector<double> predictions = model.predict(rows.with(input.name, cells));
    value.point.rows = static_cast<std::int64_t>(value.rows.size());
    value.point.prediction = mean_of(predictions);
    dependence.points.push_back(std::move(value.point));
  }
  return dependence;
}

}  // namespace unroll
