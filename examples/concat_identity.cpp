// From a perceptron to a recurrent layer: first a perceptron with one hidden layer, which has no state; then the
// identity behind a recurrent layer, X W_xh + H W_hh = [X H] [W_xh; W_hh]. Exits with 1 if the two sides differ by more
// than rounding errors.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "unroll/unroll.h"

using namespace unroll;

void print(const char* name, const Var& x) {
  fmt::print("{} =\n", name);
  const ConstView view = x.value();
  for (std::int64_t i = 0; i < view.shape.size(); ++i) {
    fmt::print("{:9.4f}{}", view[i], (i + 1) % view.shape.columns() == 0 ? "\n" : "");
  }
}

int main() {
  constexpr int batch = 3, inputs = 1, hidden = 4, outputs = 2;
  Context ctx({.seed = 1});
  Parameters p(ctx);
  const Normal normal{0, 1};
  const Var X = p.add("X", {batch, inputs}, normal), W_xh = p.add("W_xh", {inputs, hidden}, normal),
            H = p.add("H", {batch, hidden}, normal), W_hh = p.add("W_hh", {hidden, hidden}, normal),
            b_h = p.add("b_h", {hidden}), W_hq = p.add("W_hq", {hidden, outputs}, normal),
            b_q = p.add("b_q", {outputs});

  print("perceptron: relu(X W_xh + b_h) W_hq + b_q", matmul(relu(matmul(X, W_xh) + b_h), W_hq) + b_q);

  const Var sum_of_products = matmul(X, W_xh) + matmul(H, W_hh);
  const Var product_of_concatenations = matmul(concat({X, H}, 1), concat({W_xh, W_hh}, 0));
  print("X W_xh + H W_hh", sum_of_products);
  print("[X H] [W_xh; W_hh]", product_of_concatenations);

  float difference = 0, largest = 0;
  for (std::int64_t i = 0; i < sum_of_products.shape().size(); ++i) {
    const float a = sum_of_products.value()[i], b = product_of_concatenations.value()[i];
    difference = std::max(difference, std::abs(a - b));
    largest = std::max(largest, std::abs(a));
  }
  // Each side rounds once per term.
  const float bound = 2 * (inputs + hidden) * std::numeric_limits<float>::epsilon() * largest;
  fmt::print("largest difference {:.1e}, rounding allows {:.1e}\n", difference, bound);
  return difference <= bound ? 0 : 1;
}
