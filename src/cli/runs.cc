#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/run_history.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

namespace fs = std::filesystem;

struct RunsOptions {
  std::string folder = "runs";  ///< that holds run directories
  bool json = false;            ///< the result as JSON
};

constexpr const char* details =
    R"(DIR is a folder that holds run directories. The perplexity is the best one: of the validation where there is one, else
of an epoch of training. A run is running, finished, stopped, diverged or failed; or interrupted, where its log does not
say how it ended.

Examples:
  unroll runs
  unroll runs runs/lyrics --json)";

std::vector<SettingGroup> settings_of(RunsOptions& o) {
  return {{"What to list",
           {optional_argument("DIR", o.folder, "folder of run directories"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

struct Run {
  std::string name;
  RunHistory history;
  std::string state;
  std::string problem;  ///< why there is no history; empty where there is one
};

/// True where a process holds the kernel lock on the file `lock`, which lasts as long as the process.
bool is_locked(const fs::path& run) {
  const int descriptor = ::open((run / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return locked;
}

Run read_run(const fs::path& folder) {
  Run run;
  run.name = folder.filename().string();
  try {
    run.history = read_run_history(folder.string());
    const std::string& reason = run.history.stop_reason;
    run.state = is_locked(folder) ? "running" : reason.empty() ? "interrupted" : reason;
  } catch (const Error& error) {
    std::error_code ignored;
    run.problem =
        fs::exists(folder / log_name, ignored) ? error.what() : fmt::format("no {}: no run of unroll train", log_name);
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

/// Whole epochs that were trained.
std::int64_t epochs_done(const RunHistory& history) { return history.step / history.steps_per_epoch; }

std::string best_text(const RunHistory& history) {
  const auto best = history.best();
  if (!best) return "-";
  return four_digits(*best) + (history.validation.empty() ? " training" : " validation");
}

/// 2026-11-23 09:12, of 2026-11-23T09:12:33.123Z.
std::string minute_of(const std::string& time) {
  std::string minute = one_line(time.substr(0, 16));
  std::replace(minute.begin(), minute.end(), 'T', ' ');
  return minute;
}

using Row = std::vector<std::string>;

Row row_of(const Run& run) {
  const RunHistory& h = run.history;
  if (!run.problem.empty()) return {one_line(run.name), one_line(run.problem)};
  return {one_line(run.name),
          one_line(h.cell),
          fmt::format("{} x {}", h.hidden, h.layers),
          with_commas(h.parameters),
          fmt::format("{} of {}", epochs_done(h), h.epochs),
          best_text(h),
          one_line(run.state),
          minute_of(h.changed)};
}

std::string table(const std::vector<Run>& runs) {
  std::vector<Row> rows = {{"run", "cell", "size", "parameters", "epochs", "perplexity", "state", "last change (UTC)"}};
  for (const Run& run : runs) rows.push_back(row_of(run));
  const std::size_t columns = rows.front().size();
  std::vector<int> widths(columns, 0);
  for (const Row& row : rows) {
    const std::size_t aligned = row.size() == columns ? columns : 1;  // a problem runs on to the right
    for (std::size_t i = 0; i < aligned; ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  constexpr std::array to_the_right = {false, false, true, true, true, false, false, false};
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      line += last ? row[i] : (to_the_right[i] ? align_right(row[i], widths[i]) : align_left(row[i], widths[i])) + "  ";
    }
    text += line + "\n";
  }
  return text;
}

nlohmann::ordered_json json_of(const Run& run) {
  nlohmann::ordered_json result = {{"name", run.name}};
  if (!run.problem.empty()) {
    result["problem"] = run.problem;
    return result;
  }
  const RunHistory& h = run.history;
  result["cell"] = h.cell;
  result["hidden"] = h.hidden;
  result["layers"] = h.layers;
  result["parameters"] = h.parameters;
  result["epochs"] = h.epochs;
  result["epochs_done"] = epochs_done(h);
  result["best_perplexity"] = h.best() ? nlohmann::ordered_json(*h.best()) : nlohmann::ordered_json();
  result["best_of"] = h.validation.empty() ? "training" : "validation";
  result["state"] = run.state;
  result["changed"] = h.changed;
  return result;
}

void list_runs(const RunsOptions& o) {
  const std::vector<Run> runs = read_runs(o.folder);
  if (o.json) {
    nlohmann::ordered_json result = {{"runs", nlohmann::ordered_json::array()}};
    for (const Run& run : runs) result["runs"].push_back(json_of(run));
    write_result(to_text(result));
  } else if (runs.empty()) {
    say(fmt::format("no runs in {}", one_line(o.folder)));
  } else {
    write_result(table(runs));
  }
}

}  // namespace

Command runs_command() {
  auto options = std::make_shared<RunsOptions>();
  return {"runs", "List training runs, and how they stand.", details, settings_of(*options),
          [options](const GivenSettings&) { list_runs(*options); }};
}

}  // namespace unroll::cli
