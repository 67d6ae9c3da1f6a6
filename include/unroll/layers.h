#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "unroll/autograd.h"
#include "unroll/cell.h"
#include "unroll/context.h"
#include "unroll/options.h"
#include "unroll/parameters.h"

namespace unroll {

struct Embedding;
struct EmbeddingSpec;
struct LinearSpec;
struct RecurrentSpec;

/// y = x W + b over the last dimension: [.., in] -> [.., out]. Parameters NAME.weight [in, out], NAME.bias [out].
struct Linear : Module {
  Linear(Parameters& parameters, const std::string& name, int in, int out, const Init& weight_init,
         const Init& bias_init);
  /// Initial values of PyTorch: uniform_for_fan(in).
  Linear(Parameters& parameters, const std::string& name, int in, int out);
  /// Tied: shares the embedding's weight, whose transpose is W (Press and Wolf 2017). Adds only NAME.bias.
  Linear(Parameters& parameters, const std::string& name, const Embedding& tied, const Init& bias_init);
  Linear(Parameters& parameters, const LinearSpec& spec, const Embedding* tied = nullptr);
  Var operator()(const Var& x) const;
  Var weight, bias;
  bool transposed = false;  ///< the weight is [out, in]
};

/// Mean over rows of the cross-entropy of x W + b, in nats, as one fused operation that never stores all logits.
/// Lazy: computed in backward() (forward and backward at once), or in item() if only the value is needed. Computing it
/// after the parameters have changed throws Error.
Var linear_cross_entropy(const Var& x, const Linear& linear, const Ids& targets);

/// One trainable row per symbol, initially as in PyTorch. Parameter NAME.weight [symbols, width].
struct Embedding : Module {
  Embedding(Parameters& parameters, const std::string& name, int symbols, int width,
            const Init& init = Normal{.mean = 0, .standard_deviation = 1});
  Embedding(Parameters& parameters, const EmbeddingSpec& spec);
  Var operator()(const Ids& ids) const;  ///< [T, B] -> [T, B, width]
  Var weight;
};

/// Normalizes each row (last dimension) to mean 0 and variance 1, then applies a gain (initially 1) and a bias
/// (initially 0) per column (Ba, Kiros, Hinton 2016; epsilon 1e-5 as in PyTorch). Parameters NAME.weight [width], the
/// gain, and NAME.bias [width].
struct LayerNorm : Module {
  LayerNorm(Parameters& parameters, const std::string& name, int width);
  /// Throws Error unless the last extent of x is `width`.
  Var operator()(const Var& x) const;
  Var weight, bias;
};

/// Zeroes each element with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014). The mask is a
/// pure function of `random` and the element's index in x.
Var dropout(const Var& x, float p, const Random& random);

/// Random numbers of the dropout masks of one training step. A shard uses the masks of its rows in the full batch.
struct StepDropout {
  Random random;
  std::int64_t first_row = 0;  ///< of the shard, in the full batch
  std::int64_t batch = 0;      ///< rows of the full batch; 0: those of the input
};

/// State of a cell between time steps: its output [B, H] and, if it has one, another tensor [B, H].
using CellState = std::vector<Var>;

/// A cell of your own, written with tensors (docs/adding_a_cell.md). A network makes one for each layer and direction,
/// by a constructor (Parameters&, const std::string& name, int input, int hidden) that adds its parameters.
class Cell : public Module {
 public:
  virtual ~Cell() = default;
  /// The state after x [B, I]; state[0] is the output.
  virtual CellState step(const Var& x, const CellState& before) const = 0;
  /// The state before the first step, of one tensor or two: by default one of zeros.
  virtual CellState zero_state(int batch) const;

 protected:
  Cell(Parameters& parameters, const std::string& name, int hidden);
  int hidden() const { return hidden_; }

 private:
  int hidden_;
};

/// The cell of a network: a built-in one, or one of your own with the name that model files keep.
class CellKind {
 public:
  using Maker = std::function<std::shared_ptr<const Cell>(Parameters&, const std::string& name, int input, int hidden)>;

  CellKind(CellType type);
  /// Throws Error for an empty name and for that of a built-in cell.
  CellKind(std::string name, Maker make);

  const std::string& name() const { return name_; }
  bool is_built_in() const { return type_.has_value(); }
  CellType type() const;  ///< throws Error for a cell of your own
  std::shared_ptr<const Cell> make(Parameters& parameters, const std::string& name, int input, int hidden) const;
  friend bool operator==(const CellKind& cell, CellType type) { return cell.type_ == type; }

 private:
  std::string name_;
  std::optional<CellType> type_;
  Maker make_;
};

/// make_cell<MinimalGru>("minimal-gru")
template <class C>
CellKind make_cell(std::string name) {
  return {std::move(name), [](Parameters& parameters, const std::string& layer, int input, int hidden) {
            return std::make_shared<const C>(parameters, layer, input, hidden);
          }};
}

/// State of a recurrent network between time steps, [L*D, B, H] each; `c` for cells with two tensors only. Owned by the
/// caller, who passes it on to carry it over windows, or passes zeros to reset it.
struct RecurrentState {
  Var h, c;
  RecurrentState detach() const;
};

enum class Biases {
  two,  ///< b_ih and b_hh, as in PyTorch
  one   ///< b_ih only, as in the textbook
};
template <>
const EnumNames<Biases>& enum_names<Biases>();

struct RecurrentOptions {
  CellKind cell = CellType::rnn;
  Activation activation = Activation::tanh;  ///< of CellType::rnn
  int hidden = 256;                          ///< H
  int layers = 1;                            ///< L
  bool bidirectional = false;                ///< a second network reads backwards in time
  float dropout = 0;                         ///< on the outputs of every layer but the last, [0, 1)
  Biases biases = Biases::two;
};

/// A stack of recurrent layers; each layer and direction is one operation over the whole sequence. Parameters, for
/// layer k: NAME.weight_ih_lK [in, G*H], NAME.weight_hh_lK [H, G*H], NAME.bias_ih_lK [G*H], NAME.bias_hh_lK
/// [G*H], with the suffix _reverse for the second direction: PyTorch's names, its matrices transposed. The parameters
/// of a cell of your own are NAME.cell_lK.PART.
class Recurrent : public Module {
 public:
  /// `init` draws the weights, `bias_init` the biases. Throws Error for extents below 1 or dropout outside [0, 1).
  Recurrent(Parameters& parameters, const std::string& name, int input, const RecurrentOptions& options,
            const Init& init, const Init& bias_init);
  /// Initial values of PyTorch: uniform_for_fan(options.hidden).
  Recurrent(Parameters& parameters, const std::string& name, int input, const RecurrentOptions& options);
  Recurrent(Parameters& parameters, const RecurrentSpec& spec);

  struct Result {
    Var output;            ///< [T, B, D*H], in time order
    RecurrentState state;  ///< after the last step
  };
  /// x [T, B, I]. `dropout`: masks of this training step; null outside training.
  Result operator()(const Var& x, const RecurrentState& state, const StepDropout* dropout = nullptr) const;
  /// One-hot input, computed as a row look-up.
  Result operator()(const Ids& ids, const RecurrentState& state, const StepDropout* dropout = nullptr) const;
  Result operator()(const Var& x) const;    ///< from a state of zeros
  Result operator()(const Ids& ids) const;  ///< from a state of zeros

  RecurrentState zero_state(int batch) const;
  const RecurrentOptions& options() const { return options_; }
  int directions() const { return options_.bidirectional ? 2 : 1; }

  struct Weights {
    Var ih, hh;            ///< [in, G*H], [H, G*H]
    Var bias_ih, bias_hh;  ///< [G*H]; bias_hh is undefined with Biases::one
  };
  /// The parameters of a layer and direction of a built-in cell.
  const Weights& weights(int layer, int direction = 0) const {
    const std::int64_t index = std::int64_t{layer} * directions() + direction;
    return weights_.at(static_cast<std::size_t>(index));
  }

 private:
  /// The input is x [T, B, I], or `ids` if x is undefined.
  Result run(std::int64_t batch, Var x, std::span<const std::int32_t> ids, const RecurrentState& state,
             const StepDropout* dropout) const;

  int input_;
  RecurrentOptions options_;
  bool has_c_;
  std::vector<Weights> weights_;                    // L*D, of a built-in cell
  std::vector<std::shared_ptr<const Cell>> cells_;  // L*D, of another one
};

/// Uniform initialization of PyTorch's recurrent and linear layers, U(-1/sqrt(fan), 1/sqrt(fan)).
Uniform uniform_for_fan(int fan);

}  // namespace unroll
