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

/// Receives the contents of a CSV file while it is read.
class CsvSink {
 public:
  virtual ~CsvSink() = default;
  /// Called once, first. Names are distinct and not empty.
  virtual void header(const std::vector<std::string>& names, char delimiter) = 0;
  /// Called for each column of every row, in order. `text` is UTF-8 and valid during the call; line ends within quotes
  /// are kept. `missing`: there is nothing between two delimiters, not even quotes.
  virtual void cell(std::size_t column, std::string_view text, bool missing) = 0;
  /// `line`: 1-based line of the file where the row starts.
  virtual void end_of_row(std::int64_t line) = 0;
};

struct CsvOptions {
  std::size_t max_cell = std::size_t{64} << 20;  ///< bytes; a longer cell usually means an unclosed quote
};

/// Parses CSV (RFC 4180) with three extensions: lines may also end in LF or CR, the delimiter may be a comma, a
/// semicolon or a tab (the most frequent one outside quotes in the first line), and a byte order mark is skipped.
/// Spaces belong to the cells. Blank lines are ignored.
///
/// Throws Error(bad_data), with the line where the record starts, for rows that are shorter or longer than the header,
/// empty or repeated names, misplaced or unclosed quotes, and cells above the limit; for a file without header or rows;
/// and for invalid UTF-8, with its byte offset.
class CsvParser {
 public:
  /// `name`: the file's name in messages.
  CsvParser(std::string name, CsvSink& sink, const CsvOptions& options = {});
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;
  ~CsvParser();

  void feed(std::string_view bytes);  ///< the next piece of the file, of any size
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
  [[noreturn]] void refuse(const std::string& what) const;  ///< names the line of the current record
  [[noreturn]] void refuse_quote(std::string_view line, std::size_t at) const;

  std::string name_;
  CsvSink& sink_;
  CsvOptions options_;
  std::unique_ptr<csv_parser, Free> parser_;
  std::string pending_;           ///< fed and not yet parsed
  std::uint64_t offset_ = 0;      ///< of pending_ in the file
  std::int64_t line_ = 1;         ///< line of the file where pending_ begins
  std::int64_t record_line_ = 1;  ///< line where the current record begins
  bool begun_ = false;            ///< the delimiter is known
  bool within_record_ = false;    ///< libcsv is inside a record
  bool header_taken_ = false;
  char delimiter_ = ',';
  std::vector<std::string> names_;  ///< column names
  std::size_t cells_ = 0;           ///< in the current record so far
  std::int64_t rows_ = 0;
  std::exception_ptr failure_;  ///< thrown within a callback of libcsv
};

/// Reads `source` (a file, ARCHIVE.zip:MEMBER or -, see read_source) as CSV.
void read_csv(const std::string& source, CsvSink& sink, const CsvOptions& options = {});

}  // namespace unroll
