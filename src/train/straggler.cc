#include "train/straggler.h"

#include <algorithm>
#include <vector>

namespace unroll {

namespace {

double seconds_per_symbol(const RankTiming& pace) { return pace.working / static_cast<double>(pace.symbols); }

}  // namespace

std::optional<Straggler> straggler_of(std::span<const RankTiming> paces) {
  constexpr double min_times = 1.25, min_waiting = 0.2;
  if (paces.size() < 2 || std::ranges::any_of(paces, [](const RankTiming& pace) { return pace.symbols == 0; }))
    return std::nullopt;
  const auto slowest = std::ranges::max_element(paces, {}, seconds_per_symbol);
  std::vector<double> others;
  double waiting = 0, whole = 0;
  for (auto pace = paces.begin(); pace != paces.end(); ++pace) {
    if (pace == slowest) continue;
    others.push_back(seconds_per_symbol(*pace));
    waiting += pace->waiting;
    whole += pace->working + pace->waiting + pace->exchanging;
  }
  const auto median = others.begin() + std::ssize(others) / 2;
  std::ranges::nth_element(others, median);
  const double times = seconds_per_symbol(*slowest) / *median;
  if (!(times >= min_times) || waiting < min_waiting * whole) return std::nullopt;
  return Straggler{
      .rank = static_cast<std::size_t>(slowest - paces.begin()), .times = times, .waiting = waiting / whole};
}

}  // namespace unroll
