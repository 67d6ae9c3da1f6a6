#include "ranks/rank_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <utility>

#include "base/clock.h"
#include "base/fingerprint.h"
#include "ranks/agreement.h"
#include "unroll/error.h"

namespace unroll {

namespace {

constexpr double beat = 0.5;    // seconds between heartbeats
constexpr double grace = 1.5;   // seconds for rank 0 to fail by itself
constexpr double patience = 3;  // seconds for rank 0 to report the reason
constexpr std::chrono::milliseconds pause(50);

Heartbeat heartbeat_of(const RankFailure& failure, int from) {
  Heartbeat heartbeat{.kind = Heartbeat::Kind::failed, .from = from, .code = failure.code};
  std::size_t size = std::min(failure.line.size(), heartbeat.text.size() - 1);
  // Not within a UTF-8 character.
  while (size < failure.line.size() && (static_cast<unsigned char>(failure.line[size]) & 0xc0) == 0x80) --size;
  failure.line.copy(heartbeat.text.data(), size);
  return heartbeat;
}

}  // namespace

void report_end(const LaunchedRanksOptions& options, const std::string& line) try {
  if (options.report) options.report(line);
} catch (...) {
}

/// Processes are visible to each other within one PID namespace of one host; a container has its own namespace.
RankWatch::Place RankWatch::own_place() {
  struct stat set {};
  const std::uint64_t number = ::stat("/proc/self/ns/pid", &set) == 0 ? set.st_ino : 0;
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  return {fingerprint_of(boot) ^ number, ::getpid()};
}

RankWatch::RankWatch(ProcessRanks& ranks, const LaunchedRanksOptions& options)
    : ranks_(ranks),
      options_(options),
      hosts_(all_gather(ranks, host_name())),
      places_(all_gather(ranks, own_place())),
      timeout_(options.timeout),
      last_seen_(hosts_.size(), monotonic_seconds()),
      thread_([this] { watch(); }) {}

RankWatch::~RankWatch() {
  stop_ = true;
  thread_.join();
}

void RankWatch::send_to_all(const Heartbeat& heartbeat) {
  const std::lock_guard lock(sending_);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (rank != ranks_.rank()) ranks_.send(rank, heartbeat);
  }
}

void RankWatch::watch() {
  double last = 0, turn = monotonic_seconds();
  while (!stop_) {
    notice_frozen_time(turn);
    turn = monotonic_seconds();
    if (turn - last >= beat) {
      last = turn;
      send_to_all({.from = ranks_.rank()});
    }
    listen();
    if (failure_) {
      if (turn - failure_at_ > grace) end(*failure_, failure_->text.data(), Reporting::now);
    } else {
      detect_dead();
      detect_silence();
    }
    std::this_thread::sleep_for(pause);
  }
}

/// Restarts the timeouts after this process was frozen: it received no heartbeats meanwhile, and the other ranks may
/// have been frozen too.
void RankWatch::notice_frozen_time(double last_turn) {
  const double now = monotonic_seconds();
  if (now - last_turn > timeout_ / 2) {
    resumed_at_ = now;
    std::fill(last_seen_.begin(), last_seen_.end(), now);
  }
  last_seen_[static_cast<std::size_t>(ranks_.rank())] = now;
  if (resumed_at_ && std::ranges::all_of(last_seen_, [&](double then) { return then > *resumed_at_; }))
    resumed_at_.reset();
}

void RankWatch::listen() {
  while (const std::optional<Heartbeat> heartbeat = ranks_.next_heartbeat()) {
    last_seen_[static_cast<std::size_t>(heartbeat->from)] = monotonic_seconds();
    if (heartbeat->kind == Heartbeat::Kind::failed) on_failure(*heartbeat);
  }
}

void RankWatch::on_failure(const Heartbeat& heartbeat) {
  if (heartbeat.lost >= 0) on_loss(heartbeat);
  if (heartbeat.from == 0) root_has_reported_ = true;
  if (ranks_.rank() > 0) end(heartbeat, {}, Reporting::not_at_all);
  if (failure_) return;
  failure_ = heartbeat;
  failure_at_ = monotonic_seconds();
}

/// Ends this process after the loss of a rank. All remaining ranks are told, and the first of them logs the message.
void RankWatch::on_loss(const Heartbeat& heartbeat) {
  if (heartbeat.lost == ranks_.rank()) end(heartbeat, {}, Reporting::not_at_all);
  last_seen_[static_cast<std::size_t>(heartbeat.lost)] = monotonic_seconds() - timeout_;
  end(heartbeat, heartbeat.text.data(), is_first_alive() ? Reporting::now : Reporting::not_at_all);
}

void RankWatch::detect_silence() {
  const double now = monotonic_seconds();
  for (std::size_t rank = 0; rank < last_seen_.size(); ++rank) {
    if (static_cast<int>(rank) == ranks_.rank() || now - last_seen_[rank] < timeout_) continue;
    end_for_loss_of(rank, fmt::format("has not been heard of for {:.0f} seconds: its host is frozen or cut off",
                                      now - last_seen_[rank]));
  }
}

/// Detects ranks on this host whose process was killed, by hand or for lack of memory, and could not report it.
void RankWatch::detect_dead() {
  const Place& own = places_[static_cast<std::size_t>(ranks_.rank())];
  for (std::size_t rank = 0; rank < places_.size(); ++rank) {
    const bool visible = own.processes == places_[rank].processes;
    if (!visible || ::kill(places_[rank].process, 0) == 0 || errno != ESRCH) continue;
    std::this_thread::sleep_for(pause);
    listen();  // its last messages
    if (failure_) return;
    last_seen_[rank] -= timeout_;
    end_for_loss_of(rank, "was killed or crashed");
  }
}

void RankWatch::end_for_loss_of(std::size_t rank, const std::string& what) {
  const std::string line = fmt::format("rank {} on {} {}{}", rank, hosts_[rank], what, options_.advice);
  Heartbeat cause = heartbeat_of({static_cast<int>(ExitCode::rank_lost), line}, ranks_.rank());
  cause.lost = static_cast<int>(rank);
  if (!is_first_alive()) end(cause, line, Reporting::not_at_all);
  // The others may have reported the reason while this process was frozen. Rank 0 does not wait for that: it has read
  // their messages, and the launcher may end it before it has waited.
  end(cause, line, resumed_at_ && ranks_.rank() > 0 ? Reporting::if_nobody_does : Reporting::now);
}

bool RankWatch::is_first_alive() const {
  const double now = monotonic_seconds();
  const auto lower = static_cast<std::ptrdiff_t>(ranks_.rank());
  return std::all_of(last_seen_.begin(), last_seen_.begin() + lower,
                     [&](double then) { return now - then >= timeout_; });
}

void RankWatch::fail(const RankFailure& failure) {
  const int rank = ranks_.rank();
  if (rank == 0) end(heartbeat_of(failure, rank), failure.line, Reporting::now);
  const std::string line = fmt::format("rank {} on {}: {}", rank, hosts_[static_cast<std::size_t>(rank)], failure.line);
  end(heartbeat_of({failure.code, line}, rank), line, Reporting::if_nobody_does);
}

void RankWatch::end(const Heartbeat& cause, const std::string& line, Reporting speaking) {
  // The first thread to get here ends the process.
  if (ending_.exchange(true)) std::this_thread::sleep_for(std::chrono::hours(1));
  if (cause.from == ranks_.rank() || ranks_.rank() == 0) send_to_all(cause);
  if (speaking == Reporting::now) {
    report_end(options_, line);
  } else if (cause.from != 0 || speaking == Reporting::if_nobody_does) {
    // The rank that reports the reason ends, and the launcher of the ranks then ends this one.
    const double until = monotonic_seconds() + patience;
    while (monotonic_seconds() < until && !root_has_reported_) std::this_thread::sleep_for(pause);
    if (speaking == Reporting::if_nobody_does && !root_has_reported_) report_end(options_, line);
  }
  ::_exit(cause.code);
}

}  // namespace unroll
