// The rate of oneDNN's single-precision product, which "unroll bench" compares itself with in bench/run.py.
//   onednn_gemm [THREADS]
// Prints one JSON object: flop per second of the square products of 1024 and 2048 rows, each the median of three.

#include <dnnl.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

double rate_of_product(int n) {
  const std::size_t size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  const std::vector<float> a(size, 0.5f), b(size, 0.25f);
  std::vector<float> c(size);
  std::array<double, 3> rates{};
  for (int run = -1; run < static_cast<int>(rates.size()); ++run) {  // run -1 warms up
    const auto begin = std::chrono::steady_clock::now();
    const dnnl_status_t status = dnnl_sgemm('N', 'N', n, n, n, 1.0f, a.data(), n, b.data(), n, 0.0f, c.data(), n);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (status != dnnl_success) return 0;
    if (run >= 0) rates[static_cast<std::size_t>(run)] = 2.0 * n * n * n / seconds.count();
  }
  std::sort(rates.begin(), rates.end());
  return rates[1];
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : omp_get_num_procs();
  if (argc > 2 || threads < 1) {
    std::fputs("usage: onednn_gemm [THREADS]\n", stderr);
    return 2;
  }
  omp_set_num_threads(threads);
  const dnnl_version_t* version = dnnl_version();
  fmt::print(R"({{"version": "{}.{}.{}", "threads": {}, "1024": {:.0f}, "2048": {:.0f}}})"
             "\n",
             version->major, version->minor, version->patch, threads, rate_of_product(1024), rate_of_product(2048));
}
