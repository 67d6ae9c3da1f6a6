#include "tabular/table_net.h"

#include <fmt/format.h>

#include "nn/node.h"

namespace unroll {

TableNet::TableNet(Parameters& parameters, int features)
    : linear_(parameters, "straight", features, 1, Zero{}, Zero{}),
      input_(parameters, "input", features, hidden),
      norm_(parameters, "norm", hidden),
      output_(parameters, "output", hidden, 1, Zero{}, Zero{}) {
  for (int i = 0; i < blocks; ++i) {
    const std::string prefix = fmt::format("block{}.", i);
    blocks_.push_back({LayerNorm(parameters, prefix + "norm", hidden),
                       Linear(parameters, prefix + "in", hidden, hidden),
                       Linear(parameters, prefix + "out", hidden, hidden)});
  }
}

Var TableNet::operator()(const Var& x, const Random* training_dropout) const {
  // All masks share one sequence of random numbers: each begins where the previous one ends.
  std::int64_t used = 0;
  const auto drop = [&](const Var& v, float p) {
    if (training_dropout == nullptr) return v;
    const std::int64_t first = used, size = v.shape().size();
    used += size;
    return dropout_from(v, p, *training_dropout, {.first = first, .run = size, .stride = size});
  };
  Var h = input_(drop(x, input_dropout));
  for (const Block& block : blocks_) h = h + block.out(drop(relu(block.in(block.norm(h))), hidden_dropout));
  return linear_(x) + output_(relu(norm_(h)));
}

}  // namespace unroll
