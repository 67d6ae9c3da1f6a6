#include "tabular/permutation_importance.h"

#include "base/shuffle.h"

namespace unroll {

std::vector<ColumnImportance> permutation_importance(const TableEnsemble& model, const TableView& rows,
                                                     const ErrorOf& error_of, std::uint64_t seed, std::uint32_t fold) {
  const double error = error_of(model.predict(rows));
  std::vector<ColumnImportance> importances;
  for (const TableInput& input : model.inputs()) {
    const Column& column = column_for(input, rows.table());
    const auto place = static_cast<std::uint32_t>(&column - rows.table().columns().data());
    const Rows cells = rows.rows_of(column);
    std::vector<std::int64_t> permuted(cells.begin(), cells.end());
    shuffle(std::span(permuted), Random(seed, RandomStream::permutations, fold, place));
    importances.push_back({input.name, error_of(model.predict(rows.with(input.name, permuted))) - error});
  }
  return importances;
}

}  // namespace unroll
