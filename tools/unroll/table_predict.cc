#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "commands.h"
#include "output.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"
#include "unroll/run_history.h"
#include "unroll/table_model.h"

namespace unroll::cli {

namespace {

struct TablePredictOptions {
  std::string run;     ///< run directory or model file
  std::string file;    ///< CSV
  TableOptions table;  ///< kinds, forms and decimal mark in place of the model's
  std::string out;     ///< CSV; empty: standard output
};

constexpr const char* table_predict_details =
    R"(Every row of FILE gets a prediction, in order: the row's id, or its number where the model knows no id, and the target.
FILE needs the columns that the model learned from, in any order; others do not matter.

Examples:
  unroll table predict runs/train-linear+mlp test.csv -o submission.csv
  unroll table predict runs/train-linear+mlp test.csv | head -5)";

std::vector<OptionGroup> options_of(TablePredictOptions& o) {
  Option out = text("out", "CSV", o.out, "standard output", "the file to write");
  out.letter = 'o';
  std::vector<Option> settings = {
      argument("RUN", o.run, "a run directory of unroll table train, or a model file"),
      argument("FILE", o.file, "CSV with a header or xlsx: plain, gzip or zip; - is standard input")};
  for (Option& setting : describe(o.table)) {
    if (setting.name != "drop") settings.push_back(std::move(setting));
  }
  settings.push_back(std::move(out));
  return {{"What to predict", std::move(settings)}};
}

/// Throws Error if writing `out` would replace the file `input`, or the one before a colon in it.
void refuse_to_replace(const std::string& out, const std::string& input) {
  std::error_code ignored;
  for (std::size_t end = input.size(); end != std::string::npos && end > 0; end = input.rfind(':', end - 1)) {
    if (std::filesystem::equivalent(out, input.substr(0, end), ignored))
      throw Error(fmt::format("-o {}: writing it would replace {}, which is read; name another file", out, input));
  }
}

void predict_table(const TablePredictOptions& o) {
  const std::string model_path = model_file_of(o.run);
  if (!o.out.empty()) {
    refuse_to_replace(o.out, o.file);
    refuse_to_replace(o.out, model_path);
  }
  const TableModel model = TableModel::load(model_path);
  const Table table = Table::read(o.file, model.reading_options(true, o.table));
  const std::string text = model.predictions_text(table);
  for (const std::string& note : model.reading_notes(table)) log_message(note);
  o.out.empty() ? write_result(text) : write_file_atomically(o.out, text);
}

}  // namespace

Command table_predict_command() {
  auto options = std::make_shared<TablePredictOptions>();
  return {"table predict", "Predict a column for the rows of another table.", table_predict_details,
          options_of(*options), [options](const OptionValues&) { predict_table(*options); }};
}

}  // namespace unroll::cli
