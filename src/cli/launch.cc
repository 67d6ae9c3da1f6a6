#include "cli/launch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>

#include "cli/checkpoint_files.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/hosts.h"
#include "cli/mpirun.h"
#include "cli/output.h"
#include "cli/stop_signals.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

struct LaunchOptions {
  int ranks = 2;
  std::string hosts;  ///< a file that names them; empty: this one
  int max_restarts = 0;
  std::vector<std::string> arguments;  ///< of the program that the ranks run
};

constexpr const char* details =
    R"(Runs unroll train or bench, with the arguments behind --, as so many ranks by Open MPI's mpirun (Debian package
openmpi-bin).
Ctrl-C and SIGTERM save and stop, once. Where a rank dies or is cut off, all end; with --max-restarts the training
goes on from its last checkpoint with those that are left; with enough --gradient-slices to the same bits.

Examples:
  unroll launch --ranks 2 -- train novel.txt --hidden 512 --out runs/novel
  unroll launch --ranks 6 --hosts hosts.txt --max-restarts 3 -- train novel.txt --gradient-slices 8 --out shared/novel)";

std::vector<SettingGroup> settings_of(LaunchOptions& o) {
  constexpr int most_ranks = 100'000;
  return {{"How it is run",
           {arguments("ARGUMENT", o.arguments, "train or bench, and its arguments, behind --"),
            whole_number("ranks", o.ranks, 1, most_ranks, "processes in all"),
            text("hosts", "FILE", o.hosts, "this host", "a file with a line NAME slots=N for each host"),
            whole_number("max-restarts", o.max_restarts, 0, 1000, "times to go on after a rank was lost")}}};
}

/// Who takes part.
struct Team {
  int ranks = 1;
  std::vector<Host> hosts;  // none: this one
};

std::vector<std::string> mpirun_arguments(const Team& team, const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--bind-to", "none", "--oversubscribe", "-n", std::to_string(team.ranks)};
  if (!team.hosts.empty()) all.insert(all.end(), {"--host", list_of(team.hosts)});
  // So that its daemons learn of a network that was cut.
  all.insert(all.end(), {"--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca",
                         "oob_tcp_keepalive_probes", "3"});
  all.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

/// After a loss: the hosts that still answer and as many ranks as they take, or one rank less where all of them do.
Team those_left(const Team& before, const StopSignals& signals) {
  Team left{.ranks = std::max(1, before.ranks - 1), .hosts = reachable(before.hosts, signals)};
  if (left.hosts.size() == before.hosts.size() || signals.received() != 0) return left;
  if (left.hosts.empty())
    throw Error(ExitCode::rank_lost, "no host answers any more: mpirun cannot start a process on any");
  left.ranks = std::min(before.ranks, slots_of(left.hosts));
  return left;
}

/// What is to be launched, as its own settings say.
struct Job {
  std::vector<std::string> arguments = {};
  GivenSettings given = {};
  bool helps = false;    ///< it only prints its help
  std::string run = {};  ///< the run directory of a training that has one by name
};

std::string run_directory_of(const GivenSettings& given) {
  namespace fs = std::filesystem;
  for (const char* name : {"out", "resume"}) {
    const auto found = given.find(name);
    if (found == given.end()) continue;
    const fs::path path = found->second.back();
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path.has_parent_path() ? path.parent_path().string() : ".";
    return path.string();
  }
  return {};
}

/// Throws what the ranks would end with all alike.
Job job_of(const LaunchOptions& o) {
  const std::vector<Command> launchable = {train_command(), bench_command()};
  const auto command = std::ranges::find(launchable, o.arguments.front(), &Command::name);
  if (command == launchable.end()) {
    throw Error("launch: only train and bench can be run by several ranks: launch -- train FILE");
  }
  Job job{.arguments = o.arguments};
  job.helps = read_settings(*command, {o.arguments.begin() + 1, o.arguments.end()}, job.given).has_value();
  if (const auto file = job.given.find("FILE"); file != job.given.end() && file->second.back() == "-") {
    throw Error("launch: FILE -: ranks have no standard input; name a file");
  }
  job.run = run_directory_of(job.given);
  if (command->name == "bench" && !job.helps && !job.given.contains("distributed")) {
    throw Error("launch: bench measures one process; several take bench --distributed");
  }
  if (o.max_restarts == 0 || job.helps) return job;
  if (command->name != "train") throw Error("launch: --max-restarts is for train");
  if (job.run.empty()) {
    throw Error("launch: --max-restarts needs the name of the run: give --out DIR, or --resume DIR, behind --");
  }
  return job;
}

/// The checkpoints of a run, and when each was written.
using Checkpoints = std::map<std::string, std::filesystem::file_time_type>;

Checkpoints checkpoints_of(const std::string& run) {
  Checkpoints all;
  std::error_code ignored;
  for (const CheckpointFile& file : checkpoints_in(run)) {
    all[file.path] = std::filesystem::last_write_time(file.path, ignored);
  }
  return all;
}

/// How to go on after a loss: from what this job has saved, else as it began. All settings but this one are the run's.
std::vector<std::string> arguments_to_go_on(const Job& job, const Checkpoints& before) {
  const Checkpoints now = checkpoints_of(job.run);
  const bool saved = std::ranges::any_of(now, [&](const auto& checkpoint) {
    const auto earlier = before.find(checkpoint.first);
    return earlier == before.end() || earlier->second != checkpoint.second;
  });
  if (!saved) return job.arguments;
  std::vector<std::string> arguments = {"train", "--resume", job.run};
  const auto json = job.given.find("json");
  if (json != job.given.end() && json->second.back() == "true") arguments.push_back("--json");
  return arguments;
}

/// What a training ends with where the same would happen again, or somebody stopped it.
bool is_final(int code) {
  constexpr auto of = [](ExitCode one) { return static_cast<int>(one); };
  constexpr auto by = [](int signal) { return StoppedBySignal{signal}.exit_code(); };
  const std::array codes = {of(ExitCode::ok),
                            of(ExitCode::usage),
                            of(ExitCode::bad_data),
                            of(ExitCode::no_input),
                            of(ExitCode::internal),
                            of(ExitCode::io),
                            of(ExitCode::diverged),
                            by(SIGHUP),
                            by(SIGINT),
                            by(SIGUSR1),
                            by(SIGTERM)};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// Runs mpirun once; its exit code, where it is a training's, else that of a lost rank.
int run_once(const std::vector<std::string>& command, const StopSignals& signals) {
  Mpirun mpirun(command, Messages::passed_on);
  const int code = mpirun.wait(signals);
  const bool by_signal = code > StoppedBySignal{0}.exit_code();
  if (signals.received() != 0 && by_signal) return StoppedBySignal{signals.received()}.exit_code();
  if (is_final(code)) return code;
  if (!mpirun.cause_was_said()) {
    say(fmt::format("unroll: a rank or its host was lost, or could not be reached (mpirun ended with {})", code));
  }
  return static_cast<int>(ExitCode::rank_lost);
}

void launch(const LaunchOptions& o) {
  const Job job = job_of(o);
  const StopSignals signals;
  std::vector<std::string> arguments = job.arguments;
  const Checkpoints before = job.run.empty() ? Checkpoints{} : checkpoints_of(job.run);
  Team team{.ranks = o.ranks, .hosts = {}};
  if (!o.hosts.empty()) team.hosts = read_hosts(o.hosts);
  int code = 0;
  for (int restart = 0;; ++restart) {
    code = run_once(mpirun_arguments(team, arguments), signals);
    if (code != static_cast<int>(ExitCode::rank_lost) || restart == o.max_restarts) break;
    team = those_left(team, signals);
    if (signals.received() != 0) throw LaunchedEnded{StoppedBySignal{signals.received()}.exit_code()};
    arguments = arguments_to_go_on(job, before);
    say(fmt::format("restart   {} of {}, with {}", restart + 1, o.max_restarts, counted(team.ranks, "rank")));
  }
  if (code != 0) throw LaunchedEnded{code};
}

}  // namespace

Command launch_command() {
  auto options = std::make_shared<LaunchOptions>();
  return {"launch", "Train as several processes, on one host or many.", details, settings_of(*options),
          [options](const GivenSettings&) { launch(*options); }};
}

}  // namespace unroll::cli
