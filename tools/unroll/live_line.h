#pragma once

#include <string>
#include <vector>

namespace unroll::cli {

/// A part of the live line.
struct LiveField {
  std::string text;
  std::string brief;  ///< shorter form, for a narrow terminal
  int rank = 0;       ///< fields of a higher rank are left out first
};

/// The fields in order, separated by commas, within `columns` columns: all of them, in brief form if needed, else
/// without those of the highest ranks. If even those of rank 0 do not fit, the line is cut.
std::string fitted(const std::vector<LiveField>& fields, int columns);

/// A status line on standard error that overwrites itself; only on a terminal. log_message() removes it first.
class LiveLine {
 public:
  LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine();

  /// True if show() is due: on a terminal, and at least a tenth of a second after the last one.
  bool due() const;
  /// Shows the fields, fitted to the current width of the terminal.
  void show(const std::vector<LiveField>& fields);

 private:
  bool terminal_;
  double last_ = 0;
};

}  // namespace unroll::cli
