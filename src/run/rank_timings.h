#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "run/run_record.h"
#include "unroll/communicator.h"
#include "unroll/training_run.h"

namespace unroll {

/// Reports the work of each rank, and the time that it waits for the others.
class RankTimings {
 public:
  /// Collective: to be called by all ranks.
  /// `totals`: of each rank so far.
  RankTimings(Communicator& ranks, std::vector<RankTiming> totals, std::function<void(const SlowRank&)> on_slow_rank);

  /// Writes a line of the log per rank with its work since the last report, and calls `on_slow_rank`
  /// once per rank that repeatedly keeps the others waiting. `now`: the totals of each rank so far.
  void report(RunRecord& record, std::int64_t epoch, std::int64_t update, const std::vector<RankTiming>& now);

 private:
  void detect_straggler(const std::vector<RankTiming>& now);

  std::function<void(const SlowRank&)> on_slow_rank_;
  std::vector<std::string> hosts_;
  std::vector<RankTiming> reported_, judged_;
  std::size_t slow_ = 0;  // the last rank that was slow
  int times_slow_ = 0;    // checks in a row in which it was slow
  std::set<std::size_t> named_;
};

}  // namespace unroll
