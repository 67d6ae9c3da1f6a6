#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/table_view.h"
#include "tables/lasso.h"

namespace unroll {

// Regression where there are more features than rows. What is solved for has the size of the rows, and memory holds
// each feature of each row, but nothing that grows with the square of the features.

inline bool is_wide(std::int64_t width, Rows rows) { return width > static_cast<std::int64_t>(rows.size()); }

/// lasso_path() of these rows, at least one, by coordinate descent on the residuals.
std::vector<LinearFunction> wide_lasso_path(const Samples& samples, Rows rows, std::span<const double> penalties);

/// The least penalty with which all weights are 0.
double wide_largest_penalty(const Samples& samples, Rows rows);

/// leave_one_out_residuals(), from the products of rows (Saunders, Gammerman, Vovk: Ridge Regression Learning Algorithm
/// in Dual Variables. ICML 1998).
std::vector<double> wide_leave_one_out_residuals(const Samples& samples, double ridge);

}  // namespace unroll
