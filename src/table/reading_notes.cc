#include "table/reading_notes.h"

#include <fmt/format.h>

#include <utility>

#include "table/date_form.h"
#include "table/number_form.h"
#include "unroll/format.h"

namespace unroll {
namespace {

std::string line_of(const Table& table, std::int64_t row) { return fmt::format("line {}", table.line(row)); }

std::string order_text(const std::string& form) {
  if (form == name_of(DateForm::dmy)) return "day, month, year";
  if (form == name_of(DateForm::mdy)) return "month, day, year";
  return "year, month, day";
}

std::string date_note(const Table& table, const Column& column) {
  const ColumnForm& form = column.form();
  const std::string text = fmt::format("column {}: dates as {}", in_quotes(column.name()), order_text(form.name));
  if (!form.undecided)
    return fmt::format("{}, as {} in {} shows", text, in_quotes(form.cell), line_of(table, form.row));
  const std::string& other = form.other;
  return fmt::format("{}, but no cell decides: {} in {} may also be {}; {} {} reads that", text, in_quotes(form.cell),
                     line_of(table, form.row), order_text(other), option_name("as"),
                     in_quotes(column.name() + "=date:" + other));
}

std::string number_note(const Table& table, const Column& column) {
  const ColumnForm& form = column.form();
  const bool comma = !form.name.empty() && NumberForm::named(form.name)->decimal == ',';
  const std::string name = form.name.empty() ? "1,234.5" : form.name;
  const std::string text = fmt::format("column {}: numbers as in {}", in_quotes(column.name()), in_quotes(name));
  if (!form.undecided)
    return fmt::format("{}, as {} in {} shows", text, in_quotes(form.cell), line_of(table, form.row));
  return fmt::format("{}, but no cell decides: {} in {} may also have a decimal {}; {} {} reads that", text,
                     in_quotes(form.cell), line_of(table, form.row), comma ? "point" : "comma", option_name("as"),
                     in_quotes(column.name() + "=number:" + (comma ? "point" : "comma")));
}

}  // namespace

std::optional<std::string> form_note(const Table& table, const Column& column) {
  if (column.form().row < 0) return std::nullopt;
  return column.kind() == ColumnKind::date ? date_note(table, column) : number_note(table, column);
}

std::optional<std::string> unparsed_note(const Table& table, const Column& column) {
  if (column.unparsed().empty()) return std::nullopt;
  const UnparsedCell& first = column.unparsed().front();
  return fmt::format("column {}: {} of {} are no {}, such as {} in {}", in_quotes(column.name()),
                     with_commas(std::ssize(column.unparsed())), counted(column.size(), "cell"),
                     column.kind() == ColumnKind::date ? "dates" : "numbers", in_quotes(first.text),
                     line_of(table, first.row));
}

std::vector<std::string> reading_notes(const Table& table) {
  std::vector<std::string> notes = table.notes();
  for (const std::string& value : table.unused_missing_values())
    notes.push_back(fmt::format("{} {}: no cell has this value", option_name("missing-value"), in_quotes(value)));
  for (const Column& column : table.columns()) {
    if (auto note = form_note(table, column)) notes.push_back(std::move(*note));
  }
  return notes;
}

std::vector<std::string> unparsed_notes(const Table& table) {
  std::vector<std::string> notes;
  for (const Column& column : table.columns()) {
    if (auto note = unparsed_note(table, column)) notes.push_back(std::move(*note));
  }
  return notes;
}

}  // namespace unroll
