#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ranks/process_ranks.h"
#include "unroll/launched_ranks.h"

namespace unroll {

/// Calls options.report, if there is one. It must not prevent the end of the process: exceptions are ignored.
void report_end(const LaunchedRanksOptions& options, const std::string& line);

/// Ends all ranks of a training if one of them ends. A thread sends heartbeats to the other ranks, however long a step,
/// a validation or a save takes. It ends the process if another rank sends no heartbeat within the timeout, if the
/// process of a rank on the same host is gone, or if a rank reports a failure. No clean-up is needed, since files are
/// written atomically. One line gives the reason: that of rank 0, or of the first rank that is still alive. If a
/// failure is reported to rank 0, it first has a moment to fail by itself and to record that, since the failure may
/// occur on all ranks.
class RankWatch {
 public:
  /// Collective: to be called by all ranks. Keeps a reference to both.
  RankWatch(ProcessRanks& ranks, const LaunchedRanksOptions& options);
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;
  ~RankWatch();

  /// Seconds without a heartbeat after which a rank counts as lost.
  void set_timeout(double seconds) { timeout_ = seconds; }
  /// Ends this process and all others.
  [[noreturn]] void fail(const RankFailure& failure);

 private:
  void watch();
  void send_to_all(const Heartbeat& heartbeat);
  void notice_frozen_time(double last_turn);
  void listen();
  void on_failure(const Heartbeat& heartbeat);
  [[noreturn]] void on_loss(const Heartbeat& heartbeat);
  void detect_silence();
  void detect_dead();
  [[noreturn]] void end_for_loss_of(std::size_t rank, const std::string& what);
  bool is_first_alive() const;
  enum class Reporting { now, if_nobody_does, not_at_all };
  [[noreturn]] void end(const Heartbeat& cause, const std::string& line, Reporting speaking);

  /// Process of a rank.
  struct Place {
    std::uint64_t processes = 0;  // identifies the set of processes that are visible to it
    int process = 0;
  };
  static Place own_place();

  ProcessRanks& ranks_;
  const LaunchedRanksOptions& options_;
  std::vector<std::string> hosts_;
  std::vector<Place> places_;
  std::atomic<double> timeout_;
  std::vector<double> last_seen_;     // time of the last heartbeat of each rank
  std::optional<double> resumed_at_;  // time, if this process was frozen and has not heard from all others since
  std::optional<Heartbeat> failure_;  // on rank 0: the failure that was reported
  double failure_at_ = 0;             // on rank 0: the time of that report
  std::mutex sending_;
  std::atomic<bool> stop_ = false, ending_ = false, root_has_reported_ = false;
  std::thread thread_;
};

}  // namespace unroll
