#include "unroll/table.h"

namespace unroll {

template <>
const EnumNames<ColumnKind>& enum_names<ColumnKind>() {
  static const EnumNames<ColumnKind> names = {{"number", ColumnKind::number},
                                              {"category", ColumnKind::category},
                                              {"date", ColumnKind::date},
                                              {"list", ColumnKind::list},
                                              {"text", ColumnKind::text}};
  return names;
}

template <>
const EnumNames<DecimalMark>& enum_names<DecimalMark>() {
  static const EnumNames<DecimalMark> names = {
      {"infer", DecimalMark::infer}, {"point", DecimalMark::point}, {"comma", DecimalMark::comma}};
  return names;
}

template <>
const EnumNames<RaggedRows>& enum_names<RaggedRows>() {
  static const EnumNames<RaggedRows> names = {{"refuse", RaggedRows::refuse}, {"fill", RaggedRows::fill}};
  return names;
}

}  // namespace unroll
