#include "cli/rank_paces.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "ranks/agreement.h"
#include "train/straggler.h"

namespace unroll::cli {

namespace {

RankTiming difference(const RankTiming& now, const RankTiming& before) {
  return {.symbols = now.symbols - before.symbols,
          .working = now.working - before.working,
          .waiting = now.waiting - before.waiting,
          .exchanging = now.exchanging - before.exchanging};
}

}  // namespace

RankPaces::RankPaces(Communicator& ranks)
    : hosts_(all_gather(ranks, host_name())), reported_(hosts_.size()), judged_(hosts_.size()) {}

void RankPaces::report(RunRecord& record, std::int64_t epoch, std::int64_t update, const std::vector<RankTiming>& now) {
  if (now.size() == 1) return;
  for (std::size_t rank = 0; rank < now.size(); ++rank) {
    record.rank(epoch, update, static_cast<int>(rank), hosts_[rank], difference(now[rank], reported_[rank]));
  }
  reported_ = now;
  detect_straggler(now);
}

/// Reports a rank only if it is slow in several checks in a row: on cores shared with other programs the slow rank
/// changes.
void RankPaces::detect_straggler(const std::vector<RankTiming>& now) {
  constexpr double min_interval = 2;  // seconds
  constexpr int looks = 3;
  std::vector<RankTiming> since;
  for (std::size_t rank = 0; rank < now.size(); ++rank) since.push_back(difference(now[rank], judged_[rank]));
  if (since[0].working + since[0].waiting + since[0].exchanging < min_interval) return;
  judged_ = now;
  const std::optional<Straggler> slow = straggler_of(since);
  times_slow_ = !slow ? 0 : slow->rank == slow_ ? times_slow_ + 1 : 1;
  if (slow) slow_ = slow->rank;
  if (times_slow_ < looks || !named_.insert(slow_).second) return;
  log_message(
      fmt::format("slow      rank {} on {} takes {:.1f} times as long as the others, which wait {:.0f} % of the time",
                  slow_, hosts_[slow_], slow->times, 100 * slow->waiting));
}

}  // namespace unroll::cli
