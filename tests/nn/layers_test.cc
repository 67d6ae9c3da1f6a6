#include "unroll/layers.h"

#include <gmock/gmock.h>

#include "nn/layer_specs.h"
#include "nn/support.h"
#include "unroll/error.h"
#include "unroll/optimizers.h"

namespace unroll {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class Layers : public EachDevice {
 protected:
  static constexpr int T = 5, B = 3, H = 6, V = 11;
  Parameters p{context};
  Linear linear{p, "decoder", H, V, Uniform{-1, 1}, Uniform{-1, 1}};
  Ids targets = uniform_ids(T, B, V, 1);
  Tensor input(std::uint32_t stream = 2) { return uniform_tensor(context, {T, B, H}, stream); }
};
UNROLL_EACH_DEVICE(Layers);

TEST_P(Layers, LinearIsAProductAndARow) {
  const Var x = variable(context, input());
  const Var fused = linear(x), composed = matmul(x, linear.weight) + linear.bias;
  // The sums differ in their order: the bias is the first term or the last. |x| and |w| are at most 1.
  const double bound = 2 * (H + 1) * unit_roundoff * (H + 1);
  expect_within("value", max_difference(on_host(fused.value()), on_host(composed.value())), bound);
  weighted_sum(context, fused).backward();
  const std::vector<float> dx = to_vector(x.gradient()), dp = gradients_on_host(p);
  p.zero_gradients();
  const Var again = variable(context, input());
  weighted_sum(context, matmul(again, linear.weight) + linear.bias).backward();
  EXPECT_EQ(dx, to_vector(again.gradient()));
  EXPECT_EQ(dp, gradients_on_host(p));
}

TEST_P(Layers, TiedLinearIsThatOfTheTransposedTable) {
  const Embedding table(p, "encoder", V, H, Zero{});
  const Linear tied(p, "tied", table, Zero{});
  EXPECT_EQ(p.find("tied.weight"), nullptr);
  const auto gradient = [&](const Var& x) { return to_vector(x.gradient()); };
  edit_values(p, [&](std::span<float> values) {
    const std::span<float> rows = values.subspan(static_cast<std::size_t>(p.find("encoder.weight")->offset));
    for (std::size_t i = 0; i < H; ++i) {
      for (std::size_t o = 0; o < V; ++o) rows[o * H + i] = values[i * V + o];
    }
    const auto bias = values.subspan(static_cast<std::size_t>(p.find("decoder.bias")->offset), V);
    std::ranges::copy(bias, rows.begin() + V * H);
  });
  const auto expect_same = [&](const auto& apply) {
    p.zero_gradients();
    const Var x = variable(context, input()), y = variable(context, input());
    const Var plain = apply(x, linear), shared = apply(y, tied);
    weighted_sum(context, plain).backward();
    weighted_sum(context, shared).backward();
    EXPECT_EQ(to_vector(plain.value()), to_vector(shared.value()));
    EXPECT_EQ(gradient(x), gradient(y));
    EXPECT_EQ(gradient(linear.bias), gradient(tied.bias));
    for (std::size_t i = 0; i < H; ++i) {
      for (std::size_t o = 0; o < V; ++o)
        EXPECT_EQ(gradient(linear.weight)[i * V + o], gradient(table.weight)[o * H + i]);
    }
  };
  expect_same([](const Var& x, const Linear& l) { return l(x); });
  expect_same([&](const Var& x, const Linear& l) { return linear_cross_entropy(x, l, targets); });
  EXPECT_THAT([&] { tied(zeros(context, {2, V})); }, ThrowsMessage<Error>(HasSubstr("must be the second")));
  EXPECT_THAT(
      [&] {
        linear_cross_entropy(zeros(context, {T, B, V}), tied, targets);
      },
      ThrowsMessage<Error>(HasSubstr("must be the second")));
}

TEST_P(Layers, TiedLinearRefusesTheTableOfOtherParameters) {
  Parameters other(context);
  const Embedding table(other, "encoder", V, H, Zero{});
  EXPECT_THAT([&] { Linear(p, "tied", table, Zero{}); },
              ThrowsMessage<Error>(HasSubstr("an embedding of the same parameters")));
  const LinearSpec without_table{.name = "spec", .in = H, .out = V, .tied = true};
  EXPECT_THAT([&] { Linear(p, without_table); }, ThrowsMessage<Error>(HasSubstr("needs an embedding")));
}

TEST_P(Layers, EmbeddingLooksRowsUp) {
  const Embedding embedding(p, "encoder", 4, 3, Uniform{-1, 1});
  const Ids ids = uniform_ids(2, 3, 4, 5);
  const Var y = embedding(ids);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 3}));
  weighted_sum(context, y).backward();
  const std::vector<float> weights = weights_of(context, y.shape());
  std::vector<float> expected(12, 0.0f);
  for (std::size_t n = 0; n < 6; ++n) {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t at = static_cast<std::size_t>(ids.flat()[n]) * 3 + i;
      EXPECT_EQ(on_host(y.value())[static_cast<std::int64_t>(n * 3 + i)],
                on_host(embedding.weight.value())[static_cast<std::int64_t>(at)]);
      expected[at] += weights[n * 3 + i];
    }
  }
  EXPECT_EQ(to_vector(embedding.weight.gradient()), expected);
  Ids wrong(1, 1);
  wrong.flat()[0] = 4;
  EXPECT_THAT([&] { embedding(wrong); }, ThrowsMessage<Error>(HasSubstr("index 0 is 4")));
}

TEST_P(Layers, DropoutKeepsTheExpectedShareAndTheMean) {
  constexpr int count = 20'000;
  constexpr float p_drop = 0.3f;
  const Var x = variable(context, tensor_of(context, {count}, std::vector<float>(count, 1.0f)));
  const Random random(1, RandomStream::dropout, 0, 1);
  const Var y = dropout(x, p_drop, random);
  int zero = 0;
  for (const float value : on_host(y.value())) {
    if (value == 0)
      ++zero;
    else
      EXPECT_FLOAT_EQ(value, 1 / (1 - p_drop));
  }
  EXPECT_NEAR(zero, count * 0.3, 4 * std::sqrt(count * 0.3 * 0.7));  // four standard deviations
  EXPECT_EQ(to_vector(dropout(x, p_drop, random).value()), to_vector(y.value()));
  EXPECT_NE(to_vector(dropout(x, p_drop, Random(1, RandomStream::dropout, 0, 2)).value()), to_vector(y.value()));
  sum(y).backward();
  EXPECT_EQ(to_vector(x.gradient()), to_vector(y.value()));  // the same mask
  EXPECT_EQ(dropout(x, 0, random).node(), x.node());
  EXPECT_THAT([&] { dropout(x, 1, random); }, ThrowsMessage<Error>(HasSubstr("dropout 1")));
  EXPECT_THROW(dropout(x, std::nanf(""), random), Error);
}

/// Compares value and gradients of the fused operation with those of the composed one. The upstream gradient is not 1,
/// and x may have a second use, whose gradient arrives before or after.
TEST_P(Layers, LinearCrossEntropyIsTheCrossEntropyOfLinear) {
  enum class Elsewhere { nowhere, left, right };
  const auto run = [&](bool fused, Elsewhere elsewhere) {
    p.zero_gradients();
    const Var x = variable(context, input());
    const Var loss = fused ? linear_cross_entropy(x, linear, targets) : cross_entropy(linear(x), targets);
    const Var scaled = 3.0f * loss, square = sum(x * x);
    (elsewhere == Elsewhere::nowhere ? scaled
     : elsewhere == Elsewhere::left  ? square + scaled
                                     : scaled + square)
        .backward();
    std::vector<float> all = to_vector(x.gradient());
    std::ranges::copy(gradients_on_host(p), std::back_inserter(all));
    all.push_back(loss.item());
    return all;
  };
  for (const Elsewhere elsewhere : {Elsewhere::nowhere, Elsewhere::left, Elsewhere::right}) {
    const std::vector<float> fused = run(true, elsewhere), composed = run(false, elsewhere);
    // Logits have at most H + 1 terms of magnitude up to 1, the softmax V terms, and the gradients sum T * B rows with
    // factors 3 / (T * B).
    const double bound = 3 * 2 * unit_roundoff * (H + 1 + V + T * B) * (H + 1);
    expect_within("fused and composed", max_difference(fused, composed), bound);
  }
}

TEST_P(Layers, LinearCrossEntropyLeavesConstantsAlone) {
  linear.weight = linear.weight.detach();
  const Var x = constant(context, input());
  const Var loss = linear_cross_entropy(x, linear, targets);
  loss.backward();
  EXPECT_THAT(on_host(gradients_on_device(p).first(H * V)), testing::Each(0.0f));
  EXPECT_GT(max_magnitude(on_host(linear.bias.gradient())), 0);
}

TEST_P(Layers, LinearCrossEntropyIsLazy) {
  const Var x = variable(context, input());
  const Var asked = linear_cross_entropy(x, linear, targets);
  const float value = asked.item();  // without gradients
  EXPECT_NEAR(value, cross_entropy(linear(x), targets).item(), 1e-5);
  asked.backward();
  EXPECT_EQ(asked.item(), value);

  const Var used = linear_cross_entropy(x, linear, targets), unused = linear_cross_entropy(x, linear, targets);
  used.backward();
  sgd(p, 0.1f);
  EXPECT_EQ(used.item(), value);  // computed by backward()
  EXPECT_THAT([&] { unused.item(); }, ThrowsMessage<Error>(HasSubstr("parameters have changed")));
  EXPECT_THROW(unused.backward(), Error);
}

TEST_P(Layers, LinearCrossEntropyRefusesWhatDoesNotFit) {
  const auto refused = [&](const Shape& shape, const Ids& ids, const char* text) {
    EXPECT_THAT([&] { linear_cross_entropy(zeros(context, shape), linear, ids); },
                ThrowsMessage<Error>(HasSubstr(text)));
  };
  refused({T, B, H + 1}, targets, "[5, 3, 7]");
  refused({T - 1, B, H}, targets, "15 targets");
  targets.flat()[4] = V;
  refused({T, B, H}, targets, "target 4 is 11");
  linear.bias = Var();
  refused({T, B, H}, targets, "the layer has no bias");
}

TEST_P(Layers, BackwardAfterTheParametersHaveChangedLeavesTheGradientsAlone) {
  const Var x = variable(context, input());
  const Var loss = sum(tanh(linear(x)));
  p.zero_gradients();
  sgd(p, 0.1f);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    EXPECT_THAT([&] { loss.backward(); }, ThrowsMessage<Error>(HasSubstr("after the parameters have changed")));
  }
  EXPECT_THAT(gradients_on_host(p), testing::Each(0.0f));
  EXPECT_NO_THROW(sum(tanh(linear(x))).backward());
}

}  // namespace
}  // namespace unroll
