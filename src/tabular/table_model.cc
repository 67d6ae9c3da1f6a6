#include "unroll/table_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "table/column_form.h"
#include "table/number_summary.h"
#include "table/reading_notes.h"
#include "tabular/partial_dependence.h"
#include "tabular/row_names.h"
#include "tabular/table_ensemble.h"
#include "tabular/table_validation.h"
#include "tabular/training_table.h"

namespace unroll {

TableModel::TableModel(TableEnsemble ensemble)
    : ensemble_(std::make_shared<const TableEnsemble>(std::move(ensemble))) {}

TableModel TableModel::train(const Table& table, const TableModelOptions& options) {
  check_options(options);
  return TableModel(TrainingTable(table, options).fit(all_rows(table.rows())));
}

TableValidation TableModel::validate(const Table& table, const TableModelOptions& options,
                                     const std::function<void(const FoldResult&)>& on_fold) {
  check_options(options);
  const TrainingTable training(table, options);
  std::vector<FoldResult> results;
  for (const Fold& fold : training.folds()) {
    results.push_back(validate_fold(training, fold, results.size() + 1));
    if (on_fold) on_fold(results.back());
  }
  return over_folds(std::move(results));
}

void TableModel::save(const std::string& path) const { ensemble_->save(path); }
TableModel TableModel::load(const std::string& path) { return TableModel(TableEnsemble::load(path)); }

const std::string& TableModel::target() const { return ensemble_->task().target; }
const std::string& TableModel::id() const { return ensemble_->task().id; }
std::vector<TableInput> TableModel::inputs() const { return ensemble_->inputs(); }
std::string TableModel::choices() const { return ensemble_->choices().dump(); }

TableOptions TableModel::reading_options(bool with_id, const TableOptions& given) const {
  TableOptions options;
  for (const TableInput& input : inputs()) {
    options.as[input.name] = input.kind;
    const bool has_form = input.kind == ColumnKind::number || input.kind == ColumnKind::date;
    if (!has_form) continue;
    std::string& form = options.forms[input.name] = input.form.empty() ? plain_form : input.form;
    if (input.unseen_mark && given.decimal == DecimalMark::infer) options.unseen_marks.insert(input.name);
    if (input.kind == ColumnKind::number && given.decimal != DecimalMark::infer)
      form = form_with_decimal(form, given.decimal);
  }
  if (with_id && !id().empty()) options.as[id()] = ColumnKind::category;
  for (const auto& [column, kind] : given.as) {
    options.as[column] = kind;
    options.forms.erase(column);
    options.unseen_marks.erase(column);
  }
  for (const auto& [column, form] : given.forms) options.forms[column] = form;
  options.decimal = given.decimal;
  options.ragged = given.ragged;
  options.missing_values = ensemble_->missing_values();
  options.missing_values.insert(options.missing_values.end(), given.missing_values.begin(), given.missing_values.end());
  options.unit_line = ensemble_->unit_line();
  options.id = id();
  options.encoding = given.encoding;
  return options;
}

std::vector<std::string> TableModel::reading_notes(const Table& table) const {
  std::vector<std::string> notes = table.notes();
  for (const TableInput& input : inputs()) {
    const Column& column = table.column(input.name);
    if (auto note = form_note(table, column)) notes.push_back(std::move(*note));
    if (const auto note = unparsed_note(table, column)) notes.push_back(*note + "; the model takes them as missing");
  }
  return notes;
}

std::vector<double> TableModel::predict(const Table& table) const {
  return ensemble_->predict({table, all_rows(table.rows())});
}

std::string TableModel::predictions_text(const Table& table) const {
  const RowNames names(table, id());
  const std::vector<double> predictions = predict(table);
  const char delimiter = table.delimiter(), mark = table.decimal_mark();
  std::string text = fmt::format("{}{}{}\n", names.header(), delimiter, csv_cell(target()));
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    std::string number = fmt::format("{}", predictions[static_cast<std::size_t>(row)]);
    std::ranges::replace(number, '.', mark);
    text += fmt::format("{}{}{}\n", names[row], delimiter, mark == delimiter ? csv_cell(number) : number);
  }
  return text;
}

TableExplanation TableModel::explain(const Table& table, std::span<const Importance> importances,
                                     std::size_t max_columns) const {
  constexpr std::size_t max_rows = 1000;
  const std::vector<std::int64_t> rows = evenly_spaced(all_rows(table.rows()), max_rows);
  const std::vector<TableInput> read = inputs();
  TableExplanation explanation;
  for (const Importance& one : importances) {
    const auto input = std::ranges::find(read, one.column, &TableInput::name);
    const bool matters = one.increase.mean > 0 && input != read.end();
    if (matters && explanation.dependences.size() < max_columns)
      explanation.dependences.push_back(partial_dependence(*ensemble_, {table, rows}, *input));
  }
  explanation.rows = static_cast<std::int64_t>(rows.size());
  explanation.mean = mean_of(ensemble_->predict({table, rows}));
  return explanation;
}

}  // namespace unroll
