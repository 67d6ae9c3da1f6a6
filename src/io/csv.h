#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct csv_parser;  // of libcsv

namespace unroll {

/// Takes a CSV file as it is read.
class CsvSink {
 public:
  virtual ~CsvSink() = default;
  /// Once, first: distinct names, none of them empty.
  virtual void header(const std::vector<std::string>& names) = 0;
  /// One for each name in every row, in order. UTF-8, for the length of the call; line ends within quotes as they are.
  /// `missing`: there is nothing between two delimiters, not even quotes.
  virtual void cell(std::size_t column, std::string_view text, bool missing) = 0;
  /// `line` of the file, from 1, is the one on which the row begins.
  virtual void end_of_row(std::int64_t line) = 0;
};

struct CsvOptions {
  std::size_t longest_cell = std::size_t{64} << 20;  ///< bytes; a longer one is mostly a quote that nobody closed
};

/// Reads CSV as RFC 4180 has it, with three liberties: lines may end in LF or CR too, the delimiter may be a semicolon
/// or a tab (whichever the first line has most of, outside quotes), and a byte order mark is skipped. Spaces belong to
/// the cells. Blank lines are no rows.
///
/// Throws Error(bad_data), with the line on which the record begins: rows that are shorter or longer than the header,
/// names that are empty or repeated, quotes where they mean nothing or that are never closed, cells beyond the limit,
/// no header, no row; and bytes that are not UTF-8, with their offset.
class CsvParser {
 public:
  /// `name` stands for the file in messages.
  CsvParser(std::string name, CsvSink& sink, const CsvOptions& options = {});
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;
  ~CsvParser();

  void feed(std::string_view bytes);  ///< any piece of the file, the next one
  void finish();                      ///< after the last piece

 private:
  struct Callbacks;
  struct Free {
    void operator()(csv_parser* parser) const;
  };

  void begin(std::string_view first_line);
  std::size_t size_to_parse() const;
  void parse(std::string_view text);
  void parse_line(std::string_view line);
  void parse_by_library(std::string_view line, std::size_t from);
  void check_length(std::size_t size) const;
  void take_cell(std::string_view text, bool missing);
  void end_record();
  void take_header();
  [[noreturn]] void refuse(const std::string& what) const;  ///< in the record that was begun last
  [[noreturn]] void refuse_quote(std::string_view line, std::size_t at) const;

  std::string name_;
  CsvSink& sink_;
  CsvOptions options_;
  std::unique_ptr<csv_parser, Free> parser_;
  std::string pending_;           ///< fed and not yet parsed
  std::uint64_t offset_ = 0;      ///< in the file, of pending_
  std::int64_t line_ = 1;         ///< of the file, on which pending_ begins
  std::int64_t record_line_ = 1;  ///< on which the record begins that was begun last
  bool begun_ = false;            ///< the delimiter is known
  bool within_record_ = false;    ///< libcsv is
  bool header_taken_ = false;
  char delimiter_ = ',';
  std::vector<std::string> names_;  ///< of the columns
  std::size_t cells_ = 0;           ///< of the record so far
  std::int64_t rows_ = 0;
  std::exception_ptr failure_;  ///< thrown within a callback of libcsv
};

/// Reads a file, ARCHIVE.zip:MEMBER or - as CSV, see read_source.
void read_csv(const std::string& source, CsvSink& sink, const CsvOptions& options = {});

}  // namespace unroll
