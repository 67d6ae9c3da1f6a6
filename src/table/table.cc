#include "unroll/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <optional>
#include <span>
#include <utility>

#include "io/csv.h"
#include "io/decoder.h"
#include "io/file.h"
#include "io/table_source.h"
#include "table/cell_values.h"
#include "table/column_maker.h"
#include "table/missing_marks.h"
#include "table/raw_cells.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

bool Column::is_missing(std::int64_t row) const {
  switch (kind_) {
    case ColumnKind::number:
    case ColumnKind::date: {
      const auto found = std::ranges::lower_bound(unparsed_, row, {}, &UnparsedCell::row);
      const bool unparsed_cell = found != unparsed_.end() && found->row == row;
      return std::isnan(numbers_[static_cast<std::size_t>(row)]) && !unparsed_cell;
    }
    case ColumnKind::category:
      return codes_[static_cast<std::size_t>(row)] < 0;
    case ColumnKind::list:
    case ColumnKind::text:
      return (ends_[static_cast<std::size_t>(row)] & 1U) != 0;
  }
  return false;
}

/// list, text: the index of the row's first item in codes_ or bytes_, and their number.
std::pair<std::size_t, std::size_t> Column::items(std::int64_t row) const {
  const auto index = static_cast<std::size_t>(row);
  const std::size_t begin = row == 0 ? 0 : ends_[index - 1] >> 1U;
  return {begin, (ends_[index] >> 1U) - begin};
}

std::span<const std::int32_t> Column::tokens(std::int64_t row) const {
  const auto [first, count] = items(row);
  return std::span(codes_).subspan(first, count);
}

std::string_view Column::text(std::int64_t row) const {
  const auto [first, count] = items(row);
  return std::string_view(bytes_).substr(first, count);
}

namespace {

[[noreturn]] void refuse_column(const std::string& table, std::string_view wanted,
                                const std::vector<std::string>& names) {
  constexpr std::size_t most = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) list += (i > 0 ? ", " : "") + in_quotes(names[i]);
  if (names.size() > most) list += fmt::format(" and {} more", names.size() - most);
  throw Error(fmt::format("{}: has no column {}; it has {}", table, in_quotes(wanted), list));
}

}  // namespace

/// Collects the cells of each column, looks at all of them, then builds the columns one by one, so that only one
/// column is in memory twice.
class TableMaker : public RowSink {
 public:
  TableMaker(std::string name, const TableOptions& options) : options_(options) {
    table_.name_ = std::move(name);
    table_.missing_values_ = options_.missing_values;
  }

  void header(const std::vector<std::string>& in_file, char delimiter) override {
    table_.delimiter_ = delimiter;
    names_ = in_file;
    is_unnamed_ = names_.front().empty();
    if (is_unnamed_) names_.front() = free_name();
    const auto check = [&](const std::string& name) {
      if (std::ranges::find(names_, name) == names_.end()) refuse_column(table_.name_, name, names_);
    };
    for (const auto& [name, kind] : options_.as) check(name);
    for (const auto& [name, form] : options_.forms) check(name);
    for (const std::string& name : options_.drop) check(name);
    if (!options_.required.empty()) check(options_.required);
    take_missing_values();
    cells_.resize(names_.size());
    for (const std::string& name : names_) {
      kept_.push_back(std::ranges::find(options_.drop, name) == options_.drop.end());
    }
    required_ = static_cast<std::size_t>(std::ranges::find(names_, options_.required) - names_.begin());
    if (std::ranges::find(kept_, true) == kept_.end()) {
      throw Error(fmt::format("{}: every column is dropped; keep one", table_.name_));
    }
  }

  void cell(std::size_t column, std::string_view text, FieldType type) override {
    if (!marks_[column].empty() && marks_[column].match(text, marked_.found)) {
      type = FieldType::missing;
      ++marked_in_row_;
    }
    if (kept_[column]) cells_[column].append(text, type);
    if (column == required_)
      lacks_required_ = type == FieldType::missing || trimmed(text).empty() || is_missing_word(trimmed(text));
  }

  void end_of_row(std::int64_t line) override {
    if (marked_in_row_ > 0) marked_.cells.add(line, std::exchange(marked_in_row_, 0));
    if (!lacks_required_) return table_.lines_.push_back(line);
    left_out_.add(line);
    no_row();
  }

  void no_row() override {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (kept_[i]) cells_[i].drop_last();
    }
    lacks_required_ = false;
    marked_in_row_ = 0;
  }

  void notes(const std::vector<std::string>& lines) override {
    table_.notes_ = lines;
    check_rows();
  }

  Table table(bool is_workbook = false) && {
    table_.is_workbook_ = is_workbook;
    std::vector<ColumnMaker> makers;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!kept_[i]) continue;
      const auto as = options_.as.find(names_[i]);
      const std::optional<ColumnKind> kind = as == options_.as.end() ? std::nullopt : std::optional(as->second);
      const auto form = options_.forms.find(names_[i]);
      ColumnMaker maker(names_[i], std::move(cells_[i]), table_.rows(), kind,
                        form == options_.forms.end() ? "" : form->second);
      if (i == 0 && is_unnamed_ && !kind && names_.size() > 1 && leave_out_index(maker)) continue;
      table_.column_names_.add(names_[i]);
      maker.set_missing(std::move(marks_[i]));
      maker.set_unseen_mark(options_.unseen_marks.contains(names_[i]));
      makers.push_back(std::move(maker));
    }
    for (ColumnMaker& maker : makers) maker.look();
    leave_out_units(makers);
    leave_out_marked_rows(makers);
    const ReadingContext context = context_of(makers);
    for (ColumnMaker& maker : makers) table_.columns_.push_back(std::move(maker).make(context));
    note_missing_values();
    return std::move(table_);
  }

 private:
  void take_missing_values() {
    marks_.resize(names_.size());
    for (const std::string& text : options_.missing_values) {
      const auto name = column_of_missing_value(text, names_);
      const auto column = name ? std::ranges::find(names_, *name) : names_.end();
      if (name && column == names_.end()) refuse_column(table_.name_, *name, names_);
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (name ? names_[i] == *name : names_[i] != options_.id)
          marks_[i].add(name ? std::string_view(text).substr(name->size() + 1) : text, marked_.found.size());
      }
      marked_.found.push_back(false);
    }
  }

  void check_rows() const {
    if (left_out_.lines > 0 && table_.rows() == 0)
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: no row has a value in column {}", table_.name_, in_quotes(options_.required)));
  }

  void note_missing_values() {
    const std::string no_value =
        fmt::format("without a value in column {}, first in line {}: left out, and not numbered",
                    in_quotes(options_.required), left_out_.first);
    if (left_out_.lines > 0) table_.notes_.push_back(counted(left_out_.lines, "row") + " " + no_value);
    const std::string why = "missing, by " + option_name("missing-value");
    marked_.cells.note("cell", why.c_str(), table_.notes_);
    for (std::size_t i = 0; i < marked_.found.size(); ++i) {
      if (!marked_.found[i]) table_.unused_missing_values_.push_back(options_.missing_values[i]);
    }
  }

  std::string free_name() const {
    std::string name = "unnamed";
    while (std::ranges::find(names_, name) != names_.end()) name += '_';
    return name;
  }

  /// A first column without a name that numbers the rows is no data. True if it is left out.
  bool leave_out_index(const ColumnMaker& maker) {
    const bool numbers_rows = maker.are_distinct_whole_numbers();
    table_.notes_.push_back(numbers_rows
                                ? "column 1 has no name and distinct whole numbers, such as numbers of rows: left out, "
                                  "unless the header names it"
                                : fmt::format("column 1 has no name: it is called {}", in_quotes(names_.front())));
    return numbers_rows;
  }

  /// A first row with words above all numbers has their units.
  void leave_out_units(std::vector<ColumnMaker>& makers) {
    if (!seem_to_have_units(makers) && !have_units_as_expected(makers)) return;
    const auto first = std::ranges::find_if(makers, [](const ColumnMaker& maker) {
      return maker.only_first_is_no_number() || (maker.is_given_value() && maker.first_is_word());
    });
    table_.unit_line_ = true;
    table_.notes_.push_back(
        fmt::format("line {} has words above the numbers, such as {} in column {}: left out as units; if these are the "
                    "names of the columns, remove the lines above them",
                    table_.line(0), in_quotes(first->first_text().text), in_quotes(first->name())));
    drop_rows(makers, std::array<std::int64_t, 1>{});
  }

  static bool seem_to_have_units(const std::vector<ColumnMaker>& makers) {
    const auto has_unit = [](const ColumnMaker& maker) { return maker.only_first_is_no_number(); };
    const auto is_number = [](const ColumnMaker& maker) { return maker.all_are_numbers(); };
    return std::ranges::count_if(makers, has_unit) >= 2 && std::ranges::none_of(makers, is_number);
  }

  /// The same by TableOptions::unit_line and the given kinds, for any number of rows.
  bool have_units_as_expected(const std::vector<ColumnMaker>& makers) const {
    const auto has_unit = [](const ColumnMaker& maker) { return maker.is_given_value() && maker.first_is_word(); };
    const auto is_number = [](const ColumnMaker& maker) { return maker.is_given_value() && maker.first_is_value(); };
    return options_.unit_line && table_.rows() > 1 && std::ranges::any_of(makers, has_unit) &&
           std::ranges::none_of(makers, is_number);
  }

  /// Leaves out the rows whose number in the required column is a missing value. Those written like the missing value
  /// are left out already.
  void leave_out_marked_rows(std::vector<ColumnMaker>& makers) {
    const auto required = std::ranges::find(makers, options_.required, &ColumnMaker::name);
    if (options_.missing_values.empty() || required == makers.end()) return;
    const Column column = ColumnMaker(*required).make(context_of(makers));
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < column.size(); ++row) {
      if (!column.is_missing(row)) continue;
      rows.push_back(row);
      left_out_.add(table_.line(row));
    }
    if (!rows.empty()) drop_rows(makers, rows);
    check_rows();
  }

  void drop_rows(std::vector<ColumnMaker>& makers, std::span<const std::int64_t> rows) {
    for (ColumnMaker& maker : makers) maker.drop_rows(rows);
    std::int64_t row = 0;
    std::erase_if(table_.lines_, [&](std::int64_t) { return std::ranges::binary_search(rows, row++); });
  }

  /// Decides for the file what its columns leave open.
  ReadingContext context_of(std::vector<ColumnMaker>& makers) {
    ReadingContext context = {.file = table_.name_, .lines = &table_.lines_, .marked = &marked_};
    FileMarks& marks = context.marks;
    marks.delimiter = table_.delimiter_;
    if (options_.decimal != DecimalMark::infer) marks.given = options_.decimal == DecimalMark::comma ? ',' : '.';
    for (ColumnMaker& maker : makers) maker.learn_marks(marks);
    if (marks.some_comma || marks.some_lone_comma) {
      for (ColumnMaker& maker : makers) maker.learn_points(marks);
    }
    bool agree = true;
    for (ColumnMaker& maker : makers) {
      const std::optional<DateForm> order = maker.order();
      agree = agree && (!order || !context.order || order == context.order);
      if (order) context.order = order;
    }
    if (!agree) context.order = std::nullopt;
    return context;
  }

  TableOptions options_;
  Table table_;
  std::vector<std::string> names_;
  std::vector<bool> kept_;
  std::vector<RawCells> cells_;
  std::vector<MissingMarks> marks_;  // of each column
  std::int64_t marked_in_row_ = 0;
  MarkedCells marked_;
  bool is_unnamed_ = false;      // the first column
  std::size_t required_ = 0;     // index of options_.required; the number of columns if it is empty
  bool lacks_required_ = false;  // the current row
  LineCount left_out_;           // rows without a value in that column
};

namespace {

CsvOptions csv_options(const TableOptions& options) { return {.fill_short_rows = options.ragged == RaggedRows::fill}; }

}  // namespace

Table Table::read(const std::string& source, const TableOptions& options) {
  TableMaker maker(source_name(source), options);
  const bool is_workbook = read_table(source, maker, csv_options(options), options.encoding);
  return std::move(maker).table(is_workbook);
}

Table Table::from_text(std::string_view csv, const TableOptions& options, const std::string& name) {
  TableMaker maker(name, options);
  CsvParser parser(name, maker, csv_options(options));
  const std::optional<SourceText> text = decoded(csv, options.encoding, name);
  if (text && text->fault) std::rethrow_exception(text->fault);
  parser.feed(text ? text->text : csv);
  parser.finish(text ? text->notes : std::vector<std::string>());
  return std::move(maker).table();
}

char Table::decimal_mark() const {
  const auto has_fraction = [](double number) { return std::isfinite(number) && number != std::floor(number); };
  std::int64_t commas = 0, points = 0;
  for (const Column& column : columns_) {
    if (column.kind() != ColumnKind::number) continue;
    const auto form = NumberForm::named(column.form().name);
    const bool decides = std::ranges::any_of(column.numbers(), has_fraction);
    if (form && form->decimal == ',') {
      commas += decides || delimiter_ != ',' ? 1 : 0;
    } else {
      points += decides ? 1 : 0;
    }
  }
  return commas > points ? ',' : '.';
}

const Column* Table::find(std::string_view name) const {
  const std::int32_t place = column_names_.find(name);
  return place < 0 ? nullptr : &columns_[static_cast<std::size_t>(place)];
}

const Column& Table::column(std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name());
  refuse_column(name_, name, names);
}

}  // namespace unroll
