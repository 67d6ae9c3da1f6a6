#include "operations.h"

#include <fmt/format.h>

#include <functional>
#include <iterator>
#include <string>

#include "workbench.h"

namespace unroll::bench {

namespace {

// Sizes of one window of the textbook's training run: T * B rows, the width of an LSTM's gates, its vocabulary.
constexpr std::int64_t steps = 35, batch = 32, rows = steps * batch, width = 1024, hidden = 256, classes = 1027;
constexpr std::int64_t elements = rows * width;

double bytes_of(std::int64_t floats) { return static_cast<double>(floats) * sizeof(float); }

/// Three arrays of `elements` numbers, and the device to run on.
struct Arrays {
  const Device& device;
  Context& context;
  std::span<float> x, y, z;
};

/// A loop over whole arrays. `arrays`: number of arrays; `passes`: number of array reads and writes.
Benchmark flat(const std::string& name, int arrays, int passes, std::function<void(const Arrays&)> loop) {
  return {.name = "operation/" + name,
          .size = fmt::format("{} x {}", rows, width),
          .need = {.streamed_bytes = passes * bytes_of(elements), .footprint = arrays * bytes_of(elements)},
          .prepare = [arrays, loop = std::move(loop)](int threads) -> Prepared {
            const auto bench = workbench(threads);
            const std::span<float> x = bench->numbers(elements, 0.1f, 1), y = bench->numbers(elements, 0.1f, 1);
            const std::span<float> z = arrays > 2 ? bench->numbers(elements, 0.1f, 1) : y;
            return {.run = [=] { loop({bench->device(), bench->context(), x, y, z}); }};
          }};
}

Benchmark unary(const std::string& name, Unary op) {
  return flat(name, 2, 2, [op](const Arrays& a) { a.device.unary(a.context, op, a.x, a.y); });
}

std::vector<Benchmark> flat_benchmarks() {
  const auto matrix = [](std::span<float> x) { return Matrix(x.data(), rows, width); };
  return {
      flat("fill", 1, 1, [](const Arrays& a) { a.device.fill(a.context, a.x, 0.5f); }),
      flat("copy", 2, 2, [matrix](const Arrays& a) { a.device.copy(a.context, matrix(a.x), matrix(a.y)); }),
      flat("axpy", 2, 3, [](const Arrays& a) { a.device.axpy(a.context, 0.5f, a.x, a.y); }),
      flat("scale", 1, 2, [](const Arrays& a) { a.device.scale(a.context, 1.0f, a.x); }),
      flat("clamp", 1, 2, [](const Arrays& a) { a.device.clamp(a.context, 0.5f, a.x); }),
      unary("negate", Unary::negate),
      unary("relu", Unary::relu),
      unary("tanh", Unary::tanh),
      unary("sigmoid", Unary::sigmoid),
      unary("exp", Unary::exp),
      unary("log", Unary::log),
      flat("tanh-backward", 3, 4,
           [](const Arrays& a) { a.device.unary_backward(a.context, Unary::tanh, a.x, a.x, a.y, a.z); }),
      flat("add", 3, 3, [](const Arrays& a) { a.device.binary(a.context, Binary::add, a.x, a.y, a.z); }),
      flat("multiply", 3, 3, [](const Arrays& a) { a.device.binary(a.context, Binary::multiply, a.x, a.y, a.z); }),
      flat("multiply-add", 3, 4, [](const Arrays& a) { a.device.multiply_add(a.context, a.x, a.y, a.z); }),
      flat("add-row", 2, 2,
           [matrix](const Arrays& a) { a.device.add_row(a.context, matrix(a.x), a.x.data(), matrix(a.y)); }),
      flat("column-sums", 1, 1,
           [matrix](const Arrays& a) { a.device.add_column_sums(a.context, matrix(a.x), a.y.data()); }),
      flat("sum", 1, 1, [](const Arrays& a) { a.device.sum(a.context, a.x); }),
      flat("sum-of-squares", 1, 1, [](const Arrays& a) { a.device.sum_of_squares(a.context, a.x); }),
      flat("dropout", 2, 2,
           [](const Arrays& a) {
             a.device.dropout(a.context, Random(1, RandomStream::dropout), 0, 0.5f, a.x, a.y, false);
           }),
  };
}

/// A look-up in a table of `classes` rows, or its backward pass.
Benchmark look_up(const std::string& name, int passes,
                  std::function<void(Workbench&, std::span<const std::int32_t>, Matrix table, Matrix y)> work) {
  return {.name = "operation/" + name,
          .size = fmt::format("{} of {} x {}", rows, classes, width),
          .need = {.streamed_bytes = passes * bytes_of(elements), .footprint = bytes_of(elements + classes * width)},
          .prepare = [work = std::move(work)](int threads) -> Prepared {
            const auto bench = workbench(threads);
            const std::span<const std::int32_t> ids = bench->indices(rows, classes);
            const Matrix table(bench->numbers(classes * width).data(), classes, width);
            const Matrix y(bench->numbers(elements).data(), rows, width);
            return {.run = [=] { work(*bench, ids, table, y); }};
          }};
}

/// The operand of C = A B that is stored transposed.
enum class Transposed { none, left, right };
Benchmark product(const std::string& name, std::int64_t m, std::int64_t k, std::int64_t n, Transposed transposed) {
  return {.name = "operation/gemm" + name,
          .size = fmt::format("{}x{} {}x{}", m, k, k, n),
          .need = {.flop = 2.0 * static_cast<double>(m * k * n)},
          .prepare = [=](int threads) -> Prepared {
            const auto bench = workbench(threads);
            const float *left = bench->numbers(m * k).data(), *right = bench->numbers(k * n).data();
            const Matrix c(bench->zeros(m * n), m, n);
            const ConstMatrix a =
                transposed == Transposed::left ? ConstMatrix(left, k, m).transposed() : ConstMatrix(left, m, k);
            const ConstMatrix b =
                transposed == Transposed::right ? ConstMatrix(right, n, k).transposed() : ConstMatrix(right, k, n);
            return {.run = [=] { bench->device().gemm(bench->context(), a, b, c, Accumulate::onto_zero()); }};
          }};
}

Benchmark row_times_matrix() {
  Benchmark benchmark = product("-row", 1, hidden, classes, Transposed::none);
  benchmark.need = {.read_bytes = bytes_of(hidden * classes), .footprint = bytes_of(hidden * classes)};
  return benchmark;
}

Benchmark cross_entropy() {
  return {.name = "operation/cross-entropy",
          .size = fmt::format("{} x {}", rows, classes),
          .need = {.streamed_bytes = 2 * bytes_of(rows * classes), .footprint = 2 * bytes_of(rows * classes)},
          .prepare = [](int threads) -> Prepared {
            const auto bench = workbench(threads);
            const ConstMatrix logits(bench->numbers(rows * classes).data(), rows, classes);
            const Matrix gradient(bench->zeros(rows * classes), rows, classes);
            const std::span<const std::int32_t> targets = bench->indices(rows, classes);
            const std::span<float> losses = bench->numbers(rows);
            return {.run = [=] { bench->device().cross_entropy(bench->context(), logits, targets, losses, gradient); }};
          }};
}

Benchmark linear_cross_entropy() {
  return {.name = "operation/linear-cross-entropy",
          .size = fmt::format("{}x{} {}x{}", rows, hidden, hidden, classes),
          .need = {.flop = 3 * 2.0 * static_cast<double>(rows * hidden * classes)},
          .prepare = [](int threads) -> Prepared {
            const auto bench = workbench(threads);
            LinearCrossEntropy problem;
            problem.input = ConstMatrix(bench->numbers(rows * hidden).data(), rows, hidden);
            problem.weight = ConstMatrix(bench->numbers(hidden * classes, -0.06f, 0.06f).data(), hidden, classes);
            problem.bias = bench->zeros(classes);
            problem.targets = bench->indices(rows, classes);
            problem.with_gradients = true;
            problem.scale = 1.0f / rows;
            problem.d_input = Matrix(bench->zeros(rows * hidden), rows, hidden);
            problem.d_weight = Matrix(bench->zeros(hidden * classes), hidden, classes);
            problem.d_bias = bench->zeros(classes);
            return {.run = [=]() mutable { bench->device().linear_cross_entropy(bench->context(), problem); }};
          }};
}

void append(std::vector<Benchmark>& all, std::vector<Benchmark> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Benchmark> operation_benchmarks() {
  std::vector<Benchmark> all = flat_benchmarks();
  all.push_back(look_up("gather-rows", 2, [](Workbench& bench, auto ids, const Matrix& table, const Matrix& y) {
    bench.device().gather_rows(bench.context(), table, ids, nullptr, y);
  }));
  all.push_back(look_up("scatter-add-rows", 3, [](Workbench& bench, auto ids, const Matrix& table, const Matrix& y) {
    bench.device().scatter_add_rows(bench.context(), ids, y, table);
  }));
  all.push_back(cross_entropy());
  all.push_back(product("", rows, hidden, width, Transposed::none));
  all.push_back(product("-left-transposed", hidden, rows, width, Transposed::left));
  all.push_back(product("-right-transposed", rows, width, hidden, Transposed::right));
  all.push_back(product("-one-step", 32, hidden, width, Transposed::none));
  all.push_back(row_times_matrix());
  all.push_back(linear_cross_entropy());
  append(all, recurrent_benchmarks());
  append(all, optimizer_benchmarks());
  return all;
}

}  // namespace unroll::bench
