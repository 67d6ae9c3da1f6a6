#pragma once

#include <string>
#include <vector>

namespace unroll::cli {

/// A part of the live line.
struct LiveField {
  std::string text;
  std::string brief;  ///< the same, for a narrow terminal
  int rank = 0;       ///< fields of a higher rank are left out first
};

/// The fields in their order, separated by commas, within so many columns: all of them, briefly where that is needed,
/// else without those of the highest ranks. The last one that is left is cut.
std::string fitted(const std::vector<LiveField>& fields, int columns);

/// A line on standard error that overwrites itself, on a terminal only. say() removes it first.
class LiveLine {
 public:
  LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine();

  /// True where a new text would be seen: on a terminal, and not sooner than a tenth of a second after the last.
  bool due() const;
  /// Fits the fields into the terminal as wide as it is now.
  void show(const std::vector<LiveField>& fields);

 private:
  bool terminal_;
  double last_ = 0;
};

}  // namespace unroll::cli
