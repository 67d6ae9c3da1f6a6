#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/run_history.h"

namespace unroll::cli {

/// A run to draw, and its name in the picture.
struct NamedRun {
  std::string name;
  RunHistory history;
};

/// A gnuplot script that draws training and, if present, validation perplexity (logarithmic) over epochs as SVG. The
/// name of a single run is the title. Long curves are thinned to about a thousand points. Empty if there is nothing to
/// draw.
std::string curve_script(const std::vector<NamedRun>& runs);

/// Number of points that no logarithmic axis has a place for: NaN, infinity, 0 and less.
std::int64_t points_left_out(const RunHistory& history);

}  // namespace unroll::cli
