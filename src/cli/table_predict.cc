#include <fmt/format.h>

#include <memory>

#include "base/atomic_file.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/run_paths.h"
#include "cli/table_rows.h"
#include "tabular/table_model.h"

namespace unroll::cli {

namespace {

struct TablePredictOptions {
  std::string run;   ///< run directory or model file
  std::string file;  ///< CSV
  std::string out;   ///< CSV; empty: standard output
};

constexpr const char* details =
    R"(Every row of FILE gets a prediction, in order: the row's id, or its number where the model knows no id, and the target.
FILE needs the columns that the model learned from, in any order; others do not matter.

Examples:
  unroll table predict runs/train-linear+mlp test.csv -o submission.csv
  unroll table predict runs/train-linear+mlp test.csv | head -5)";

std::vector<SettingGroup> settings_of(TablePredictOptions& o) {
  Setting out = text("out", "CSV", o.out, "standard output", "the file to write");
  out.letter = 'o';
  return {{"What to predict",
           {argument("RUN", o.run, "a run directory of unroll table train, or a model file"),
            argument("FILE", o.file, "CSV with a header: plain, gzip or zip; - is standard input"), std::move(out)}}};
}

void predict_table(const TablePredictOptions& o) {
  const TableModel model = TableModel::load(model_file_of(o.run));
  const TableTarget& task = model.task();
  const Table table = read_table_for(model, o.file, task.id);
  const RowNames names(table, task.id);
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  const std::vector<double> predictions = model.predict({table, rows});
  std::string text = fmt::format("{},{}\n", names.header(), csv_cell(task.target));
  for (const std::int64_t row : rows)
    text += fmt::format("{},{}\n", names[row], predictions[static_cast<std::size_t>(row)]);
  o.out.empty() ? write_result(text) : write_file_atomically(o.out, text);
}

}  // namespace

Command table_predict_command() {
  auto options = std::make_shared<TablePredictOptions>();
  return {"table predict", "Predict a column for the rows of another table.", details, settings_of(*options),
          [options](const GivenSettings&) { predict_table(*options); }};
}

}  // namespace unroll::cli
