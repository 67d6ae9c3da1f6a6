#include <gmock/gmock.h>

#include <utility>

#include "nn/support.h"
#include "unroll/error.h"
#include "unroll/layers.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A model of one's own: a recurrent layer, a gain of its own and an output layer.
struct OwnModel : Module {
  OwnModel(Parameters& p, const std::string& name, int symbols, int hidden)
      : Module(p, name),
        rnn(p, path("rnn"), symbols, {.hidden = hidden, .biases = Biases::one}),
        gain(add("gain", {hidden}, Normal{1, 0})),
        out(p, path("out"), hidden, symbols) {}
  Var operator()(const Ids& ids) const { return out(rnn(ids).output * gain); }

  Recurrent rnn;
  Var gain;
  Linear out;
};

std::vector<std::string> names_of(const std::vector<Parameters::Entry>& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return names;
}

class Modules : public EachDevice {
 protected:
  Parameters p{context};
};
UNROLL_EACH_DEVICE(Modules);

TEST_P(Modules, HaveTheParametersOfTheirParts) {
  const OwnModel model(p, "model", 7, 4), other(p, "model2", 7, 4);
  EXPECT_THAT(names_of(model.parameters()),
              ElementsAre("model.rnn.weight_ih_l0", "model.rnn.weight_hh_l0", "model.rnn.bias_ih_l0", "model.gain",
                          "model.out.weight", "model.out.bias"));
  EXPECT_THAT(names_of(model.out.parameters()), ElementsAre("model.out.weight", "model.out.bias"));
  EXPECT_EQ(model.out.name(), "model.out");
  EXPECT_EQ(model.parameters()[3].var.node(), model.gain.node());
  EXPECT_EQ(other.parameters().size(), 6u);
}

TEST_P(Modules, WithoutANameHaveAllParameters) {
  const OwnModel model(p, "", 7, 4);
  EXPECT_EQ(names_of(model.parameters()), names_of(p.entries()));
  EXPECT_THAT(names_of(model.rnn.parameters()), ElementsAre("rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0"));
  EXPECT_THAT([&] { OwnModel(p, "", 7, 4); }, ThrowsMessage<Error>(HasSubstr("parameter rnn.weight_ih_l0")));
}

TEST_P(Modules, StayUsableWhenTheParametersAreMoved) {
  const OwnModel model(p, "model", 7, 4);
  const Parameters moved(std::move(p));
  EXPECT_EQ(names_of(model.parameters()), names_of(moved.entries()));
}

TEST_P(Modules, PassGradientsToAllTheirParameters) {
  const OwnModel model(p, "model", 7, 4);
  const Ids ids = uniform_ids(5, 3, 7, 1);
  const Var logits = model(ids);
  EXPECT_EQ(logits.shape(), (Shape{5, 3, 7}));
  cross_entropy(logits, uniform_ids(5, 3, 7, 2)).backward();
  for (const auto& [name, var, offset] : model.parameters())
    EXPECT_GT(max_magnitude(on_host(var.gradient())), 0) << name;
}

/// Without initialisers, layers have PyTorch's initial values.
TEST_P(Modules, HaveDefaultInitialisers) {
  const Uniform of_input = uniform_for_fan(5), of_hidden = uniform_for_fan(4);
  Parameters with(context);
  Linear(p, "linear", 5, 3);
  Linear(with, "linear", 5, 3, of_input, of_input);
  Recurrent(p, "rnn", 5, {.cell = CellType::gru, .hidden = 4});
  Recurrent(with, "rnn", 5, {.cell = CellType::gru, .hidden = 4}, of_hidden, of_hidden);
  Embedding(p, "embedding", 5, 3);
  Embedding(with, "embedding", 5, 3, Normal{0, 1});
  EXPECT_EQ(names_of(p.entries()), names_of(with.entries()));
  EXPECT_EQ(values_on_host(p), values_on_host(with));
}

TEST_P(Modules, RecurrentLayersBeginWithZeros) {
  const Recurrent rnn(p, "rnn", 3, {.cell = CellType::lstm, .hidden = 4});
  const Var x = constant(context, uniform_tensor(context, {5, 2, 3}, 1));
  const Ids ids = uniform_ids(5, 2, 3, 2);
  const auto [output, state] = rnn(x);
  EXPECT_EQ(to_vector(output.value()), to_vector(rnn(x, rnn.zero_state(2)).output.value()));
  EXPECT_EQ(to_vector(state.c.value()), to_vector(rnn(x, rnn.zero_state(2)).state.c.value()));
  EXPECT_EQ(to_vector(rnn(ids).output.value()), to_vector(rnn(ids, rnn.zero_state(2)).output.value()));
  EXPECT_THAT([&] { rnn(zeros(context, {3})); }, ThrowsMessage<Error>(HasSubstr("recurrent input of shape [3]")));
  EXPECT_THAT([&] { rnn(Ids()); }, ThrowsMessage<Error>(HasSubstr("recurrent input of no indices")));
}

}  // namespace
}  // namespace unroll
