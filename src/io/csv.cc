#include "io/csv.h"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "base/check.h"
#include "io/encoding_guess.h"
#include "io/utf8.h"

namespace unroll {
namespace {

/// Bytes passed to libcsv at once. Its buffer is checked in between, so that no cell grows far beyond the limit.
constexpr std::size_t max_piece = 1 << 16;

/// Iterates over the lines of a text; a line includes its end, LF, CR or CRLF.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text), line_feed_(text.find('\n')), carriage_return_(text.find('\r')) {}

  bool done() const { return begin_ == text_.size(); }

  std::string_view next() {
    if (line_feed_ < begin_) line_feed_ = text_.find('\n', begin_);
    if (carriage_return_ < begin_) carriage_return_ = text_.find('\r', begin_);
    std::size_t last = std::min({line_feed_, carriage_return_, text_.size() - 1});
    if (last == carriage_return_ && line_feed_ == last + 1) ++last;
    const std::string_view line = text_.substr(begin_, last + 1 - begin_);
    begin_ = last + 1;
    return line;
  }

 private:
  std::string_view text_;
  std::size_t begin_ = 0;
  std::size_t line_feed_, carriage_return_;  ///< the next ones; npos: none
};

/// Number of bytes n, from the first that is not UTF-8 on, that tell the encoding.
constexpr std::size_t enough_to_advise = 1 << 16;

bool has_line_end(std::string_view line) { return line.ends_with('\n') || line.ends_with('\r'); }

std::string_view without_line_end(std::string_view line) {
  while (has_line_end(line)) line.remove_suffix(1);
  return line;
}

constexpr std::string_view delimiters = ",;\t|";

/// How often each delimiter is in the line outside quotes.
std::array<std::size_t, delimiters.size()> delimiters_in(std::string_view line) {
  std::array<std::size_t, delimiters.size()> counts{};
  bool quoted = false;
  for (const char byte : line) {
    if (byte == '"') quoted = !quoted;
    for (std::size_t i = 0; i < delimiters.size(); ++i) counts[i] += !quoted && byte == delimiters[i] ? 1 : 0;
  }
  return counts;
}

/// The most frequent delimiter outside quotes; a comma if there is none.
char delimiter_of(std::string_view line) {
  const auto counts = delimiters_in(line);
  return delimiters[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
}

/// The delimiter that two of the first lines, one after the other, have equally often; 0 if there is none; nullopt if
/// more of the text is needed to tell. `at_end`: there is no more.
std::optional<char> delimiter_of_rows(std::string_view text, bool at_end) {
  constexpr int most = 5;  // lines
  char delimiter = 0;
  std::size_t count = 0;
  Lines lines(text);
  for (int line = 0; line < most; ++line) {
    const std::string_view next = lines.done() ? std::string_view() : lines.next();
    if (!has_line_end(next) && !at_end) return std::nullopt;
    const auto counts = delimiters_in(next);
    if (count > 0) return counts[delimiters.find(delimiter)] == count ? delimiter : '\0';
    delimiter = delimiter_of(next);
    count = counts[delimiters.find(delimiter)];
  }
  return 0;
}

/// True for a line such as #,name,type before rows of as many cells: it names the columns.
bool is_header_comment(std::string_view line, std::string_view next) {
  if (next.starts_with('#')) return false;
  const char delimiter = delimiter_of(next);
  const std::size_t place = delimiters.find(delimiter);
  const std::size_t count = delimiters_in(line)[place];
  if (count == 0 || count != delimiters_in(next)[place]) return false;
  const auto is_letter = [](char byte) { return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'; };
  return line[1] != ' ' || std::ranges::none_of(next, is_letter);
}

int no_byte_is_space(unsigned char) { return 0; }

}  // namespace

/// Callbacks of libcsv, which is C code: exceptions must not propagate through it.
struct CsvParser::Callbacks {
  static void cell(void* text, std::size_t size, void* parser) {
    guarded(parser, [&](CsvParser& self) { self.take_cell({static_cast<const char*>(text), size}, text == nullptr); });
  }

  static void end_of_record(int, void* parser) {
    guarded(parser, [](CsvParser& self) {
      self.within_record_ = false;
      self.end_record();
    });
  }

  template <class Action>
  static void guarded(void* parser, Action action) {
    auto& self = *static_cast<CsvParser*>(parser);
    if (self.failure_) return;
    try {
      action(self);
    } catch (...) {
      self.failure_ = std::current_exception();
    }
  }
};

void CsvParser::Free::operator()(csv_parser* parser) const {
  csv_free(parser);
  delete parser;
}

CsvParser::CsvParser(std::string name, RowSink& sink, const CsvOptions& options)
    : name_(std::move(name)),
      sink_(sink),
      rows_(name_, sink, {.fill_short_rows = options.fill_short_rows}),
      options_(options),
      parser_(new csv_parser) {
  UNROLL_CHECK(csv_init(parser_.get(), CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) == 0);
  csv_set_space_func(parser_.get(), no_byte_is_space);
  csv_set_blk_size(parser_.get(), max_piece);
}

CsvParser::~CsvParser() = default;

void CsvParser::feed(std::string_view bytes) {
  pending_ += bytes;
  if (!begun_ && !begin(false)) return;
  const std::string_view text = std::string_view(pending_).substr(0, size_to_parse());
  if (!is_text(text, false)) return;
  parse(text);
  pending_.erase(0, text.size());
}

void CsvParser::finish(std::vector<std::string> notes) {
  if (!begun_) begin(true);
  if (!within_record_ && !pending_.empty() && !has_line_end(pending_)) pending_ += '\n';  // as if the file had it
  is_text(pending_, true);
  parse(pending_);
  pending_.clear();
  const int error = csv_fini(parser_.get(), Callbacks::cell, Callbacks::end_of_record, this);
  if (failure_) std::rethrow_exception(failure_);
  if (error != 0)
    refuse("a cell of this record begins with a quote that is never closed; close it, or double it within");
  rows_.finish();
  add_notes(notes);
  sink_.notes(notes);
}

/// Skips what is before the header and finds the delimiter; false if more of the file is needed for that. `at_end`:
/// there is no more.
bool CsvParser::begin(bool at_end) {
  if (pending_.empty() && !at_end) return false;
  const bool may_have_mark = offset_ == 0 && pending_.size() < 3 && !at_end;
  if (may_have_mark) return false;
  if (offset_ == 0) {
    const std::size_t mark = pending_.starts_with(utf8_mark) ? utf8_mark.size() : 0;
    pending_.erase(0, mark);
    offset_ += mark;
  }
  const std::size_t before = pending_.size();
  std::string_view rest = pending_;
  begun_ = find_header(rest, at_end);
  pending_.erase(0, before - rest.size());
  return begun_;
}

/// Removes from `rest` what is before the header.
bool CsvParser::find_header(std::string_view& rest, bool at_end) {
  const auto skip = [&](std::size_t size) {
    offset_ += size;
    rest.remove_prefix(size);
  };
  for (Lines lines(rest); !lines.done(); ++line_) {
    std::string_view line = lines.next();
    const std::size_t marks = skip_marks(line);
    skip(marks);
    const bool whole = !lines.done() || at_end;  // a CR at the end may be half a line end
    if (!whole && line.size() > options_.max_cell)
      refuse(fmt::format("has no end within {} bytes; is this a CSV file?", options_.max_cell));
    if (!whole) return false;
    const std::string_view text = without_line_end(line);
    if (text.empty() || take_separator_line(text)) {
      skip(line.size());
      continue;
    }
    if (text[0] == '#' && !at_end) {
      Lines ahead = lines;
      std::string_view next = ahead.next();
      if (ahead.done()) return false;
      while (next.starts_with(utf8_mark)) next.remove_prefix(utf8_mark.size());
      if (!is_header_comment(text, without_line_end(next))) {
        comments_.add(line_);
        skip(line.size());
        continue;
      }
    }
    if (text[0] == '#') header_comments_.add(line_);
    if (!separator_given_) {
      delimiter_ = delimiter_of(text);
      if (text.find(delimiter_) == std::string_view::npos) {
        // Below a title the rows show the delimiter; they are then refused as longer than the title.
        constexpr std::size_t window = 1 << 16;
        const std::string_view below = rest.substr(line.size()).substr(0, window);
        const auto of_rows = delimiter_of_rows(below, at_end);
        if (!of_rows && below.size() < window) return false;
        if (of_rows.value_or(0) != 0) delimiter_ = *of_rows;
      }
    }
    csv_set_delim(parser_.get(), static_cast<unsigned char>(delimiter_));
    return true;
  }
  return at_end;
}

/// sep=; as Excel writes it.
bool CsvParser::take_separator_line(std::string_view line) {
  constexpr std::string_view key = "sep=";
  if (line.starts_with('"') && line.ends_with('"') && line.size() > 1) line = line.substr(1, line.size() - 2);
  if (separator_given_ || line.size() != key.size() + 1) return false;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if ((line[i] | 0x20) != (key[i] | 0x20)) return false;
  }
  if (delimiters.find(line.back()) == std::string_view::npos) return false;
  delimiter_ = line.back();
  separator_given_ = true;
  return true;
}

/// Number of bytes of pending_ to parse now: whole lines; of a long line all but the last code point, which may be
/// incomplete or half a line end.
std::size_t CsvParser::size_to_parse() const {
  if (const std::size_t line_end = pending_.rfind('\n'); line_end != std::string::npos) return line_end + 1;
  if (pending_.size() <= max_piece) return 0;
  std::size_t size = pending_.size() - 1;
  for (int i = 0; i < 3 && (static_cast<unsigned char>(pending_[size]) & 0xc0) == 0x80; ++i) --size;
  return size;
}

/// Refuses what is not UTF-8 in `text`, the beginning of pending_. False if more of the file is needed to advise on it.
bool CsvParser::is_text(std::string_view text, bool at_end) const {
  const std::size_t fault = first_byte_not_of_text(text);
  if (fault == text.size()) return true;
  if (!at_end && pending_.size() - fault < enough_to_advise) return false;
  refuse_bytes(name_, pending_, fault, offset_, line_);
}

void CsvParser::parse(std::string_view text) {
  offset_ += text.size();
  for (Lines lines(text); !lines.done();) {
    const std::string_view line = lines.next();
    parse_line(line);
    if (has_line_end(line)) ++line_;
  }
}

/// Files that were joined may each begin with a byte order mark. The number of bytes that are removed from the line.
std::size_t CsvParser::skip_marks(std::string_view& line) {
  const std::size_t before = line.size();
  for (; line.starts_with(utf8_mark); line.remove_prefix(utf8_mark.size())) marks_.add(line_);
  return before - line.size();
}

/// Splits cells without libcsv, which goes byte by byte at half the speed of the rest of reading and type detection,
/// and which refuses a quote within an unquoted cell. libcsv gets the rest of the line from a quoted cell that does not
/// end in it.
void CsvParser::parse_line(std::string_view line) {
  if (!within_record_) skip_marks(line);
  if (!within_record_) record_line_ = line_;
  if (within_record_ || !has_line_end(line)) return parse_by_library(line, 0);
  const std::string_view cells = without_line_end(line);
  if (cells.empty()) {
    if (rows_.has_header() && empty_lines_++ == 0) first_empty_line_ = line_;
    return;
  }
  for (; empty_lines_ > 0; --empty_lines_) rows_.add_blank(first_empty_line_);  // not those at the end of the file
  std::size_t quote = cells.find('"');
  for (std::size_t begin = 0;; ++begin) {
    std::size_t end = 0;
    if (begin == quote) {
      end = take_quoted_cell(cells, begin);
      if (end == std::string_view::npos) return parse_by_library(line, begin);
      quote = cells.find('"', end);
    } else {
      end = std::min(cells.find(delimiter_, begin), cells.size());
      if (quote < end) {
        quotes_.add(record_line_);
        quote = cells.find('"', end);
      }
      take_cell(cells.substr(begin, end - begin), begin == end);
    }
    if (end == cells.size()) break;
    begin = end;
  }
  end_record();
}

/// Takes the quoted cell from the quote at `begin`; the offset behind it. npos, and takes nothing, if it does not end
/// in the line.
std::size_t CsvParser::take_quoted_cell(std::string_view cells, std::size_t begin) {
  std::size_t closing = cells.find('"', begin + 1);
  if (closing == std::string_view::npos) return closing;
  std::string_view text = cells.substr(begin + 1, closing - begin - 1);
  if (closing + 1 < cells.size() && cells[closing + 1] == '"') {
    unescaped_.clear();
    std::size_t from = begin + 1;
    while (closing + 1 < cells.size() && cells[closing + 1] == '"') {
      unescaped_.append(cells.substr(from, closing + 1 - from));
      from = closing + 2;
      closing = cells.find('"', from);
      if (closing == std::string_view::npos) return closing;
    }
    text = unescaped_.append(cells.substr(from, closing - from));
  }
  const std::size_t end = closing + 1;
  if (end < cells.size() && cells[end] != delimiter_) refuse_quote(cells, end);
  take_cell(text, false);
  return end;
}

/// Passes `line` to libcsv from offset `from`: the start of a cell, or 0 in a cell that began on an earlier line.
void CsvParser::parse_by_library(std::string_view line, std::size_t from) {
  within_record_ = true;
  for (std::size_t begin = from; begin < line.size(); begin += max_piece) {
    const std::string_view piece = line.substr(begin, max_piece);
    const std::size_t parsed =
        csv_parse(parser_.get(), piece.data(), piece.size(), Callbacks::cell, Callbacks::end_of_record, this);
    if (failure_) std::rethrow_exception(failure_);
    if (parsed != piece.size()) {
      if (csv_error(parser_.get()) != CSV_EPARSE) throw std::bad_alloc();
      refuse_quote(line, begin + parsed);
    }
    check_length(parser_->entry_pos);
  }
}

void CsvParser::check_length(std::size_t size) const {
  if (size <= options_.max_cell) return;
  refuse(fmt::format("a cell of this record is longer than {} bytes; is there a quote that is never closed?",
                     options_.max_cell));
}

void CsvParser::take_cell(std::string_view text, bool missing) {
  check_length(text.size());
  rows_.take_cell(text, missing ? FieldType::missing : FieldType::text);
}

void CsvParser::end_record() { rows_.end_record(record_line_, delimiter_); }

void CsvParser::add_notes(std::vector<std::string>& notes) const {
  if (separator_given_)
    notes.push_back(fmt::format("the line sep={} before the header sets the delimiter", delimiter_));
  comments_.note("comment", "skipped", notes);
  header_comments_.note("line", "with # taken for the names of the columns", notes);
  rows_.add_notes(notes);
  quotes_.note("quote", "within a cell that is not quoted, and part of it", notes);
  marks_.note("byte order mark", "at the beginning of a line, as in joined files, and skipped", notes);
}

void CsvParser::refuse(const std::string& what) const { rows_.refuse(record_line_, what); }

void CsvParser::refuse_quote(std::string_view line, std::size_t at) const {
  const auto is_continuation = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  const std::string_view before = line.substr(0, at);
  const auto column = 1 + before.size() - static_cast<std::size_t>(std::ranges::count_if(before, is_continuation));
  const std::string where = line_ == record_line_ ? "" : fmt::format(" of line {}", line_);
  refuse(
      fmt::format("a quote before column {}{} neither begins nor ends a cell; quote the whole cell, and double the "
                  "quotes within",
                  column, where));
}

}  // namespace unroll
