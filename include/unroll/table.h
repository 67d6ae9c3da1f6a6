#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/options.h"

namespace unroll {

/// Type of the values of a column.
enum class ColumnKind {
  number,    ///< 1.5, -3, 1e6, $1,234,000
  category,  ///< one of several levels; also codes such as 007
  date,      ///< 2020-01-31, optionally with a time of day, or 1/31/2020
  list,      ///< any number of tokens, separated by commas
  text,      ///< sentences
};
template <>
const EnumNames<ColumnKind>& enum_names<ColumnKind>();

/// Distinct strings, numbered in order of first appearance.
class Levels {
 public:
  std::int32_t add(std::string_view text);         ///< its number; a new one if the string is new
  std::int32_t find(std::string_view text) const;  ///< -1 if it is absent
  std::int32_t size() const { return static_cast<std::int32_t>(ends_.size()); }
  std::string_view operator[](std::int32_t code) const;

 private:
  std::size_t slot_of(std::string_view text, std::size_t hash) const;
  void grow();

  std::string bytes_;  // of all strings
  std::vector<std::size_t> ends_, hashes_;
  std::vector<std::int32_t> slots_;  // a hash table with open addressing; -1: free
};

/// A cell that is not missing but does not fit its column's kind, like "4 or 5" in a column of numbers.
struct UnparsedCell {
  std::int64_t row = 0;
  std::string text;
};

/// How the numbers or dates of a column are written, and the cell that shows it.
struct ColumnForm {
  /// 1234.5 in this form, such as "1.234,5 €"; ymd, dmy, mdy or unix for dates; empty: 1234.5, 1,234.5 or $1,234.5.
  std::string name = {};
  std::int64_t row = -1;    ///< a row whose cell decides the form; -1: it is the usual one, or given
  std::string cell = {};    ///< that cell
  bool undecided = false;   ///< no cell decides: `cell` has another value in another form
  std::string other = {};   ///< undecided dates: that form
  bool shows_mark = false;  ///< numbers: some cell is a number with this decimal mark only
};

/// A named column: values of one kind, one per row. Rows are indices, so a subset of rows is a list of indices.
class Column {
 public:
  const std::string& name() const { return name_; }
  ColumnKind kind() const { return kind_; }
  std::int64_t size() const { return size_; }
  bool is_missing(std::int64_t row) const;

  /// number: the values; date: days since 1970-01-01, the time of day as a fraction. NaN: missing or unparsed.
  std::span<const double> numbers() const { return numbers_; }
  /// category: the number of the level; -1: missing.
  std::span<const std::int32_t> codes() const { return codes_; }
  /// category: the levels; list: the tokens; in order of first appearance.
  const Levels& levels() const { return levels_; }
  /// list: the numbers of the tokens in a row; empty if it is missing.
  std::span<const std::int32_t> tokens(std::int64_t row) const;
  /// text: the cell, unchanged; empty if it is missing.
  std::string_view text(std::int64_t row) const;
  /// number, date: cells that could not be parsed, in order of rows.
  std::span<const UnparsedCell> unparsed() const { return unparsed_; }
  const ColumnForm& form() const { return form_; }  ///< number, date

 private:
  friend class ColumnMaker;
  std::pair<std::size_t, std::size_t> items(std::int64_t row) const;
  void append_end(std::size_t end, bool missing) { ends_.push_back(end << 1U | (missing ? 1U : 0U)); }

  std::string name_;
  ColumnKind kind_ = ColumnKind::category;
  std::int64_t size_ = 0;
  std::vector<double> numbers_;
  std::vector<std::int32_t> codes_;
  Levels levels_;
  std::string bytes_;  // text: of all cells
  std::vector<std::uint64_t>
      ends_;  // list, text: twice the end of the row in codes_ or bytes_, plus 1 if it is missing
  std::vector<UnparsedCell> unparsed_;
  ColumnForm form_;
};

enum class DecimalMark { infer, point, comma };
template <>
const EnumNames<DecimalMark>& enum_names<DecimalMark>();

enum class RaggedRows { refuse, fill };
template <>
const EnumNames<RaggedRows>& enum_names<RaggedRows>();

struct TableOptions {
  std::map<std::string, ColumnKind> as = {};  ///< kinds of columns, by name; the others are inferred
  std::vector<std::string> drop = {};         ///< columns to leave out
  /// Forms of columns of numbers and dates, by name, as ColumnForm::name; also point and comma, which are decimal
  /// marks, and plain: numbers as 1,234.5 or $1,234.5, dates as 2020-01-31 or 1/31/2020. Other cells are unparsed.
  std::map<std::string, std::string> forms = {};
  /// Columns with a form of a model that has seen no cell with its decimal mark: numbers that may have the other one
  /// are said.
  std::set<std::string> unseen_marks = {};
  DecimalMark decimal = DecimalMark::infer;  ///< of all numbers without a form of their own
  RaggedRows ragged = RaggedRows::refuse;    ///< rows that lack cells at their end
  /// VALUE or COLUMN=VALUE: cells of all columns but `id`, or of one, that hold this number or text are missing.
  std::vector<std::string> missing_values = {};
  /// A first row with words, and no number, in the columns whose given kind is number has units, and is left out.
  /// False: a row with units is recognised by the rows below it, three or more.
  bool unit_line = false;
  std::string id = {};        ///< column that names the rows; empty: none
  std::string required = {};  ///< rows without a value in this column are left out; empty: none
  std::string encoding = {};  ///< any that iconv knows; empty: UTF-8, or as a byte order mark says
};
std::vector<Option> describe(TableOptions& options);

/// Columns of equal length, read from CSV (RFC 4180; semicolons and tabs too) or a sheet of a workbook (xlsx). The form
/// of the numbers or dates of a column is decided from all of its cells (docs/tables.md) and is the same for each of
/// them. A cell is missing if there is nothing between two delimiters, or if it is NA, N/A, n/a, NaN, nan, NULL, null,
/// None or ?. Spaces around a cell are kept in texts only. An empty cell in quotes is an empty text, a level or a list
/// without tokens; as a number or date it is missing.
///
/// The kind of a column, unless given by TableOptions::as, is the first of these whose rule holds for the cells that
/// are neither missing nor empty:
/// - number: at least half are numbers, and less than 1 in 100 has a leading zero like 007, which is a code;
/// - date: at least half are dates;
/// - list: at least a fifth have a comma; on average, tokens have at most 30 bytes and occur at least 3 times;
/// - text: at least 40 bytes on average, and more than half are distinct;
/// - category.
class Table {
 public:
  /// `source`: a file, ARCHIVE.zip:MEMBER, FILE.xlsx:SHEET, or - for standard input; plain, gzip or zip. Throws Error:
  /// no_input; io; bad_data, with the line, for input that is not a table; usage if the options name a column that the
  /// table does not have, or drop all columns.
  static Table read(const std::string& source, const TableOptions& options = {});
  /// From CSV in memory; `name` is used in error messages.
  static Table from_text(std::string_view csv, const TableOptions& options = {}, const std::string& name = "the table");

  const std::string& name() const { return name_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
  /// 1-based line of the file where the row starts.
  std::int64_t line(std::int64_t row) const { return lines_[static_cast<std::size_t>(row)]; }
  std::span<const Column> columns() const { return columns_; }      ///< in the order of the file
  const Column* find(std::string_view name) const;                  ///< null if there is none
  const Column& column(std::string_view name) const;                ///< throws Error(usage) if there is none
  char delimiter() const { return delimiter_; }                     ///< of the cells
  const std::vector<std::string>& notes() const { return notes_; }  ///< lines and columns that are left out
  const std::vector<std::string>& missing_values() const { return missing_values_; }  ///< as in TableOptions
  /// Those that no cell has.
  const std::vector<std::string>& unused_missing_values() const { return unused_missing_values_; }
  bool unit_line() const { return unit_line_; }      ///< a line of units was left out
  bool is_workbook() const { return is_workbook_; }  ///< read from one, else from CSV
  char decimal_mark() const;  ///< of the numbers: a comma if that of a column is one, else a point

 private:
  friend class TableMaker;

  std::string name_;
  std::vector<Column> columns_;
  Levels column_names_;  // the names of the columns, in their order
  std::vector<std::int64_t> lines_;
  char delimiter_ = ',';
  bool unit_line_ = false, is_workbook_ = false;
  std::vector<std::string> notes_, missing_values_, unused_missing_values_;
};

/// What was taken for what, one line each: lines and columns that are left out; forms of columns that are not the usual
/// ones, with the cell that shows them and, where another reading is possible, how to choose it.
std::vector<std::string> reading_notes(const Table& table);
/// For each column of numbers or dates with unparsed cells, their number, with the first of them and its line.
std::vector<std::string> unparsed_notes(const Table& table);

/// A column that a model reads.
struct TableInput {
  std::string name;
  ColumnKind kind = ColumnKind::number;
  std::string form = {};     ///< ColumnForm::name of the column that the model was trained on
  bool unseen_mark = false;  ///< numbers: not ColumnForm::shows_mark of that column
};

/// The date of a number of days since 1970-01-01, as 2020-01-31.
std::string date_text(double days);

/// Training rows and validation rows, both in ascending order and disjoint.
struct Fold {
  std::vector<std::int64_t> training, validation;
};

/// Random folds: each of `rows` rows is in the validation set of exactly one of `count` folds, whose sizes differ by at
/// most one. Throws Error unless 2 <= count <= rows.
std::vector<Fold> shuffled_folds(std::int64_t rows, int count, std::uint64_t seed);

/// Folds for forecasting: the rows, in ascending order of `times`, are cut into count + 1 blocks; fold i validates on
/// block i + 1 and trains on all blocks before it. Rows with equal times stay in one block, so sizes may differ. Throws
/// Error if count < 1, if a time is NaN, or if there are too few distinct times.
std::vector<Fold> folds_in_order(std::span<const double> times, int count);

/// One fold for each value of a column of numbers, dates or categories, in ascending order: it validates on the rows
/// with that value and trains on all others. Throws Error for other kinds, if a row has no value, and if there are
/// fewer than two values.
std::vector<Fold> folds_from_values(const Column& column);

/// The distribution of some numbers. NaN is ignored.
struct NumberSummary {
  std::int64_t count = 0;
  std::int64_t distinct = 0;
  double minimum = 0, lower_quartile = 0, median = 0, upper_quartile = 0, maximum = 0;
  std::int64_t outliers = 0;  ///< numbers more than three interquartile ranges beyond the quartiles
};

NumberSummary summary_of(std::span<const double> numbers);

/// The contents of a column.
struct ColumnSummary {
  std::int64_t missing = 0;   ///< number of missing cells
  std::int64_t distinct = 0;  ///< number of different values; of a list, of different tokens
  NumberSummary numbers;      ///< for numbers and dates
  /// For categories and lists: the ten most frequent levels or tokens, each with its number of rows; ties in the
  /// order of the table.
  std::vector<std::pair<std::string, std::int64_t>> frequent;
  std::int64_t bytes = 0, max_bytes = 0;  ///< for texts: of all cells, and of the longest one
};

ColumnSummary summary_of(const Column& column);

/// A suspected problem of a table that may spoil a model trained on it.
struct DataIssue {
  std::string kind;                ///< name for programs; docs/cli.md lists them
  std::string column;              ///< name of the affected column
  std::string text;                ///< description and advice
  std::vector<std::int64_t> rows;  ///< affected rows; empty if it concerns the whole column
};

/// The suspected problems of a table, the most harmful kinds first: cells that contain the target, numbers in the order
/// of time, other units, absurd years and sizes, codes, columns without information. `target`: the number column to
/// predict, or null; without it, cells that contain the number of any column of large numbers are reported.
std::vector<DataIssue> find_data_issues(const Table& table, const Column* target);

}  // namespace unroll
