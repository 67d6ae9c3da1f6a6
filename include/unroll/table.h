#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// What the values of a column are.
enum class ColumnKind {
  number,    ///< 1.5, -3, 1e6, $1,234,000
  category,  ///< one of several levels, or a code
  date,      ///< 2020-01-31, perhaps with a time of day, or 1/31/2020
  list,      ///< several of many tokens, between commas
  text,      ///< sentences
};

/// Where the items of a row end in one sequence of items; a row may be missing.
class RowEnds {
 public:
  void append(std::uint64_t end, bool missing) { ends_.push_back(end << 1 | (missing ? 1 : 0)); }
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  std::uint64_t begin(std::int64_t row) const { return row == 0 ? 0 : end(row - 1); }
  std::uint64_t end(std::int64_t row) const { return ends_[static_cast<std::size_t>(row)] >> 1; }
  bool is_missing(std::int64_t row) const { return (ends_[static_cast<std::size_t>(row)] & 1) != 0; }

 private:
  std::vector<std::uint64_t> ends_;  // twice the end, and 1 where the row is missing
};

/// Strings of all rows in one block.
class TextCells {
 public:
  void append(std::string_view text, bool missing) {
    bytes_ += text;
    ends_.append(bytes_.size(), missing);
  }
  std::int64_t size() const { return ends_.size(); }
  bool is_missing(std::int64_t row) const { return ends_.is_missing(row); }
  std::string_view operator[](std::int64_t row) const {
    return std::string_view(bytes_).substr(ends_.begin(row), ends_.end(row) - ends_.begin(row));
  }

 private:
  std::string bytes_;
  RowEnds ends_;
};

/// Distinct strings, numbered as they come.
class Levels {
 public:
  std::int32_t add(std::string_view text);         ///< its number, a new one where it is new
  std::int32_t find(std::string_view text) const;  ///< -1 where it is not in
  std::int32_t size() const { return static_cast<std::int32_t>(texts_.size()); }
  std::string_view operator[](std::int32_t code) const { return texts_[code]; }

 private:
  std::size_t slot_of(std::string_view text, std::size_t hash) const;
  void grow();

  TextCells texts_;
  std::vector<std::size_t> hashes_;
  std::vector<std::int32_t> slots_;  // a hash table with open addressing; -1: free
};

/// A cell that is neither missing nor what its column's kind can hold, like "4 or 5" in a column of numbers.
struct Misfit {
  std::int64_t row = 0;
  std::string text;
};

/// A named column: values of one kind, one per row. Rows are indices, so a subset of rows is a list of indices.
class Column {
 public:
  const std::string& name() const { return name_; }
  ColumnKind kind() const { return kind_; }
  std::int64_t size() const { return size_; }
  bool is_missing(std::int64_t row) const;

  /// number: the values; date: days since 1970-01-01, a time of day is a fraction. NaN: missing or a misfit.
  std::span<const double> numbers() const { return numbers_; }
  /// category: the number of the level; -1: missing.
  std::span<const std::int32_t> codes() const { return codes_; }
  /// category: its levels; list: its tokens; in order of appearance.
  const Levels& levels() const { return levels_; }
  /// list: the numbers of the tokens in a row; none where it is missing.
  std::span<const std::int32_t> tokens(std::int64_t row) const {
    return std::span(codes_).subspan(ends_.begin(row), ends_.end(row) - ends_.begin(row));
  }
  /// text: the cell as it is; empty where it is missing.
  std::string_view text(std::int64_t row) const { return texts_[row]; }
  /// number, date: what could not be read, by row.
  std::span<const Misfit> misfits() const { return misfits_; }

 private:
  friend class ColumnMaker;

  std::string name_;
  ColumnKind kind_ = ColumnKind::category;
  std::int64_t size_ = 0;
  std::vector<double> numbers_;
  std::vector<std::int32_t> codes_;
  Levels levels_;
  RowEnds ends_;  ///< in codes_, of a list
  TextCells texts_;
  std::vector<Misfit> misfits_;
};

struct TableOptions {
  std::map<std::string, ColumnKind> as = {};  ///< the kind of a column, instead of what its values look like
  std::vector<std::string> drop = {};         ///< columns to leave out
};

/// Columns of equal length, read from CSV (RFC 4180; semicolons and tabs too). A cell is missing where nothing stands
/// between two delimiters, and where it is NA, N/A, n/a, NaN, nan, NULL, null, None or ?. Spaces around a cell count in
/// texts only. An empty cell in quotes is an empty text, a level or a list without tokens; as a number or date it is
/// missing.
///
/// The kind of a column, unless TableOptions::as says it, is the first of these whose rule holds for the cells that are
/// neither missing nor empty:
/// - number: at least half of them are numbers, and less than 1 in 100 begins like 007, which is a code;
/// - date: at least half of them are dates;
/// - list: at least a fifth of them has a comma; tokens have at most 30 bytes on average and are used 3 times;
/// - text: they have at least 40 bytes on average, and more than half of them are distinct;
/// - category.
class Table {
 public:
  /// `source`: a file, ARCHIVE.zip:MEMBER, or - for standard input; plain, gzip or zip. Throws Error: no_input, io,
  /// bad_data for what is no table, with the line; usage where the options name a column that the table lacks, or leave
  /// none.
  static Table read(const std::string& source, const TableOptions& options = {});
  /// From CSV in memory; `name` stands for it in messages.
  static Table from_text(std::string_view csv, const TableOptions& options = {}, const std::string& name = "the table");

  const std::string& name() const { return name_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
  /// Of the file, from 1, on which a row begins.
  std::int64_t line(std::int64_t row) const { return lines_[static_cast<std::size_t>(row)]; }
  std::span<const Column> columns() const { return columns_; }  ///< in the order of the file
  const Column* find(std::string_view name) const;              ///< null where there is none
  const Column& column(std::string_view name) const;            ///< Throws Error(usage) where there is none

 private:
  friend class TableMaker;

  std::string name_;
  std::vector<Column> columns_;
  Levels places_;  // the names of the columns, in their order
  std::vector<std::int64_t> lines_;
};

}  // namespace unroll
