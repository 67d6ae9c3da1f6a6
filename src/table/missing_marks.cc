#include "table/missing_marks.h"

#include <algorithm>
#include <utility>

#include "table/cell_values.h"

namespace unroll {

void MissingMarks::add(std::string_view value, std::size_t option) {
  std::string text(trimmed(value));
  auto number = parse_number(text);
  if (!number) {
    std::string with_point = text;
    std::ranges::replace(with_point, ',', '.');
    number = parse_number(with_point);
  }
  marks_.push_back({std::move(text), number, option});
}

bool MissingMarks::match(std::string_view cell, std::vector<bool>& found) const {
  if (cell.empty()) return false;
  const auto written = std::ranges::find(marks_, trimmed(cell), &Mark::text);
  if (written == marks_.end()) return false;
  found[written->option] = true;
  if (written->number) match(*written->number, found);
  return true;
}

bool MissingMarks::match(double number, std::vector<bool>& found) const {
  bool any = false;
  for (const Mark& mark : marks_) {
    if (mark.number != number) continue;
    found[mark.option] = any = true;
  }
  return any;
}

std::optional<std::string> column_of_missing_value(std::string_view text, std::span<const std::string> names) {
  const std::size_t last = text.rfind('=');
  if (last == std::string_view::npos) return std::nullopt;
  for (std::size_t equals = last; equals != std::string_view::npos && equals > 0;
       equals = text.rfind('=', equals - 1)) {
    if (std::ranges::find(names, text.substr(0, equals)) != names.end()) return std::string(text.substr(0, equals));
  }
  return std::string(text.substr(0, last));
}

}  // namespace unroll
