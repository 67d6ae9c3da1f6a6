#include "table/missing_marks.h"

#include <algorithm>

#include "table/cell_values.h"

namespace unroll {

void MissingMarks::add(std::string_view value) {
  const std::string_view text = trimmed(value);
  marks_.push_back({std::string(text), parse_number(text)});
}

bool MissingMarks::match(std::string_view text) const {
  const std::string_view cell = trimmed(text);
  if (cell.empty()) return false;
  auto number = parse_number(cell);
  if (!number && cell.find(',') != std::string_view::npos) {
    std::string with_point(cell);
    std::ranges::replace(with_point, ',', '.');
    number = parse_number(with_point);
  }
  return std::ranges::any_of(marks_, [&](const Mark& mark) {
    return mark.text == cell || (mark.number && number && *mark.number == *number);
  });
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
