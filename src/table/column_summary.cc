#include <algorithm>
#include <functional>
#include <numeric>

#include "table/number_summary.h"
#include "unroll/table.h"

namespace unroll {
namespace {

/// The most frequent levels and their numbers of rows; ties in order of appearance.
std::vector<std::pair<std::string, std::int64_t>> frequent_values(const Column& column) {
  constexpr std::size_t max_levels = 10;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(column.levels().size()), 0);
  const auto count = [&](std::int32_t code) {
    if (code >= 0) ++counts[static_cast<std::size_t>(code)];
  };
  if (column.kind() == ColumnKind::category) {
    for (const std::int32_t code : column.codes()) count(code);
  } else {
    for (std::int64_t row = 0; row < column.size(); ++row) {
      for (const std::int32_t token : column.tokens(row)) count(token);
    }
  }
  std::vector<std::int32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::int32_t code) { return counts[static_cast<std::size_t>(code)]; });
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (const std::int32_t code : order) {
    if (result.size() < max_levels) result.emplace_back(column.levels()[code], counts[static_cast<std::size_t>(code)]);
  }
  return result;
}

void add_texts(ColumnSummary& summary, const Column& column) {
  Levels distinct;
  for (std::int64_t row = 0; row < column.size(); ++row) {
    if (column.is_missing(row)) continue;
    const auto size = static_cast<std::int64_t>(column.text(row).size());
    distinct.add(column.text(row));
    summary.bytes += size;
    summary.max_bytes = std::max(summary.max_bytes, size);
  }
  summary.distinct = distinct.size();
}

}  // namespace

ColumnSummary summary_of(const Column& column) {
  ColumnSummary summary;
  for (std::int64_t row = 0; row < column.size(); ++row) summary.missing += column.is_missing(row) ? 1 : 0;
  switch (column.kind()) {
    case ColumnKind::number:
    case ColumnKind::date:
      summary.numbers = summary_of(column.numbers());
      summary.distinct = summary.numbers.distinct;
      break;
    case ColumnKind::category:
    case ColumnKind::list:
      summary.distinct = column.levels().size();
      summary.frequent = frequent_values(column);
      break;
    case ColumnKind::text:
      add_texts(summary, column);
      break;
  }
  return summary;
}

}  // namespace unroll
