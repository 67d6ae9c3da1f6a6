#include "run/rank_timings.h"

#include <utility>

#include "ranks/agreement.h"
#include "train/straggler.h"

namespace unroll {

namespace {

RankTiming difference(const RankTiming& now, const RankTiming& before) {
  return {.symbols = now.symbols - before.symbols,
          .working = now.working - before.working,
          .waiting = now.waiting - before.waiting,
          .exchanging = now.exchanging - before.exchanging};
}

}  // namespace

RankTimings::RankTimings(Communicator& ranks, std::vector<RankTiming> totals,
                         std::function<void(const SlowRank&)> on_slow_rank)
    : on_slow_rank_(std::move(on_slow_rank)),
      hosts_(all_gather(ranks, host_name())),
      reported_(totals),
      judged_(std::move(totals)) {}

void RankTimings::report(RunRecord& record, std::int64_t epoch, std::int64_t update,
                         const std::vector<RankTiming>& now) {
  if (now.size() == 1) return;
  for (std::size_t rank = 0; rank < now.size(); ++rank) {
    record.rank(epoch, update, static_cast<int>(rank), hosts_[rank], difference(now[rank], reported_[rank]));
  }
  reported_ = now;
  detect_straggler(now);
}

/// Reports a rank only if it is slow in several checks in a row: on cores shared with other programs the slow rank
/// changes.
void RankTimings::detect_straggler(const std::vector<RankTiming>& now) {
  constexpr double min_interval = 2;  // seconds
  constexpr int checks = 3;
  std::vector<RankTiming> since;
  for (std::size_t rank = 0; rank < now.size(); ++rank) since.push_back(difference(now[rank], judged_[rank]));
  if (since[0].working + since[0].waiting + since[0].exchanging < min_interval) return;
  judged_ = now;
  const std::optional<Straggler> slow = straggler_of(since);
  times_slow_ = !slow ? 0 : slow->rank == slow_ ? times_slow_ + 1 : 1;
  if (slow) slow_ = slow->rank;
  if (times_slow_ < checks || !named_.insert(slow_).second) return;
  on_slow_rank_({.rank = slow_, .host = hosts_[slow_], .times = slow->times, .waiting = slow->waiting});
}

}  // namespace unroll
