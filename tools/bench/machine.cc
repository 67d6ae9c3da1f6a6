#include "machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <string>

#include "base/clock.h"
#include "base/parallel.h"
#include "device/device.h"
#include "loops.h"
#include "unroll/format.h"

namespace unroll::bench {

namespace {

constexpr std::int64_t fma_rounds = 1 << 20;  // a few milliseconds
constexpr std::int64_t small_product = 1024, large_product = 2048;

double product_flop(std::int64_t n) { return 2 * std::pow(static_cast<double>(n), 3); }

/// Runs the loop on every thread; returns the total number of floating-point operations.
double multiply_adds_everywhere(Context& context) {
  std::atomic<double> flop{0};
  parallel_for(context, context.threads(), 1, [&](std::int64_t begin, std::int64_t end) {
    flop.fetch_add(multiply_adds((end - begin) * fma_rounds));
  });
  return flop;
}

/// Each thread processes its own part of the buffer.
void stream(Context& context, float* x, std::int64_t count, bool write) {
  parallel_for(context, count / loop_block, 16, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t size = (end - begin) * loop_block;
    write ? read_and_write(x + begin * loop_block, size) : read_only(x + begin * loop_block, size);
  });
}

void multiply(Context& context, const Tensor& a, const Tensor& b, Tensor& c, std::int64_t n) {
  device_of(context).gemm(context, ConstMatrix(a.data(), n, n), ConstMatrix(b.data(), n, n), Matrix(c.data(), n, n),
                          Accumulate::onto_zero());
}

Tensor filled(Context& context, const Shape& shape, float value) {
  Tensor tensor(context, shape);
  std::fill_n(tensor.data(), shape.size(), value);
  return tensor;
}

/// Bytes: four times the last-level cache as reported by the system, within 128 to 512 MB.
double far_beyond_caches() {
#ifdef _SC_LEVEL3_CACHE_SIZE
  const long last_cache = std::max(::sysconf(_SC_LEVEL3_CACHE_SIZE), 0L);
#else
  const long last_cache = 0;
#endif
  return std::clamp(4.0 * static_cast<double>(last_cache), 128e6, 512e6);
}

std::int64_t floats_in(double bytes) {
  const auto blocks = static_cast<std::int64_t>(bytes / sizeof(float)) / loop_block;
  return std::max<std::int64_t>(blocks, 1) * loop_block;
}

hwy::AlignedFreeUniquePtr<float[]> ones(std::int64_t count) {
  auto buffer = hwy::AllocateAligned<float>(static_cast<std::size_t>(count));
  if (buffer == nullptr) throw std::bad_alloc();
  std::fill_n(buffer.get(), count, 1.0f);
  return buffer;
}

std::shared_ptr<Context> context_of(int threads) {
  return std::make_shared<Context>(ContextOptions{.seed = 1, .threads = threads});
}

Benchmark fma_benchmark(int threads) {
  return {.name = "limit/fma",
          .size = "registers",
          .need = {.flop = threads * multiply_adds(1) * static_cast<double>(fma_rounds)},
          .prepare = [](int t) -> Prepared {
            return {.run = [context = context_of(t)] { multiply_adds_everywhere(*context); }};
          },
          .is_limit = true};
}

Benchmark product_benchmark(std::int64_t n) {
  return {.name = fmt::format("limit/gemm-{}", n),
          .size = fmt::format("{0} x {0} x {0}", n),
          .need = {.flop = product_flop(n)},
          .prepare = [n](int threads) -> Prepared {
            const auto context = context_of(threads);
            const auto left = std::make_shared<Tensor>(filled(*context, {n, n}, 0.5f));
            const auto right = std::make_shared<Tensor>(filled(*context, {n, n}, 0.25f));
            const auto product = std::make_shared<Tensor>(*context, Shape{n, n});
            return {.run = [=] { multiply(*context, *left, *right, *product, n); }};
          },
          .is_limit = true};
}

Benchmark memory_benchmark(const std::string& name, bool write) {
  const std::int64_t count = floats_in(far_beyond_caches());
  const double bytes = static_cast<double>(count) * sizeof(float);
  return {.name = name,
          .size = byte_count(bytes),
          .need = write ? MinimalWork{.streamed_bytes = 2 * bytes, .footprint = bytes}
                        : MinimalWork{.read_bytes = bytes, .footprint = bytes},
          .prepare = [count, write](int threads) -> Prepared {
            const std::shared_ptr<float[]> buffer = ones(count);
            return {.run = [context = context_of(threads), buffer, count, write] {
              stream(*context, buffer.get(), count, write);
            }};
          },
          .is_limit = true};
}

}  // namespace

Machine::Machine(int threads)
    : context_({.seed = 1, .threads = threads}),
      left_(filled(context_, {large_product, large_product}, 0.5f)),
      right_(filled(context_, {large_product, large_product}, 0.25f)),
      product_(context_, {large_product, large_product}) {}

double Machine::fma_rate() {
  const double begin = monotonic_seconds();
  const double flop = multiply_adds_everywhere(context_);
  return flop / (monotonic_seconds() - begin);
}

double Machine::gemm_rate() {
  double best = 0;
  for (const std::int64_t n : {small_product, large_product}) {
    const double begin = monotonic_seconds();
    multiply(context_, left_, right_, product_, n);
    best = std::max(best, product_flop(n) / (monotonic_seconds() - begin));
  }
  return best;
}

double Machine::memory_rate(double footprint, bool write) {
  const std::int64_t count = floats_in(footprint);
  if (buffer_size_ != count) {
    buffer_.reset();  // free it before allocating the next one
    buffer_ = ones(count);
    buffer_size_ = count;
  }
  stream(context_, buffer_.get(), count, write);
  const auto passes = static_cast<int>(std::clamp(200e6 / footprint, 1.0, 10'000.0));
  const double begin = monotonic_seconds();
  for (int i = 0; i < passes; ++i) stream(context_, buffer_.get(), count, write);
  const double bytes = (write ? 2.0 : 1.0) * sizeof(float) * static_cast<double>(count) * passes;
  return bytes / (monotonic_seconds() - begin);
}

Limits Machine::limits_for(const MinimalWork& need) {
  Limits limits;
  if (need.flop > 0) {
    limits.fma = fma_rate();
    limits.gemm = gemm_rate();
  }
  if (need.streamed_bytes > 0) limits.read_write = memory_rate(need.footprint, true);
  if (need.read_bytes > 0) limits.read = memory_rate(need.footprint, false);
  return limits;
}

std::vector<Benchmark> limit_benchmarks(int threads) {
  return {fma_benchmark(threads), product_benchmark(small_product), product_benchmark(large_product),
          memory_benchmark("limit/memory", true), memory_benchmark("limit/memory-read", false)};
}

}  // namespace unroll::bench
