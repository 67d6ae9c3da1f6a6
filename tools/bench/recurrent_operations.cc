#include <fmt/format.h>

#include "operations.h"
#include "workbench.h"

namespace unroll::bench {

namespace {

constexpr std::int64_t steps = 35, batch = 32;

RecurrentSequence sequence_on(Workbench& bench, CellType cell, std::int64_t hidden) {
  const std::int64_t width = gate_count(cell) * hidden, states = (steps + 1) * batch * hidden;
  RecurrentSequence sequence;
  sequence.cell = cell;
  sequence.steps = steps;
  sequence.batch = batch;
  sequence.hidden = hidden;
  sequence.gates = bench.numbers(steps * batch * width).data();
  if (cell == CellType::gru) sequence.candidate = bench.zeros(steps * batch * hidden);
  sequence.weight = bench.numbers(hidden * width, -0.06f, 0.06f).data();
  sequence.bias = bench.zeros(width);
  sequence.h = bench.zeros(states);
  if (cell == CellType::lstm) sequence.c = bench.zeros(states);
  return sequence;
}

Benchmark benchmark_of(CellType cell, const char* direction, std::int64_t hidden,
                       std::function<Prepared(int)> prepare) {
  const double products = 2.0 * static_cast<double>(steps * batch * hidden * hidden) * gate_count(cell);
  return {.name = fmt::format("operation/{}-{}", name_of(cell), direction),
          .size = fmt::format("H{} B{} T{}", hidden, batch, steps),
          .need = {.flop = products},
          .prepare = std::move(prepare)};
}

/// Each run overwrites the gates, so the next one starts from other numbers; the work is the same.
Benchmark forward(CellType cell, std::int64_t hidden) {
  return benchmark_of(cell, "forward", hidden, [=](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const RecurrentSequence sequence = sequence_on(*bench, cell, hidden);
    return {.run = [=] { bench->device().recurrent_forward(bench->context(), sequence); }};
  });
}

Benchmark backward(CellType cell, std::int64_t hidden) {
  return benchmark_of(cell, "backward", hidden, [=](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const RecurrentSequence sequence = sequence_on(*bench, cell, hidden);
    bench->device().recurrent_forward(bench->context(), sequence);
    RecurrentGradient gradient;
    gradient.output = bench->numbers(steps * batch * hidden).data();
    gradient.h = bench->zeros(batch * hidden);
    if (cell == CellType::lstm) gradient.c = bench->zeros(batch * hidden);
    return {.run = [=] { bench->device().recurrent_backward(bench->context(), sequence, gradient); }};
  });
}

}  // namespace

std::vector<Benchmark> recurrent_benchmarks() {
  std::vector<Benchmark> all;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    all.push_back(forward(cell, 256));
    all.push_back(backward(cell, 256));
  }
  return all;
}

}  // namespace unroll::bench
