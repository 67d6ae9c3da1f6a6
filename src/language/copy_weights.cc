#include <fmt/format.h>

#include <algorithm>

#include "base/device_memory.h"
#include "language/language_model_spec.h"
#include "nn/node.h"
#include "unroll/error.h"

namespace unroll {
namespace {

[[noreturn]] void refuse_copy(const std::string& what) {
  throw Error(
      fmt::format("copy_weights_from: {}; the models may differ in symbols behind those of the other one only", what));
}

/// Throws unless the parameters are those of `expected`.
void require_parameters(const std::vector<Parameters::Entry>& entries, std::vector<ParameterSpec> expected) {
  std::erase_if(expected, [](const ParameterSpec& p) { return p.layout == ParameterSpec::Layout::zeros; });
  if (entries.size() != expected.size()) refuse_copy("they have different parameters");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Parameters::Entry& theirs = entries[i];
    if (theirs.name != expected[i].name) refuse_copy(fmt::format("it has no {}", theirs.name));
    if (theirs.var.shape() == expected[i].shape) continue;
    refuse_copy(fmt::format("its {} is {} for the other's symbols, the other's {}", theirs.name,
                            expected[i].shape.to_string(), theirs.var.shape().to_string()));
  }
}

}  // namespace

void LanguageModel::copy_weights_from(const LanguageModel& other) {
  if (!vocabulary().starts_with(other.vocabulary()))
    refuse_copy("its vocabulary does not begin with the other's symbols");
  const LanguageModelSpec with_their_symbols(options_, other.vocabulary().size());
  require_parameters(other.parameters_.entries(), parameters_of(with_their_symbols.layers()));
  for (const Parameters::Entry& theirs : other.parameters_.entries()) {
    // This model has as many rows and columns, or more if they belong to symbols.
    const Parameters::Entry& ours = *parameters_.find(theirs.name);
    const Shape &from = theirs.var.shape(), &to = ours.var.shape();
    const HostView source(other.context(), theirs.var.value().span());
    MutableHostView target(context(), ours.var.node()->value().span());
    for (std::int64_t row = 0; row < from.rows(); ++row) {
      std::copy_n(source.span().data() + row * from.columns(), from.columns(),
                  target.span().data() + row * to.columns());
    }
    target.store();
  }
  parameters_.updated();
}

}  // namespace unroll
