// Back-propagation through time by the formulas of the text, for its network without biases and activations. Exits
// with 1 if a gradient differs from that of backward() by more than rounding errors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "unroll/unroll.h"

using namespace unroll;

constexpr int T = 5, inputs = 3, hidden = 4, outputs = 2;

// Largest distance of the elements, relative to the largest element.
float relative_difference(ConstView a, ConstView b) {
  float difference = 0, largest = 0;
  for (std::int64_t i = 0; i < a.shape.size(); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(a[i]));
  }
  return difference / largest;
}

int main() {
  Context ctx({.seed = 1});
  Parameters p(ctx), data(ctx);
  const Normal normal{0, 0.5f};
  const Var weight_hx = p.add("W_hx", {hidden, inputs}, normal), weight_hh = p.add("W_hh", {hidden, hidden}, normal),
            weight_qh = p.add("W_qh", {outputs, hidden}, normal);
  // Inputs x_t and labels y_t are column vectors.
  const Var all_x = data.add("x", {T, inputs, 1}, normal).detach(),
            all_y = data.add("y", {T, outputs, 1}, normal).detach();
  const auto x = [&](int t) { return reshape(slice(all_x, t - 1, t), {inputs, 1}); };
  const auto y = [&](int t) { return reshape(slice(all_y, t - 1, t), {outputs, 1}); };

  // The objective L is the mean over the time steps of the loss l(o_t, y_t), here half the squared error.
  std::vector<Var> h{zeros(ctx, {hidden, 1})}, o{Var()};
  Var L = zeros(ctx, {});
  for (int t = 1; t <= T; ++t) {
    h.push_back(matmul(weight_hx, x(t)) + matmul(weight_hh, h.back()));
    o.push_back(matmul(weight_qh, h.back()));
    const Var error = o.back() - y(t);
    L = L + sum(error * error) / 2 / T;
  }
  L.backward();

  // The same gradients by the chain rule, from the last time step to the first. dL_dh is that of the step after.
  const Var W_hh = weight_hh.detach(), W_qh = weight_qh.detach();
  Var dL_dh, dL_dW_hx = zeros(ctx, {hidden, inputs}), dL_dW_hh = zeros(ctx, {hidden, hidden}),
             dL_dW_qh = zeros(ctx, {outputs, hidden});
  for (int t = T; t >= 1; --t) {
    const auto step = static_cast<std::size_t>(t);
    const Var h_t = h[step].detach(), h_before = h[step - 1].detach();
    const Var dL_do = (o[step].detach() - y(t)) / T;
    dL_dh = t == T ? matmul(transpose(W_qh), dL_do) : matmul(transpose(W_hh), dL_dh) + matmul(transpose(W_qh), dL_do);
    dL_dW_qh = dL_dW_qh + matmul(dL_do, transpose(h_t));
    dL_dW_hx = dL_dW_hx + matmul(dL_dh, transpose(x(t)));
    dL_dW_hh = dL_dW_hh + matmul(dL_dh, transpose(h_before));
  }

  // A gradient is a sum over T steps of products of up to T matrices.
  const float bound = 2 * T * T * (inputs + hidden + outputs) * std::numeric_limits<float>::epsilon();
  bool equal = true;
  const auto compare = [&](const char* name, const Var& weight, const Var& by_formula) {
    const float difference = relative_difference(weight.gradient(), by_formula.value());
    fmt::print("gradient of {}: relative difference {:.1e}, rounding allows {:.1e}\n", name, difference, bound);
    equal = equal && difference <= bound;
  };
  compare("W_hx", weight_hx, dL_dW_hx);
  compare("W_hh", weight_hh, dL_dW_hh);
  compare("W_qh", weight_qh, dL_dW_qh);
  return equal ? 0 : 1;
}
