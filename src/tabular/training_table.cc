#include "tabular/training_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/require.h"
#include "table/cell_values.h"
#include "table/leaks.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

bool is_textbook(const TableModelOptions& o) { return o.members == std::vector{MemberKind::textbook}; }

[[noreturn]] void refuse_row(const Table& table, std::int64_t row, const std::string& problem) {
  throw Error(ExitCode::bad_data, fmt::format("{}: line {}: {}", table.name(), table.line(row), problem));
}

bool has_textbook(const TableModelOptions& o) {
  return std::ranges::find(o.members, MemberKind::textbook) != o.members.end();
}

void check_target(const Column& column, std::int64_t row, const Table& table, const TableModelOptions& o) {
  // So that sums of squares are finite: of floats in the textbook's model, which does not scale its targets.
  const bool textbook = has_textbook(o);
  const double max_target = textbook ? 1e18 : 1e100;
  const std::string name = in_quotes(column.name());
  const double target = column.numbers()[static_cast<std::size_t>(row)];
  if (column.is_missing(row))
    refuse_row(table, row,
               fmt::format("the target {} is missing; leave out the rows without, as {} leave-out does", name,
                           option_name("missing-target")));
  if (std::isnan(target)) {
    refuse_row(table, row,
               fmt::format("the target {} is {}, and a target is a number; correct the row or leave it out", name,
                           in_quotes(unparsed_text(column, row))));
  }
  if (std::abs(target) > max_target) {
    refuse_row(table, row,
               fmt::format("the target {} is {}, and no target{} is beyond {}; correct the row or leave it out", name,
                           target, textbook ? " of the textbook's model" : "", textbook ? "1e18" : "1e100"));
  }
  if (o.metric == TableMetric::log_rmse && target <= 0) {
    refuse_row(table, row,
               fmt::format("the target {} is {}, and log-rmse takes numbers above 0; take another {}", name, target,
                           option_name("metric")));
  }
}

/// Refuses targets whose squares would be 0. Logarithms have no such limit.
void check_largest_target(const Column& column, const Table& table, const TableModelOptions& o) {
  if (o.metric == TableMetric::log_rmse && !has_textbook(o)) return;
  const char* const min_target = has_textbook(o) ? "1e-18" : "1e-100";
  const auto size = [](double target) { return std::abs(target); };
  const auto largest = std::ranges::max_element(column.numbers(), {}, size);
  if (largest == column.numbers().end() || *largest == 0 || size(*largest) >= std::stod(min_target)) return;
  refuse_row(table, largest - column.numbers().begin(),
             fmt::format("{} is the largest target {} in size, and squares of numbers below {} are lost; multiply all "
                         "by a power of ten",
                         *largest, in_quotes(column.name()), min_target));
}

std::vector<double> targets_of(const Table& table, const TableModelOptions& o) {
  const Column& column = table.column(o.target);
  if (column.kind() != ColumnKind::number)
    throw Error(fmt::format("{} {}: the column is of kind {}, and a target is numbers; read it as numbers, with {} {}",
                            option_name("target"), in_quotes(o.target), name_of(column.kind()), option_name("as"),
                            in_quotes(o.target + "=number")));
  for (std::int64_t row = 0; row < table.rows(); ++row) check_target(column, row, table, o);
  check_largest_target(column, table, o);
  return {column.numbers().begin(), column.numbers().end()};
}

/// Numbers or dates of the column, parsed if it was read as categories, as the id is.
std::vector<double> times_of(const Table& table, const std::string& name) {
  const Column& column = table.column(name);
  std::vector<double> times(column.numbers().begin(), column.numbers().end());
  if (column.kind() == ColumnKind::category) {
    for (const std::int32_t code : column.codes()) {
      const std::string_view text = code < 0 ? std::string_view() : column.levels()[code];
      times.push_back(parse_number(text).value_or(parse_date(text).value_or(std::nan(""))));
    }
  }
  const std::string option = option_name("time-order");
  if (times.empty()) throw Error(fmt::format("{} {}: the column has no numbers and no dates", option, in_quotes(name)));
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (std::isnan(times[static_cast<std::size_t>(row)]))
      refuse_row(table, row, fmt::format("{}, which {} names, is no number and no date", in_quotes(name), option));
  }
  return times;
}

void check_hashed(const Table& table, const TableModelOptions& o) {
  for (const std::string& name : o.hash) {
    const ColumnKind kind = table.column(name).kind();
    if (kind != ColumnKind::text)
      throw Error(fmt::format("{0} {1}: the column is a {2}, and texts have words; {3} {1}=text makes it one",
                              option_name("hash"), name, name_of(kind), option_name("as")));
  }
}

}  // namespace

std::string model_name(std::span<const MemberKind> members) {
  constexpr MemberKind ensemble[] = {MemberKind::linear, MemberKind::mlp, MemberKind::trees};
  if (std::ranges::equal(members, ensemble)) return "ensemble";
  std::vector<std::string_view> names;
  for (const MemberKind member : members) names.emplace_back(name_of(member));
  return fmt::format("{}", fmt::join(names, "+"));
}

void check_conflicts(const TableModelOptions& o) {
  if (o.target.empty())
    throw OptionError(fmt::format("{} COLUMN is missing: what is to be predicted", option_name("target")));
  if (o.id == o.target)
    throw OptionError(fmt::format("{} and {} are the same column", option_name("id"), option_name("target")));
  if (!o.time_order.empty() && !o.folds_from.empty())
    throw OptionError(fmt::format("{} and {} exclude each other: both make the folds", option_name("time-order"),
                                  option_name("folds-from")));
  if (o.folds < 2 && o.time_order.empty() && o.folds_from.empty())
    throw OptionError(fmt::format("{} {} is for {}: folds by chance are 2 or more", option_name("folds"), o.folds,
                                  option_name("time-order")));
  if (!o.hash.empty() && is_textbook(o))
    throw OptionError(
        fmt::format("{} makes features of texts, which the textbook's model has not", option_name("hash")));
  if (o.members.empty()) throw OptionError(fmt::format("{} has no members", option_name("model")));
  for (auto member = o.members.begin(); member != o.members.end(); ++member) {
    if (std::find(std::next(member), o.members.end(), *member) != o.members.end())
      throw OptionError(fmt::format("{} has the member {} twice", option_name("model"), name_of(*member)));
  }
}

void check_options(const TableModelOptions& options) {
  require_count("folds", options.folds, 1);
  require_known("metric", options.metric);
  require_known("missing_target", options.missing_target);
  check_conflicts(options);
  for (const MemberKind member : options.members) require_member(member);
}

TableOptions reading_options(const TableModelOptions& options, TableOptions table) {
  table.as[options.target] = ColumnKind::number;
  if (options.missing_target == MissingTarget::leave_out) table.required = options.target;
  table.id = options.id;
  if (!options.id.empty()) table.as[options.id] = ColumnKind::category;
  return table;
}

std::vector<TargetLeak> find_target_leaks(const Table& table, const TableModelOptions& o) {
  const Column* const target = &table.column(o.target);
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  std::vector<TargetLeak> leaks;
  for (const Leak& leak : find_leaks({table, rows}, std::span(&target, 1))) {
    const std::string& name = leak.into->name();
    if (name == o.id) continue;
    const bool hashed = std::ranges::find(o.hash, name) != o.hash.end();
    const LeakTreatment treatment = o.keep_leaks                            ? LeakTreatment::kept
                                    : leak.into->kind() != ColumnKind::text ? LeakTreatment::left_out
                                    : hashed                                ? LeakTreatment::masked
                                                                            : LeakTreatment::no_feature;
    leaks.push_back({.column = name, .rows = std::ssize(leak.rows), .treatment = treatment});
  }
  return leaks;
}

TrainingTable::TrainingTable(const Table& table, const TableModelOptions& options, StopAsked stop_asked)
    : table_(table),
      options_(options),
      stop_asked_(std::move(stop_asked)),
      names_(table, options.id),
      targets_(targets_of(table, options)) {
  check_hashed(table, options);
}

std::vector<Fold> TrainingTable::folds() const {
  const TableModelOptions& o = options_;
  if (!o.folds_from.empty()) return folds_from_values(table_.column(o.folds_from));
  if (!o.time_order.empty()) return folds_in_order(times_of(table_, o.time_order), o.folds);
  if (table_.rows() < o.folds)
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {} cannot be validated in {} folds; take fewer {} or more rows", table_.name(),
                            counted(table_.rows(), "row"), o.folds, option_name("folds")));
  return shuffled_folds(table_.rows(), o.folds, o.seed);
}

TableEnsemble TrainingTable::fit(Rows rows) const {
  const TableModelOptions& o = options_;
  EnsembleOptions learning = {.members = o.members,
                              .without = {},
                              .hashed = o.hash,
                              .keep_leaks = o.keep_leaks,
                              .seed = o.seed,
                              .threads = o.threads,
                              .stop_asked = stop_asked_};
  if (!o.folds_from.empty()) learning.without.push_back(o.folds_from);
  const bool logarithm = o.metric == TableMetric::log_rmse && !is_textbook(o);
  return TableEnsemble::fit({table_, rows}, {.target = o.target, .id = o.id, .logarithm = logarithm}, learning);
}

}  // namespace unroll
