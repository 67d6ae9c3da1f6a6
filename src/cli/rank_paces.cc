#include "cli/rank_paces.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "train/agreement.h"
#include "train/straggler.h"

namespace unroll::cli {

namespace {

Pace difference(const Pace& now, const Pace& before) {
  return {.symbols = now.symbols - before.symbols,
          .working = now.working - before.working,
          .waiting = now.waiting - before.waiting,
          .exchanging = now.exchanging - before.exchanging};
}

}  // namespace

RankPaces::RankPaces(Communicator& ranks)
    : hosts_(all_of(ranks, host_name())), reported_(hosts_.size()), judged_(hosts_.size()) {}

void RankPaces::report(RunRecord& record, std::int64_t epoch, std::int64_t step, const std::vector<Pace>& now) {
  if (now.size() == 1) return;
  for (std::size_t rank = 0; rank < now.size(); ++rank) {
    record.rank(epoch, step, static_cast<int>(rank), hosts_[rank], difference(now[rank], reported_[rank]));
  }
  reported_ = now;
  look_for_slow_rank(now);
}

/// Cores that others use too make now this rank slow, now that one.
void RankPaces::look_for_slow_rank(const std::vector<Pace>& now) {
  constexpr double shortest_look = 2;  // seconds
  constexpr int looks = 3;
  std::vector<Pace> since;
  for (std::size_t rank = 0; rank < now.size(); ++rank) since.push_back(difference(now[rank], judged_[rank]));
  if (since[0].working + since[0].waiting + since[0].exchanging < shortest_look) return;
  judged_ = now;
  const std::optional<Straggler> slow = straggler_of(since);
  times_slow_ = !slow ? 0 : slow->rank == slow_ ? times_slow_ + 1 : 1;
  if (slow) slow_ = slow->rank;
  if (times_slow_ < looks || !named_.insert(slow_).second) return;
  say(fmt::format("slow      rank {} on {} takes {:.1f} times as long as the others, which wait {:.0f} % of the time",
                  slow_, hosts_[slow_], slow->times, 100 * slow->waiting));
}

}  // namespace unroll::cli
