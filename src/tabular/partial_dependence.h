#pragma once

#include "tabular/table_ensemble.h"
#include "unroll/table_model.h"

namespace unroll {

/// Partial dependence on one input, with mean predictions over `rows`, at least one; the values come from the whole
/// table.
PartialDependence partial_dependence(const TableEnsemble& model, const TableView& rows, const TableInput& input);

}  // namespace unroll
