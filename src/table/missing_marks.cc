#include "table/missing_marks.h"

#include <algorithm>
#include <utility>

#include "table/cell_values.h"

namespace unroll {

void MissingMarks::add(std::string_view value) {
  std::string text(trimmed(value));
  auto number = parse_number(text);
  if (!number) {
    std::string with_point = text;
    std::ranges::replace(with_point, ',', '.');
    number = parse_number(with_point);
  }
  if (number) numbers_.push_back(*number);
  texts_.push_back(std::move(text));
}

bool MissingMarks::match(std::string_view cell) const {
  return !cell.empty() && std::ranges::find(texts_, trimmed(cell)) != texts_.end();
}

bool MissingMarks::match(double number) const { return std::ranges::find(numbers_, number) != numbers_.end(); }

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
