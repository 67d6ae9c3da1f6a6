#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "device/device.h"
#include "device/every_target.h"
#include "support/bounds.h"
#include "support/recurrent_problem.h"
#include "support/threads.h"

namespace unroll {
namespace {

using test::BoundReport;
using test::RecurrentCase;
using test::RecurrentProblem;
using test::Tracked;

std::vector<RecurrentCase> cells() {
  std::vector<RecurrentCase> all;
  for (Activation activation : {Activation::tanh, Activation::relu, Activation::sigmoid}) {
    all.push_back({.cell = CellType::rnn, .activation = activation});
  }
  all.push_back({.cell = CellType::gru});
  all.push_back({.cell = CellType::lstm});
  return all;
}

/// Odd and even extents around the vector widths 1, 4, 8 and 16 and the tiles built of them.
std::vector<RecurrentCase> sizes(RecurrentCase base) {
  std::vector<RecurrentCase> all;
  for (std::int64_t hidden : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65}) {
    const std::int64_t variant =
        hidden + static_cast<std::int64_t>(base.cell) + static_cast<std::int64_t>(base.activation);
    base.hidden = hidden;
    base.steps = hidden > 40 ? 2 : 1 + variant % 4;
    base.batch = 1 + (variant * 3) % 8;
    base.reverse = variant % 2 == 1;
    base.with_bias = variant % 3 != 0;
    base.with_state = variant % 5 != 0;
    all.push_back(base);
  }
  return all;
}

void expect_agreement(const RecurrentCase& size, Context& context, BoundReport& forward, BoundReport& backward) {
  const std::uint64_t seed = static_cast<std::uint64_t>(size.hidden * 100 + size.batch);
  RecurrentProblem<float> fast(size, seed);
  RecurrentProblem<Tracked<float>> exact(size, seed);
  const std::string name = size.to_string();

  cpu_device().recurrent_forward(context, test::device_sequence(fast));
  exact.forward();
  forward.add_all(fast.h, exact.h, name + " h");
  forward.add_all(fast.c, exact.c, name + " c");
  forward.add_all(fast.gates, exact.gates, name + " gates");
  forward.add_all(fast.candidate, exact.candidate, name + " candidate");

  cpu_device().recurrent_backward(context, test::device_sequence(fast), test::device_gradient(fast));
  exact.backward();
  backward.add_all(fast.gates, exact.gates, name + " d gates");
  backward.add_all(fast.candidate, exact.candidate, name + " d candidate");
  backward.add_all(fast.d_h, exact.d_h, name + " d h");
  backward.add_all(fast.d_c, exact.d_c, name + " d c");
}

TEST(CpuRecurrent, AgreesWithTheReferenceWithinItsOwnErrorBound) {
  test::on_every_target([] {
    BoundReport forward("forward on " + simd_target()), backward("backward on " + simd_target());
    for (const RecurrentCase& cell : cells()) {
      for (const RecurrentCase& size : sizes(cell)) {
        Context context({.threads = 1 + static_cast<int>(size.hidden % 3)});
        expect_agreement(size, context, forward, backward);
      }
    }
  });
}

TEST(CpuRecurrent, AnyNumberOfThreadsGivesTheSameBits) {
  test::on_every_target([] {
    for (RecurrentCase size : cells()) {
      size.steps = 6;
      size.batch = 13;
      size.hidden = 70;  // enough work for several threads
      const auto run = [&](int threads) {
        RecurrentProblem<float> problem(size, 5);
        Context context({.threads = threads});
        EXPECT_TRUE(test::all_threads_take_part(context));
        cpu_device().recurrent_forward(context, test::device_sequence(problem));
        cpu_device().recurrent_backward(context, test::device_sequence(problem), test::device_gradient(problem));
        return problem;
      };
      const RecurrentProblem<float> one = run(1);
      for (int threads : {2, 3, 8}) {
        const RecurrentProblem<float> many = run(threads);
        const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
          return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
        };
        EXPECT_TRUE(same(one.h, many.h)) << size.to_string() << ", " << threads << " threads";
        EXPECT_TRUE(same(one.gates, many.gates)) << size.to_string() << ", " << threads << " threads";
        EXPECT_TRUE(same(one.d_h, many.d_h)) << size.to_string() << ", " << threads << " threads";
        EXPECT_TRUE(same(one.d_c, many.d_c)) << size.to_string() << ", " << threads << " threads";
      }
    }
  });
}

TEST(CpuRecurrent, NanStaysInItsRowAndIsNotHidden) {
  test::on_every_target([] {
    for (RecurrentCase size : cells()) {
      size.steps = 3;
      size.batch = 7;
      size.hidden = 19;
      RecurrentProblem<float> problem(size, 8);
      const std::int64_t poisoned = 4;
      problem.gates[static_cast<std::size_t>((size.batch + poisoned) * problem.width() + 2)] =
          std::numeric_limits<float>::quiet_NaN();  // at t = 1
      Context context({.threads = 2});
      cpu_device().recurrent_forward(context, test::device_sequence(problem));
      const auto last = problem.slot(problem.h, size.steps);
      for (std::int64_t b = 0; b < size.batch; ++b) {
        for (std::int64_t j = 0; j < size.hidden; ++j) {
          ASSERT_EQ(std::isnan(last[static_cast<std::size_t>(b * size.hidden + j)]), b == poisoned) << size.to_string();
        }
      }
    }
  });
}

TEST(CpuRecurrent, InfiniteArgumentsSaturate) {
  test::on_every_target([] {
    for (RecurrentCase size : cells()) {
      if (size.cell == CellType::rnn && size.activation == Activation::relu) continue;
      size.steps = 1;
      size.batch = 2;
      size.hidden = 18;
      RecurrentProblem<float> problem(size, 3);
      for (std::size_t i = 0; i < problem.gates.size(); ++i) {
        problem.gates[i] = (i % 2 == 0 ? 1.0f : -1.0f) * std::numeric_limits<float>::infinity();
      }
      Context context({.threads = 1});
      cpu_device().recurrent_forward(context, test::device_sequence(problem));
      for (const float gate : problem.gates) ASSERT_TRUE(gate == 0 || gate == 1 || gate == -1) << gate;
    }
  });
}

}  // namespace
}  // namespace unroll
