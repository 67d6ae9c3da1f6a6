#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// Indices of rows of a table.
using Rows = std::span<const std::int64_t>;

/// The rows 0 to count - 1.
std::vector<std::int64_t> all_rows(std::int64_t count);

/// The elements of `list` at the indices `places`.
template <class List>
auto take(const List& list, std::span<const std::int64_t> places) {
  std::vector<typename List::value_type> found;
  found.reserve(places.size());
  for (const std::int64_t place : places) found.push_back(list[static_cast<std::size_t>(place)]);
  return found;
}

/// `rows`, or `most` equally spaced ones of them if there are more.
std::vector<std::int64_t> evenly_spaced(Rows rows, std::size_t most);

/// Rows of a table, in any order and possibly repeated. One column may take its cells from other rows, to measure its
/// effect on a model. Keeps references to the table and to both lists of rows.
class TableView {
 public:
  TableView(const Table& table, Rows rows) : table_(&table), rows_(rows) {}
  /// This view, but with the cells of `column` taken from `rows`, one for each row of this view.
  TableView with(const std::string& column, Rows rows) const;

  const Table& table() const { return *table_; }
  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  Rows rows() const;  ///< of all columns; not allowed after with()
  TableView part(std::size_t begin, std::size_t count) const;
  /// The rows from which the cells of `column` are taken.
  Rows rows_of(const Column& column) const { return &column == moved_ ? moved_rows_ : rows_; }

 private:
  const Table* table_;
  Rows rows_;
  const Column* moved_ = nullptr;
  Rows moved_rows_;
};

/// The column of the input. Throws Error(bad_data) if the table lacks it or has it as another kind.
const Column& column_for(const TableInput& input, const Table& table);

}  // namespace unroll
