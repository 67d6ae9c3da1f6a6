#include "unroll/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/layer_specs.h"
#include "nn/node.h"
#include "unroll/error.h"

namespace unroll {

Uniform uniform_for_fan(int fan) {
  const float bound = 1 / std::sqrt(static_cast<float>(fan));
  return {-bound, bound};
}

Linear::Linear(Parameters& parameters, const std::string& name, int in, int out)
    : Linear(parameters, name, in, out, uniform_for_fan(in), uniform_for_fan(in)) {}

namespace {

/// The optimizer of the parameters would not update a weight of others.
const Var& checked_weight(const Parameters& parameters, const Embedding* tied) {
  const auto is_weight = [&](const Parameters::Entry& entry) { return entry.var.node() == tied->weight.node(); };
  if (tied == nullptr || std::ranges::none_of(parameters.entries(), is_weight)) {
    throw Error("a tied layer needs an embedding of the same parameters: make both from one Parameters object");
  }
  return tied->weight;
}

LinearSpec tied_spec(const std::string& name, const Embedding& tied, const Init& bias_init) {
  const Shape& weight = tied.weight.shape();
  return {.name = name,
          .in = static_cast<int>(weight[1]),
          .out = static_cast<int>(weight[0]),
          .bias_init = bias_init,
          .tied = true};
}

}  // namespace

Linear::Linear(Parameters& parameters, const LinearSpec& spec, const Embedding* tied)
    : Module(parameters, spec.name), transposed(spec.tied) {
  std::vector<Var> own = add(parameters_of(spec));
  bias = own.back();
  weight = spec.tied ? checked_weight(parameters, tied) : own.front();
}

Linear::Linear(Parameters& parameters, const std::string& name, int in, int out, const Init& weight_init,
               const Init& bias_init)
    : Linear(parameters,
             LinearSpec{.name = name, .in = in, .out = out, .weight_init = weight_init, .bias_init = bias_init}) {}

Linear::Linear(Parameters& parameters, const std::string& name, const Embedding& tied, const Init& bias_init)
    : Linear(parameters, tied_spec(name, tied, bias_init), &tied) {}

Var Linear::operator()(const Var& x) const { return affine(x, weight, bias, transposed); }

Embedding::Embedding(Parameters& parameters, const std::string& name, int symbols, int width, const Init& init)
    : Embedding(parameters, EmbeddingSpec{.name = name, .symbols = symbols, .width = width, .init = init}) {}

Embedding::Embedding(Parameters& parameters, const EmbeddingSpec& spec)
    : Module(parameters, spec.name), weight(add(parameters_of(spec)).front()) {}

Var Embedding::operator()(const Ids& ids) const {
  require_below(ids.flat(), weight.shape()[0], "Embedding: index");
  return gather(ids.flat(), weight, {ids.steps(), ids.batch(), weight.shape()[1]});
}

namespace {

void apply_mask(Node& result, float p, const Random& random, MaskNumbers numbers, std::span<const float> from,
                std::span<float> to, bool add) {
  if (numbers.stride == numbers.run) numbers.run = static_cast<std::int64_t>(from.size());
  const auto run = static_cast<std::size_t>(numbers.run);
  for (std::size_t at = 0; at < from.size(); at += run, numbers.first += numbers.stride) {
    result.device().dropout(result.context, random, static_cast<std::uint64_t>(numbers.first), p, from.subspan(at, run),
                            to.subspan(at, run), add);
  }
}

}  // namespace

Var dropout_from(const Var& x, float p, const Random& random, const MaskNumbers& numbers) {
  if (!(p >= 0 && p < 1)) throw Error(fmt::format("dropout {}: it must lie in [0, 1)", p));
  if (p == 0) return x;
  const auto y = make_result({x}, x.shape());
  apply_mask(*y, p, random, numbers, node_of(x).value().span(), y->value().span(), false);
  return finish(y, [p, random, numbers](Node& result) {
    apply_mask(result, p, random, numbers, result.gradient().span(), result.parent(0).gradient().span(), true);
  });
}

Var dropout(const Var& x, float p, const Random& random) {
  return dropout_from(x, p, random, {.first = 0, .run = x.shape().size(), .stride = x.shape().size()});
}

namespace {

class LinearCrossEntropyOperation final : public Operation {
 public:
  LinearCrossEntropyOperation(const Linear& linear, std::span<const std::int32_t> targets)
      : transposed_(linear.transposed), targets_(targets.begin(), targets.end(), linear.weight.node()->context) {}

  void evaluate(Node& loss) override {
    if (!evaluated_) solve(loss, problem_of(loss));
  }

  void backward(Node& loss) override {
    Node &x = loss.parent(0), &weight = loss.parent(1), &bias = loss.parent(2);
    LinearCrossEntropy problem = problem_of(loss);
    problem.with_gradients = true;
    problem.scale = loss.number_gradient() / static_cast<float>(targets_.size());
    // The device adds to the gradients of the weights and overwrites that of x. Those that are not required go to
    // temporary tensors.
    Tensor scratch_weight, scratch_bias, d_input;
    const auto wanted = [](Node& node, Tensor& scratch) {
      if (node.requires_grad) return node.gradient();
      scratch = Tensor::zeros(node.context, node.shape);
      return scratch.view();
    };
    (transposed_ ? problem.d_weight_transposed : problem.d_weight) = Matrix(wanted(weight, scratch_weight));
    problem.d_bias = wanted(bias, scratch_bias).data;
    const bool straight_into_x = x.requires_grad && x.begin_gradient().kind == Accumulate::overwrite;
    if (!straight_into_x) d_input = Tensor(loss.context, x.shape);
    problem.d_input = Matrix(straight_into_x ? x.gradient() : d_input.view());
    solve(loss, problem);
    if (x.requires_grad && !straight_into_x) {
      loss.device().axpy(loss.context, 1, d_input.span(), x.gradient().span());
    }
  }

 private:
  LinearCrossEntropy problem_of(Node& loss) const {
    if (loss.version != loss.parents_version()) {
      throw Error("linear_cross_entropy: the parameters have changed since; ask for its value before the update");
    }
    LinearCrossEntropy problem;
    problem.input = ConstMatrix(loss.parent(0).value());
    const ConstMatrix weight(loss.parent(1).value());
    problem.weight = transposed_ ? weight.transposed() : weight;
    problem.bias = loss.parent(2).value().data;
    problem.targets = targets_;
    return problem;
  }

  void solve(Node& loss, LinearCrossEntropy problem) {
    loss.device().linear_cross_entropy(loss.context, problem);
    loss.set_number(static_cast<float>(problem.loss_sum / static_cast<double>(targets_.size())));
    evaluated_ = true;
  }

  bool transposed_;
  PooledVector<std::int32_t> targets_;
  bool evaluated_ = false;
};

}  // namespace

Var linear_cross_entropy(const Var& x, const Linear& linear, const Ids& targets) {
  if (!linear.bias.defined()) throw Error("linear_cross_entropy: the layer has no bias; use cross_entropy(linear(x))");
  const Shape &in = x.shape(), &weight = linear.weight.shape();
  const int summed = linear.transposed ? 1 : 0;
  if (in.rank() == 0 || in[-1] != weight[summed] || in.rows() != targets.size() || targets.size() == 0) {
    throw Error(
        fmt::format("linear_cross_entropy of x {}, weight {} and {} targets: the last extent of x must be the {} of "
                    "the weight, with one target per row and at least one row",
                    in.to_string(), weight.to_string(), targets.size(), linear.transposed ? "second" : "first"));
  }
  require_below(targets.flat(), weight[1 - summed], "linear_cross_entropy: target");
  const auto loss = make_result({x, linear.weight, linear.bias}, {});
  loss->operation = make_pooled<LinearCrossEntropyOperation>(loss->context, linear, targets.flat());
  return Var(loss);
}

}  // namespace unroll
