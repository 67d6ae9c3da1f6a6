#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/clock.h"
#include "bench.h"
#include "device/device.h"
#include "measure.h"
#include "measured_training.h"
#include "models.h"
#include "ranks/agreement.h"
#include "train/gradient_sum.h"
#include "training.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/launched_ranks.h"

namespace unroll::bench {

namespace {

using Json = nlohmann::ordered_json;

/// Cost of an all-to-all exchange between the ranks.
struct Network {
  int ranks = 1;
  double latency = 0;    // seconds per exchange of minimal messages
  double bandwidth = 0;  // bytes per second that a rank sends while receiving as many; 0: a single rank

  /// Latency among `many` ranks: each rank sends one message per other rank.
  double latency_of(int many) const { return ranks > 1 ? latency * std::max(1.0, (many - 1.0) / (ranks - 1.0)) : 0; }
};

/// Cost of one step, in seconds.
struct Costs {
  double work = 0;    // forward and backward pass over the rank's windows
  double sum = 0;     // summing the rank's share of the gradients
  double update = 0;  // gradient clipping and optimizer

  /// Step time on `ranks` ranks, including two exchanges of gradients and one of losses.
  double step_on(int ranks, double gradient_bytes, const Network& network) const {
    return work + update + sum + exchange_on(ranks, gradient_bytes, network);
  }
  static double exchange_on(int ranks, double gradient_bytes, const Network& network) {
    if (ranks == 1 || network.bandwidth == 0) return 0;
    return 3 * network.latency_of(ranks) + 2 * (1 - 1.0 / ranks) * gradient_bytes / network.bandwidth;
  }
};

class Stopwatch {
 public:
  Stopwatch(Communicator& ranks, int repeats) : ranks_(ranks), repeats_(repeats) {}

  /// Seconds that `work` takes on the slowest rank if all ranks start together.
  double of_all(const std::function<void()>& work) const {
    return median([&] {
      const double begin = monotonic_seconds();
      work();
      return monotonic_seconds() - begin;
    });
  }
  /// Seconds that `work` takes on rank 0 while the other ranks wait.
  double of_first(const std::function<void()>& work) const {
    return median([&] {
      const double begin = monotonic_seconds();
      if (ranks_.rank() == 0) work();
      return monotonic_seconds() - begin;
    });
  }

 private:
  double median(const std::function<double()>& once) const {
    std::vector<double> seconds;
    for (int i = 0; i <= repeats_; ++i) {
      all_gather(ranks_, 0);
      const std::vector<double> of_ranks = all_gather(ranks_, once());
      if (i > 0) seconds.push_back(*std::ranges::max_element(of_ranks));  // the first round is a warm-up
    }
    return spread_of(seconds).median;
  }

  Communicator& ranks_;
  int repeats_;
};

Network network_between(Communicator& ranks, const Stopwatch& stopwatch) {
  Network network{.ranks = ranks.size()};
  if (ranks.size() == 1) return network;
  constexpr int calls = 100;
  network.latency = stopwatch.of_all([&] {
    for (int i = 0; i < calls; ++i) all_gather(ranks, i);
  }) / calls;
  constexpr std::size_t bytes = 16 << 20;
  const auto size = static_cast<std::size_t>(ranks.size());
  const std::size_t to_each = bytes / (size - 1);
  const std::vector<std::byte> sent(to_each);
  std::vector<std::vector<std::byte>> received(size, std::vector<std::byte>(to_each));
  const std::vector<Communicator::Message> out(size, sent);
  const std::vector<Communicator::Memory> in(received.begin(), received.end());
  const double seconds = stopwatch.of_all([&] { ranks.all_to_all(out, in); });
  network.bandwidth = static_cast<double>(to_each * (size - 1)) / std::max(seconds - network.latency, 1e-9);
  return network;
}

/// A data-parallel training whose steps are timed.
class SharedTraining {
 public:
  SharedTraining(const Workload& workload, Communicator& ranks, int threads, int repeats)
      : run_(workload, threads),
        ranks_(ranks),
        stopwatch_(ranks, repeats),
        gradients_(run_.task(), ranks, ranks.size()) {}

  double step() {
    run_.begin_epoch();
    return stopwatch_.of_all([this] {
      gradients_.sum_batches(run_.next_batch(), 1);
      run_.update();
    });
  }
  /// Costs with all ranks working at the same time, possibly on one machine.
  Costs costs_here() {
    run_.begin_epoch();
    Costs costs;
    costs.work = stopwatch_.of_all([this] { work_on({.index = ranks_.rank(), .count = ranks_.size()}); });
    costs.sum = stopwatch_.of_all([this] { add_up(ranks_.size()); });
    costs.update = stopwatch_.of_all([this] { run_.update(); });
    return costs;
  }
  /// Costs of rank 0 working alone on its share among `machines` machines.
  Costs costs_among(int machines) {
    run_.begin_epoch();
    Costs costs;
    costs.work = stopwatch_.of_first([this, machines] { work_on({.index = 0, .count = machines}); });
    costs.sum = stopwatch_.of_first([this, machines] { add_up(machines); });
    costs.update = stopwatch_.of_first([this] { run_.update(); });
    return costs;
  }
  double gradient_bytes() { return static_cast<double>(run_.parameters().gradients().size_bytes()); }

 private:
  void work_on(Shard slice) {
    run_.parameters().zero_gradients();
    run_.task().forward_backward(run_.next_batch(), slice);
  }
  /// Does the additions of the gradient sum of one rank among `ranks`.
  void add_up(int ranks) {
    const std::span<float> gradients = run_.parameters().gradients();
    const std::span<float> share = gradients.first(gradients.size() / static_cast<std::size_t>(ranks));
    Context& context = run_.parameters().context();
    for (int other = 1; other < ranks; ++other) device_of(context).axpy(context, 0, share, share);
  }

  MeasuredTraining run_;
  Communicator& ranks_;
  Stopwatch stopwatch_;
  GradientSum gradients_;
};

/// Predicted cost for a number of machines.
struct Forecast {
  int machines = 1;
  Costs costs;
  double exchange = 0, step = 0;
};

struct Outcome {
  Workload workload;
  double gradient_bytes = 0;
  double measured = 0;
  Forecast here;
  std::vector<Forecast> elsewhere;
};

Forecast forecast_of(int machines, const Costs& costs, double gradient_bytes, const Network& network) {
  return {.machines = machines,
          .costs = costs,
          .exchange = Costs::exchange_on(machines, gradient_bytes, network),
          .step = costs.step_on(machines, gradient_bytes, network)};
}

Outcome measure_shared(const Workload& workload, const Network& network, Communicator& ranks, int threads,
                       int repeats) {
  SharedTraining training(workload, ranks, threads, repeats);
  Outcome outcome;
  outcome.workload = workload;
  outcome.gradient_bytes = training.gradient_bytes();
  outcome.measured = training.step();
  outcome.here = forecast_of(ranks.size(), training.costs_here(), outcome.gradient_bytes, network);
  if (ranks.size() == 1) return outcome;
  for (int machines = 1; machines <= workload.batch; machines *= 2)
    outcome.elsewhere.push_back(forecast_of(machines, training.costs_among(machines), outcome.gradient_bytes, network));
  return outcome;
}

double symbols_of(const Workload& workload) { return static_cast<double>(workload.batch * workload.steps); }

std::string milliseconds(double seconds) { return fmt::format("{:.2f}", 1e3 * seconds); }

constexpr const char* distributed_columns = "{:<13}{:>8}{:>13}{:>10}{:>10}{:>10}{:>11}{:>8}\n";

std::string row_of(const std::string& name, const Forecast& f, const std::string& measured, double symbols_per_second,
                   double gain) {
  return fmt::format(fmt::runtime(distributed_columns), name, milliseconds(f.costs.work),
                     milliseconds(f.costs.sum + f.costs.update), milliseconds(f.exchange), milliseconds(f.step),
                     measured, with_commas(std::llround(symbols_per_second)),
                     gain > 0 ? fmt::format("x {:.2f}", gain) : "");
}

std::string text_of(const Outcome& o) {
  const double symbols = symbols_of(o.workload);
  std::string text = fmt::format("\n{} {}, {:.1f} MB of gradients\n", training_name(o.workload), size_text(o.workload),
                                 1e-6 * o.gradient_bytes);
  text += fmt::format(fmt::runtime(distributed_columns), "ms a step", "work", "sum, update", "exchange", "predicted",
                      "measured", "symbols/s", "gain");
  text += row_of(fmt::format("{} here", counted(o.here.machines, "rank")), o.here, milliseconds(o.measured),
                 symbols / o.measured, 0);
  for (const Forecast& f : o.elsewhere)
    text += row_of(counted(f.machines, "machine"), f, "", symbols / f.step, o.elsewhere.front().step / f.step);
  return text;
}

Json json_of(const Forecast& f) {
  return {{"machines", f.machines},   {"work", f.costs.work},   {"sum", f.costs.sum},
          {"update", f.costs.update}, {"exchange", f.exchange}, {"seconds", f.step}};
}

Json json_of(const Outcome& o) {
  Json json = {{"name", training_name(o.workload)}, {"size", size_text(o.workload)},
               {"symbols", symbols_of(o.workload)}, {"gradient_bytes", o.gradient_bytes},
               {"measured_seconds", o.measured},    {"foretold", json_of(o.here)},
               {"machines", Json::array()}};
  for (const Forecast& f : o.elsewhere) json["machines"].push_back(json_of(f));
  return json;
}

bool is_asked_for(const std::string& name, const std::string& only) {
  if (!only.empty()) return name.find(only) != std::string::npos;
  return name == "training/lstm-256" || name == "training/lstm-1024";
}

std::vector<Workload> workloads_named(const std::string& only, int ranks) {
  std::vector<Workload> all;
  for (const Workload& workload : training_workloads()) {
    if (!is_asked_for(training_name(workload), only)) continue;
    if (workload.batch < ranks) {
      throw Error(fmt::format("{}: a batch of {} has not a window for each of {} ranks", training_name(workload),
                              workload.batch, ranks));
    }
    all.push_back(workload);
  }
  if (!all.empty()) return all;
  throw Error(
      fmt::format("--only '{}': no training that is measured has that in its name; see unroll bench --list", only));
}

std::string heading_of(const Network& network, std::size_t hosts, int threads) {
  std::string text = fmt::format("{} on {}, {} each", counted(network.ranks, "rank"),
                                 counted(static_cast<std::int64_t>(hosts), "host"), counted(threads, "thread"));
  if (network.ranks == 1) return text + "; start it with mpirun to measure what is between ranks\n";
  return text + fmt::format("; an exchange takes {:.1f} us + what a rank sends / {:.2f} GB/s\n", 1e6 * network.latency,
                            1e-9 * network.bandwidth);
}

}  // namespace

void run_distributed_benchmarks(Communicator& ranks, const BenchOptions& options, const Write& write) {
  const std::vector<Workload> workloads = workloads_named(options.only, ranks.size());
  const std::vector<std::string> names = all_gather(ranks, host_name());
  const std::size_t hosts = std::set<std::string>(names.begin(), names.end()).size();
  const int threads = options.threads.value_or(threads_of_rank());
  const Network network = network_between(ranks, Stopwatch(ranks, options.repeats));
  Json json = {{"version", UNROLL_VERSION}, {"ranks", ranks.size()},      {"hosts", hosts},
               {"threads", threads},        {"latency", network.latency}, {"bandwidth", network.bandwidth},
               {"results", Json::array()}};
  if (!options.json) write(heading_of(network, hosts, threads));
  for (const Workload& workload : workloads) {
    const Outcome outcome = measure_shared(workload, network, ranks, threads, options.repeats);
    if (options.json) {
      json["results"].push_back(json_of(outcome));
    } else {
      write(text_of(outcome));
    }
  }
  if (options.json) write(json.dump(2) + "\n");
}

}  // namespace unroll::bench
