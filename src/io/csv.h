#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/rows.h"

struct csv_parser;  // of libcsv

namespace unroll {

struct CsvOptions {
  bool fill_short_rows = false;                  ///< cells that a row lacks at its end are missing
  std::size_t max_cell = std::size_t{64} << 20;  ///< bytes; a longer cell usually means an unclosed quote
};

/// Parses CSV (RFC 4180) with these extensions, of which all but the first three are counted and noted:
/// - lines may also end in LF or CR, a byte order mark is skipped, empty lines are skipped and counted;
/// - the delimiter may be a comma, a semicolon, a tab or |: the most frequent one outside quotes in the header, or, if
///   it has none, in the rows below, which are then too long for it;
/// - spaces belong to the cells;
/// - a line sep=; before the header sets the delimiter;
/// - lines with # before the header are comments, except one that has as many delimiters as the next line;
/// - a quote within an unquoted cell is part of it;
/// - byte order marks at the beginning of other lines, as in joined files, are skipped;
/// - lines may end in delimiters: names and cells that are empty at the end of lines are ignored;
/// - rows without any cell, and rows that repeat the header, are skipped;
/// - rows may lack cells at their end, if the options allow it.
///
/// Throws Error(bad_data), with the line where the record starts, for rows that are shorter or longer than the header,
/// empty or repeated names, misplaced or unclosed quotes, and cells above the limit; for a file without header or rows;
/// and for invalid UTF-8 and NUL bytes, with their byte offset.
class CsvParser {
 public:
  /// `name`: the file's name in messages.
  CsvParser(std::string name, RowSink& sink, const CsvOptions& options = {});
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;
  ~CsvParser();

  void feed(std::string_view bytes);  ///< the next piece of the file, of any size
  /// After the last piece. `notes`: of how the file was decoded, put before the parser's own.
  void finish(std::vector<std::string> notes = {});

 private:
  struct Callbacks;
  struct Free {
    void operator()(csv_parser* parser) const;
  };

  bool begin(bool at_end);
  bool find_header(std::string_view& rest, bool at_end);
  bool take_separator_line(std::string_view line);
  std::size_t size_to_parse() const;
  bool is_text(std::string_view text, bool at_end) const;
  void parse(std::string_view text);
  void parse_line(std::string_view line);
  std::size_t skip_marks(std::string_view& line);
  void parse_by_library(std::string_view line, std::size_t from);
  void check_length(std::size_t size) const;
  std::size_t take_quoted_cell(std::string_view cells, std::size_t begin);
  void take_cell(std::string_view text, bool missing);
  void end_record();
  void add_notes(std::vector<std::string>& notes) const;
  [[noreturn]] void refuse(const std::string& what) const;  ///< names the line of the current record
  [[noreturn]] void refuse_quote(std::string_view line, std::size_t at) const;

  std::string name_;
  RowSink& sink_;
  RowAssembler rows_;
  CsvOptions options_;
  std::unique_ptr<csv_parser, Free> parser_;
  std::string pending_;           ///< fed and not yet parsed
  std::uint64_t offset_ = 0;      ///< of pending_ in the file
  std::int64_t line_ = 1;         ///< line of the file where pending_ begins
  std::int64_t record_line_ = 1;  ///< line where the current record begins
  bool begun_ = false;            ///< the delimiter is known
  bool within_record_ = false;    ///< libcsv is inside a record
  char delimiter_ = ',';
  bool separator_given_ = false;                         ///< by a line sep=;
  std::int64_t empty_lines_ = 0, first_empty_line_ = 0;  // since the last row
  LineCount comments_, header_comments_, quotes_, marks_;
  std::string unescaped_;       ///< a cell without the doubled quotes
  std::exception_ptr failure_;  ///< thrown within a callback of libcsv
};

}  // namespace unroll
