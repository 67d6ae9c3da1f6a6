#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <unordered_map>

#include "base/fingerprint.h"
#include "table/cell_values.h"
#include "table/leaks.h"
#include "table/number_summary.h"
#include "table/number_suspicions.h"
#include "table/table_view.h"
#include "unroll/format.h"
#include "unroll/options.h"
#include "unroll/table.h"

namespace unroll {
namespace {

constexpr std::int64_t enough_rows = 20;  // for a meaningful correlation

std::string percent(std::int64_t part, std::int64_t whole) {
  return fmt::format("{:.3g} %",
                     100 * static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(whole, 1)));
}

bool continues_symbol(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// At most 40 characters of the text.
std::string shortened(std::string_view text) {
  constexpr int max_symbols = 40;
  std::size_t end = 0;
  for (int i = 0; i < max_symbols && end < text.size(); ++i) {
    ++end;
    while (end < text.size() && continues_symbol(text[end])) ++end;
  }
  return in_quotes(end < text.size() ? std::string(text.substr(0, end)) + ".." : std::string(text));
}

std::int64_t count_present(const Column& column) {
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < column.size(); ++row) count += column.is_missing(row) ? 0 : 1;
  return count;
}

/// The text around a number: "..It was last sold for $637,000 in January.."
std::string around(const std::string& text, double number) {
  constexpr std::size_t before = 28, after = 12;
  std::string found;
  for_each_number_in(text, [&](double candidate, std::string_view where) {
    if (!found.empty() || (candidate != number && candidate != std::round(number))) return;
    const auto at = static_cast<std::size_t>(where.data() - text.data());
    const auto is_inside = [&](std::size_t i) { return i < text.size() && continues_symbol(text[i]); };
    std::size_t begin = at - std::min(at, before), end = std::min(text.size(), at + where.size() + after);
    while (is_inside(begin)) ++begin;
    while (is_inside(end)) ++end;
    found = text.substr(begin, end - begin);
  });
  return in_quotes(".." + found + "..");
}

std::vector<double> years_of(const Column& dates) {
  std::vector<double> years;
  for (const double days : dates.numbers()) {
    const bool missing = std::isnan(days);
    years.push_back(missing ? days : std::stod(date_text(days).substr(0, 4)));
  }
  return years;
}

std::string drop_it() { return option_name("drop") + " it"; }

bool same_cell(const Column& a, std::int64_t row_of_a, const Column& b, std::int64_t row_of_b) {
  if (a.is_missing(row_of_a) != b.is_missing(row_of_b)) return false;
  if (a.kind() != ColumnKind::number && a.kind() != ColumnKind::date)
    return string_of(a, row_of_a) == string_of(b, row_of_b);
  const double of_a = a.numbers()[static_cast<std::size_t>(row_of_a)],
               of_b = b.numbers()[static_cast<std::size_t>(row_of_b)];
  return of_a == of_b || (std::isnan(of_a) && std::isnan(of_b));
}

bool are_equal(const Column& a, const Column& b) {
  if (a.kind() != b.kind() ||
      !std::ranges::equal(a.unparsed(), b.unparsed(), {}, &UnparsedCell::text, &UnparsedCell::text))
    return false;
  for (std::int64_t row = 0; row < a.size(); ++row) {
    if (!same_cell(a, row, b, row)) return false;
  }
  return true;
}

/// The same for columns that are equal.
std::uint64_t fingerprint_of_cells(const Column& column) {
  Fingerprint fingerprint;
  fingerprint.add(name_of(column.kind()));
  for (std::int64_t row = 0; row < column.size(); ++row) {
    const bool missing = column.is_missing(row);
    fingerprint.add(missing ? "-" : "+");
    if (missing) continue;
    if (column.kind() != ColumnKind::number && column.kind() != ColumnKind::date) {
      fingerprint.add(string_of(column, row));
      continue;
    }
    const double number = column.numbers()[static_cast<std::size_t>(row)];
    if (std::isnan(number)) continue;
    const double one_zero = number == 0 ? 0 : number;  // -0 equals 0
    fingerprint.add({reinterpret_cast<const char*>(&one_zero), sizeof one_zero});
  }
  return fingerprint.value();
}

bool is_constant(const Column& column) {
  for (std::int64_t row = 1; row < column.size(); ++row) {
    if (!same_cell(column, row, column, 0)) return false;
  }
  return true;
}

bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return byte >= '0' && byte <= '9'; });
}

/// Searches the columns for one kind of issue after the other.
class Search {
 public:
  Search(const Table& table, const Column* target) : table_(table), target_(target) {}

  std::vector<DataIssue> all() && {
    if (target_ != nullptr) look_at_target();
    collect_leaks();
    for (const Column& column : table_.columns()) find_time_order(column);
    for (const Column& column : table_.columns()) find_doubles_of_target(column);
    for (const Column& column : table_.columns()) look_at_numbers(column);
    for (const Column& column : table_.columns()) look_at_variety(column);
    find_equal_columns();
    find_other_delimiter();
    find_row_for_header();
    return std::move(found_);
  }

 private:
  void add(const char* kind, const Column& column, std::string text, std::vector<std::int64_t> rows = {}) {
    found_.push_back({kind, column.name(), std::move(text), std::move(rows)});
  }

  std::string first_line(const std::vector<std::int64_t>& rows) const {
    return fmt::format("line {}", table_.line(rows.front()));
  }

  void look_at_target() {
    std::vector<std::int64_t> missing, not_positive;
    for (std::int64_t row = 0; row < table_.rows(); ++row) {
      const double value = target_->numbers()[static_cast<std::size_t>(row)];
      if (target_->is_missing(row)) missing.push_back(row);
      if (value <= 0) not_positive.push_back(row);
    }
    if (!missing.empty()) {
      add("target_missing", *target_,
          fmt::format("the target is missing in {}, first in {}", rows_text(missing), first_line(missing)), missing);
    }
    if (!not_positive.empty()) {
      add("target_not_positive", *target_,
          fmt::format("the target is 0 or less in {}, first in {}: it has no logarithm", rows_text(not_positive),
                      first_line(not_positive)),
          not_positive);
    }
  }

  /// Sorts the numbers at the first call only.
  const NumberSummary& summary(const Column& column) {
    const auto found = summaries_.find(&column);
    return found != summaries_.end() ? found->second
                                     : summaries_.emplace(&column, summary_of(column.numbers())).first->second;
  }

  std::string rows_text(const std::vector<std::int64_t>& rows) const {
    return counted(static_cast<std::int64_t>(rows.size()), "row");
  }

  /// Without a target, checks every number column with a median of at least 1,000: any text has smaller numbers.
  void collect_leaks() {
    std::vector<const Column*> of;
    for (const Column& column : table_.columns()) {
      if (column.kind() != ColumnKind::number) continue;
      if (target_ != nullptr ? &column == target_ : summary(column).median >= 1000) of.push_back(&column);
    }
    const std::vector<std::int64_t> rows = all_rows(table_.rows());
    for (Leak& leak : find_leaks({table_, rows}, of)) {
      const std::int64_t row = leak.rows.front();
      const double value = leak.of->numbers()[static_cast<std::size_t>(row)];
      const std::string of_what = target_ != nullptr ? fmt::format("the target {}", in_quotes(leak.of->name()))
                                                     : fmt::format("the value of {}", in_quotes(leak.of->name()));
      const std::string advice = target_ != nullptr
                                     ? fmt::format("mask these numbers, or {} the column", option_name("drop"))
                                     : "a leak, where that is the target";
      add("contains_target", *leak.into,
          fmt::format("holds {} in {} ({}), as in {}: {}; {}", of_what, rows_text(leak.rows),
                      percent(static_cast<std::int64_t>(leak.rows.size()), table_.rows()), first_line(leak.rows),
                      around(string_of(*leak.into, row), value), advice),
          leak.rows);
    }
  }

  /// Reports distinct whole numbers that are ordered like a date column.
  void find_time_order(const Column& column) {
    if (column.kind() != ColumnKind::number || &column == target_ || table_.rows() < enough_rows) return;
    const bool whole =
        std::ranges::all_of(column.numbers(), [](double number) { return number == std::floor(number); });
    if (!whole || summary(column).distinct != table_.rows()) return;
    const Column* nearest = nullptr;
    double highest = 0;
    for (const Column& dates : table_.columns()) {
      if (dates.kind() != ColumnKind::date || 2 * count_present(dates) < table_.rows()) continue;
      const double correlation = std::abs(rank_correlation(column.numbers(), dates.numbers()));
      if (correlation > highest) {
        highest = correlation;
        nearest = &dates;
      }
    }
    if (nearest == nullptr || highest < 0.5) return;
    add("time_order", column,
        fmt::format(
            "numbers the rows nearly in the order of {} (rank correlation {:.2f}): folds by chance learn from the "
            "future, so hold out the latest rows",
            in_quotes(nearest->name()), highest));
  }

  void find_doubles_of_target(const Column& column) {
    if (target_ == nullptr || &column == target_ || column.kind() != ColumnKind::number) return;
    std::int64_t both = 0, equal = 0;
    for (std::size_t row = 0; row < column.numbers().size(); ++row) {
      if (std::isnan(column.numbers()[row]) || std::isnan(target_->numbers()[row])) continue;
      ++both;
      equal += column.numbers()[row] == target_->numbers()[row] ? 1 : 0;
    }
    if (both < enough_rows) return;
    const double correlation = rank_correlation(column.numbers(), target_->numbers());
    if (std::abs(correlation) < 0.99 && 10 * equal < 9 * both) return;
    add("double_of_target", column,
        fmt::format("is nearly the target (rank correlation {:.3f}, equal in {}): is it known before?", correlation,
                    percent(equal, both)));
  }

  void look_at_numbers(const Column& column) {
    if (!column.unparsed().empty()) check_unparsed(column);
    if (column.kind() == ColumnKind::date) look_at_years(column, years_of(column));
    if (column.kind() != ColumnKind::number) return;
    std::vector<double> others(column.numbers().begin(), column.numbers().end());
    for (const Sentinel& sentinel : find_sentinels(others)) {
      report_sentinel(column, sentinel);
      for (const std::int64_t row : sentinel.rows)
        others[static_cast<std::size_t>(row)] = std::numeric_limits<double>::quiet_NaN();
    }
    look_at_years(column, others);
    if (&column != target_) find_codes(column);
    if (const auto unit = find_unit_mismatch(others)) {
      report_unit(column, *unit);
      for (const std::int64_t row : unit->rows)
        others[static_cast<std::size_t>(row)] = std::numeric_limits<double>::quiet_NaN();
    }
    if (auto rows = find_extreme_values(others); !rows.empty()) {
      const double first = others[static_cast<std::size_t>(rows.front())];
      add("absurd_size", column,
          fmt::format("far from all the others in {}, such as {} in {}: clip it", rows_text(rows), number_text(first),
                      first_line(rows)),
          rows);
    }
  }

  /// Reports whole numbers with the same number of digits, at most half of them distinct: probably codes.
  void find_codes(const Column& column) {
    constexpr double min_digits = 1e4;
    const NumberSummary& numbers = summary(column);
    const bool as_many_digits = numbers.minimum >= min_digits &&
                                std::floor(std::log10(numbers.minimum)) == std::floor(std::log10(numbers.maximum));
    const bool whole = std::ranges::all_of(
        column.numbers(), [](double number) { return std::isnan(number) || number == std::floor(number); });
    if (numbers.count < enough_rows || !as_many_digits || !whole || 2 * numbers.distinct > numbers.count) return;
    add("code", column,
        fmt::format("whole numbers of as many digits each, {} distinct: codes? {} {}", with_commas(numbers.distinct),
                    option_name("as"), in_quotes(column.name() + "=category")));
  }

  void check_unparsed(const Column& column) {
    std::vector<std::int64_t> rows;
    for (const UnparsedCell& unparsed_cell : column.unparsed()) rows.push_back(unparsed_cell.row);
    const bool dates = column.kind() == ColumnKind::date;
    add(dates ? "text_among_dates" : "text_among_numbers", column,
        fmt::format("{} of {} values are no {}, such as {} in {}; {} {} takes them all as they are",
                    with_commas(static_cast<std::int64_t>(rows.size())), with_commas(count_present(column)),
                    dates ? "dates" : "numbers", shortened(column.unparsed().front().text), first_line(rows),
                    option_name("as"), in_quotes(column.name() + "=category")),
        rows);
  }

  void look_at_years(const Column& column, std::span<const double> years) {
    const auto rows = find_implausible_years(years);
    if (rows.empty()) return;
    std::string examples;
    for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 5); ++i) {
      examples += fmt::format("{}{}", i > 0 ? ", " : "", years[static_cast<std::size_t>(rows[i])]);
    }
    add("absurd_year", column,
        fmt::format("years that cannot be in {}: {}, first in {}", rows_text(rows), examples, first_line(rows)), rows);
  }

  void report_sentinel(const Column& column, const Sentinel& sentinel) {
    const std::string number = fmt::format("{}", sentinel.number);
    add("sentinel", column,
        fmt::format("{} in {}, first in {}, far from all the others: does it mark missing values? {} {} takes it so",
                    number, rows_text(sentinel.rows), first_line(sentinel.rows), option_name("missing-value"),
                    in_quotes(column.name() + "=" + number)),
        sentinel.rows);
  }

  void report_unit(const Column& column, const UnitMismatch& unit) {
    const std::string ratio = number_text(std::round(unit.ratio >= 1 ? unit.ratio : 1 / unit.ratio));
    const std::string acres = ratio == "43,560" ? " (square feet of an acre)" : "";
    const double first = column.numbers()[static_cast<std::size_t>(unit.rows.front())];
    add("other_unit", column,
        fmt::format("{} look {} times too {}{}, such as {} in {}: another unit?", rows_text(unit.rows), ratio,
                    unit.ratio >= 1 ? "small" : "large", acres, number_text(first), first_line(unit.rows)),
        unit.rows);
  }

  void look_at_variety(const Column& column) {
    const std::int64_t present = count_present(column);
    if (present == 0) return add("only_missing", column, "is missing in every row: " + drop_it());
    const std::int64_t distinct = column.kind() == ColumnKind::category ? std::int64_t{column.levels().size()}
                                  : column.kind() == ColumnKind::number || column.kind() == ColumnKind::date
                                      ? summary(column).distinct
                                      : 2;
    if (distinct == 1 && present == table_.rows() && table_.rows() > 1 && column.unparsed().empty()) {
      return add("constant", column, "is the same in every row: " + drop_it());
    }
    if (column.kind() != ColumnKind::category) return;
    if (distinct >= enough_rows && 2 * distinct > present) {
      add("many_levels", column,
          fmt::format("{} distinct values in {}{}", with_commas(distinct), counted(present, "row"),
                      advice_on_names(column)));
    } else if (distinct > 100) {
      add("many_levels", column, fmt::format("has {} levels: too many for a number each", with_commas(distinct)));
    }
  }

  void find_equal_columns() {
    const std::span<const Column> columns = table_.columns();
    const auto is_of_interest = [&](const Column& column) {  // the target has issues of its own
      return &column != target_ && table_.rows() >= enough_rows && !is_constant(column);
    };
    std::unordered_map<std::uint64_t, std::vector<const Column*>> by_fingerprint;
    for (const Column& column : columns) {
      if (!is_of_interest(column)) continue;
      std::vector<const Column*>& different = by_fingerprint[fingerprint_of_cells(column)];
      const auto equal =
          std::ranges::find_if(different, [&](const Column* other) { return are_equal(*other, column); });
      if (equal == different.end()) {
        different.push_back(&column);
        continue;
      }
      add("equal_columns", column,
          fmt::format("has the same values as {} in every row: one of the two is enough, and {} {} leaves this one out",
                      in_quotes((*equal)->name()), option_name("drop"), in_quotes(column.name())));
    }
  }

  /// Reports a table of one column whose cells have what may separate them.
  void find_other_delimiter() {
    if (table_.columns().size() != 1) return;
    const Column& column = table_.columns().front();
    if (column.kind() == ColumnKind::number || column.kind() == ColumnKind::date) return;
    for (const char delimiter : {'|', ';', '\t', ',', ':', '^', '~', ' '}) {
      const std::vector<std::int64_t> rows = rows_with(column, delimiter);
      if (2 * std::ssize(rows) < table_.rows() || rows.empty()) continue;
      const std::string named = delimiter == '\t' ? "TAB" : std::string(1, delimiter);
      const std::string name = delimiter == '\t' ? "tab" : fmt::format("'{}'", delimiter);
      const bool known = std::string_view(";\t|,").find(delimiter) != std::string_view::npos;
      return add(
          "other_delimiter", column,
          fmt::format("is the only column, and {} of its cells have a {}, as in {}: does it separate columns? {}",
                      percent(std::ssize(rows), table_.rows()), name, first_line(rows),
                      table_.is_workbook() ? "the program of the workbook divides it (text to columns)"
                      : known ? fmt::format("a line sep={} before the header, which names as many, sets it", named)
                              : "put commas in its place, or one of ; and |"),
          rows);
    }
  }

  /// Reports names that seem to be a row of a table without names. Years, sizes or quantiles in order are names of
  /// columns.
  void find_row_for_header() {
    std::vector<double> names;
    const Column* shown = nullptr;
    for (const Column& column : table_.columns()) {
      if (column.kind() != ColumnKind::number) continue;
      const auto name = parse_number(trimmed(column.name()));
      if (!name) return;
      if (shown == nullptr) shown = &column;
      names.push_back(*name);
    }
    const bool in_order = std::ranges::is_sorted(names) || std::ranges::is_sorted(names, std::greater());
    if (shown == nullptr || in_order) return;
    add("row_for_header", *shown,
        "is a name that is a number, as are those of all columns of numbers: does the table lack a line of names? "
        "Add one above its first row");
  }

  /// Rows whose cell has the delimiter; of characters that are usual in texts, none unless each cell and the name have
  /// as many, spaces two at least.
  std::vector<std::int64_t> rows_with(const Column& column, char delimiter) const {
    std::vector<std::int64_t> rows;
    const auto count = std::ranges::count(column.name(), delimiter);
    const bool usual = std::string_view(",: ").find(delimiter) != std::string_view::npos;
    if (usual && count < (delimiter == ' ' ? 2 : 1)) return rows;
    for (std::int64_t row = 0; row < table_.rows(); ++row) {
      const auto in_cell = std::ranges::count(string_of(column, row), delimiter);
      if (in_cell > 0) rows.push_back(row);
      if (usual && in_cell != count) return {};
    }
    return rows;
  }

  /// Cells with digits may be numbers or dates in a form that is not read, such as prices: they are not to be dropped.
  std::string advice_on_names(const Column& column) const {
    std::int64_t present = 0, with_digit = 0, first = -1;
    for (std::int64_t row = 0; row < table_.rows(); ++row) {
      if (column.is_missing(row)) continue;
      ++present;
      if (!has_digit(string_of(column, row))) continue;
      if (with_digit++ == 0) first = row;
    }
    if (2 * with_digit < present) return ": a name rather than a category; " + drop_it();
    return fmt::format(
        ", such as {} in line {}: names, then {}; or numbers or dates that are not read as such, then write them as "
        "1234.5 or 2020-01-31",
        shortened(string_of(column, first)), table_.line(first), drop_it());
  }

  const Table& table_;
  const Column* target_;
  std::vector<DataIssue> found_;
  std::map<const Column*, NumberSummary> summaries_;
};

}  // namespace

std::vector<DataIssue> find_data_issues(const Table& table, const Column* target) {
  return Search(table, target).all();
}

}  // namespace unroll
