#include <fmt/format.h>

#include <algorithm>

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      fmt::format("copy_weights_from: {}; the models may differ in symbols behind those of the other one only", what));
}

}  // namespace

void LanguageModel::copy_weights_from(const LanguageModel& other) {
  if (!vocabulary().starts_with(other.vocabulary())) refuse("its vocabulary does not begin with the other's symbols");
  if (parameters_.entries().size() != other.parameters_.entries().size()) refuse("they have different parameters");
  for (const Parameters::Entry& theirs : other.parameters_.entries()) {
    const Parameters::Entry* ours = parameters_.find(theirs.name);
    if (ours == nullptr) refuse(fmt::format("it has no {}", theirs.name));
    const Shape &from = theirs.var.shape(), &to = ours->var.shape();
    const bool by_symbol = theirs.name.starts_with("encoder.") || theirs.name.starts_with("decoder.") ||
                           (options_.embedding == 0 && theirs.name.starts_with("rnn.weight_ih_l0"));
    if (from != to && (!by_symbol || from.rows() > to.rows() || from.columns() > to.columns())) {
      refuse(fmt::format("its {} is {}, the other's {}", theirs.name, to.to_string(), from.to_string()));
    }
    const float* source = theirs.var.value().data;
    float* target = parameters_.values().data() + ours->offset;
    for (std::int64_t row = 0; row < from.rows(); ++row) {
      std::copy_n(source + row * from.columns(), from.columns(), target + row * to.columns());
    }
  }
  parameters_.updated();
}

}  // namespace unroll
