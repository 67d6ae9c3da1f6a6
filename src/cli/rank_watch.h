#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/failure.h"
#include "train/process_ranks.h"

namespace unroll::cli {

/// Sees to it that all ranks of a training end where one of them does. A thread tells the other ranks now and then that
/// this process is there, however long a step, a validation or a save takes; where it hears nothing of another rank for
/// too long, sees that the process of one on the same host has gone, or is told of a failure, it ends the process.
/// Files are written whole or not at all, so nothing has to be put in order before. One line says why: that of rank 0,
/// or of the first rank that can still speak. Rank 0 has a moment to fail by itself, and to record that, where what it
/// is told of happens on all ranks.
class RankWatch {
 public:
  /// All ranks make one at the same time.
  RankWatch(ProcessRanks& ranks, double timeout_seconds);
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;
  ~RankWatch();

  /// How long a rank may be silent.
  void set_timeout(double seconds) { timeout_ = seconds; }
  /// Ends this process and all others.
  [[noreturn]] void fail(const Failure& failure);

 private:
  void watch();
  void post_to_all(const Note& note);
  void notice_frozen_time(double last_turn);
  void listen();
  void hear_of_failure(const Note& note);
  [[noreturn]] void hear_of_loss(const Note& note);
  void look_for_silence();
  void look_for_the_dead();
  [[noreturn]] void end_for_loss_of(std::size_t rank, const std::string& what);
  bool is_first_of_those_heard() const;
  enum class Speaking { now, if_nobody_does, not_at_all };
  [[noreturn]] void end(const Note& cause, const std::string& line, Speaking speaking);

  /// Where a rank is.
  struct Place {
    std::uint64_t processes = 0;  // that can be seen from there: the name of the set
    int process = 0;
  };
  static Place own_place();

  ProcessRanks& ranks_;
  std::vector<std::string> hosts_;
  std::vector<Place> places_;
  std::atomic<double> timeout_;
  std::vector<double> heard_;     // when, of each rank
  std::optional<double> thawed_;  // when, where this process was frozen and has not heard of all others since
  std::optional<Note> told_;      // of a failure, on rank 0,
  double told_at_ = 0;            // and when
  std::mutex posting_;
  std::atomic<bool> stop_ = false, ending_ = false, first_has_spoken_ = false;
  std::thread thread_;
};

}  // namespace unroll::cli
