#include <gtest/gtest.h>

#include "io/safetensors.h"
#include "nn/support.h"
#include "unroll/layers.h"
#include "unroll/optimizers.h"

// Forward, backward and ten training steps against PyTorch in float64 (tests/golden/README.md).

namespace unroll {
namespace {

struct GoldenCase {
  const char* cell;
  int layers, directions;
  DeviceKind device;
  std::string file() const { return fmt::format("{}_l{}_d{}", cell, layers, directions); }
};

std::vector<GoldenCase> golden_cases() {
  std::vector<GoldenCase> cases;
  for (const char* cell : {"rnn_tanh", "rnn_relu", "gru", "lstm"}) {
    for (const int layers : {1, 2}) {
      for (const int directions : {1, 2}) {
        for (const DeviceKind device : {default_device(), DeviceKind::reference}) {
          cases.push_back({cell, layers, directions, device});
        }
      }
    }
  }
  return cases;
}

class Golden : public testing::TestWithParam<GoldenCase> {
 protected:
  static constexpr float theta = 0.25f, sgd_rate = 0.5f, adam_rate = 0.01f;
  static constexpr int training_steps = 10;

  const SafetensorsFile file =
      SafetensorsFile::read(fmt::format("{}/tests/golden/{}.safetensors", UNROLL_SOURCE_DIR, GetParam().file()));
  Context context{{.seed = 1, .threads = 2, .device = GetParam().device}};

  /// Reads a tensor in the library's layout: the file stores the matrices of layers transposed.
  std::vector<float> stored(const std::string& name) const {
    const StoredTensor* tensor = file.find(name);
    if (tensor == nullptr) {
      ADD_FAILURE() << "no tensor " << name;
      return {};
    }
    std::vector<float> values(tensor->values.begin(), tensor->values.end());
    if (name.find("weight") == std::string::npos) return values;
    const auto rows = static_cast<std::size_t>(tensor->shape[0]), columns = static_cast<std::size_t>(tensor->shape[1]);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) values[c * rows + r] = tensor->values[r * columns + c];
    }
    return values;
  }
  Shape shape(const std::string& name) const {
    const auto& extents = file.find(name)->shape;
    return {extents.at(0), extents.at(1), extents.at(2)};
  }
  Var input(const std::string& name) { return variable(context, tensor_of(context, shape(name), stored(name))); }

  RecurrentOptions options() const {
    const std::string cell = GetParam().cell;
    RecurrentOptions o;
    o.cell = cell == "gru" ? CellType::gru : cell == "lstm" ? CellType::lstm : CellType::rnn;
    o.activation = cell == "rnn_relu" ? Activation::relu : Activation::tanh;
    o.hidden = static_cast<int>(shape("h0")[2]);
    o.layers = GetParam().layers;
    o.bidirectional = GetParam().directions == 2;
    return o;
  }

  struct Model {
    Parameters parameters;
    Recurrent rnn;
    Linear decoder;
    Ids target;
  };
  Model model() {
    Parameters p(context);
    const RecurrentOptions o = options();
    const auto& target = file.ints().at(0);
    const int outputs = static_cast<int>(file.find("decoder.bias")->shape[0]);
    Recurrent rnn(p, "rnn", static_cast<int>(shape("x")[2]), o, Zero{}, Zero{});
    Linear decoder(p, "decoder", o.hidden * GetParam().directions, outputs, Zero{}, Zero{});
    for (const auto& entry : p.entries()) {
      const std::vector<float> values = stored(entry.name);
      EXPECT_EQ(static_cast<std::int64_t>(values.size()), entry.var.shape().size()) << entry.name;
      edit_values(p, [&](std::span<float> all) { std::ranges::copy(values, all.begin() + entry.offset); });
    }
    Ids ids(static_cast<int>(target.shape.at(0)), static_cast<int>(target.shape.at(1)));
    std::copy(target.values.begin(), target.values.end(), ids.flat().begin());
    return {std::move(p), std::move(rnn), std::move(decoder), std::move(ids)};
  }
  RecurrentState initial() { return {input("h0"), options().cell == CellType::lstm ? input("c0") : Var()}; }

  /// Relative error bound of the forward pass by oneDNN's rule for recurrent networks: 4 ceil(log2(n)) epsilon, where n
  /// is the number of accumulated terms. Gradients get twice that.
  double forward_bound() const {
    const RecurrentOptions o = options();
    const double widest = static_cast<double>(std::max(shape("x")[2], shape("output")[2]) + o.hidden + 2);
    const double length = widest * static_cast<double>(shape("x")[0]) * o.layers;
    return 4 * std::ceil(std::log2(length)) * 2 * unit_roundoff;
  }
  void compare(const std::string& name, std::span<const float> ours, double bound) const {
    const std::vector<float> exact = stored(name);
    expect_within(name, max_difference(ours, exact), bound * std::max(1.0, max_magnitude(exact)));
  }

  /// Trains ten steps on the same batch with clipped gradients and compares losses and parameters.
  template <class Update>
  void train(Model& net, const std::string& kind, double bound, const Update& update) {
    const Var x = input("x").detach();
    const RecurrentState state = initial().detach();
    std::vector<float> losses;
    for (int step = 0; step < training_steps; ++step) {
      const Var loss = linear_cross_entropy(net.rnn(x, state).output, net.decoder, net.target);
      net.parameters.zero_gradients();
      loss.backward();
      losses.push_back(loss.item());
      clip_by_global_norm(net.parameters, theta);
      update();
    }
    compare(kind + ".losses", losses, bound);
    for (const auto& entry : net.parameters.entries())
      compare(kind + "." + entry.name, on_host(entry.var.value()), bound);
  }
};

TEST_P(Golden, ForwardAndBackward) {
  Model net = model();
  const Var x = input("x");
  const RecurrentState state = initial();
  const auto result = net.rnn(x, state);
  compare("output", on_host(result.output.value()), forward_bound());
  compare("hn", on_host(result.state.h.value()), forward_bound());
  if (result.state.c.defined()) compare("cn", on_host(result.state.c.value()), forward_bound());

  const Var loss = linear_cross_entropy(result.output, net.decoder, net.target);
  loss.backward();
  compare("loss", on_host(loss.value()), forward_bound());
  const auto compare_gradient = [&](const std::string& name, const Var& var) {
    const std::vector<float> exact = stored("grad." + name);
    expect_within("grad." + name, max_difference(on_host(var.gradient()), exact),
                  2 * forward_bound() * max_magnitude(exact));
  };
  for (const auto& entry : net.parameters.entries()) compare_gradient(entry.name, entry.var);
  compare_gradient("x", x);
  compare_gradient("h0", state.h);
  if (state.c.defined()) compare_gradient("c0", state.c);
}

/// The error of a clipped gradient is at most 2 * forward_bound() * theta. Each step adds learning_rate times that, and
/// one rounding.
TEST_P(Golden, TenStepsOfSgd) {
  Model net = model();
  const double gradient_error = 2 * forward_bound() * static_cast<double>(theta);
  const double bound =
      forward_bound() + training_steps * (static_cast<double>(sgd_rate) * gradient_error + unit_roundoff);
  train(net, "sgd", bound, [&] { sgd(net.parameters, sgd_rate); });
}

/// Adam divides each gradient by its magnitude, which amplifies the errors of gradients near zero, so no bound from the
/// accumulation length holds. Measured in PyTorch: noise of the size of float32 rounding in every gradient moves the
/// parameters by up to 1e-5 in ten steps. The bound is five times that, 1/2000 of the distance that ten steps move a
/// parameter.
TEST_P(Golden, TenStepsOfAdam) {
  Model net = model();
  Adam adam(net.parameters, {.learning_rate = adam_rate});
  train(net, "adam", 5e-5, [&] { adam.step(); });
}

INSTANTIATE_TEST_SUITE_P(All, Golden, testing::ValuesIn(golden_cases()), [](const auto& test) {
  return test.param.file() + (test.param.device == DeviceKind::reference ? "_reference" : "_cpu");
});

}  // namespace
}  // namespace unroll
