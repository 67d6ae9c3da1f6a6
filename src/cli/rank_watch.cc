#include "cli/rank_watch.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <utility>

#include "base/fingerprint.h"
#include "cli/output.h"
#include "train/agreement.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr double beat = 0.5;    // seconds
constexpr double grace = 1.5;   // for rank 0 to fail by itself,
constexpr double patience = 3;  // for rank 0 to say why
constexpr std::chrono::milliseconds pause(50);

Note note_of(const Failure& failure, int from) {
  Note note{.kind = Note::Kind::failed, .from = from, .code = failure.code};
  std::size_t size = std::min(failure.line.size(), note.text.size() - 1);
  // Not in the middle of a character of UTF-8.
  while (size < failure.line.size() && (static_cast<unsigned char>(failure.line[size]) & 0xc0) == 0x80) --size;
  failure.line.copy(note.text.data(), size);
  return note;
}

}  // namespace

/// A host has one set of processes for all, a container one of its own.
RankWatch::Place RankWatch::own_place() {
  struct stat set {};
  const std::uint64_t number = ::stat("/proc/self/ns/pid", &set) == 0 ? set.st_ino : 0;
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  return {fingerprint_of(boot) ^ number, ::getpid()};
}

RankWatch::RankWatch(ProcessRanks& ranks, double timeout_seconds)
    : ranks_(ranks),
      hosts_(all_of(ranks, host_name())),
      places_(all_of(ranks, own_place())),
      timeout_(timeout_seconds),
      heard_(hosts_.size(), monotonic_seconds()),
      thread_([this] { watch(); }) {}

RankWatch::~RankWatch() {
  stop_ = true;
  thread_.join();
}

void RankWatch::post_to_all(const Note& note) {
  const std::lock_guard lock(posting_);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (rank != ranks_.rank()) ranks_.post(rank, note);
  }
}

void RankWatch::watch() {
  double last = 0, turn = monotonic_seconds();
  while (!stop_) {
    notice_frozen_time(turn);
    turn = monotonic_seconds();
    if (turn - last >= beat) {
      last = turn;
      post_to_all({.from = ranks_.rank()});
    }
    listen();
    if (told_) {
      if (turn - told_at_ > grace) end(*told_, told_->text.data(), Speaking::now);
    } else {
      look_for_the_dead();
      look_for_silence();
    }
    std::this_thread::sleep_for(pause);
  }
}

/// While this process was frozen it heard nothing; the others may have been frozen too.
void RankWatch::notice_frozen_time(double last_turn) {
  const double now = monotonic_seconds();
  if (now - last_turn > timeout_ / 2) {
    thawed_ = now;
    std::fill(heard_.begin(), heard_.end(), now);
  }
  heard_[static_cast<std::size_t>(ranks_.rank())] = now;
  if (thawed_ && std::ranges::all_of(heard_, [&](double then) { return then > *thawed_; })) thawed_.reset();
}

void RankWatch::listen() {
  while (const std::optional<Note> note = ranks_.next_note()) {
    heard_[static_cast<std::size_t>(note->from)] = monotonic_seconds();
    if (note->kind == Note::Kind::failed) hear_of_failure(*note);
  }
}

void RankWatch::hear_of_failure(const Note& note) {
  if (note.lost >= 0) hear_of_loss(note);
  if (note.from == 0) first_has_spoken_ = true;
  if (ranks_.rank() > 0) end(note, {}, Speaking::not_at_all);
  if (told_) return;
  told_ = note;
  told_at_ = monotonic_seconds();
}

/// Every rank that is left hears of it, and the first of them says it.
void RankWatch::hear_of_loss(const Note& note) {
  if (note.lost == ranks_.rank()) end(note, {}, Speaking::not_at_all);
  heard_[static_cast<std::size_t>(note.lost)] = monotonic_seconds() - timeout_;
  end(note, note.text.data(), is_first_of_those_heard() ? Speaking::now : Speaking::not_at_all);
}

void RankWatch::look_for_silence() {
  const double now = monotonic_seconds();
  for (std::size_t rank = 0; rank < heard_.size(); ++rank) {
    if (static_cast<int>(rank) == ranks_.rank() || now - heard_[rank] < timeout_) continue;
    end_for_loss_of(rank, fmt::format("has not been heard of for {:.0f} seconds: its host is frozen or cut off",
                                      now - heard_[rank]));
  }
}

/// A process that was killed, by hand or for want of memory, leaves nobody who could tell of it.
void RankWatch::look_for_the_dead() {
  const Place& own = places_[static_cast<std::size_t>(ranks_.rank())];
  for (std::size_t rank = 0; rank < places_.size(); ++rank) {
    const bool visible = own.processes == places_[rank].processes;
    if (!visible || ::kill(places_[rank].process, 0) == 0 || errno != ESRCH) continue;
    std::this_thread::sleep_for(pause);
    listen();  // its last words
    if (told_) return;
    heard_[rank] -= timeout_;
    end_for_loss_of(rank, "was killed or crashed");
  }
}

void RankWatch::end_for_loss_of(std::size_t rank, const std::string& what) {
  const std::string line =
      fmt::format("rank {} on {} {}; unroll train --resume goes on from the last checkpoint", rank, hosts_[rank], what);
  Note cause = note_of({static_cast<int>(ExitCode::rank_lost), line}, ranks_.rank());
  cause.lost = static_cast<int>(rank);
  if (!is_first_of_those_heard()) end(cause, line, Speaking::not_at_all);
  // The others may have said why while this process was frozen.
  end(cause, line, thawed_ ? Speaking::if_nobody_does : Speaking::now);
}

bool RankWatch::is_first_of_those_heard() const {
  const double now = monotonic_seconds();
  const auto lower = static_cast<std::ptrdiff_t>(ranks_.rank());
  return std::all_of(heard_.begin(), heard_.begin() + lower, [&](double then) { return now - then >= timeout_; });
}

void RankWatch::fail(const Failure& failure) {
  const int rank = ranks_.rank();
  if (rank == 0) end(note_of(failure, rank), failure.line, Speaking::now);
  const std::string line = fmt::format("rank {} on {}: {}", rank, hosts_[static_cast<std::size_t>(rank)], failure.line);
  end(note_of({failure.code, line}, rank), line, Speaking::if_nobody_does);
}

void RankWatch::end(const Note& cause, const std::string& line, Speaking speaking) {
  // The first thread that comes here ends the process.
  if (ending_.exchange(true)) std::this_thread::sleep_for(std::chrono::hours(1));
  if (cause.from == ranks_.rank() || ranks_.rank() == 0) post_to_all(cause);
  if (speaking == Speaking::now) {
    say_even_if_silent("unroll: " + line);
  } else if (cause.from != 0 || speaking == Speaking::if_nobody_does) {
    // Whoever speaks ends, and whoever started the ranks then ends this one.
    const double until = monotonic_seconds() + patience;
    while (monotonic_seconds() < until && !first_has_spoken_) std::this_thread::sleep_for(pause);
    if (speaking == Speaking::if_nobody_does && !first_has_spoken_) say_even_if_silent("unroll: " + line);
  }
  ::_exit(cause.code);
}

}  // namespace unroll::cli
