#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// What a cell of a table holds.
enum class FieldType {
  missing,  ///< nothing: in CSV not even quotes
  text,     ///< a text, which may be a number or date in any form
  value,    ///< a number with a decimal point, or a date that begins 2020-01-31: the file leaves no other reading
};

/// Receives the contents of a table while it is read.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Called once, first. Names are distinct; only the first one may be empty, as that of an index.
  virtual void header(const std::vector<std::string>& names, char delimiter) = 0;
  /// Called for each column of every row, in order. `text` is UTF-8 and valid during the call; line ends within quotes
  /// are kept.
  virtual void cell(std::size_t column, std::string_view text, FieldType type) = 0;
  /// `line`: 1-based line of the file where the row starts; of a sheet, its row.
  virtual void end_of_row(std::int64_t line) = 0;
  /// In place of end_of_row(), after a cell for each column: they are no row.
  virtual void no_row() {}
  /// Called once, last: what was read otherwise than cell by cell, a line of text each.
  virtual void notes(const std::vector<std::string>& /*lines*/) {}
};

/// The number of lines of one kind, and the first of them.
struct LineCount {
  std::int64_t lines = 0, first = 0;

  void add(std::int64_t line, std::int64_t count = 1) {
    if (lines == 0 || line < first) first = line;
    lines += count;
  }
  /// Appends a note such as "2 comments, first in line 1: skipped"; nothing if there are no lines.
  void note(const char* noun, const char* what, std::vector<std::string>& notes) const;
};

/// How records become rows.
struct RowOptions {
  bool fill_short_rows = false;  ///< cells that a row lacks at its end are missing
  /// Given where a row has another number of cells than the header: title_advice if it is the first row or the header
  /// has one name, row_names_advice if it is the first row and has one cell more.
  const char* title_advice = "remove the lines above the names of the columns if there are any, else ";
  const char* row_names_advice = "begin the header with a delimiter if rows begin with their name, else ";
  const char* long_row_advice = "quote cells that hold the delimiter, or remove what is too much";
  const char* empty_advice = "a table begins with the names of its columns";
};

/// Makes the header of the first record of a file, and rows of the others, except those without any cell and those that
/// repeat the header. A row like a header of numbers alone, which is perhaps a row itself, does not repeat it. Throws
/// Error(bad_data), with the line, for rows that are shorter or longer than the header and for empty or repeated names;
/// at the end also for a file without header or rows.
class RowAssembler {
 public:
  /// `name`: the file's name in messages.
  RowAssembler(std::string name, RowSink& sink, const RowOptions& options);

  /// What messages call the columns: "column B", if `labels` has B in second place, instead of "column 2".
  void set_labels(std::vector<std::string> labels) { labels_ = std::move(labels); }
  void take_cell(std::string_view text, FieldType type);
  /// After the last cell of the record that starts in `line`.
  void end_record(std::int64_t line, char delimiter);
  void add_blank(std::int64_t line, std::int64_t count = 1) { blank_.add(line, count); }  ///< lines without any cell
  void finish() const;

  bool has_header() const { return header_taken_; }
  std::size_t columns() const { return names_.size(); }  ///< of the header; without one, its cells so far
  std::size_t cells() const { return cells_; }           ///< of the current record
  void add_notes(std::vector<std::string>& notes) const;
  [[noreturn]] void refuse(std::int64_t line, const std::string& what) const;

 private:
  void take_header(char delimiter);
  void end_row();
  std::string length_advice() const;  ///< what to do about a row that is too short or too long
  std::string label(std::size_t column) const;

  std::string name_;
  RowSink& sink_;
  RowOptions options_;
  std::vector<std::string> labels_;
  std::vector<std::string> names_;  ///< column names
  bool header_taken_ = false;
  bool has_names_ = false;   ///< the header is not of numbers alone
  std::int64_t line_ = 1;    ///< where the current record begins
  std::size_t cells_ = 0;    ///< in the current record so far
  bool all_missing_ = true;  ///< the cells of the current record
  bool like_header_ = true;  ///< they are the names of the columns
  bool too_long_ = false;    ///< it has cells that are not empty beyond the last column
  std::int64_t rows_ = 0;
  LineCount blank_, headers_, short_, long_;
};

}  // namespace unroll
