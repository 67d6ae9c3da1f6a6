#pragma once

#include <string>
#include <vector>

#include "tables/partial_dependence.h"

namespace unroll::cli {

/// The script for gnuplot that draws as SVG, in a panel for each column, what is predicted over the column's values.
/// All panels have the same vertical axis; a grey line is the mean of all predictions, `mean`. Without any points the
/// script is empty.
std::string dependence_script(const std::vector<PartialDependence>& dependences, double mean, const std::string& title);

}  // namespace unroll::cli
