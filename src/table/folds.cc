#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "base/shuffle.h"
#include "table/table_view.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/table.h"

namespace unroll {
namespace {

/// Validates on order[begin, end) and trains on the rest of order[0, last).
Fold fold_of(std::span<const std::int64_t> order, std::size_t begin, std::size_t end, std::size_t last) {
  Fold fold;
  for (std::size_t i = 0; i < last; ++i) (i >= begin && i < end ? fold.validation : fold.training).push_back(order[i]);
  std::ranges::sort(fold.training);
  std::ranges::sort(fold.validation);
  return fold;
}

/// The rows grouped by value, ascending by value.
template <class Value, class ValueOf>
std::vector<std::vector<std::int64_t>> rows_by_value(std::int64_t rows, const ValueOf& value_of) {
  std::map<Value, std::vector<std::int64_t>> groups;
  for (std::int64_t row = 0; row < rows; ++row) groups[value_of(row)].push_back(row);
  std::vector<std::vector<std::int64_t>> result;
  result.reserve(groups.size());
  for (auto& [value, group] : groups) result.push_back(std::move(group));
  return result;
}

std::vector<std::vector<std::int64_t>> rows_by_value(const Column& column) {
  switch (column.kind()) {
    case ColumnKind::number:
    case ColumnKind::date:
      return rows_by_value<double>(column.size(),
                                   [&](std::int64_t row) { return column.numbers()[static_cast<std::size_t>(row)]; });
    case ColumnKind::category:
      return rows_by_value<std::string_view>(column.size(), [&](std::int64_t row) {
        return column.levels()[column.codes()[static_cast<std::size_t>(row)]];
      });
    case ColumnKind::list:
    case ColumnKind::text:
      break;
  }
  throw Error(fmt::format("column {} holds lists or texts: folds come from numbers, dates or categories",
                          in_quotes(column.name())));
}

bool has_value(const Column& column, std::int64_t row) {
  const auto at = static_cast<std::size_t>(row);
  switch (column.kind()) {
    case ColumnKind::number:
    case ColumnKind::date:
      return !std::isnan(column.numbers()[at]);
    default:
      return !column.is_missing(row);
  }
}

}  // namespace

std::vector<Fold> shuffled_folds(std::int64_t rows, int count, std::uint64_t seed) {
  if (count < 2 || rows < count)
    throw Error(
        fmt::format("{} rows do not make {} folds: a fold needs a row, and 2 or more folds it takes", rows, count));
  if (rows > std::numeric_limits<std::uint32_t>::max())
    throw Error(fmt::format("{} rows are more than can be shuffled: at most 2^32", rows));
  std::vector<std::int64_t> order = all_rows(rows);
  shuffle(std::span(order), Random(seed, RandomStream::folds));
  std::vector<Fold> folds;
  const auto k = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < k; ++i)
    folds.push_back(fold_of(order, order.size() * i / k, order.size() * (i + 1) / k, order.size()));
  return folds;
}

std::vector<Fold> folds_in_order(std::span<const double> times, int count) {
  if (count < 1) throw Error(fmt::format("{} folds in the order of time: there must be 1 or more", count));
  if (const auto nan = std::ranges::find_if(times, [](double time) { return std::isnan(time); }); nan != times.end())
    throw Error(fmt::format("row {} has no time, and so no place in the order", nan - times.begin()));
  std::vector<std::int64_t> order = all_rows(static_cast<std::int64_t>(times.size()));
  const auto time_of = [&](std::int64_t row) { return times[static_cast<std::size_t>(row)]; };
  std::ranges::stable_sort(order, {}, time_of);
  const std::size_t blocks = static_cast<std::size_t>(count) + 1;
  std::vector<std::size_t> ends;
  for (std::size_t block = 1; block <= blocks; ++block) {
    std::size_t end = order.size() * block / blocks;
    while (end > 0 && end < order.size() && time_of(order[end]) == time_of(order[end - 1])) ++end;
    if (end == (ends.empty() ? 0 : ends.back()))
      throw Error(fmt::format("{} rows have too few distinct times for {} folds in the order of time: take fewer folds",
                              times.size(), count));
    ends.push_back(end);
  }
  std::vector<Fold> folds;
  for (std::size_t i = 1; i < blocks; ++i) folds.push_back(fold_of(order, ends[i - 1], ends[i], ends[i]));
  return folds;
}

std::vector<Fold> folds_from_values(const Column& column) {
  for (std::int64_t row = 0; row < column.size(); ++row) {
    if (!has_value(column, row))
      throw Error(
          fmt::format("column {} has no value in row {}, which so belongs to no fold", in_quotes(column.name()), row));
  }
  const std::vector<std::vector<std::int64_t>> groups = rows_by_value(column);
  if (groups.size() < 2)
    throw Error(fmt::format("column {} has a single value: folds need two or more", in_quotes(column.name())));
  std::vector<std::int64_t> order;
  for (const auto& group : groups) order.insert(order.end(), group.begin(), group.end());
  std::vector<Fold> folds;
  std::size_t begin = 0;
  for (const auto& group : groups) {
    folds.push_back(fold_of(order, begin, begin + group.size(), order.size()));
    begin += group.size();
  }
  return folds;
}

}  // namespace unroll
