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
  bool empty() const { return marks_.empty(); }
  /// True if the cell is one of the texts or, with a decimal point or comma, one of the numbers: -200.0 and -200,0 are
  /// -200.
  bool match(std::string_view cell) const;

 private:
  struct Mark {
    std::string text;
    std::optional<double> number;
  };
  std::vector<Mark> marks_;
};

/// The column in COLUMN=VALUE: the longest part before an equals sign that is one of `names`, or, if none is, before
/// the last equals sign; nullopt in VALUE, which has no equals sign.
std::optional<std::string> column_of_missing_value(std::string_view text, std::span<const std::string> names);

}  // namespace unroll
