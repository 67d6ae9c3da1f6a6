#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "refuses.h"
#include "table/table_view.h"
#include "tabular/table_encoder.h"
#include "tabular/tree_encoder.h"

using namespace unroll;

namespace {

using nlohmann::json;

/// Has a column of each kind.
const Table& table() {
  static const Table table = Table::from_text(
      "number,category,date,list,text\n"
      "1.5,a,2020-02-29,\"x, y\",some words 12\n"
      "no number,b,,,\n"
      "1e300,,2021-01-01T12:00:00,y,more words\n"
      "-1e-300,a,0001-01-01,\"\",12\n",
      {.as = {{"number", ColumnKind::number},
              {"category", ColumnKind::category},
              {"date", ColumnKind::date},
              {"list", ColumnKind::list},
              {"text", ColumnKind::text}}});
  return table;
}

bool all_finite(const std::vector<double>& numbers) {
  return std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); });
}
bool all_finite(const SparseRows& rows) {
  return std::ranges::all_of(rows.values, [](float x) { return std::isfinite(x); });
}

/// An encoder is refused, or is written and read again as the same and encodes a table as finite numbers.
template <class Encoder>
void try_encoder(const json& from) {
  std::optional<Encoder> encoder;
  if (refuses([&] { encoder = Encoder::from_json(from, "file"); })) return;
  const std::string written = encoder->to_json().dump();
  UNROLL_CHECK(Encoder::from_json(json::parse(written), "written").to_json().dump() == written);
  const std::vector<std::int64_t> rows = all_rows(table().rows());
  refuses([&] { UNROLL_CHECK(all_finite(encoder->encode({table(), rows}))); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const json from = json::parse(data, data + size, nullptr, false);
  if (from.is_discarded()) return 0;
  try_encoder<TableEncoder>(from);
  try_encoder<TreeEncoder>(from);
  return 0;
}
