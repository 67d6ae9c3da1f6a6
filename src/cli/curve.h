#pragma once

#include <string>
#include <vector>

#include "cli/run_history.h"

namespace unroll::cli {

/// A run in a picture, and what it is called there.
struct NamedRun {
  std::string name;
  RunHistory history;
};

/// The script for gnuplot that draws perplexity (logarithmic) over epochs as SVG, of training and, where there is one,
/// of validation; a single run gives the picture its title. Long curves are thinned to about a thousand points. Empty
/// where there is nothing to draw.
std::string curve_script(const std::vector<NamedRun>& runs);

}  // namespace unroll::cli
