#include "table/leaks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace unroll {
namespace {

bool holds_strings(const Column& column) {
  return column.kind() == ColumnKind::text || column.kind() == ColumnKind::category ||
         column.kind() == ColumnKind::list;
}

bool holds(const std::vector<double>& numbers, double wanted) {
  return std::ranges::any_of(numbers, [&](double number) { return number == wanted || number == std::round(wanted); });
}

/// Searches one column of strings for the numbers of another column, in the same row and, to estimate the chance rate,
/// in shifted rows.
class LeakSearch {
 public:
  LeakSearch(const Column& into, const Column& of, Rows rows)
      : leak_{&into, &of, {}}, rows_(rows), count_(std::ssize(rows)), shifts_{1, count_ / 3, count_ / 2} {}

  /// `numbers`: all numbers in the string of row `place` of the view.
  void look(std::int64_t place, const std::vector<double>& numbers) {
    const auto row = [&](std::int64_t at) { return rows_[static_cast<std::size_t>(at % count_)]; };
    const auto wanted = [&](std::int64_t at) { return leak_.of->numbers()[static_cast<std::size_t>(row(at))]; };
    if (holds(numbers, wanted(place))) leak_.rows.push_back(row(place));
    for (std::size_t i = 0; i < shifts_.size(); ++i)
      by_chance_[i] += holds(numbers, wanted(place + shifts_[i])) ? 1 : 0;
  }

  bool found() const {
    const auto count = static_cast<std::int64_t>(leak_.rows.size());
    return count >= 3 && 1000 * count >= count_ && count >= 10 * std::ranges::max(by_chance_);
  }

  Leak leak() && { return std::move(leak_); }

 private:
  Leak leak_;
  Rows rows_;
  std::int64_t count_;
  std::array<std::int64_t, 3> shifts_;
  std::array<std::int64_t, 3> by_chance_{};
};

}  // namespace

std::string string_of(const Column& column, std::int64_t row) {
  if (column.is_missing(row)) return "";
  if (column.kind() == ColumnKind::text) return std::string(column.text(row));
  if (column.kind() == ColumnKind::category) {
    return std::string(column.levels()[column.codes()[static_cast<std::size_t>(row)]]);
  }
  std::string text;
  for (const std::int32_t token : column.tokens(row))
    text.append(text.empty() ? "" : ", ").append(column.levels()[token]);
  return text;
}

std::vector<Leak> find_leaks(const TableView& view, std::span<const Column* const> of) {
  std::vector<Leak> leaks;
  for (const Column& into : view.table().columns()) {
    if (!holds_strings(into)) continue;
    const Rows rows = view.rows_of(into);
    std::vector<LeakSearch> searches;
    for (const Column* column : of) searches.emplace_back(into, *column, rows);
    std::vector<double> numbers;
    for (std::size_t place = 0; place < rows.size(); ++place) {
      numbers.clear();
      const std::string text = string_of(into, rows[place]);
      for_each_number_in(text, [&](double number, std::string_view) { numbers.push_back(number); });
      if (numbers.empty()) continue;
      for (LeakSearch& search : searches) search.look(static_cast<std::int64_t>(place), numbers);
    }
    for (LeakSearch& search : searches) {
      if (search.found()) leaks.push_back(std::move(search).leak());
    }
  }
  return leaks;
}

}  // namespace unroll
