#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// Rows of a table.
using Rows = std::span<const std::int64_t>;

/// 0 to count - 1.
std::vector<std::int64_t> all_rows(std::int64_t count);

/// The elements that stand at `places` of a list.
template <class List>
auto at_places(const List& list, std::span<const std::int64_t> places) {
  std::vector<typename List::value_type> found;
  found.reserve(places.size());
  for (const std::int64_t place : places) found.push_back(list[static_cast<std::size_t>(place)]);
  return found;
}

/// `rows`, or `most` of them at equal distances where there are more.
std::vector<std::int64_t> evenly_spaced(Rows rows, std::size_t most);

/// Rows of a table, in any order and as often as wanted. One column may take its cells from other rows: to see what a
/// model makes of the column alone. Keeps references to the table and to both lists of rows.
class TableView {
 public:
  TableView(const Table& table, Rows rows) : table_(&table), rows_(rows) {}
  /// The same, but the cells of `column` are those of `rows`, one for each of this view's.
  TableView with(const std::string& column, Rows rows) const;

  const Table& table() const { return *table_; }
  std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }
  Rows rows() const;  ///< where the cells of all columns are; with() has moved none
  TableView part(std::size_t begin, std::size_t count) const;
  /// Where the cells of `column` are.
  Rows rows_of(const Column& column) const { return &column == moved_ ? moved_rows_ : rows_; }

 private:
  const Table* table_;
  Rows rows_;
  const Column* moved_ = nullptr;
  Rows moved_rows_;
};

/// A column that a model reads.
struct TableInput {
  std::string name;
  ColumnKind kind = ColumnKind::number;
};

/// The column as the model knows it. Throws Error(bad_data) where the table lacks it or has it as another kind.
const Column& column_for(const TableInput& input, const Table& table);

}  // namespace unroll
