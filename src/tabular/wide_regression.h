#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "table/table_view.h"
#include "tabular/lasso.h"

namespace unroll {

// Regression with more features than rows. The linear system has the size of the number of rows; memory grows with rows
// * features, not with the square of the features.

inline bool is_wide(std::int64_t width, Rows rows) { return width > static_cast<std::int64_t>(rows.size()); }

/// lasso_path() for these rows, at least one, by coordinate descent on the residuals.
std::vector<LinearFunction> wide_lasso_path(const Samples& samples, Rows rows, std::span<const double> penalties);

/// The smallest penalty for which all weights are 0.
double wide_max_penalty(const Samples& samples, Rows rows);

/// leave_one_out_residuals() computed from the inner products of rows (Saunders, Gammerman, Vovk: Ridge Regression
/// Learning Algorithm in Dual Variables. ICML 1998).
std::vector<double> wide_leave_one_out_residuals(const Samples& samples, double ridge);

}  // namespace unroll
