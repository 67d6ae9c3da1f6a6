#include "table/table_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

std::vector<std::int64_t> all_rows(std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

std::vector<std::int64_t> evenly_spaced(Rows rows, std::size_t most) {
  const std::size_t count = std::min(rows.size(), most);
  std::vector<std::int64_t> some;
  some.reserve(count);
  for (std::size_t i = 0; i < count; ++i) some.push_back(rows[i * rows.size() / count]);
  return some;
}

TableView TableView::with(const std::string& column, Rows rows) const {
  UNROLL_CHECK(rows.size() == rows_.size());
  TableView view = *this;
  view.moved_ = &table_->column(column);
  view.moved_rows_ = rows;
  return view;
}

Rows TableView::rows() const {
  UNROLL_CHECK(moved_ == nullptr);
  return rows_;
}

TableView TableView::part(std::size_t begin, std::size_t count) const {
  TableView view = *this;
  view.rows_ = rows_.subspan(begin, count);
  if (moved_ != nullptr) view.moved_rows_ = moved_rows_.subspan(begin, count);
  return view;
}

const Column& column_for(const TableInput& input, const Table& table) {
  const Column* column = table.find(input.name);
  if (column == nullptr)
    throw Error(ExitCode::bad_data, fmt::format("{}: has no column {}, of which the model has learned; add it",
                                                table.name(), in_quotes(input.name)));
  if (column->kind() != input.kind)
    throw Error(ExitCode::bad_data, fmt::format("{}: column {} is of another kind than when the model learned of it",
                                                table.name(), in_quotes(input.name)));
  return *column;
}

}  // namespace unroll
