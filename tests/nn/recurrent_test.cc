#include <gmock/gmock.h>

#include "nn/support.h"
#include "nn/textbook_cells.h"
#include "unroll/error.h"
#include "unroll/layers.h"

namespace unroll {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct NetCase {
  RecurrentOptions options;
  int steps = 5, batch = 3, input = 4;
  bool one_hot = false;

  std::string name() const {
    static constexpr const char* cells[] = {"rnn", "gru", "lstm"};
    static constexpr const char* activations[] = {"tanh", "relu", "sigmoid"};
    const auto& o = options;
    return fmt::format("{}{}_h{}_l{}_d{}_T{}_B{}{}{}", cells[static_cast<int>(o.cell.type())],
                       o.cell == CellType::rnn ? std::string("_") + activations[static_cast<int>(o.activation)] : "",
                       o.hidden, o.layers, o.bidirectional ? 2 : 1, steps, batch,
                       o.biases == Biases::one ? "_onebias" : "", one_hot ? "_onehot" : "");
  }
};

std::vector<NetCase> net_cases() {
  std::vector<NetCase> cases;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    cases.push_back({{.cell = cell, .hidden = 5}});
    cases.push_back({{.cell = cell, .hidden = 1}, 1, 1, 1});
    cases.push_back({{.cell = cell, .hidden = 17, .layers = 2}, 4, 7, 3});
    cases.push_back({{.cell = cell, .hidden = 6, .bidirectional = true}});
    cases.push_back({{.cell = cell, .hidden = 5, .layers = 3, .bidirectional = true, .biases = Biases::one}, 3, 2});
    cases.push_back({{.cell = cell, .hidden = 9}, 6, 3, 7, true});
    cases.push_back({{.cell = cell, .hidden = 4, .layers = 2, .bidirectional = true}, 5, 2, 6, true});
  }
  cases.push_back({{.cell = CellType::rnn, .activation = Activation::relu, .hidden = 5, .layers = 2}});
  cases.push_back({{.cell = CellType::rnn, .activation = Activation::sigmoid, .hidden = 5, .bidirectional = true}});
  return cases;
}

/// A network with its inputs and the results of one backward pass.
class Net {
 public:
  Net(Context& context, const NetCase& net)
      : context_(context),
        case_(net),
        ids_(uniform_ids(net.steps, net.batch, net.input, 1)),
        recurrent_(parameters, "rnn", net.input, net.options, Uniform{-0.7f, 0.7f}, Uniform{-0.5f, 0.5f}) {
    const Shape state{net.options.layers * recurrent_.directions(), net.batch, net.options.hidden};
    initial.h = variable(context, uniform_tensor(context, state, 2));
    if (net.options.cell == CellType::lstm) initial.c = variable(context, uniform_tensor(context, state, 3));
    x = net.one_hot ? constant(context, dense(ids_))
                    : variable(context, uniform_tensor(context, {net.steps, net.batch, net.input}, 4));
  }

  Recurrent::Result fast() const { return case_.one_hot ? recurrent_(ids_, initial) : recurrent_(x, initial); }
  Recurrent::Result textbook(const TextbookStack& stack) const { return stack(x, initial); }

  /// All numbers of a result, concatenated.
  static std::vector<float> numbers(const Recurrent::Result& result) {
    std::vector<float> all = to_vector(result.output.value());
    for (const Var& var : {result.state.h, result.state.c}) {
      if (!var.defined()) continue;
      std::ranges::copy(on_host(var.value()), std::back_inserter(all));
    }
    return all;
  }
  /// Scalar loss: the sum of numbers() times weights().
  Var loss(const Recurrent::Result& result) const {
    Var total = weighted_sum(context_, result.output, 10) + weighted_sum(context_, result.state.h, 11);
    return result.state.c.defined() ? total + weighted_sum(context_, result.state.c, 12) : total;
  }
  std::vector<float> weights(const Recurrent::Result& result) const {
    std::vector<float> all = weights_of(context_, result.output.shape(), 10);
    std::uint32_t stream = 11;
    for (const Var& var : {result.state.h, result.state.c}) {
      if (!var.defined()) continue;
      const std::vector<float> more = weights_of(context_, var.shape(), stream++);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  /// The inputs that require gradients, by name.
  std::vector<std::pair<std::string, Var>> variables() const {
    std::vector<std::pair<std::string, Var>> all{{"h0", initial.h}};
    if (initial.c.defined()) all.emplace_back("c0", initial.c);
    if (!case_.one_hot) all.emplace_back("x", x);
    return all;
  }

 private:
  Context& context_;

 public:
  Parameters parameters{context_};
  RecurrentState initial;
  Var x;

 private:
  Tensor dense(const Ids& ids) const {
    const auto width = static_cast<std::size_t>(case_.input);
    std::vector<float> rows(static_cast<std::size_t>(ids.size()) * width, 0.0f);
    for (std::size_t n = 0; n < ids.flat().size(); ++n) rows[n * width + static_cast<std::size_t>(ids.flat()[n])] = 1;
    return Tensor::of(context_, {ids.steps(), ids.batch(), case_.input}, rows);
  }

  NetCase case_;
  Ids ids_;
  Recurrent recurrent_;
};

/// Length of the longest chain of additions in a result: the products of all steps and layers; in the backward pass
/// twice that, plus the sum over the rows.
double roundings(const NetCase& net, bool backward) {
  const RecurrentOptions& o = net.options;
  const int widest = std::max(net.input, o.layers > 1 ? o.hidden * (o.bidirectional ? 2 : 1) : 0);
  const double forward = (widest + o.hidden + 10.0) * net.steps * o.layers;
  return backward ? 2 * forward + net.steps * net.batch : forward;
}

class ApiAgreement : public testing::TestWithParam<std::tuple<NetCase, DeviceKind>> {};

/// The fused operation and the same cell composed of tensor operations agree in values, states and gradients.
TEST_P(ApiAgreement, FusedOperationEqualsTextbookCell) {
  const auto& [net_case, device] = GetParam();
  Context context({.seed = 1, .threads = 2, .device = device});
  Net net(context, net_case);
  const Recurrent::Result fast = net.fast();
  net.loss(fast).backward();
  std::map<std::string, std::vector<float>> gradients;
  for (const auto& [name, var] : net.variables()) gradients[name] = to_vector(var.gradient());

  Net other(context, net_case);
  const TextbookStack stack(other.parameters, "rnn", net_case.options);
  const Recurrent::Result slow = other.textbook(stack);
  other.loss(slow).backward();

  EXPECT_EQ(fast.output.shape(), slow.output.shape());
  EXPECT_EQ(fast.state.h.shape(), slow.state.h.shape());
  const double forward = 2 * roundings(net_case, false) * unit_roundoff;
  const double backward = 2 * roundings(net_case, true) * unit_roundoff;
  const auto compare = [](const std::string& name, std::span<const float> a, std::span<const float> b, double bound) {
    expect_within(name, max_difference(a, b), bound * std::max(1.0, max_magnitude(b)));
  };
  compare("values", Net::numbers(fast), Net::numbers(slow), forward);
  for (const auto& [name, var] : other.variables()) {
    compare("gradient of " + name, gradients[name], on_host(var.gradient()), backward);
  }
  for (const auto& entry : net.parameters.entries()) {
    compare("gradient of " + entry.name, on_host(entry.var.gradient()), stack.gradient(entry.name), backward);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ApiAgreement,
                         testing::Combine(testing::ValuesIn(net_cases()),
                                          testing::Values(default_device(), DeviceKind::reference)),
                         [](const auto& test) {
                           const bool cpu = std::get<1>(test.param) != DeviceKind::reference;
                           return std::get<0>(test.param).name() + (cpu ? "_cpu" : "_reference");
                         });

/// Cases for central differences on the reference device; the test above compares the CPU device with it. relu is left
/// out because its kink may lie within the difference step, and wider networks because they run the same code as small
/// ones.
std::vector<NetCase> small_smooth_cases() {
  std::vector<NetCase> cases = net_cases();
  std::erase_if(
      cases, [](const NetCase& net) { return net.options.activation == Activation::relu || net.options.hidden > 9; });
  return cases;
}

class FusedGradients : public testing::TestWithParam<NetCase> {};

TEST_P(FusedGradients, AgreeWithCentralDifferences) {
  Context context({.seed = 1, .threads = 1, .device = DeviceKind::reference});
  Net net(context, GetParam());
  const Recurrent::Result result = net.fast();
  const std::vector<float> weights = net.weights(result);
  net.loss(result).backward();
  const auto outputs = [&] { return Net::numbers(net.fast()); };
  const auto check = [&](const std::string& name, const Var& var) {
    check_gradient(name, var.value(), on_host(var.gradient()), weights, roundings(GetParam(), false), outputs);
  };
  for (const auto& [name, var] : net.variables()) check(name, var);
  for (const auto& entry : net.parameters.entries()) check(entry.name, entry.var);
}

INSTANTIATE_TEST_SUITE_P(All, FusedGradients, testing::ValuesIn(small_smooth_cases()),
                         [](const auto& test) { return test.param.name(); });

class RecurrentLayer : public EachDevice {
 protected:
  Parameters p{context};
  void set(const std::string& name, std::vector<float> values) {
    const auto* entry = p.find(name);
    ASSERT_NE(entry, nullptr) << name;
    ASSERT_EQ(static_cast<std::size_t>(entry->var.shape().size()), values.size());
    edit_values(p, [&](std::span<float> all) { std::ranges::copy(values, all.begin() + entry->offset); });
  }
};
UNROLL_EACH_DEVICE(RecurrentLayer);

/// h' = relu(a h + x): an impulse at time 0 decays as a^t.
TEST_P(RecurrentLayer, ImpulseResponseIsGeometric) {
  constexpr int steps = 30;
  const Recurrent net(p, "rnn", 1, {.cell = CellType::rnn, .activation = Activation::relu, .hidden = 1}, Zero{},
                      Zero{});
  set("rnn.weight_ih_l0", {1});
  set("rnn.weight_hh_l0", {0.5f});
  std::vector<float> impulse(steps, 0.0f);
  impulse[0] = 8;
  const Var x = variable(context, tensor_of(context, {steps, 1, 1}, impulse));
  const auto result = net(x, net.zero_state(1));
  for (int t = 0; t < steps; ++t) EXPECT_EQ(on_host(result.output.value())[t], std::ldexp(8.0f, -t)) << t;
  sum(result.state.h).backward();  // the gradient decays from the last step backwards
  for (int t = 0; t < steps; ++t) EXPECT_EQ(on_host(x.gradient())[t], std::ldexp(1.0f, t - steps + 1)) << t;
}

/// An LSTM with its forget gate open and its input gate closed keeps c unchanged; a GRU with its update gate at 1 keeps
/// h.
TEST_P(RecurrentLayer, SaturatedGatesHoldTheState) {
  const Recurrent lstm(p, "lstm", 1, {.cell = CellType::lstm, .hidden = 2, .biases = Biases::one}, Zero{}, Zero{});
  const Recurrent gru(p, "gru", 1, {.cell = CellType::gru, .hidden = 2, .biases = Biases::one}, Zero{}, Zero{});
  set("lstm.bias_ih_l0", {-60, -60, 60, 60, 5, 5, 60, 60});  // i, f, g, o
  set("gru.bias_ih_l0", {0, 0, 60, 60, 5, 5});               // r, z, n
  const Var h = constant(context, tensor_of(context, {1, 1, 2}, {0.25f, -0.5f}));
  const Var c = constant(context, tensor_of(context, {1, 1, 2}, {0.75f, -1.5f}));
  const Ids ids(9, 1);
  const auto after_lstm = lstm(ids, {h, c});
  EXPECT_EQ(to_vector(after_lstm.state.c.value()), to_vector(c.value()));
  EXPECT_NEAR(on_host(after_lstm.state.h.value())[1], std::tanh(-1.5), 1e-6);
  // The GRU mixes n and h: in each of the nine steps one rounding of a number up to 1, and one of their difference.
  const Var after_gru = gru(ids, {h, {}}).state.h;
  expect_within("gru", max_difference(on_host(after_gru.value()), on_host(h.value())), 9 * 2 * unit_roundoff);
}

/// Two windows with the state carried over equal one long window; the gradient stops where the state is detached.
TEST_P(RecurrentLayer, StateCarriesOverWindows) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    Parameters parameters(context);
    const Recurrent net(parameters, "rnn", 3, {.cell = cell, .hidden = 4, .layers = 2}, Uniform{-1, 1}, Uniform{-1, 1});
    const Var x = variable(context, uniform_tensor(context, {6, 2, 3}, 1));
    const auto whole = net(x, net.zero_state(2));
    const auto first = net(slice(x, 0, 4), net.zero_state(2));
    const auto second = net(slice(x, 4, 6), first.state);
    EXPECT_EQ(to_vector(slice(whole.output, 4, 6).value()), to_vector(second.output.value()));
    EXPECT_EQ(to_vector(whole.state.h.value()), to_vector(second.state.h.value()));

    sum(second.output).backward();
    EXPECT_GT(max_magnitude(on_host(x.gradient().span().first(4 * 2 * 3))), 0);
    const Var again = variable(context, uniform_tensor(context, {6, 2, 3}, 1));
    const auto before_cut = net(slice(again, 0, 4), net.zero_state(2));
    const auto after_cut = net(slice(again, 4, 6), before_cut.state.detach());
    EXPECT_EQ(to_vector(after_cut.output.value()), to_vector(second.output.value()));
    sum(after_cut.output).backward();
    EXPECT_THAT(on_host(again.gradient().span().first(4 * 2 * 3)), Each(0.0f));
  }
}

TEST_P(RecurrentLayer, LossOfTheFinalCellStateAloneHasGradients) {
  const Recurrent net(p, "rnn", 3, {.cell = CellType::lstm, .hidden = 4}, Uniform{-1, 1}, Uniform{-1, 1});
  const Var x = variable(context, uniform_tensor(context, {5, 2, 3}, 1));
  sum(net(x, net.zero_state(2)).state.c).backward();
  EXPECT_GT(max_magnitude(on_host(x.gradient())), 0);
  for (const float value : on_host(x.gradient())) EXPECT_TRUE(std::isfinite(value));
}

TEST_P(RecurrentLayer, GradientsOfTwoUsesAddUp) {
  const Recurrent net(p, "rnn", 3, {.cell = CellType::gru, .hidden = 4}, Uniform{-1, 1}, Uniform{-1, 1});
  const Ids ids = uniform_ids(4, 2, 3, 1);
  sum(net(ids, net.zero_state(2)).output).backward();
  const std::vector<float> once = gradients_on_host(p);
  sum(net(ids, net.zero_state(2)).output).backward();
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_NEAR(gradients_on_host(p)[i], 2 * once[i],
                2 * 8 * unit_roundoff * std::max(1.0, std::abs(2.0 * static_cast<double>(once[i]))))
        << i;
  }
}

TEST_P(RecurrentLayer, DropoutActsBetweenLayersInTrainingOnly) {
  const Ids ids = uniform_ids(4, 2, 3, 1);
  const StepDropout random{.random = Random(1, RandomStream::dropout, 0, 5)};
  const auto outputs = [&](int layers, const StepDropout* training) {
    Parameters parameters(context);
    const Recurrent net(parameters, "rnn", 3, {.hidden = 4, .layers = layers, .dropout = 0.5f}, Uniform{-1, 1},
                        Uniform{-1, 1});
    return to_vector(net(ids, net.zero_state(2), training).output.value());
  };
  EXPECT_EQ(outputs(1, &random), outputs(1, nullptr));
  EXPECT_NE(outputs(2, &random), outputs(2, nullptr));
  EXPECT_EQ(outputs(2, &random), outputs(2, &random));
  const StepDropout next{.random = Random(1, RandomStream::dropout, 0, 6)};
  EXPECT_NE(outputs(2, &random), outputs(2, &next));
}

/// Large enough that the threads divide the work.
TEST(RecurrentBits, AreTheSameForAnyNumberOfThreadsInBothDirections) {
  const auto trained = [](int threads) {
    Context threaded({.seed = 1, .threads = threads});
    Parameters parameters(threaded);
    const Recurrent net(parameters, "rnn", 30, {.cell = CellType::gru, .hidden = 80, .bidirectional = true});
    sum(net(uniform_ids(20, 24, 30, 1)).output * 1.5f).backward();
    return gradients_on_host(parameters);
  };
  const std::vector<float> alone = trained(1);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(trained(threads), alone) << threads << " threads";
}

TEST_P(RecurrentLayer, HasPyTorchsNamesInPyTorchsOrder) {
  const Recurrent net(p, "rnn", 3, {.cell = CellType::lstm, .hidden = 2, .layers = 2, .bidirectional = true}, Zero{},
                      Zero{});
  std::vector<std::string> names;
  for (const auto& entry : p.entries()) names.push_back(entry.name);
  std::vector<std::string> expected;
  for (const char* suffix : {"l0", "l0_reverse", "l1", "l1_reverse"}) {
    for (const char* kind : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
      expected.push_back(fmt::format("rnn.{}_{}", kind, suffix));
  }
  EXPECT_EQ(names, expected);
  EXPECT_EQ(p.find("rnn.weight_ih_l0")->var.shape(), (Shape{3, 8}));
  EXPECT_EQ(p.find("rnn.weight_ih_l1")->var.shape(), (Shape{4, 8}));
  EXPECT_EQ(p.find("rnn.weight_hh_l1_reverse")->var.shape(), (Shape{2, 8}));
}

TEST_P(RecurrentLayer, RefusesWhatDoesNotFit) {
  const auto refused = [](auto f, const char* text) { EXPECT_THAT(f, ThrowsMessage<Error>(HasSubstr(text))); };
  const auto make = [&](int input, const RecurrentOptions& options) {
    return [&, input, options] { Recurrent(p, "bad", input, options, Zero{}, Zero{}); };
  };
  refused(make(0, {}), "input size 0");
  refused(make(1, {.hidden = 0}), "hidden 0");
  refused(make(1, {.layers = 0}), "layers 0");
  refused(make(1, {.dropout = 1}), "dropout 1");
  refused([] { CellKind(static_cast<CellType>(7)); }, "cell is 7");
  refused(make(1, {.activation = static_cast<Activation>(7)}), "activation is 7");
  const Recurrent net(p, "rnn", 3, {.cell = CellType::lstm, .hidden = 4}, Zero{}, Zero{});
  const RecurrentState state = net.zero_state(2);
  refused([&] { net(zeros(context, {5, 2, 4}), state); }, "[5, 2, 4]");
  refused([&] { net(zeros(context, {0, 2, 3}), state); }, "[0, 2, 3]");
  refused([&] { net(zeros(context, {5, 3, 3}), state); }, "[1, 2, 4]: this network and batch need [1, 3, 4]");
  refused([&] { net(zeros(context, {5, 2, 3}), {state.h, {}}); }, "state's c has shape none");
  refused([&] { net(Ids(), state); }, "no indices");
  Ids ids(1, 2);
  ids.flat()[1] = 3;
  refused([&] { net(ids, state); }, "index 1 is 3");
}

}  // namespace
}  // namespace unroll
