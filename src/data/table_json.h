#pragma once

#include <nlohmann/json.hpp>

#include "data/table_view.h"

namespace unroll {

NLOHMANN_JSON_SERIALIZE_ENUM(ColumnKind, {{ColumnKind::text, "text"},  // first: what another word becomes
                                          {ColumnKind::number, "number"},
                                          {ColumnKind::category, "category"},
                                          {ColumnKind::date, "date"},
                                          {ColumnKind::list, "list"}})

}  // namespace unroll
