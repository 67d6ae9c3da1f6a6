#include "operations.h"
#include "unroll/format.h"
#include "workbench.h"

namespace unroll::bench {

namespace {

// Numbers of parameters: the textbook's RNN, which may fit into a cache, and a large LSTM, which does not.
constexpr std::int64_t small = 592'899, large = 10'000'000;

Benchmark benchmark_of(const std::string& name, std::int64_t count, int arrays, int passes,
                       std::function<Prepared(int)> prepare) {
  const double bytes = static_cast<double>(count) * sizeof(float);
  return {.name = "operation/" + name,
          .size = with_commas(count),
          .need = {.streamed_bytes = passes * bytes, .footprint = arrays * bytes},
          .prepare = std::move(prepare)};
}

Benchmark adam(const std::string& name, std::int64_t count) {
  return benchmark_of(name, count, 4, 7, [count](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const std::span<float> gradient = bench->numbers(count), value = bench->numbers(count);
    const std::span<float> first = bench->numbers(count), second = bench->numbers(count, 0, 1);
    const AdamStep step{
        .learning_rate = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .correction1 = 0.1, .correction2 = 0.001};
    return {.run = [=] { bench->device().adam(bench->context(), step, gradient, first, second, value); }};
  });
}

Benchmark sgd(const std::string& name, std::int64_t count) {
  return benchmark_of(name, count, 2, 3, [count](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const std::span<float> gradient = bench->numbers(count), value = bench->numbers(count);
    return {.run = [=] { bench->device().sgd(bench->context(), 1e-4f, gradient, value); }};
  });
}

Benchmark sgd_momentum(const std::string& name, std::int64_t count) {
  return benchmark_of(name, count, 3, 5, [count](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const std::span<float> gradient = bench->numbers(count), velocity = bench->numbers(count);
    const std::span<float> value = bench->numbers(count);
    const MomentumStep step{.learning_rate = 1e-4, .momentum = 0.9, .nesterov = true};
    return {.run = [=] { bench->device().sgd_momentum(bench->context(), step, gradient, velocity, value); }};
  });
}

Benchmark rmsprop(const std::string& name, std::int64_t count) {
  return benchmark_of(name, count, 3, 5, [count](int threads) -> Prepared {
    const auto bench = workbench(threads);
    const std::span<float> gradient = bench->numbers(count), value = bench->numbers(count);
    const std::span<float> square = bench->numbers(count, 0, 1);
    const RmsPropStep step{.learning_rate = 1e-4, .alpha = 0.99, .epsilon = 1e-8};
    return {.run = [=] { bench->device().rmsprop(bench->context(), step, gradient, square, value); }};
  });
}

}  // namespace

std::vector<Benchmark> optimizer_benchmarks() {
  return {adam("adam-small", small),
          adam("adam-large", large),
          sgd("sgd-small", small),
          sgd("sgd-large", large),
          sgd_momentum("sgd-momentum-small", small),
          sgd_momentum("sgd-momentum-large", large),
          rmsprop("rmsprop-small", small),
          rmsprop("rmsprop-large", large)};
}

}  // namespace unroll::bench
