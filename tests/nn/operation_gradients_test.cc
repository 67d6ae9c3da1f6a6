#include <gmock/gmock.h>

#include "device/every_target.h"
#include "nn/node.h"
#include "nn/support.h"
#include "unroll/layers.h"

namespace unroll {
namespace {

/// An operation and the shapes of its inputs. `roundings`: number of roundings in an output, each relative to the
/// largest intermediate.
struct OperationCase {
  const char* name;
  std::vector<Shape> inputs;
  std::function<Var(const std::vector<Var>&)> apply;
  double roundings = 4;
  float low = -1.5f, high = 1.5f;
};

const std::vector<std::int32_t> repeated_ids{2, 0, 2, 3};

std::vector<OperationCase> operation_cases() {
  using Vars = std::vector<Var>;
  return {
      {"add", {{3, 5}, {3, 5}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"add_row", {{2, 3, 5}, {5}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"row_add", {{5}, {2, 3, 5}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"add_rows", {{2, 3, 5}, {3, 5}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"add_column", {{2, 3, 5}, {2, 3, 1}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"add_middle", {{2, 3, 5}, {2, 1, 5}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"add_one", {{2, 3}, {}}, [](const Vars& v) { return v[0] + v[1]; }},
      {"subtract_row", {{3, 5}, {5}}, [](const Vars& v) { return v[0] - v[1]; }},
      {"column_subtract", {{3, 1}, {3, 5}}, [](const Vars& v) { return v[0] - v[1]; }},
      {"multiply_row", {{2, 3, 5}, {1, 5}}, [](const Vars& v) { return v[0] * v[1]; }},
      {"multiply_column", {{3, 5}, {3, 1}}, [](const Vars& v) { return v[0] * v[1]; }},
      {"divide_by_row", {{3, 5}, {5}}, [](const Vars& v) { return v[0] / v[1]; }, 8, 0.5f, 2.0f},
      {"divide_by_column", {{3, 5}, {3, 1}}, [](const Vars& v) { return v[0] / v[1]; }, 8, 0.5f, 2.0f},
      {"row_divided", {{5}, {3, 5}}, [](const Vars& v) { return v[0] / v[1]; }, 8, 0.5f, 2.0f},
      {"softmax_by_its_formula",
       {{3, 5}},
       [](const Vars& v) {
         const Var x = exp(v[0]);
         return x / sum(x, 1, true);
       },
       40},
      {"subtract", {{3, 5}, {3, 5}}, [](const Vars& v) { return v[0] - v[1]; }},
      {"multiply", {{3, 5}, {3, 5}}, [](const Vars& v) { return v[0] * v[1]; }},
      {"square", {{7}}, [](const Vars& v) { return v[0] * v[0]; }},
      {"scale", {{3, 5}}, [](const Vars& v) { return -2.5f * v[0]; }},
      {"scale_right", {{3, 5}}, [](const Vars& v) { return v[0] * -2.5f; }},
      {"plus_number", {{3, 5}}, [](const Vars& v) { return v[0] + 0.75f; }},
      {"number_plus", {{3, 5}}, [](const Vars& v) { return 0.75f + v[0]; }},
      {"minus_number", {{3, 5}}, [](const Vars& v) { return v[0] - 0.75f; }},
      {"number_minus", {{3, 5}}, [](const Vars& v) { return 0.75f - v[0]; }},
      {"divide", {{3, 5}, {3, 5}}, [](const Vars& v) { return v[0] / v[1]; }, 4, 0.5f, 2.0f},
      {"divide_by_itself", {{7}}, [](const Vars& v) { return v[0] / (v[0] * v[0]); }, 4, -2.0f, -0.5f},
      {"divide_by_number", {{3, 5}}, [](const Vars& v) { return v[0] / -3.0f; }},
      {"number_divided", {{3, 5}}, [](const Vars& v) { return 3.0f / v[0]; }, 4, -2.0f, -0.5f},
      {"gru_update", {{3, 5}, {3, 5}, {3, 5}}, [](const Vars& v) { return (1.0f - v[0]) * v[1] + v[0] * v[2]; }},
      {"negate", {{3, 5}}, [](const Vars& v) { return -v[0]; }},
      {"tanh", {{19}}, [](const Vars& v) { return tanh(v[0]); }, 8},
      {"sigmoid", {{19}}, [](const Vars& v) { return sigmoid(v[0]); }, 8},
      {"relu_above", {{19}}, [](const Vars& v) { return relu(v[0]); }, 4, 0.25f, 1.5f},
      {"relu_below", {{19}}, [](const Vars& v) { return relu(v[0]); }, 4, -1.5f, -0.25f},
      {"exp", {{19}}, [](const Vars& v) { return exp(v[0]); }, 8},
      {"log", {{19}}, [](const Vars& v) { return log(v[0]); }, 8, 0.5f, 2.0f},
      {"sum", {{3, 5}}, [](const Vars& v) { return sum(v[0]); }, 40},
      {"mean", {{3, 5}}, [](const Vars& v) { return mean(v[0]); }, 40},
      {"sum_first", {{3, 5}}, [](const Vars& v) { return sum(v[0], 0); }, 8},
      {"sum_middle", {{2, 3, 5}}, [](const Vars& v) { return sum(v[0], 1); }, 8},
      {"sum_last", {{2, 3, 5}}, [](const Vars& v) { return sum(v[0], -1); }, 8},
      {"sum_of_vector", {{19}}, [](const Vars& v) { return sum(v[0], 0); }, 40},
      {"sum_twice_used", {{3, 5}}, [](const Vars& v) { return sum(v[0], 0) + sum(v[0] * v[0], 0); }, 16},
      {"sum_last_twice_used", {{3, 5}}, [](const Vars& v) { return sum(v[0], 1) + sum(v[0] * v[0], 1); }, 16},
      {"mean_first", {{3, 5}}, [](const Vars& v) { return mean(v[0], 0); }, 8},
      {"mean_kept", {{3, 5}}, [](const Vars& v) { return mean(v[0], 1, true); }, 12},
      {"matmul", {{3, 4}, {4, 5}}, [](const Vars& v) { return matmul(v[0], v[1]); }, 40},
      {"matmul_rank3", {{2, 3, 4}, {4, 5}}, [](const Vars& v) { return matmul(v[0], v[1]); }, 40},
      {"matmul_square", {{4, 4}}, [](const Vars& v) { return matmul(v[0], v[0]); }, 40},
      {"affine", {{3, 4}, {4, 5}, {5}}, [](const Vars& v) { return affine(v[0], v[1], v[2]); }, 40},
      {"affine_transposed", {{3, 4}, {5, 4}, {5}}, [](const Vars& v) { return affine(v[0], v[1], v[2], true); }, 40},
      {"tied",
       {{5, 4}},
       [](const Vars& v) {
         return affine(gather(repeated_ids, v[0], {4, 4}), v[0], {}, true);
       },
       40},
      {"one_hot", {{5, 3}}, [](const Vars& v) { return matmul(one_hot(repeated_ids, 5), v[0]); }},
      {"concat_first",
       {{2, 3}, {1, 3}},
       [](const Vars& v) {
         return concat({v[0], v[1], v[0]});
       }},
      {"concat_middle",
       {{2, 3, 2}, {2, 1, 2}},
       [](const Vars& v) {
         return concat({v[0], v[1]}, 1);
       }},
      {"concat_last",
       {{2, 3}, {2, 4}},
       [](const Vars& v) {
         return concat({v[0], v[1]}, -1);
       }},
      {"stack_first",
       {{2, 3}, {2, 3}},
       [](const Vars& v) {
         return stack({v[0], v[1], v[0]});
       }},
      {"stack_middle",
       {{2, 3}, {2, 3}},
       [](const Vars& v) {
         return stack({v[0], v[1]}, 1);
       }},
      {"stack_last",
       {{2, 3}, {2, 3}},
       [](const Vars& v) {
         return stack({v[0], v[1]}, -1);
       }},
      {"transpose", {{3, 5}}, [](const Vars& v) { return transpose(v[0]); }},
      {"transpose_twice_used", {{3, 5}}, [](const Vars& v) { return matmul(transpose(v[0]), v[0]); }, 40},
      {"transpose_first", {{3, 2, 5}}, [](const Vars& v) { return transpose(v[0], 0, 1); }},
      {"transpose_outer", {{3, 2, 5}}, [](const Vars& v) { return transpose(v[0], -1, 0); }},
      {"transpose_middle", {{2, 3, 5, 2}}, [](const Vars& v) { return transpose(v[0], 1, 2); }},
      {"slice", {{5, 3}}, [](const Vars& v) { return slice(v[0], 1, 3) * slice(v[0], 2, 4); }},
      {"slice_last_columns", {{5, 3}}, [](const Vars& v) { return slice(v[0], -2, 3, -1); }},
      {"slice_middle", {{2, 5, 3}}, [](const Vars& v) { return slice(v[0], 0, -2, 1) * slice(v[0], 1, -1, 1); }},
      {"reshape",
       {{6, 2}},
       [](const Vars& v) {
         return matmul(reshape(v[0], {4, 3}), reshape(v[0], {3, 4}));
       },
       30},
      {"softmax", {{3, 7}}, [](const Vars& v) { return softmax(v[0]); }, 40},
      {"softmax_rank3", {{2, 3, 19}}, [](const Vars& v) { return softmax(v[0]); }, 60},
      {"log_softmax", {{3, 7}}, [](const Vars& v) { return log_softmax(v[0]); }, 40},
      {"log_softmax_rank1", {{19}}, [](const Vars& v) { return log_softmax(v[0]); }, 60},
      {"cross_entropy", {{4, 6}}, [](const Vars& v) { return cross_entropy(v[0], repeated_ids); }, 40},
      {"cross_entropy_rank3", {{2, 2, 6}}, [](const Vars& v) { return cross_entropy(v[0], repeated_ids); }, 40},
      {"layer_norm", {{3, 7}, {7}, {7}}, [](const Vars& v) { return layer_norm(v[0], v[1], v[2]); }, 40},
      {"layer_norm_rank3", {{2, 3, 19}, {19}, {19}}, [](const Vars& v) { return layer_norm(v[0], v[1], v[2]); }, 60},
      {"dropout", {{40}}, [](const Vars& v) { return dropout(v[0], 0.4f, Random(3, RandomStream::dropout)); }},
  };
}

struct Evaluated {
  std::vector<float> output;
  std::vector<std::vector<float>> gradients;
};

class OperationGradients : public testing::TestWithParam<OperationCase> {
 protected:
  std::vector<Var> inputs(Context& context) const {
    std::vector<Var> vars;
    for (const Shape& shape : GetParam().inputs) {
      const auto stream = static_cast<std::uint32_t>(vars.size());
      vars.push_back(variable(context, uniform_tensor(context, shape, stream, GetParam().low, GetParam().high)));
    }
    return vars;
  }
  Evaluated evaluate(Context& context) const {
    const std::vector<Var> vars = inputs(context);
    const Var y = GetParam().apply(vars);
    weighted_sum(context, y).backward();
    Evaluated result{to_vector(y.value()), {}};
    for (const Var& var : vars) result.gradients.push_back(to_vector(var.gradient()));
    return result;
  }
};

TEST_P(OperationGradients, AgreeWithCentralDifferences) {
  Context context({.seed = 1, .threads = 1, .device = DeviceKind::reference});
  const Evaluated analytic = evaluate(context);
  std::vector<Var> vars = inputs(context);
  const auto outputs = [&] { return to_vector(GetParam().apply(vars).value()); };
  const std::vector<float> weights = weights_of(context, GetParam().apply(vars).shape());
  for (std::size_t i = 0; i < vars.size(); ++i) {
    check_gradient(fmt::format("{} input {}", GetParam().name, i), vars[i].value(), analytic.gradients[i], weights,
                   GetParam().roundings, outputs);
  }
}

TEST_P(OperationGradients, OfCpuAndReferenceAreEqualWithinRounding) {
  Context cpu({.seed = 1, .threads = 2}), reference({.seed = 1, .threads = 1, .device = DeviceKind::reference});
  const Evaluated oracle = evaluate(reference);
  // Both sides have rounding errors. A gradient has at most the roundings of the output and of the weighted sum.
  const auto bound = [](std::span<const float> exact) {
    return 2 * (GetParam().roundings + 4) * unit_roundoff * std::max(1.0, max_magnitude(exact));
  };
  test::on_every_target([&] {
    const Evaluated fast = evaluate(cpu);
    expect_within(GetParam().name, max_difference(fast.output, oracle.output), bound(oracle.output));
    for (std::size_t i = 0; i < fast.gradients.size(); ++i) {
      expect_within(fmt::format("{} gradient {}", GetParam().name, i),
                    max_difference(fast.gradients[i], oracle.gradients[i]), bound(oracle.gradients[i]));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, OperationGradients, testing::ValuesIn(operation_cases()),
                         [](const auto& test) { return std::string(test.param.name); });

class Operations : public EachDevice {};
UNROLL_EACH_DEVICE(Operations);

// Values computed by hand: the gradient tests above would accept a wrong function whose derivative matches.
TEST_P(Operations, HaveTheValuesOfTheirFormulas) {
  const Var x = constant(context, tensor_of(context, {2, 2}, {-1, 0, 0.5f, 2}));
  const auto expect_each = [&](const Var& y, double (*f)(double)) {
    for (std::int64_t i = 0; i < x.shape().size(); ++i) {
      EXPECT_NEAR(on_host(y.value())[i], f(static_cast<double>(on_host(x.value())[i])), 1e-6) << i;
    }
  };
  expect_each(tanh(x), [](double v) { return std::tanh(v); });
  expect_each(sigmoid(x), [](double v) { return 1 / (1 + std::exp(-v)); });
  expect_each(relu(x), [](double v) { return std::max(v, 0.0); });
  expect_each(exp(x), [](double v) { return std::exp(v); });
  expect_each(log(exp(x)), [](double v) { return v; });
  expect_each(-x, [](double v) { return -v; });
  expect_each(3.0f * x, [](double v) { return 3 * v; });
  expect_each(x * x - x, [](double v) { return v * v - v; });
  expect_each(x + 3.0f, [](double v) { return v + 3; });
  expect_each(3.0f + x, [](double v) { return 3 + v; });
  expect_each(x - 3.0f, [](double v) { return v - 3; });
  expect_each(3.0f - x, [](double v) { return 3 - v; });
  expect_each(x * 3.0f, [](double v) { return v * 3; });
  expect_each(x / 4.0f, [](double v) { return v / 4; });
  expect_each(4.0f / (x + 2.0f), [](double v) { return 4 / (v + 2); });
  expect_each(x / (x + 2.0f), [](double v) { return v / (v + 2); });
  EXPECT_FLOAT_EQ(sum(x).item(), 1.5f);
  EXPECT_FLOAT_EQ(mean(x).item(), 0.375f);
  const Var row = constant(context, tensor_of(context, {2}, {10, 20}));
  EXPECT_THAT(to_vector((x + row).value()), testing::ElementsAre(9, 20, 10.5f, 22));
}

TEST_P(Operations, MultiplyMatrices) {
  const Var a = constant(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var b = constant(context, tensor_of(context, {3, 2}, {1, 0, 0, 1, 1, 1}));
  EXPECT_THAT(to_vector(matmul(a, b).value()), testing::ElementsAre(4, 5, 10, 11));
  EXPECT_THAT(to_vector(matmul(one_hot(std::vector{2, 0}, 3), b).value()), testing::ElementsAre(1, 1, 1, 0));
}

TEST_P(Operations, JoinAndCut) {
  const Var a = constant(context, tensor_of(context, {2, 1}, {1, 2}));
  const Var b = constant(context, tensor_of(context, {2, 2}, {3, 4, 5, 6}));
  const Var joined = concat({a, b}, 1);
  EXPECT_EQ(joined.shape(), (Shape{2, 3}));
  EXPECT_THAT(to_vector(joined.value()), testing::ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(to_vector(concat({b, b}).value()), testing::ElementsAre(3, 4, 5, 6, 3, 4, 5, 6));
  EXPECT_THAT(to_vector(slice(joined, 1, 2).value()), testing::ElementsAre(2, 5, 6));
  EXPECT_EQ(slice(joined, 1, 2).value().data, joined.value().data + 3);
  EXPECT_EQ(reshape(joined, {3, 2}).value().data, joined.value().data);
}

TEST_P(Operations, BroadcastOneRowOrColumn) {
  const Var x = constant(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var row = constant(context, tensor_of(context, {3}, {10, 20, 30})),
            column = constant(context, tensor_of(context, {2, 1}, {10, 20}));
  EXPECT_THAT(to_vector((x + row).value()), testing::ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(to_vector((row + x).value()), testing::ElementsAre(11, 22, 33, 14, 25, 36));
  EXPECT_THAT(to_vector((row - x).value()), testing::ElementsAre(9, 18, 27, 6, 15, 24));
  EXPECT_THAT(to_vector((x + column).value()), testing::ElementsAre(11, 12, 13, 24, 25, 26));
  EXPECT_THAT(to_vector((column * x).value()), testing::ElementsAre(10, 20, 30, 80, 100, 120));
  EXPECT_THAT(to_vector((x / column).value()), testing::ElementsAre(0.1f, 0.2f, 0.3f, 0.2f, 0.25f, 0.3f));
  EXPECT_THAT(to_vector((x - sum(x)).value()), testing::ElementsAre(-20, -19, -18, -17, -16, -15));
  EXPECT_EQ((reshape(row, {1, 3}) * row).shape(), (Shape{1, 3}));
  const Var cube = constant(context, tensor_of(context, {2, 2, 1}, {1, 2, 3, 4}));
  EXPECT_THAT(to_vector((cube - mean(cube, 0, true)).value()), testing::ElementsAre(-1, -1, 1, 1));
  EXPECT_THAT(to_vector((cube - mean(cube, 1, true)).value()), testing::ElementsAre(-0.5f, 0.5f, -0.5f, 0.5f));
  EXPECT_EQ((zeros(context, {0, 3}) * row).shape(), (Shape{0, 3}));
}

/// What is repeated keeps NaN and infinity, and spoils nothing else.
TEST_P(Operations, BroadcastKeepsNanAndInfinityInTheirPlace) {
  const float bad[] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1};
  for (const std::int64_t width : {1, 3, 17, 40}) {
    const Var x = constant(context, uniform_tensor(context, {3, width}, 7));
    const Var column = constant(context, Tensor::of(context, {3, 1}, bad));
    const Var by_column = column * (x * x + 1.0f), by_row = transpose(transpose(column) * transpose(x * x + 1.0f));
    for (const Var& y : {by_column, by_row}) {
      for (std::int64_t i = 0; i < width; ++i) {
        EXPECT_TRUE(std::isinf(on_host(y.value())[i]));
        EXPECT_TRUE(std::isnan(on_host(y.value())[width + i]));
        EXPECT_TRUE(std::isfinite(on_host(y.value())[2 * width + i]));
      }
    }
  }
}

TEST_P(Operations, SumAndMeanOverAnAxis) {
  const Var x = constant(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(sum(x, 0).shape(), (Shape{3}));
  EXPECT_THAT(to_vector(sum(x, 0).value()), testing::ElementsAre(5, 7, 9));
  EXPECT_EQ(sum(x, -1).shape(), (Shape{2}));
  EXPECT_THAT(to_vector(sum(x, -1).value()), testing::ElementsAre(6, 15));
  EXPECT_EQ(mean(x, 1, true).shape(), (Shape{2, 1}));
  EXPECT_THAT(to_vector(mean(x, 1, true).value()), testing::ElementsAre(2, 5));
  EXPECT_THAT(to_vector(mean(x, 0).value()), testing::ElementsAre(2.5f, 3.5f, 4.5f));
  EXPECT_THAT(to_vector(sum(reshape(x, {1, 3, 2}), 1).value()), testing::ElementsAre(9, 12));
  EXPECT_THAT(to_vector(sum(zeros(context, {2, 0}), 1).value()), testing::ElementsAre(0, 0));
  EXPECT_EQ(sum(zeros(context, {0, 2}), 1).shape(), (Shape{0}));
}

/// A sum is one chain in the order of its axis, so it has the bits of a plain loop; NaN and infinity stay in their sum.
TEST_P(Operations, SumsOverAnAxisHaveTheBitsOfALoop) {
  for (const std::int64_t extent : {1, 2, 17, 400}) {
    std::vector<float> numbers = to_vector(uniform_tensor(context, {3, extent, 5}, 6).view());
    numbers[2] = std::numeric_limits<float>::quiet_NaN();
    numbers[static_cast<std::size_t>(extent) * 5 + 3] = std::numeric_limits<float>::infinity();
    std::vector<float> middle(15, 0.0f), last(static_cast<std::size_t>(3 * extent), 0.0f);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      middle[i / (static_cast<std::size_t>(extent) * 5) * 5 + i % 5] += numbers[i];
      last[i / 5] += numbers[i];
    }
    const Var values = constant(context, Tensor::of(context, {3, extent, 5}, numbers));
    const auto expect_equal = [&](const Var& sums, const std::vector<float>& expected) {
      ASSERT_EQ(sums.value().span().size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const float actual = on_host(sums.value())[i];
        EXPECT_TRUE(actual == expected[i] || (std::isnan(actual) && std::isnan(expected[i])))
            << i << " of " << extent << ": " << actual << ", expected " << expected[i];
      }
    };
    expect_equal(sum(values, 1), middle);
    expect_equal(sum(values, 2), last);
  }
}

TEST_P(Operations, SliceCutsAnyAxis) {
  const Var x = constant(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(slice(x, 0, 2, 1).shape(), (Shape{2, 2}));
  EXPECT_THAT(to_vector(slice(x, 0, 2, 1).value()), testing::ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(to_vector(slice(x, 0, -1, 1).value()), testing::ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(to_vector(slice(x, -1, 3, -1).value()), testing::ElementsAre(3, 6));
  EXPECT_THAT(to_vector(slice(x, -2, -1).value()), testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(slice(x, -1, 2).value().data, x.value().data + 3);
  const Var cube = reshape(x, {1, 3, 2});
  EXPECT_EQ(slice(cube, 1, 3, 1).value().data, cube.value().data + 2);
}

/// The second gradient that arrives is added to the first.
TEST_P(Operations, SlicesOfColumnsAddTheirGradients) {
  const Var x = variable(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  (sum(slice(x, 0, 2, 1)) + 10.0f * sum(slice(x, 1, 3, 1)) + 100.0f * sum(x)).backward();
  EXPECT_THAT(to_vector(x.gradient()), testing::ElementsAre(101, 111, 110, 101, 111, 110));
}

TEST_P(Operations, StackAndTranspose) {
  const Var a = constant(context, tensor_of(context, {2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var b = constant(context, tensor_of(context, {2, 3}, {7, 8, 9, 10, 11, 12}));
  const Var first = stack({a, b}), last = stack({a, b}, -1);
  EXPECT_EQ(first.shape(), (Shape{2, 2, 3}));
  EXPECT_THAT(to_vector(first.value()), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_EQ(last.shape(), (Shape{2, 3, 2}));
  EXPECT_THAT(to_vector(last.value()), testing::ElementsAre(1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12));
  EXPECT_EQ(to_vector(stack(std::vector{a, b}, 1).value()), to_vector(concat({a, b}, 1).value()));
  EXPECT_THAT(to_vector(transpose(a).value()), testing::ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(transpose(a, 1, 1).node(), a.node());
  const Var joined = stack({a, b}, 0), swapped = transpose(joined, 0, 2);
  EXPECT_EQ(swapped.shape(), (Shape{3, 2, 2}));
  EXPECT_THAT(to_vector(swapped.value()), testing::ElementsAre(1, 7, 4, 10, 2, 8, 5, 11, 3, 9, 6, 12));
}

/// Compares with index arithmetic for all pairs of axes of a tensor of rank 4, one extent of which is 1.
TEST_P(Operations, TransposeExchangesAnyTwoAxes) {
  const Shape shape{3, 2, 1, 5};
  const Var x = constant(context, uniform_tensor(context, shape, 4));
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      const Var y = transpose(x, first, second - 4);
      std::int64_t at = 0;
      for (std::int64_t i = 0; i < y.shape()[0]; ++i) {
        for (std::int64_t j = 0; j < y.shape()[1]; ++j) {
          for (std::int64_t k = 0; k < y.shape()[2]; ++k) {
            for (std::int64_t l = 0; l < y.shape()[3]; ++l) {
              std::int64_t index[] = {i, j, k, l};
              std::swap(index[first], index[second]);
              const std::int64_t from = ((index[0] * shape[1] + index[1]) * shape[2] + index[2]) * shape[3] + index[3];
              ASSERT_EQ(on_host(y.value())[at++], on_host(x.value())[from]) << first << ", " << second;
            }
          }
        }
      }
      ASSERT_EQ(at, shape.size());
    }
  }
}

TEST_P(Operations, SoftmaxOfEqualAndOfSureLogits) {
  const Var x = constant(context, tensor_of(context, {2, 2}, {3, 3, 0, -200}));
  EXPECT_THAT(to_vector(softmax(x).value()), testing::ElementsAre(0.5f, 0.5f, 1, 0));
  const Var logs = log_softmax(x);
  EXPECT_FLOAT_EQ(on_host(logs.value())[0], -std::log(2.0f));
  EXPECT_EQ(on_host(logs.value())[2], 0);
  EXPECT_EQ(on_host(logs.value())[3], -200);
}

TEST_P(Operations, CrossEntropyOfZeroAndOfSureLogits) {
  const Var zero = zeros(context, {3, 5});
  EXPECT_NEAR(cross_entropy(zero, std::vector{0, 4, 2}).item(), std::log(5.0), 1e-6);
  const Var sure = constant(context, tensor_of(context, {2, 2}, {90, 0, 0, 90}));
  EXPECT_NEAR(cross_entropy(sure, std::vector{0, 1}).item(), 0, 1e-6);
  EXPECT_NEAR(cross_entropy(sure, std::vector{1, 0}).item(), 90, 1e-4);
}

/// A composed operation must hide neither NaN nor infinity.
TEST_P(Operations, NumbersAndDivisionKeepNanAndInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto one = [&](float value) { return constant(context, tensor_of(context, {1}, {value})); };
  for (const Var& y : {one(nan) + 1.0f, one(1) + nan, nan - one(1), one(nan) * 0.0f, one(nan) / 2.0f, one(1) / nan,
                       nan / one(1), one(0) / 0.0f, infinity - one(infinity), one(nan) / one(1), one(1) / one(nan)}) {
    EXPECT_TRUE(std::isnan(y.item())) << y.item();
  }
  EXPECT_EQ((one(infinity) - 1.0f).item(), infinity);
  EXPECT_EQ((1.0f - one(infinity)).item(), -infinity);
  EXPECT_EQ((1.0f / one(0)).item(), infinity);
  EXPECT_EQ((one(-2) / 0.0f).item(), -infinity);
  EXPECT_EQ((one(-2) / one(infinity)).item(), 0);
}

TEST_P(Operations, ReluHasGradientZeroAtZero) {
  const Var x = variable(context, tensor_of(context, {3}, {-1, 0, 1}));
  sum(relu(x)).backward();
  EXPECT_THAT(to_vector(x.gradient()), testing::ElementsAre(0, 0, 1));
}

}  // namespace
}  // namespace unroll
