#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// The values of TableOptions::missing_values that count for one column.
class MissingMarks {
 public:
  void add(std::string_view value);
  bool empty() const { return texts_.empty(); }
  /// True if the cell is one of the values as it is written.
  bool match(std::string_view cell) const;
  /// True if the number, as the form of its column reads it, is one of the values.
  bool match(double number) const;

 private:
  std::vector<std::string> texts_;
  std::vector<double> numbers_;
};

/// The column in COLUMN=VALUE: the longest part before an equals sign that is one of `names`, or, if none is, before
/// the last equals sign; nullopt in VALUE, which has no equals sign.
std::optional<std::string> column_of_missing_value(std::string_view text, std::span<const std::string> names);

}  // namespace unroll
