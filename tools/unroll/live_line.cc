#include "live_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "clock.h"
#include "format.h"
#include "output.h"

namespace unroll::cli {

namespace {

constexpr double period = 0.1;  // seconds
constexpr int usual_columns = 80;

bool obeys_escapes() {
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual_columns;
}

std::string joined(const std::vector<LiveField>& fields, int highest_rank, std::string LiveField::*form) {
  std::string line;
  for (const LiveField& field : fields) {
    if (field.rank > highest_rank || field.text.empty()) continue;
    if (!line.empty()) line += ", ";
    line += field.*form;
  }
  return line;
}

}  // namespace

std::string fitted(const std::vector<LiveField>& fields, int columns) {
  int rank = 0;
  for (const LiveField& field : fields) rank = std::max(rank, field.rank);
  for (; rank >= 0; --rank) {
    for (const auto form : {&LiveField::text, &LiveField::brief}) {
      std::string line = joined(fields, rank, form);
      if (display_width(line) <= columns) return line;
    }
  }
  return std::string(cut_to_width(joined(fields, 0, &LiveField::brief), columns));
}

LiveLine::LiveLine() : terminal_(::isatty(STDERR_FILENO) == 1 && obeys_escapes()), last_(monotonic_seconds()) {}

LiveLine::~LiveLine() { clear_live_line(); }

bool LiveLine::due() const { return terminal_ && monotonic_seconds() - last_ >= period; }

void LiveLine::show(const std::vector<LiveField>& fields) {
  // A character in the last column would make some terminals start a new line.
  show_live_line(fitted(fields, terminal_columns() - 1));
  last_ = monotonic_seconds();
}

}  // namespace unroll::cli
