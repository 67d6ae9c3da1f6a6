#include "unroll/autograd.h"

#include <gmock/gmock.h>

#include "nn/node.h"
#include "nn/support.h"
#include "unroll/error.h"
#include "unroll/layers.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Property;
using testing::ThrowsMessage;

class Autograd : public EachDevice {
 protected:
  Var scalar(float value) { return variable(context, tensor_of(context, {1}, {value})); }
};
UNROLL_EACH_DEVICE(Autograd);

TEST_P(Autograd, AddsUpOverAllPathsAndUses) {
  const Var x = scalar(3), y = x * x;    // a diamond: y is used twice
  sum(y * y + 2.0f * y + x).backward();  // x^4 + 2 x^2 + x
  EXPECT_FLOAT_EQ(on_host(x.gradient())[0], 4 * 27 + 4 * 3 + 1);
  sum(x * x).backward();  // a second graph accumulates into the gradient
  EXPECT_FLOAT_EQ(on_host(x.gradient())[0], 4 * 27 + 4 * 3 + 1 + 6);
}

TEST_P(Autograd, LeavesGradientsOfIntermediateResults) {
  const Var x = scalar(2), y = x * x;
  sum(3.0f * y).backward();
  EXPECT_FLOAT_EQ(on_host(y.gradient())[0], 3);
}

TEST_P(Autograd, DetachCutsHistoryAndSharesTheValue) {
  const Var x = scalar(2), y = x * x, cut = y.detach();
  EXPECT_EQ(cut.value().data, y.value().data);
  sum(cut * x).backward();
  EXPECT_FLOAT_EQ(on_host(x.gradient())[0], 4);
  EXPECT_THROW(cut.gradient(), Error);
}

TEST_P(Autograd, DoesNoWorkForConstants) {
  const Var a = constant(context, tensor_of(context, {2}, {1, 2})),
            x = variable(context, tensor_of(context, {2}, {3, 4}));
  sum(a * x).backward();
  EXPECT_THAT(to_vector(x.gradient()), ElementsAre(1, 2));
  EXPECT_THROW(a.gradient(), Error);
  EXPECT_THROW(sum(a * a).backward(), Error);
}

TEST_P(Autograd, SlicesAndReshapesShareTheirGradientWithTheWhole) {
  const Var x = variable(context, tensor_of(context, {2, 2}, {1, 2, 3, 4}));
  const Var row = reshape(slice(x, 1, 2), {2});
  sum(row * row).backward();
  EXPECT_THAT(to_vector(x.gradient()), ElementsAre(0, 0, 6, 8));
  EXPECT_EQ(row.gradient().data, x.gradient().data + 2);
}

/// The first gradient of x covers only a slice of it: the other elements must be zero, not uninitialised.
TEST_P(Autograd, FirstGradientOfASliceLeavesTheRestZero) {
  {
    std::vector<Var> fillers;  // returned to the pool, which then provides the gradient's memory
    for (int i = 0; i < 4; ++i) fillers.push_back(constant(context, tensor_of(context, {3, 2}, {7, 7, 7, 7, 7, 7})));
  }
  const Var x = variable(context, tensor_of(context, {3, 2}, {1, 2, 3, 4, 5, 6}));
  const Var w = constant(context, tensor_of(context, {2, 1}, {1, 10}));
  sum(matmul(slice(x, 1, 2), w)).backward();
  EXPECT_THAT(to_vector(x.gradient()), ElementsAre(0, 0, 1, 10, 0, 0));
}

TEST_P(Autograd, SecondBackwardThroughOneGraphIsRefused) {
  const Var x = scalar(2), y = x * x, loss = sum(y);
  loss.backward();
  EXPECT_THAT([&] { loss.backward(); }, ThrowsMessage<Error>(HasSubstr("detach()")));
  const Var other = sum(y * x);
  EXPECT_THROW(other.backward(), Error);
  EXPECT_THROW(other.backward(), Error);  // a refused backward() has no side effects
  EXPECT_FLOAT_EQ(on_host(x.gradient())[0], 4);
}

TEST_P(Autograd, ReleasesWhatNobodyHoldsDuringBackward) {
  const Var x = scalar(2);
  std::weak_ptr<Node> inner;
  Var loss;
  {
    const Var y = x * x;
    inner = y.node();
    loss = sum(y);
  }
  EXPECT_FALSE(inner.expired());
  loss.backward();
  EXPECT_TRUE(inner.expired());
}

/// A recursive backward pass or release of this chain would need about 100 MB of stack.
TEST(AutogradChain, OfAMillionNodesGoesBackAndIsReleased) {
  Context context({.seed = 1, .threads = 1});
  const Var x = variable(context, tensor_of(context, {1}, {1}));
  constexpr int length = 1'000'000;
  Var released = x;
  for (int i = 0; i < length; ++i) released = reshape(released, {1});
  released = Var();
  Var y = x;
  for (int i = 0; i < length; ++i) y = -y;
  sum(y).backward();
  EXPECT_FLOAT_EQ(on_host(x.gradient())[0], 1);
}

TEST_P(Autograd, NamesBothShapesWhereTheyDoNotFit) {
  const Var a = zeros(context, {2, 3}), b = zeros(context, {2, 4});
  const auto both = [](auto f) {
    EXPECT_THAT(f, ThrowsMessage<Error>(AllOf(HasSubstr("[2, 3]"), HasSubstr("[2, 4]"))));
  };
  both([&] { a + b; });
  both([&] { a - b; });
  both([&] { a* b; });
  both([&] { a / b; });
  both([&] { matmul(a, b); });
  both([&] { concat({a, b}); });
  both([&] { stack({a, b}); });
  both([&] { reshape(a, {2, 4}); });
  const auto refused = [](auto f, const char* text) { EXPECT_THAT(f, ThrowsMessage<Error>(HasSubstr(text))); };
  refused([&] { a + zeros(context, {2}); }, "a + b of shapes [2, 3] and [2]: they must be equal, or one must be");
  refused([&] { zeros(context, {3, 1}) / zeros(context, {1, 3}); }, "a / b of shapes [3, 1] and [1, 3]");
  refused([&] { zeros(context, {2, 3, 4}) * zeros(context, {1, 3, 1}); }, "a * b of shapes [2, 3, 4] and [1, 3, 1]");
  refused([&] { zeros(context, {2, 3}) - zeros(context, {1, 2, 3, 1}); }, "a - b of shapes");
  refused([&] { slice(a, 1, 3); }, "slice 1 .. 3 of shape [2, 3]");
  refused([&] { slice(a, 1, 1); }, "slice 1 .. 1");
  refused([&] { slice(a, 0, -2); }, "slice 0 .. -2 of shape [2, 3] along axis 0");
  refused([&] { slice(a, -4, 2, 1); }, "slice -4 .. 2 of shape [2, 3] along axis 1");
  refused([&] { slice(a, 0, 4, -1); }, "slice 0 .. 4 of shape [2, 3] along axis -1");
  refused([&] { slice(a, 0, 1, 2); }, "slice of shape [2, 3]: there is no axis 2");
  refused([&] { slice(zeros(context, {}), 0, 1); }, "slice of shape []: there is no axis 0");
  refused([&] { sum(a, 2); }, "sum of shape [2, 3]: there is no axis 2");
  refused([&] { mean(a, -3); }, "mean of shape [2, 3]: there is no axis -3");
  refused([&] { mean(zeros(context, {2, 0}), 1); }, "mean of shape [2, 0] over axis 1");
  refused([&] { concat({a, a}, 2); }, "concat of shape [2, 3]: there is no axis 2");
  refused([&] { stack({a, a}, 3); }, "stack of shape [2, 3] along a new axis 3");
  refused([&] { stack({a, a}, -4); }, "a new axis -4");
  refused([&] { stack({zeros(context, {1, 1, 1, 1})}); }, "4 dimensions");
  refused([&] { stack(std::vector<Var>{}); }, "stack of no parts");
  refused([&] { transpose(a, 0, 2); }, "transpose of shape [2, 3]: there is no axis 2");
  refused([&] { transpose(zeros(context, {3})); }, "transpose of shape [3]: there is no axis -2");
  refused([&] { softmax(zeros(context, {})); }, "softmax of shape []");
  refused([&] { log_softmax(zeros(context, {})); }, "log_softmax of shape []");
  refused([&] { concat(std::vector<Var>{}); }, "no parts");
  refused([&] { mean(zeros(context, {0})); }, "[0]");
  refused([&] { a.item(); }, "[2, 3]");
  refused([&] { variable(context, Tensor::zeros(context, {2})).backward(); }, "[2]");
  refused([&] { one_hot(std::vector{0, 5}, 5); }, "index 1 is 5");
  refused([&] { one_hot(std::vector{-1}, 5); }, "index 0 is -1");
  refused([&] { matmul(one_hot(std::vector{0}, 5), a); }, "[2, 3]");
  refused([&] { matmul(OneHot{{0, 99999}, 2}, a); }, "index 1 is 99999");
  refused([&] { matmul(OneHot{{-1}, 2}, a); }, "index 0 is -1");
  refused([&] { cross_entropy(a, std::vector{0}); }, "[2, 3] and 1 targets");
  refused([&] { cross_entropy(a, std::vector{0, 3}); }, "target 1 is 3");
  refused([&] { tanh(Var()); }, "without a value");
  refused([&] { 1.0f - Var(); }, "without a value");
  refused([&] { 1.0f / Var(); }, "without a value");
}

TEST_P(Autograd, OperandsOfTwoContextsAreRefused) {
  Context other({.seed = 1, .threads = 1, .device = GetParam()});
  EXPECT_THAT([&] { zeros(context, {2}) + zeros(other, {2}); }, ThrowsMessage<Error>(HasSubstr("two contexts")));
}

TEST_P(Autograd, WithinNoGradNothingIsKept) {
  const Var x = variable(context, uniform_tensor(context, {2, 3}, 1));
  {
    const NoGrad outer;
    { const NoGrad inner; }
    EXPECT_TRUE(slice(x, 0, 1).node()->parents.empty());
    for (const Var& y : {sum(x), sum(slice(x, 0, 1))}) {
      EXPECT_TRUE(y.node()->parents.empty());
      EXPECT_THAT([&] { y.backward(); }, ThrowsMessage<Error>(HasSubstr("depends on nothing")));
    }
  }
  EXPECT_NO_THROW(sum(tanh(x)).backward());
}

TEST(MeanOfNumbers, IsWeighted) {
  Mean mean;
  mean.add(1, 3);
  mean.add(5);
  EXPECT_DOUBLE_EQ(mean.value(), 2);
}

TEST_P(Autograd, AnAliasOfALazyLossHasItsValue) {
  Parameters parameters(context);
  const Linear linear(parameters, "out", 3, 4);
  Ids targets(2, 1);
  targets.flat()[1] = 3;
  const Var x = variable(context, Tensor::of(context, {2, 3}, std::vector<float>{1, 2, 3, -1, 0, 1}));
  const float loss = linear_cross_entropy(x, linear, targets).item();
  EXPECT_EQ(reshape(linear_cross_entropy(x, linear, targets), {1}).item(), loss);
  const Var both = stack({linear_cross_entropy(x, linear, targets), linear_cross_entropy(x, linear, targets)});
  EXPECT_EQ(mean(both).item(), loss);
}

TEST_P(Autograd, BackwardOfAVariableItselfAddsToItsGradient) {
  const Var x = variable(context, Tensor::of(context, {2}, std::vector<float>{3, 5}));
  sum(x * x).backward();
  slice(x, 0, 1).backward();
  EXPECT_EQ(on_host(x.gradient())[0], 7);
  EXPECT_EQ(on_host(x.gradient())[1], 10);
}

}  // namespace
}  // namespace unroll
