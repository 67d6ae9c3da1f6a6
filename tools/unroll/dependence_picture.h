#pragma once

#include <string>
#include <vector>

#include "unroll/table_model.h"

namespace unroll::cli {

/// A gnuplot script that draws partial dependences as SVG, one panel per column: the prediction over the column's
/// values. All panels share the vertical axis; a grey line marks `mean`, the mean of all predictions. Empty if there
/// are no points.
std::string dependence_script(const std::vector<PartialDependence>& dependences, double mean, const std::string& title);

}  // namespace unroll::cli
