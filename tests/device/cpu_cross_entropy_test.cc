#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "device/device.h"
#include "device/every_target.h"
#include "device/reference/cross_entropy.h"
#include "support/bounds.h"
#include "support/random_data.h"
#include "support/threads.h"

namespace unroll {
namespace {

using test::BoundReport;
using test::RandomData;
using test::Tracked;

struct Size {
  std::int64_t rows, hidden, classes;
  bool with_bias;
};

template <class Real>
struct Problem {
  Problem(const Size& s, std::uint64_t seed) : size(s) {
    RandomData data(seed);
    input = data.uniform<Real>(s.rows * s.hidden);
    weight = data.uniform<Real>(s.hidden * s.classes);
    if (s.with_bias) bias = data.uniform<Real>(s.classes);
    targets = data.ids(s.rows, static_cast<std::int32_t>(s.classes));
    d_input.assign(input.size(), Real(0));
    d_weight = data.uniform<Real>(s.hidden * s.classes);  // gradients are accumulated
    if (s.with_bias) d_bias = data.uniform<Real>(s.classes);
  }
  Size size;
  std::vector<Real> input, weight, bias, d_input, d_weight, d_bias;
  std::vector<std::int32_t> targets;
};

LinearCrossEntropy on_device(Problem<float>& p, bool with_gradients, float scale) {
  LinearCrossEntropy problem;
  problem.input = ConstMatrix(p.input.data(), p.size.rows, p.size.hidden);
  problem.weight = ConstMatrix(p.weight.data(), p.size.hidden, p.size.classes);
  problem.bias = p.bias.empty() ? nullptr : p.bias.data();
  problem.targets = p.targets;
  problem.with_gradients = with_gradients;
  problem.scale = scale;
  problem.d_input = Matrix(p.d_input.data(), p.size.rows, p.size.hidden);
  problem.d_weight = Matrix(p.d_weight.data(), p.size.hidden, p.size.classes);
  problem.d_bias = p.d_bias.empty() ? nullptr : p.d_bias.data();
  return problem;
}

TEST(CpuLinearCrossEntropy, AgreesWithTheReferenceWithinItsOwnErrorBound) {
  const Size sizes[] = {{1, 1, 1, true},   {2, 3, 2, false},    {5, 7, 17, true}, {13, 16, 64, true},
                        {7, 5, 65, false}, {40, 3, 9000, true}, {260, 4, 5, true}};
  test::on_every_target([&] {
    BoundReport losses("loss on " + simd_target()), gradients("gradients on " + simd_target());
    for (const Size& size : sizes) {
      Problem<float> fast(size, 4);
      Problem<Tracked<float>> exact(size, 4);
      Context context({.threads = 2});
      LinearCrossEntropy problem = on_device(fast, true, 0.25f);
      cpu_device().linear_cross_entropy(context, problem);

      ref::LinearLoss<Tracked<float>> reference;
      reference.input = {exact.input.data(), size.rows, size.hidden};
      reference.weight = {exact.weight.data(), size.hidden, size.classes};
      reference.bias = exact.bias.empty() ? nullptr : exact.bias.data();
      reference.targets = exact.targets;
      reference.with_gradients = true;
      reference.scale = Tracked<float>(0.25);
      reference.d_input = {exact.d_input.data(), size.rows, size.hidden};
      reference.d_weight = {exact.d_weight.data(), size.hidden, size.classes};
      reference.d_bias = exact.d_bias.empty() ? nullptr : exact.d_bias.data();
      ref::linear_cross_entropy(reference);

      losses.add(problem.loss_sum, reference.loss_sum.value(), reference.loss_sum.error());
      EXPECT_EQ(problem.correct, reference.correct);
      gradients.add_all(fast.d_input, exact.d_input, "d input");
      gradients.add_all(fast.d_weight, exact.d_weight, "d weight");
      gradients.add_all(fast.d_bias, exact.d_bias, "d bias");
    }
  });
}

TEST(CpuLinearCrossEntropy, AnyNumberOfThreadsGivesTheSameBits) {
  test::on_every_target([] {
    const Size size{700, 33, 1100, true};
    const auto run = [&](int threads, double* loss) {
      Problem<float> p(size, 6);
      Context context({.threads = threads});
      LinearCrossEntropy problem = on_device(p, true, 1.0f);
      EXPECT_TRUE(test::all_threads_take_part(context));
      cpu_device().linear_cross_entropy(context, problem);
      *loss = problem.loss_sum;
      return p;
    };
    double first_loss = 0, loss = 0;
    const Problem<float> one = run(1, &first_loss);
    for (int threads : {2, 3, 8}) {
      const Problem<float> many = run(threads, &loss);
      EXPECT_EQ(loss, first_loss);
      EXPECT_EQ(0, std::memcmp(one.d_input.data(), many.d_input.data(), one.d_input.size() * sizeof(float)));
      EXPECT_EQ(0, std::memcmp(one.d_weight.data(), many.d_weight.data(), one.d_weight.size() * sizeof(float)));
      EXPECT_EQ(0, std::memcmp(one.d_bias.data(), many.d_bias.data(), one.d_bias.size() * sizeof(float)));
    }
  });
}

template <class Real>
std::vector<Real> transposed(const std::vector<Real>& x, std::int64_t rows, std::int64_t columns) {
  std::vector<Real> y(x.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      y[static_cast<std::size_t>(c * rows + r)] = x[static_cast<std::size_t>(r * columns + c)];
    }
  }
  return y;
}

TEST(CpuLinearCrossEntropy, AWeightThatLiesTransposedGivesTheSameBits) {
  const Size sizes[] = {{1, 1, 1, true}, {13, 16, 64, true}, {7, 5, 65, false}, {40, 3, 9000, true}, {260, 4, 5, true}};
  const auto expect_same_bits = [&](const Device& device) {
    for (const Size& size : sizes) {
      SCOPED_TRACE(std::string(device.name()) + ", " + std::to_string(size.classes) + " classes");
      Context context({.threads = 2});
      Problem<float> plain(size, 4), other(size, 4);
      LinearCrossEntropy problem = on_device(plain, true, 0.25f);
      device.linear_cross_entropy(context, problem);

      other.weight = transposed(other.weight, size.hidden, size.classes);
      other.d_weight = transposed(other.d_weight, size.hidden, size.classes);
      LinearCrossEntropy tied = on_device(other, true, 0.25f);
      tied.weight = ConstMatrix(other.weight.data(), size.classes, size.hidden).transposed();
      tied.d_weight = {};
      tied.d_weight_transposed = Matrix(other.d_weight.data(), size.classes, size.hidden);
      device.linear_cross_entropy(context, tied);
      EXPECT_EQ(problem.loss_sum, tied.loss_sum);
      EXPECT_EQ(problem.correct, tied.correct);
      EXPECT_EQ(plain.d_input, other.d_input);
      EXPECT_EQ(plain.d_weight, transposed(other.d_weight, size.classes, size.hidden));
      EXPECT_EQ(plain.d_bias, other.d_bias);
    }
  };
  expect_same_bits(reference_device());
  test::on_every_target([&] { expect_same_bits(cpu_device()); });
}

TEST(CpuLinearCrossEntropy, WithoutGradientsTheLossIsTheSameAndNothingIsWritten) {
  test::on_every_target([] {
    Problem<float> p({50, 9, 77, true}, 2);
    Context context({.threads = 2});
    LinearCrossEntropy with = on_device(p, true, 1.0f), without = on_device(p, false, 1.0f);
    cpu_device().linear_cross_entropy(context, with);
    const Problem<float> before = p;
    cpu_device().linear_cross_entropy(context, without);
    EXPECT_EQ(with.loss_sum, without.loss_sum);
    EXPECT_EQ(with.correct, without.correct);
    EXPECT_EQ(before.d_input, p.d_input);
    EXPECT_EQ(before.d_weight, p.d_weight);
  });
}

TEST(CpuCrossEntropy, KnownValuesAndSpecialOnes) {
  test::on_every_target([] {
    Context context({.threads = 1});
    const std::int64_t classes = 37;
    std::vector<float> logits(classes, 0.0f), d_logits(classes);
    const std::vector<std::int32_t> targets = {5};
    float loss = 0;
    const auto run = [&] {
      cpu_device().cross_entropy(context, ConstMatrix(logits.data(), 1, classes), targets, {&loss, 1},
                                 Matrix(d_logits.data(), 1, classes));
    };
    run();
    EXPECT_NEAR(loss, std::log(37.0), 4e-7);
    EXPECT_NEAR(d_logits[5], 1.0 / 37 - 1, 1e-7);
    EXPECT_NEAR(d_logits[6], 1.0 / 37, 1e-8);

    logits[5] = 1e4f;  // correct, with probability 1
    run();
    EXPECT_EQ(loss, 0.0f);
    EXPECT_EQ(d_logits[5], 0.0f);

    logits[36] = 3e4f;  // wrong, with probability 1
    run();
    EXPECT_EQ(loss, 2e4f);
    EXPECT_EQ(d_logits[36], 1.0f);

    for (const float poison : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const std::size_t place : {std::size_t{0}, std::size_t{20}, std::size_t{36}}) {
        std::vector<float> saved = logits;
        logits[place] = poison;
        run();
        EXPECT_FALSE(std::isfinite(loss)) << poison << " at " << place;
        logits = saved;
      }
    }
  });
}

}  // namespace
}  // namespace unroll
