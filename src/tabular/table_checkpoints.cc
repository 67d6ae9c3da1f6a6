#include "tabular/table_checkpoints.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/fingerprint.h"
#include "io/json_fields.h"
#include "run/checkpoint_files.h"
#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* run_key = "table_run";
constexpr const char* fold_key = "table_fold";
constexpr const char* table_key = "table";  // not an option

template <class Number>
void add_numbers(Fingerprint& fingerprint, std::span<const Number> numbers) {
  const std::uint64_t count = numbers.size();
  fingerprint.add({reinterpret_cast<const char*>(&count), sizeof count});
  fingerprint.add({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()});
}

void add_text(Fingerprint& fingerprint, std::string_view text) { add_numbers(fingerprint, std::span(text)); }

void add_column(Fingerprint& fingerprint, const Column& column) {
  add_text(fingerprint, column.name());
  add_text(fingerprint, name_of(column.kind()));
  add_numbers(fingerprint, column.numbers());
  add_numbers(fingerprint, column.codes());
  for (std::int32_t code = 0; code < column.levels().size(); ++code) add_text(fingerprint, column.levels()[code]);
  for (const UnparsedCell& cell : column.unparsed()) add_text(fingerprint, cell.text);
  for (std::int64_t row = 0; row < column.size(); ++row) {
    fingerprint.add(column.is_missing(row) ? "-" : "+");
    if (column.kind() == ColumnKind::list) add_numbers(fingerprint, column.tokens(row));
    if (column.kind() == ColumnKind::text) add_text(fingerprint, column.text(row));
  }
}

/// A number that JSON cannot represent is a string.
Json json_of(double number) {
  if (std::isfinite(number)) return number;
  return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
}

double number_in(const Json& json) {
  if (!json.is_string()) return json.get<double>();
  const std::string& text = json.get_ref<const std::string&>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

Json json_of(const FoldResult& fold) {
  Json json = {{"number", fold.number},
               {"training_rows", fold.training_rows},
               {"validation_rows", fold.validation_rows},
               {"training", json_of(fold.training)},
               {"validation", json_of(fold.validation)},
               {"choices", fold.choices},
               {"importances", Json::array()},
               {"predictions", Json::array()}};
  for (const ColumnImportance& one : fold.importances)
    json["importances"].push_back(Json::array({one.column, json_of(one.increase)}));
  for (const OutOfFold& one : fold.predictions)
    json["predictions"].push_back(Json::array({one.row, json_of(one.prediction)}));
  return json;
}

FoldResult fold_in(const Json& json) {
  FoldResult fold = {.number = json.at("number"),
                     .training_rows = json.at("training_rows"),
                     .validation_rows = json.at("validation_rows"),
                     .training = number_in(json.at("training")),
                     .validation = number_in(json.at("validation")),
                     .choices = json.at("choices")};
  for (const Json& one : json.at("importances")) fold.importances.push_back({one.at(0), number_in(one.at(1))});
  for (const Json& one : json.at("predictions"))
    fold.predictions.push_back({.row = one.at(0), .fold = fold.number, .prediction = number_in(one.at(1))});
  return fold;
}

StoredCheckpoint read_or_advise(const std::string& path) {
  try {
    return StoredCheckpoint::read(path);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}; without the file its fold is trained again", error.what()));
  }
}

}  // namespace

Json describe_run(const Table& table, const TableModelOptions& o) {
  Fingerprint fingerprint;
  for (const Column& column : table.columns()) add_column(fingerprint, column);
  // The table comes last: its columns' kinds, which the fingerprint contains, depend on the options.
  return {{"target", o.target},
          {"id", o.id},
          {"model", model_name(o.members)},
          {"metric", name_of(o.metric)},
          {"folds", o.folds},
          {"time-order", o.time_order},
          {"folds-from", o.folds_from},
          {"hash", o.hash},
          {"keep-leaks", o.keep_leaks},
          {"seed", o.seed},
          {table_key, hex(fingerprint.value())}};
}

TableCheckpoints::TableCheckpoints(std::string folder, Json description, std::map<std::string, std::string> metadata)
    : folder_(std::move(folder)), description_(std::move(description)), metadata_(std::move(metadata)) {
  metadata_[run_key] = description_.dump();
}

void TableCheckpoints::write(std::int64_t number, std::map<std::string, std::string> metadata) const {
  metadata.insert(metadata_.begin(), metadata_.end());
  Checkpoint().write(checkpoint_path(folder_, number), metadata);
}

void TableCheckpoints::write_beginning() const { write(0, {}); }

void TableCheckpoints::write_fold(const FoldResult& fold) const {
  write(static_cast<std::int64_t>(fold.number), {{fold_key, json_of(fold).dump()}});
}

void TableCheckpoints::check_description(const StoredCheckpoint& checkpoint) const {
  checkpoint.require_same_numerics();
  constexpr std::size_t max_size = 1 << 24;  // bytes; names of columns have any length
  constexpr int max_depth = 2;               // a list of columns
  const nlohmann::json theirs = parse_json_object(checkpoint.metadata(run_key), max_size, max_depth,
                                                  fmt::format("{}: {}", checkpoint.path(), run_key));
  for (const auto& [key, ours] : description_.items()) {
    const nlohmann::json there = theirs.contains(key) ? theirs.at(key) : nlohmann::json();
    if (there == nlohmann::json(ours)) continue;
    const std::string what = key == table_key ? "the table is not the one that the run was begun with"
                                              : fmt::format("{} is {}, and the run was begun with {}", option_name(key),
                                                            ours.dump(), json_in_message(there));
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}; resume with that, or begin a new run in another folder", checkpoint.path(), what));
  }
}

std::vector<FoldResult> TableCheckpoints::finished_folds() const {
  constexpr std::size_t max_choices = 1 << 20;  // bytes; those of a fold have about 200
  constexpr int max_choices_depth = 4;
  std::vector<FoldResult> folds;
  for (const CheckpointFile& file : checkpoints_in(folder_)) {
    const StoredCheckpoint checkpoint = read_or_advise(file.path);
    check_description(checkpoint);
    if (file.update == 0) continue;
    if (file.update != std::ssize(folds) + 1) break;
    try {
      folds.push_back(fold_in(Json::parse(checkpoint.metadata(fold_key))));
      parse_json_object(folds.back().choices, max_choices, max_choices_depth,
                        fmt::format("{}: {}: choices", file.path, fold_key));
      if (std::ssize(folds) != static_cast<std::ptrdiff_t>(folds.back().number)) {
        throw Error(ExitCode::bad_data, fmt::format("{}: holds fold {}; remove the file to train fold {} again",
                                                    file.path, folds.back().number, file.update));
      }
    } catch (const nlohmann::json::exception&) {
      throw Error(ExitCode::bad_data, fmt::format("{}: its {} is not as unroll writes it; remove the file to train the "
                                                  "fold again",
                                                  file.path, fold_key));
    }
  }
  return folds;
}

void TableCheckpoints::remove() const { remove_checkpoints_after(folder_, -1); }

StoredCheckpoint TableCheckpoints::newest_in(const std::string& folder) {
  const std::vector<CheckpointFile> files = checkpoints_in(folder);
  if (files.empty()) throw Error(ExitCode::no_input, fmt::format("{}: holds no checkpoint to resume from", folder));
  StoredCheckpoint checkpoint = read_or_advise(files.back().path);
  if (!checkpoint.has(run_key))
    throw Error(ExitCode::bad_data, fmt::format("{}: is no checkpoint of a run on a table", checkpoint.path()));
  return checkpoint;
}

}  // namespace unroll
