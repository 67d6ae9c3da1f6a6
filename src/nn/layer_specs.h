#pragma once

#include <string>
#include <variant>
#include <vector>

#include "unroll/layers.h"

namespace unroll {

/// A parameter, before it is made.
struct ParameterSpec {
  /// How a model file stores it.
  enum class Layout {
    same,        ///< in its shape
    transposed,  ///< [rows, columns] as [columns, rows]
    zeros        ///< no parameter: the file has zeros in its place, which PyTorch needs
  };
  std::string name;
  Shape shape;
  Init init = Zero{};
  Layout layout = Layout::same;
};

// The layers, before they are made: extents and initial values, from which their constructors, model files, operation
// count and memory plan take the parameters.

struct EmbeddingSpec {
  std::string name;
  int symbols = 0, width = 0;
  Init init = Zero{};
};

struct LinearSpec {
  std::string name;
  int in = 0, out = 0;
  Init weight_init = Zero{}, bias_init = Zero{};
  bool tied = false;  ///< the weight is that of an embedding
};

struct RecurrentSpec {
  std::string name;
  int input = 0;
  bool one_hot = false;  ///< the input are indices below `input`
  RecurrentOptions options = {};
  Init init = Zero{}, bias_init = Zero{};
  std::vector<ParameterSpec> own = {};  ///< parameters of a cell that is not built in, once it has added them
};

using LayerSpec = std::variant<EmbeddingSpec, LinearSpec, RecurrentSpec>;

/// The parameters in the order in which the constructor adds them, without the name of the layer.
std::vector<ParameterSpec> parameters_of(const EmbeddingSpec& layer);
std::vector<ParameterSpec> parameters_of(const LinearSpec& layer);
std::vector<ParameterSpec> parameters_of(const RecurrentSpec& layer);

/// Floating-point operations of the matrix products of a forward pass for one row of the input, a multiply-add counted
/// twice. A look-up has none. Throws Error for a cell that is not built in.
double forward_operations(const EmbeddingSpec& layer);
double forward_operations(const LinearSpec& layer);
double forward_operations(const RecurrentSpec& layer);

/// Numbers that a training step keeps for its backward pass, for one row of the input, about. None for a linear layer
/// whose logits linear_cross_entropy() computes. Throws Error for a cell that is not built in.
double activations(const EmbeddingSpec& layer);
double activations(const LinearSpec& layer);
double activations(const RecurrentSpec& layer);

}  // namespace unroll
