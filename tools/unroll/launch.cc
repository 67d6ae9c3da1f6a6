#include "launch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>

#include "commands.h"
#include "format.h"
#include "hosts.h"
#include "launch_channel.h"
#include "launch_options.h"
#include "mpirun.h"
#include "output.h"
#include "stop_signals.h"
#include "unroll/error.h"
#include "unroll/run_history.h"

namespace unroll::cli {

namespace {

constexpr const char* launch_details =
    R"(Runs unroll train or bench, with the arguments behind --, as so many ranks by Open MPI's mpirun (Debian package
openmpi-bin).
Ctrl-C and SIGTERM save and stop, a second one ends all ranks at once. Where a rank dies or is cut off, all end; with
--max-restarts the training goes on from its last checkpoint with those that are left; with enough --gradient-slices to
the same bits.

Examples:
  unroll launch --ranks 2 -- train novel.txt --hidden 512 --out runs/novel
  unroll launch --ranks 6 --hosts hosts.txt --max-restarts 3 -- train novel.txt --gradient-slices 8 --out shared/novel)";

/// Number of ranks, and their hosts.
struct Team {
  int ranks = 1;
  std::vector<Host> hosts;  // empty: this host
};

std::vector<std::string> mpirun_arguments(const Team& team, const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--bind-to", "none", "--oversubscribe", "-n", std::to_string(team.ranks)};
  if (!team.hosts.empty()) all.insert(all.end(), {"--host", list_of(team.hosts)});
  const std::vector<std::string> channel = channel_arguments();
  all.insert(all.end(), channel.begin(), channel.end());
  // So that mpirun's daemons detect a broken connection.
  all.insert(all.end(), {"--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca",
                         "oob_tcp_keepalive_probes", "3"});
  all.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

/// The hosts on which mpirun can start a process within a few seconds.
std::vector<Host> reachable(const std::vector<Host>& hosts, const StopSignals& signals) {
  constexpr double seconds = 5;
  std::vector<Host> found;
  for (const Host& host : hosts) {
    if (signals.received() != 0) break;
    Mpirun probe({"--host", host.name, "-n", "1", "true"}, Messages::dropped);
    if (probe.wait(signals, OnStop::kill, seconds) == 0) found.push_back(host);
  }
  return found;
}

/// The team after a loss: the reachable hosts and as many ranks as they take, or one rank fewer if all are reachable.
Team surviving_team(const Team& before, const StopSignals& signals) {
  Team left{.ranks = std::max(1, before.ranks - 1), .hosts = reachable(before.hosts, signals)};
  if (left.hosts.size() == before.hosts.size() || signals.received() != 0) return left;
  if (left.hosts.empty())
    throw Error(ExitCode::rank_lost, "no host answers any more: mpirun cannot start a process on any");
  left.ranks = static_cast<int>(std::min<std::int64_t>(before.ranks, slots_of(left.hosts)));
  return left;
}

/// The command to launch, and its parsed settings.
struct LaunchPlan {
  std::vector<std::string> arguments = {};
  OptionValues given = {};
  bool helps = false;    ///< the command only prints its help
  std::string run = {};  ///< run directory named by --out or --resume; empty: none
};

std::string run_directory_of(const OptionValues& given) {
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

/// Throws Error for arguments that would fail on all ranks.
LaunchPlan launch_plan(const LaunchOptions& o) {
  const std::vector<Command> launchable = {train_command(), bench_command()};
  const auto command = std::ranges::find(launchable, o.arguments.front(), &Command::name);
  if (command == launchable.end()) {
    throw Error("launch: only train and bench can be run by several ranks: launch -- train FILE");
  }
  LaunchPlan plan{.arguments = o.arguments};
  plan.helps = read_options(*command, {o.arguments.begin() + 1, o.arguments.end()}, plan.given).has_value();
  if (const auto file = plan.given.find("FILE"); file != plan.given.end() && file->second.back() == "-") {
    throw Error("launch: FILE -: ranks have no standard input; name a file");
  }
  plan.run = run_directory_of(plan.given);
  if (command->name == "bench" && !plan.helps && !plan.given.contains("distributed")) {
    throw Error("launch: bench measures one process; several take bench --distributed");
  }
  if (o.max_restarts == 0 || plan.helps) return plan;
  if (command->name != "train") throw Error("launch: --max-restarts is for train");
  if (plan.run.empty()) {
    throw Error("launch: --max-restarts needs the name of the run: give --out DIR, or --resume DIR, behind --");
  }
  return plan;
}

/// The checkpoints of a run, and the time when each was written.
using Checkpoints = std::map<std::string, std::filesystem::file_time_type>;

Checkpoints checkpoints_of(const std::string& run) {
  Checkpoints all;
  std::error_code ignored;
  for (const CheckpointFile& file : checkpoints_in(run)) {
    all[file.path] = std::filesystem::last_write_time(file.path, ignored);
  }
  return all;
}

/// Arguments after a loss: --resume if this launch has written a checkpoint, else the original ones. Only --json has to
/// be repeated; the checkpoint has all other settings.
std::vector<std::string> restart_arguments(const LaunchPlan& plan, const Checkpoints& before) {
  const Checkpoints now = checkpoints_of(plan.run);
  const bool saved = std::ranges::any_of(now, [&](const auto& checkpoint) {
    const auto earlier = before.find(checkpoint.first);
    return earlier == before.end() || earlier->second != checkpoint.second;
  });
  if (!saved) return plan.arguments;
  std::vector<std::string> arguments = {"train", "--resume", plan.run};
  const auto json = plan.given.find("json");
  if (json != plan.given.end() && json->second.back() == "true") arguments.push_back("--json");
  return arguments;
}

/// True for exit codes after which a restart is useless: success, errors that would recur, and a stop by a signal.
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

/// Runs mpirun once. Returns its exit code if it is final or a stop signal caused it, else that of a lost rank.
int run_once(const std::vector<std::string>& command, OnStop on_stop, const StopSignals& signals) {
  Mpirun mpirun(command, Messages::passed_on);
  const int code = mpirun.wait(signals, on_stop);
  const bool by_signal = code > StoppedBySignal{0}.exit_code();
  if (signals.received() != 0 && by_signal) return StoppedBySignal{signals.received()}.exit_code();
  if (is_final(code)) return code;
  if (!mpirun.failure_reported()) {
    log_message(
        fmt::format("unroll: a rank or its host was lost, or could not be reached (mpirun ended with {})", code));
  }
  return static_cast<int>(ExitCode::rank_lost);
}

void launch(const LaunchOptions& o) {
  const LaunchPlan plan = launch_plan(o);
  const StopSignals signals(StopSignals::Second::is_recorded);
  const OnStop on_stop = plan.arguments.front() == "train" ? OnStop::request : OnStop::kill;
  std::vector<std::string> arguments = plan.arguments;
  const Checkpoints before = plan.run.empty() ? Checkpoints{} : checkpoints_of(plan.run);
  Team team{.ranks = o.ranks, .hosts = {}};
  if (!o.hosts.empty()) team.hosts = read_hosts(o.hosts);
  int code = 0;
  for (int restart = 0;; ++restart) {
    code = run_once(mpirun_arguments(team, arguments), on_stop, signals);
    if (code != static_cast<int>(ExitCode::rank_lost) || restart == o.max_restarts) break;
    team = surviving_team(team, signals);
    if (signals.received() != 0) throw LaunchedEnded{StoppedBySignal{signals.received()}.exit_code()};
    arguments = restart_arguments(plan, before);
    log_message(fmt::format("restart   {} of {}, with {}", restart + 1, o.max_restarts, counted(team.ranks, "rank")));
  }
  if (code != 0) throw LaunchedEnded{code};
}

}  // namespace

Command launch_command() {
  auto options = std::make_shared<LaunchOptions>();
  return {"launch", "Train as several processes, on one host or many.", launch_details, describe(*options),
          [options](const OptionValues&) { launch(*options); }};
}

}  // namespace unroll::cli
