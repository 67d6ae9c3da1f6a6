#include "measure.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "machine.h"

namespace unroll::bench {

namespace {

constexpr double min_round = 0.03;   // seconds; well above the cost of reading the clock and waking a thread
constexpr double max_warm_up = 0.3;  // seconds; a longer first run needs no further warm-up round
constexpr int max_calls = 100'000;

/// Seconds for `amount` at `rate`; 0 if the rate was not measured.
double part(double amount, double rate) { return amount == 0 || rate == 0 ? 0 : amount / rate; }

double median_of(const std::vector<Limits>& limits, double Limits::*rate) {
  std::vector<double> values;
  values.reserve(limits.size());
  for (const Limits& l : limits) values.push_back(l.*rate);
  return spread_of(values).median;
}

/// The rates to compare a benchmark with. Among the limits, products are compared with multiply-adds, memory with none.
Limits limits_beside(const Benchmark& benchmark, Machine& machine) {
  if (!benchmark.is_limit) return machine.limits_for(benchmark.need);
  return {.fma = benchmark.need.flop > 0 ? machine.fma_rate() : 0};
}

}  // namespace

double Limits::seconds_for(const MinimalWork& need) const {
  return part(need.flop, arithmetic()) + part(need.streamed_bytes, read_write) + part(need.read_bytes, read);
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

double seconds_per_call(const std::function<void()>& work, int& calls) {
  const double begin = monotonic_seconds();
  if (calls > 0) {
    for (int i = 0; i < calls; ++i) work();
    return (monotonic_seconds() - begin) / calls;
  }
  double seconds = 0;
  while (seconds < min_round && calls < max_calls) {
    work();
    ++calls;
    seconds = monotonic_seconds() - begin;
  }
  return seconds / calls;
}

Result measure(const Benchmark& benchmark, Machine& machine, int rounds) {
  const Prepared prepared = benchmark.prepare(machine.threads());
  std::vector<double> seconds, share, slowdown;
  std::vector<Limits> limits;
  int calls = 0, normal_calls = 0;
  const double begin = monotonic_seconds();
  prepared.run();
  if (monotonic_seconds() - begin > max_warm_up) calls = 1;
  for (int round = calls; round <= rounds; ++round) {
    const Limits now = limits_beside(benchmark, machine);
    const double normal = prepared.normal ? seconds_per_call(prepared.normal, normal_calls) : 0;
    const double once = seconds_per_call(prepared.run, calls) / benchmark.per_call;
    if (round == 0) continue;
    limits.push_back(now);
    seconds.push_back(once);
    const double attainable = now.seconds_for(benchmark.need);
    share.push_back(attainable / once);
    if (prepared.normal) slowdown.push_back(once * benchmark.per_call / normal);
  }
  return {.seconds = spread_of(seconds),
          .share = spread_of(share),
          .slowdown = spread_of(slowdown),
          .limits = {.fma = median_of(limits, &Limits::fma),
                     .gemm = median_of(limits, &Limits::gemm),
                     .read_write = median_of(limits, &Limits::read_write),
                     .read = median_of(limits, &Limits::read)}};
}

}  // namespace unroll::bench
