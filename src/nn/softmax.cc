#include <fmt/format.h>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

namespace {

Var softmax_of_rows(const char* name, Softmax kind, const Var& x) {
  if (x.shape().rank() == 0) throw Error(fmt::format("{} of shape []: it must have a last dimension", name));
  const auto y = make_result({x}, x.shape());
  y->device().softmax(y->context, kind, ConstMatrix(x.value()), Matrix(y->value()));
  return finish(y, [kind](Node& result) {
    result.device().softmax_backward(result.context, kind, ConstMatrix(result.value()), ConstMatrix(result.gradient()),
                                     Matrix(result.parent(0).gradient()));
  });
}

}  // namespace

Var softmax(const Var& x) { return softmax_of_rows("softmax", Softmax::probabilities, x); }
Var log_softmax(const Var& x) { return softmax_of_rows("log_softmax", Softmax::logarithms, x); }

}  // namespace unroll
