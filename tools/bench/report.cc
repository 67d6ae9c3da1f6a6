#include "report.h"

#include <fmt/format.h>

#include <cmath>

#include "unroll/format.h"

namespace unroll::bench {

namespace {

constexpr const char* columns = "{:<31} {:<27} {:>10} {:>10} {:>11} {:>13} {:>8}\n";

double bytes_of(const MinimalWork& need) { return need.streamed_bytes + need.read_bytes; }

/// A time in us, ms or s.
std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", 1e6 * seconds);
  if (seconds < 1) return fmt::format("{:.3f} ms", 1e3 * seconds);
  return fmt::format("{:.3f} s", seconds);
}

std::string spread_text(const Spread& seconds) {
  return fmt::format("{:+.0f} {:+.0f} %", 100 * (seconds.low / seconds.median - 1),
                     100 * (seconds.high / seconds.median - 1));
}

std::string rate_text(const MinimalWork& need, double seconds) {
  if (need.flop > 0) return fmt::format("{:.1f} Gflop/s", 1e-9 * need.flop / seconds);
  const double bytes_per_second = bytes_of(need) / seconds;
  if (bytes_per_second > 1e9) return fmt::format("{:.1f} GB/s", 1e-9 * bytes_per_second);
  if (bytes_per_second > 0) return fmt::format("{:.0f} MB/s", 1e-6 * bytes_per_second);
  return "";
}

std::string share_text(const Result& result) {
  if (result.slowdown.median > 0) return fmt::format("x {:.3f}", result.slowdown.median);
  return result.share.median > 0 ? fmt::format("{:.1f} %", 100 * result.share.median) : "";
}

nlohmann::ordered_json to_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

}  // namespace

std::string table_heading() {
  return fmt::format(fmt::runtime(columns), "what", "size", "time", "spread", "symbols/s", "rate", "share");
}

std::string table_row(const Benchmark& benchmark, const Result& result) {
  const double seconds = result.seconds.median;
  const std::string symbols = benchmark.symbols > 0 ? with_commas(std::llround(benchmark.symbols / seconds)) : "";
  return fmt::format(fmt::runtime(columns), benchmark.name, benchmark.size, time_text(seconds),
                     spread_text(result.seconds), symbols, rate_text(benchmark.need, seconds), share_text(result));
}

nlohmann::ordered_json description_json(const Benchmark& benchmark, int threads) {
  const MinimalWork& need = benchmark.need;
  nlohmann::ordered_json json = {{"name", benchmark.name}, {"size", benchmark.size}, {"threads", threads}};
  if (benchmark.symbols > 0) json["symbols"] = benchmark.symbols;
  if (!benchmark.model.is_null()) json["model"] = benchmark.model;
  json["need"] = {{"flop", need.flop},
                  {"streamed_bytes", need.streamed_bytes},
                  {"read_bytes", need.read_bytes},
                  {"footprint", need.footprint}};
  return json;
}

nlohmann::ordered_json result_json(const Benchmark& benchmark, const Result& result, int threads) {
  const MinimalWork& need = benchmark.need;
  const Limits& limits = result.limits;
  const double seconds = result.seconds.median;
  nlohmann::ordered_json json = description_json(benchmark, threads);
  json["seconds"] = to_json(result.seconds);
  if (benchmark.symbols > 0) json["symbols_per_second"] = benchmark.symbols / seconds;
  if (need.flop > 0) json["gflops"] = 1e-9 * need.flop / seconds;
  if (bytes_of(need) > 0) json["gigabytes_per_second"] = 1e-9 * bytes_of(need) / seconds;
  if (result.share.median > 0) json["share"] = to_json(result.share);
  if (result.slowdown.median > 0) json["slowdown"] = to_json(result.slowdown);
  json["limits"] = {
      {"fma", limits.fma}, {"gemm", limits.gemm}, {"read_write", limits.read_write}, {"read", limits.read}};
  return json;
}

}  // namespace unroll::bench
