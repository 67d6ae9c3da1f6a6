#pragma once

#include <nlohmann/json.hpp>

#include "table/table_view.h"

namespace unroll {

NLOHMANN_JSON_SERIALIZE_ENUM(ColumnKind, {{ColumnKind::text, "text"},  // first: the default for unknown words
                                          {ColumnKind::number, "number"},
                                          {ColumnKind::category, "category"},
                                          {ColumnKind::date, "date"},
                                          {ColumnKind::list, "list"}})

}  // namespace unroll
