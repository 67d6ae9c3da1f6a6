#include <fmt/format.h>

#include <utility>

#include "nn/node.h"
#include "unroll/error.h"
#include "unroll/layers.h"

namespace unroll {

LayerNorm::LayerNorm(Parameters& parameters, const std::string& name, int width)
    : Module(parameters, name),
      weight(add("weight", {width}, Normal{.mean = 1, .standard_deviation = 0})),
      bias(add("bias", {width})) {}

Var LayerNorm::operator()(const Var& x) const { return layer_norm(x, weight, bias); }

Var layer_norm(const Var& x, const Var& gain, const Var& bias) {
  if (x.shape().rank() == 0 || x.shape()[-1] != gain.shape()[0]) {
    throw Error(fmt::format("LayerNorm of x {}: its last extent must be {}", x.shape().to_string(), gain.shape()[0]));
  }
  constexpr float epsilon = 1e-5f;
  const auto y = make_result({x, gain, bias}, x.shape());
  Tensor normalized(y->context, x.shape()), scales(y->context, {x.shape().rows()});
  y->device().layer_norm(y->context, ConstMatrix(x.value()), gain.value().data, bias.value().data, epsilon,
                         Matrix(normalized.view()), scales.data(), Matrix(y->value()));
  return finish(y, [normalized = std::move(normalized), scales = std::move(scales)](Node& result) {
    // The device adds to all three gradients. Those that are not required go to temporary tensors.
    Tensor scratch[3];
    const auto gradient = [&](std::size_t i) {
      Node& operand = result.parent(i);
      if (operand.requires_grad) return operand.gradient();
      scratch[i] = Tensor::zeros(result.context, operand.shape);
      return scratch[i].view();
    };
    result.device().layer_norm_backward(result.context, ConstMatrix(normalized.view()), scales.data(),
                                        result.parent(1).value().data, ConstMatrix(result.gradient()),
                                        Matrix(gradient(0)), gradient(1).data, gradient(2).data);
  });
}

}  // namespace unroll
