#include "io/sheet_rows.h"

#include <fmt/format.h>

#include <bitset>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "io/xml.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

// Limits of Excel, also those of other programs' workbooks.
constexpr std::int64_t max_sheet_rows = 1'048'576;
constexpr std::size_t max_sheet_columns = 16'384;

/// "AB" of column 27.
std::string letters_of(std::size_t column) {
  std::string letters;
  for (std::size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26)
    letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
  return letters;
}

/// The 0-based column of a reference such as AB12; nullopt if it is none.
std::optional<std::size_t> column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char byte : reference) {
    if (byte < 'A' || byte > 'Z') break;
    column = 26 * column + static_cast<std::size_t>(byte - 'A' + 1);
    if (column > max_sheet_columns) return std::nullopt;
  }
  return column == 0 ? std::nullopt : std::optional(column - 1);
}

std::string_view without_spaces(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(spaces);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(spaces) + 1 - first);
}

/// A cell with a value.
struct SheetCell {
  std::int64_t row = 0;
  std::size_t column = 0;  ///< from 0
  FieldType type = FieldType::text;
  std::string_view text;
  std::optional<std::int64_t> date = {};  ///< milliseconds, in place of the text
};

/// Cells of one kind, and the first of them.
struct CellsOfKind {
  std::int64_t cells = 0;
  std::string first = {};
};

/// What a sheet has besides values.
struct SheetFindings {
  CellsOfKind errors, formulas, percentages;
  LineCount hidden_rows;
  std::int64_t merged = 0;
};

/// Finds the cells of a sheet that have a value, in order.
class SheetReader : public XmlHandler {
 public:
  SheetReader(const Sheet& sheet, std::function<void(const SheetCell&)> take) : sheet_(sheet), take_(std::move(take)) {}

  void start(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "row") {
      begin_row(attributes);
    } else if (element == "c") {
      begin_cell(attributes);
    } else if (element == "f") {
      has_formula_ = true;
    } else if (element == "rPh") {
      phonetic_ = true;
    } else if (element == "v" || (element == "t" && !phonetic_)) {
      within_text_ = true;
    } else if (element == "mergeCell") {
      ++findings_.merged;
    }
  }

  void end(std::string_view element) override {
    within_text_ = false;
    if (element == "rPh") phonetic_ = false;
    if (element == "c") end_cell();
  }

  void text(std::string_view piece) override {
    if (within_text_) text_ += piece;
  }

  const SheetFindings& findings() const { return findings_; }

 private:
  void begin_row(const XmlAttributes& attributes) {
    const std::string_view number = attributes["r"];
    std::int64_t row = number.empty() ? row_ + 1 : 0;
    std::from_chars(number.data(), number.data() + number.size(), row);
    if (row <= row_ || row > max_sheet_rows)
      refuse(fmt::format("line {}: row {} does not belong here", row_, in_quotes(number)));
    row_ = row;
    next_column_ = 0;
    if (attributes["hidden"] == "1" || attributes["hidden"] == "true") findings_.hidden_rows.add(row_);
  }

  void begin_cell(const XmlAttributes& attributes) {
    const std::string_view reference = attributes["r"];
    const auto column = reference.empty() ? std::optional(next_column_) : column_of(reference);
    if (row_ == 0 || !column || *column < next_column_ || *column >= max_sheet_columns)
      refuse(fmt::format("line {}: cell {} does not belong here", row_, in_quotes(reference)));
    column_ = *column;
    next_column_ = column_ + 1;
    type_ = attributes["t"];
    const std::string_view style = attributes["s"];
    style_ = 0;
    std::from_chars(style.data(), style.data() + style.size(), style_);
    text_.clear();
    has_formula_ = false;
  }

  void end_cell() {
    if (type_ == "e") return add(findings_.errors);
    if (text_.empty()) {
      if (has_formula_ && type_ != "str") add(findings_.formulas);
      return;
    }
    if (type_ == "s") return take_shared_string();
    if (type_ == "str" || type_ == "inlineStr") return take(FieldType::text, unescaped_text(text_));
    if (type_ == "b") return take_boolean();
    if (type_ == "d") return take_iso_date();
    take_number();
  }

  void take_shared_string() {
    std::size_t place = 0;
    const std::string_view number = without_spaces(text_);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), place);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || place >= sheet_.strings.size())
      refuse_cell(fmt::format("there is no shared string {}", in_quotes(number)));
    if (const std::string_view text = sheet_.strings[place]; !text.empty()) take(FieldType::text, text);
  }

  void take_boolean() {
    const std::string_view text = without_spaces(text_);
    const bool is_true = text == "1" || text == "true";
    if (!is_true && text != "0" && text != "false")
      refuse_cell(fmt::format("{} is neither true nor false", in_quotes(text)));
    take(FieldType::text, is_true ? "TRUE" : "FALSE");
  }

  void take_iso_date() {
    const std::string_view text = without_spaces(text_);
    const auto date = milliseconds_of_iso(text);
    date ? take(FieldType::value, text, date) : take(FieldType::text, text);
  }

  void take_number() {
    const std::string_view text = without_spaces(text_);
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !std::isfinite(number))
      refuse_cell(fmt::format("{} is no number", in_quotes(text)));
    const NumberMeaning meaning = style_ < sheet_.meanings.size() ? sheet_.meanings[style_] : NumberMeaning::number;
    if (meaning == NumberMeaning::percentage) add(findings_.percentages);
    if (meaning == NumberMeaning::time) {
      if (const auto time = clock_text(number)) return take(FieldType::text, *time);
    }
    // A time beyond the limit of durations is a date, of which the format shows only the time of day.
    if (meaning == NumberMeaning::date || meaning == NumberMeaning::time) {
      if (const auto date = milliseconds_of_serial(number, sheet_.from_1904)) return take(FieldType::value, text, date);
    }
    // Files have 17 digits, as in 0.10000000000000001; whole numbers stay as they are, since they may be ids.
    const bool is_whole = text.find_first_of(".eE") == std::string_view::npos;
    take(FieldType::value, is_whole ? std::string(text) : fmt::format("{}", number));
  }

  void take(FieldType type, std::string_view text, std::optional<std::int64_t> date = {}) {
    take_({row_, column_, type, text, date});
  }

  std::string place() const { return letters_of(column_) + std::to_string(row_); }

  void add(CellsOfKind& kind) const {
    if (kind.cells++ == 0) kind.first = place();
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}; open the workbook in its program and save it again", sheet_.label, what));
  }
  [[noreturn]] void refuse_cell(const std::string& what) const { refuse(fmt::format("cell {}: {}", place(), what)); }

  const Sheet& sheet_;
  std::function<void(const SheetCell&)> take_;
  SheetFindings findings_;
  std::int64_t row_ = 0;
  std::size_t column_ = 0, next_column_ = 0;
  std::size_t style_ = 0;
  std::string type_, text_;
  bool has_formula_ = false, phonetic_ = false, within_text_ = false;
};

/// What must be known of all cells before the first one is passed on.
struct SheetShape {
  std::bitset<max_sheet_columns> used;       ///< columns with a value
  std::bitset<max_sheet_columns> with_time;  ///< columns with a date that has a time of day
  std::int64_t rows = 0;                     ///< with a value
  SheetFindings findings;
};

SheetShape shape_of(const Sheet& sheet) {
  SheetShape shape;
  std::int64_t last_row = 0;
  SheetReader reader(sheet, [&](const SheetCell& cell) {
    shape.used.set(cell.column);
    if (cell.date && has_time_of_day(*cell.date)) shape.with_time.set(cell.column);
    shape.rows += cell.row != last_row ? 1 : 0;
    last_row = cell.row;
  });
  parse_xml(sheet.xml, sheet.label, reader);
  shape.findings = reader.findings();
  const auto columns = static_cast<std::int64_t>(shape.used.count());
  if (shape.rows > max_sheet_cells / std::max<std::int64_t>(columns, 1)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {} of {} have more than {} cells; save the table as CSV", sheet.label,
                            counted(shape.rows, "row"), counted(columns, "column"), with_commas(max_sheet_cells)));
  }
  return shape;
}

std::vector<std::string> notes_of(const Sheet& sheet, bool packed, const SheetFindings& found) {
  std::vector<std::string> notes;
  const char* const others = packed ? "; to read another one, unpack the workbook and name it, as in FILE.xlsx:NAME"
                                    : "; the name of another one may follow the file, as in FILE.xlsx:NAME";
  notes.push_back(fmt::format("sheet {}{}, {} of {}, is read, and its rows are called lines{}", in_quotes(sheet.name),
                              sheet.hidden ? ", which is hidden" : "", sheet.place, sheet.count,
                              sheet.count == 1 ? "" : others));
  const auto add = [&](const CellsOfKind& kind, const char* noun, const char* what) {
    if (kind.cells > 0)
      notes.push_back(fmt::format("{}, first in {}: {}", counted(kind.cells, noun), kind.first, what));
  };
  add(found.errors, "error", "cells such as #N/A are missing values");
  add(found.formulas, "formula", "without a stored value, so missing; the program of the workbook stores it on saving");
  add(found.percentages, "percentage", "10 % is read as 0.1, the number in the file");
  found.hidden_rows.note("hidden row", "read like the others", notes);
  if (found.merged > 0)
    notes.push_back(
        fmt::format("{}: the first cell has the value, the others are missing", counted(found.merged, "merged range")));
  return notes;
}

/// Passes the cells on as records.
class SheetRows {
 public:
  SheetRows(const Sheet& sheet, const SheetShape& shape, RowSink& sink)
      : with_time_(shape.with_time),
        rows_(sheet.label, sink,
              {.fill_short_rows = true,
               .title_advice = "",
               .row_names_advice = "",
               .long_row_advice = "name its columns in the header, and leave nothing above the header",
               .empty_advice = "name its columns in the first row, or another sheet, as in FILE.xlsx:NAME"}) {
    std::vector<std::string> labels;
    for (std::size_t column = 0; column < max_sheet_columns; ++column) {
      places_.push_back(labels.size());
      if (shape.used.test(column)) labels.push_back(letters_of(column));
    }
    rows_.set_labels(std::move(labels));
  }

  void take(const SheetCell& cell) {
    if (cell.row != row_) {
      end_row();
      if (rows_.has_header() && cell.row > row_ + 1) rows_.add_blank(row_ + 1, cell.row - row_ - 1);
      row_ = cell.row;
    }
    fill_to(places_[cell.column]);
    rows_.take_cell(cell.date ? iso_text(*cell.date, with_time_.test(cell.column)) : cell.text, cell.type);
  }

  void end_row() {
    if (row_ == 0) return;
    if (rows_.has_header()) fill_to(rows_.columns());
    rows_.end_record(row_, ',');
  }

  const RowAssembler& rows() const { return rows_; }

 private:
  void fill_to(std::size_t cells) {
    while (rows_.cells() < cells) rows_.take_cell("", FieldType::missing);
  }

  const std::bitset<max_sheet_columns>& with_time_;
  RowAssembler rows_;
  std::vector<std::size_t> places_;  ///< of the columns of the sheet among those with a value
  std::int64_t row_ = 0;
};

}  // namespace

void read_sheet_rows(const WorkbookSource& source, RowSink& sink) {
  const Sheet sheet = read_sheet(source);
  const SheetShape shape = shape_of(sheet);
  SheetRows rows(sheet, shape, sink);
  SheetReader reader(sheet, [&](const SheetCell& cell) { rows.take(cell); });
  parse_xml(sheet.xml, sheet.label, reader);
  rows.end_row();
  rows.rows().finish();
  std::vector<std::string> notes = notes_of(sheet, source.packed, shape.findings);
  rows.rows().add_notes(notes);
  sink.notes(notes);
}

}  // namespace unroll
