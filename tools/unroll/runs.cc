#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "commands.h"
#include "format.h"
#include "metric.h"
#include "output.h"
#include "unroll/error.h"
#include "unroll/run_history.h"
#include "unroll/table_model.h"

namespace unroll::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RunsOptions {
  std::string folder = "runs";  ///< folder of run directories
  bool json = false;            ///< print the result as JSON
};

constexpr const char* runs_details =
    R"(DIR is a folder that holds run directories. The score is the best perplexity: of the validation where there is one, else
of an epoch of training; and with a table the mean over the folds that are done. A run is running, finished, stopped,
diverged or failed; or interrupted, where its log does not say how it ended. The state also tells a loss that exploded,
and rollbacks.

Examples:
  unroll runs
  unroll runs runs/lyrics --json)";

std::vector<OptionGroup> options_of(RunsOptions& o) {
  return {{"What to list",
           {optional_argument("DIR", o.folder, "folder of run directories"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

struct Run {
  std::string name;
  RunHistory history;
  std::string state;
  std::string problem;  ///< why there is no history; empty if there is one
};

Run read_run(const fs::path& folder) {
  Run run;
  run.name = folder.filename().string();
  try {
    run.history = read_run_history(folder.string());
    const std::string& reason = run.history.stop_reason;
    run.state = is_running(folder.string()) ? "running" : reason.empty() ? "interrupted" : reason;
  } catch (const Error& error) {
    std::error_code ignored;
    run.problem =
        fs::exists(folder / log_name, ignored) ? error.what() : fmt::format("no {}: no training run", log_name);
  }
  return run;
}

std::vector<Run> read_runs(const std::string& folder) {
  std::vector<Run> runs;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error) {
    throw Error(ExitCode::no_input, fmt::format("{}: {}; name a folder of run directories, as in unroll runs DIR",
                                                folder, error.message()));
  }
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) runs.push_back(read_run(entry->path()));
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.name < b.name; });
  return runs;
}

/// Number of whole epochs trained.
std::int64_t epochs_done(const RunHistory& history) { return history.update / history.steps_per_epoch; }

/// Score over the finished folds, of which there must be at least one.
MeanAndDeviation score_of(const TableHistory& table) { return mean_and_deviation_of(table.validation); }

std::string result_text(const RunHistory& history) {
  if (const auto& table = history.table) {
    if (table->validation.empty()) return "-";
    return fmt::format("{} {} validation", one_line(table->metric), score_text(score_of(*table).mean));
  }
  const auto best = history.best();
  if (!best) return "-";
  return fmt::format("perplexity {} {}", four_digits(*best), history.validation.empty() ? "training" : "validation");
}

/// The state, and what a reader of the score should know.
std::string state_text(const Run& run) {
  std::string state = one_line(run.state);
  if (run.history.has_exploded()) state += ", loss exploded";
  if (run.history.rollbacks > 0) state += fmt::format(", {}", counted(run.history.rollbacks, "rollback"));
  return state;
}

/// "2026-11-23 09:12" for "2026-11-23T09:12:33.123Z".
std::string minute_of(const std::string& time) {
  std::string minute = one_line(time.substr(0, 16));
  std::replace(minute.begin(), minute.end(), 'T', ' ');
  return minute;
}

using Row = std::vector<std::string>;

/// The cells of a row between the name and the state.
Row standing_of(const RunHistory& h) {
  if (h.table) {
    return {one_line(h.table->model), "-", "-",
            fmt::format("{} of {}", h.table->validation.size(), counted(h.table->folds, "fold")), result_text(h)};
  }
  return {one_line(h.cell), fmt::format("{} x {}", h.hidden, h.layers), with_commas(h.parameters),
          fmt::format("{} of {}", epochs_done(h), counted(h.epochs, "epoch")), result_text(h)};
}

Row row_of(const Run& run) {
  Row row = {one_line(run.name)};
  if (run.problem.empty()) {
    for (std::string& cell : standing_of(run.history)) row.push_back(std::move(cell));
    row.push_back(state_text(run));
    row.push_back(minute_of(run.history.changed));
  } else {
    row.push_back(one_line(run.problem));
  }
  return row;
}

std::string table(const std::vector<Run>& runs) {
  std::vector<Row> rows = {{"run", "model", "size", "parameters", "done", "score", "state", "last change (UTC)"}};
  for (const Run& run : runs) rows.push_back(row_of(run));
  return aligned(rows, {false, false, true, true, true, false, false, false});
}

Json json_of(const TableHistory& table) {
  const bool scored = !table.validation.empty();
  const MeanAndDeviation score = scored ? score_of(table) : MeanAndDeviation();
  return {{"model", table.model},
          {"folds", table.folds},
          {"folds_done", table.validation.size()},
          {"metric", table.metric},
          {"validation", scored ? Json(score.mean) : Json()},
          {"spread", scored ? Json(score.deviation) : Json()}};
}

Json json_of(const RunHistory& h) {
  if (h.table) return json_of(*h.table);
  return {{"cell", h.cell},
          {"hidden", h.hidden},
          {"layers", h.layers},
          {"parameters", h.parameters},
          {"epochs", h.epochs},
          {"epochs_done", epochs_done(h)},
          {"best_perplexity", h.best() ? Json(*h.best()) : Json()},
          {"best_of", h.validation.empty() ? "training" : "validation"},
          {"exploded", h.has_exploded()},
          {"rollbacks", h.rollbacks}};
}

Json json_of(const Run& run) {
  Json result = {{"name", run.name}};
  if (!run.problem.empty()) {
    result["problem"] = run.problem;
    return result;
  }
  result.update(json_of(run.history));
  result["state"] = run.state;
  result["changed"] = run.history.changed;
  return result;
}

void list_runs(const RunsOptions& o) {
  const std::vector<Run> runs = read_runs(o.folder);
  if (o.json) {
    Json result = {{"runs", Json::array()}};
    for (const Run& run : runs) result["runs"].push_back(json_of(run));
    write_result(to_text(result));
  } else if (runs.empty()) {
    log_message(fmt::format("no runs in {}", one_line(o.folder)));
  } else {
    write_result(table(runs));
  }
}

}  // namespace

Command runs_command() {
  auto options = std::make_shared<RunsOptions>();
  return {"runs", "List training runs, and how they stand.", runs_details, options_of(*options),
          [options](const OptionValues&) { list_runs(*options); }};
}

}  // namespace unroll::cli
