#include "unroll/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "io/csv.h"
#include "io/file.h"
#include "io/in_quotes.h"
#include "table/column_maker.h"
#include "table/raw_cells.h"
#include "unroll/error.h"

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
      return ends_.is_missing(row);
    case ColumnKind::text:
      return texts_.is_missing(row);
  }
  return false;
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
class TableMaker : public CsvSink {
 public:
  TableMaker(std::string name, const TableOptions& options) : options_(options) { table_.name_ = std::move(name); }

  void header(const std::vector<std::string>& names, char delimiter) override {
    table_.delimiter_ = delimiter;
    const auto check = [&](const std::string& name) {
      if (std::ranges::find(names, name) == names.end()) refuse_column(table_.name_, name, names);
    };
    for (const auto& [name, kind] : options_.as) check(name);
    for (const auto& [name, form] : options_.forms) check(name);
    for (const std::string& name : options_.drop) check(name);
    names_ = names;
    cells_.resize(names.size());
    for (const std::string& name : names) {
      kept_.push_back(std::ranges::find(options_.drop, name) == options_.drop.end());
    }
    if (std::ranges::find(kept_, true) == kept_.end()) {
      throw Error(fmt::format("{}: every column is dropped; keep one", table_.name_));
    }
  }

  void cell(std::size_t column, std::string_view text, bool missing) override {
    if (kept_[column]) cells_[column].append(text, missing);
  }

  void end_of_row(std::int64_t line) override { table_.lines_.push_back(line); }

  Table table() && {
    std::vector<ColumnMaker> makers;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!kept_[i]) continue;
      const auto as = options_.as.find(names_[i]);
      const std::optional<ColumnKind> kind = as == options_.as.end() ? std::nullopt : std::optional(as->second);
      const auto form = options_.forms.find(names_[i]);
      table_.column_names_.add(names_[i]);
      makers.emplace_back(names_[i], std::move(cells_[i]), table_.rows(), kind,
                          form == options_.forms.end() ? "" : form->second);
    }
    const ReadingContext context = context_of(makers);
    for (ColumnMaker& maker : makers) table_.columns_.push_back(std::move(maker).make(context));
    return std::move(table_);
  }

 private:
  /// Decides for the file what its columns leave open.
  ReadingContext context_of(std::vector<ColumnMaker>& makers) const {
    ReadingContext context = {.file = table_.name_, .lines = &table_.lines_};
    FileMarks& marks = context.marks;
    marks.delimiter = table_.delimiter_;
    if (options_.decimal != DecimalMark::infer) marks.given = options_.decimal == DecimalMark::comma ? ',' : '.';
    for (ColumnMaker& maker : makers) {
      maker.look();
      maker.learn_marks(marks);
    }
    if (marks.some_comma || marks.some_lone_comma) {
      for (const ColumnMaker& maker : makers) maker.learn_points(marks);
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
};

Table Table::read(const std::string& source, const TableOptions& options) {
  TableMaker maker(source_name(source), options);
  read_csv(source, maker);
  return std::move(maker).table();
}

Table Table::from_text(std::string_view csv, const TableOptions& options, const std::string& name) {
  TableMaker maker(name, options);
  CsvParser parser(name, maker);
  parser.feed(csv);
  parser.finish();
  return std::move(maker).table();
}

char Table::decimal_mark() const {
  const auto has_comma = [](const Column& column) {
    const auto form = column.kind() == ColumnKind::number ? NumberForm::named(column.form().name) : std::nullopt;
    return form && form->decimal == ',';
  };
  return std::ranges::any_of(columns_, has_comma) ? ',' : '.';
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
