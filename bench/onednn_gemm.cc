// The rate of oneDNN's single-precision product, which "unroll bench" compares itself with in bench/run.py.
//   onednn_gemm THREADS MxKxN[:left|:right]...
// Prints one JSON object: for each size, flop per second of C [M, N] = A [M, K] B [K, N], the median of three rounds of
// some hundredths of a second. ":left" and ":right" say whose memory holds the transpose.

#include <dnnl.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

namespace {

struct Product {
  std::string name;
  int m = 0, k = 0, n = 0;
  bool left_transposed = false, right_transposed = false;
};

std::optional<Product> product_of(const std::string& text) {
  Product p{.name = text};
  int read = 0;
  if (std::sscanf(text.c_str(), "%dx%dx%d%n", &p.m, &p.k, &p.n, &read) != 3) return std::nullopt;
  const std::string transposed = text.substr(static_cast<std::size_t>(read));
  p.left_transposed = transposed == ":left";
  p.right_transposed = transposed == ":right";
  const bool known = transposed.empty() || p.left_transposed || p.right_transposed;
  return known && p.m > 0 && p.k > 0 && p.n > 0 ? std::optional(p) : std::nullopt;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// 0 where oneDNN reports an error.
double rate_of(const Product& p) {
  constexpr double min_round = 0.03;  // seconds
  const auto size = [](int rows, int columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  const std::vector<float> a(size(p.m, p.k), 0.5f), b(size(p.k, p.n), 0.25f);
  std::vector<float> c(size(p.m, p.n));
  const auto multiply = [&] {
    return dnnl_sgemm(p.left_transposed ? 'T' : 'N', p.right_transposed ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a.data(),
                      p.left_transposed ? p.m : p.k, b.data(), p.right_transposed ? p.k : p.n, 0.0f, c.data(),
                      p.n) == dnnl_success;
  };
  if (!multiply()) return 0;  // which warms up
  std::array<double, 3> rates{};
  for (double& rate : rates) {
    const auto begin = std::chrono::steady_clock::now();
    int calls = 0;
    do {
      if (!multiply()) return 0;
      ++calls;
    } while (seconds_since(begin) < min_round);
    rate = 2.0 * p.m * p.k * p.n * calls / seconds_since(begin);
  }
  std::sort(rates.begin(), rates.end());
  return rates[1];
}

int usage() {
  std::fputs("usage: onednn_gemm THREADS MxKxN[:left|:right]...\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 0;
  if (threads < 1) return usage();
  omp_set_num_threads(threads);
  const dnnl_version_t* version = dnnl_version();
  std::string rates;
  for (int i = 2; i < argc; ++i) {
    const std::optional<Product> product = product_of(argv[i]);
    if (!product) return usage();
    rates += fmt::format(R"({}"{}": {:.0f})", rates.empty() ? "" : ", ", product->name, rate_of(*product));
  }
  fmt::print("{{\"version\": \"{}.{}.{}\", \"threads\": {}, \"rates\": {{{}}}}}\n", version->major, version->minor,
             version->patch, threads, rates);
}
