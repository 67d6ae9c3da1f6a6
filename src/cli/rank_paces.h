#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cli/run_record.h"
#include "train/communicator.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// How much each of several ranks works, and how long it waits for the others.
class RankPaces {
 public:
  /// All ranks make one at the same time.
  explicit RankPaces(Communicator& ranks);

  /// `now`: what each has done so far. A line of the log for each with what it has done since the last time, and one
  /// on standard error, once, for a rank that keeps the others waiting for some seconds again and again.
  void report(RunRecord& record, std::int64_t epoch, std::int64_t step, const std::vector<Pace>& now);

 private:
  void look_for_slow_rank(const std::vector<Pace>& now);

  std::vector<std::string> hosts_;
  std::vector<Pace> reported_, judged_;
  std::size_t slow_ = 0;  // the last that was slow,
  int times_slow_ = 0;    // so many looks in a row
  std::set<std::size_t> named_;
};

}  // namespace unroll::cli
