#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "unroll/table_model.h"

namespace unroll {

/// The metric of this name; empty if there is none.
std::optional<TableMetric> metric_named(std::string_view name);

/// The score, or 1 - score for r2: lower is better.
double error(TableMetric metric, std::span<const double> predictions, std::span<const double> targets);

}  // namespace unroll
