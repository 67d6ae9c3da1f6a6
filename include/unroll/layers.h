#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unroll/autograd.h"
#include "unroll/cell.h"
#include "unroll/parameters.h"
#include "unroll/random.h"

namespace unroll {

struct Embedding;

/// y = x W + b over the last dimension: [.., in] -> [.., out]. Parameters PREFIX.weight [in, out], PREFIX.bias [out].
struct Linear {
  Linear(Parameters& parameters, const std::string& prefix, int in, int out, const Init& weight_init,
         const Init& bias_init);
  /// Tied: W is the transpose of the embedding's weight, one parameter for both (Press and Wolf 2017). Only PREFIX.bias
  /// is new.
  Linear(Parameters& parameters, const std::string& prefix, const Embedding& tied, const Init& bias_init);
  Var operator()(const Var& x) const;
  Var weight, bias;
  bool transposed = false;  ///< the weight is [out, in]
};

/// mean over rows of the cross-entropy of x W + b, in nats, as one fused operation that never holds all logits.
/// Lazy: the arithmetic happens in backward() (forward and backward at once), or in item() where only the value is
/// wanted. Throws Error where its value is asked for after the parameters have changed.
Var linear_cross_entropy(const Var& x, const Linear& linear, const Ids& targets);

/// One trainable row per symbol. Parameter PREFIX.weight [symbols, width].
struct Embedding {
  Embedding(Parameters& parameters, const std::string& prefix, int symbols, int width, const Init& init);
  Var operator()(const Ids& ids) const;  ///< [T, B] -> [T, B, width]
  Var weight;
};

/// Each row (along the last dimension) with mean 0 and variance 1, then times a gain, which begins at 1, plus a bias,
/// which begins at 0 (Ba, Kiros, Hinton 2016; epsilon 1e-5 as in PyTorch). Parameters PREFIX.weight [width],
/// PREFIX.bias [width].
struct LayerNorm {
  LayerNorm(Parameters& parameters, const std::string& prefix, int width);
  /// Throws Error unless the last extent of x is `width`.
  Var operator()(const Var& x) const;
  Var weight, bias;
};

/// Zeroes each element with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014). The mask is a
/// pure function of `random` and the element's index in x.
Var dropout(const Var& x, float p, const Random& random);

/// The random numbers of the dropout masks of one training step. Rows that are cut out of a larger batch have the masks
/// that they have there.
struct StepDropout {
  Random random;
  std::int64_t first_row = 0;  ///< in the whole batch
  std::int64_t batch = 0;      ///< rows of the whole batch; 0: as many as there are
};

/// What a recurrent network carries from step to step, [L*D, B, H] each; `c` for the lstm only. Owned by the caller:
/// to carry it over windows is to pass it on, to reset it is to pass zeros.
struct RecurrentState {
  Var h, c;
  RecurrentState detach() const;
};

enum class Biases {
  two,  ///< b_ih and b_hh, as PyTorch
  one   ///< b_ih only, as the textbook
};

struct RecurrentOptions {
  Cell cell = Cell::rnn;                     ///< rnn, gru or lstm
  Activation activation = Activation::tanh;  ///< of Cell::rnn
  int hidden = 256;                          ///< H
  int layers = 1;                            ///< L
  bool bidirectional = false;                ///< a second net reads backwards in time
  float dropout = 0;                         ///< on the outputs of every layer but the last
  Biases biases = Biases::two;
};

/// A stack of recurrent layers; each layer and direction is one operation over the whole sequence. Parameters, for
/// layer k: PREFIX.weight_ih_lK [in, G*H], PREFIX.weight_hh_lK [H, G*H], PREFIX.bias_ih_lK [G*H], PREFIX.bias_hh_lK
/// [G*H], with the suffix _reverse for the second direction: PyTorch's names, its matrices transposed.
class Recurrent {
 public:
  /// `init` draws the weights, `bias_init` the biases. Throws Error for extents below 1 or dropout outside [0, 1).
  Recurrent(Parameters& parameters, const std::string& prefix, int input, const RecurrentOptions& options,
            const Init& init, const Init& bias_init);

  struct Result {
    Var output;            ///< [T, B, D*H], in time order
    RecurrentState state;  ///< after the last step
  };
  /// x [T, B, I]. `dropout`: this step's masks, null outside training.
  Result operator()(const Var& x, const RecurrentState& state, const StepDropout* dropout = nullptr) const;
  /// One-hot input, as a look-up of rows.
  Result operator()(const Ids& ids, const RecurrentState& state, const StepDropout* dropout = nullptr) const;

  RecurrentState zero_state(int batch) const;
  const RecurrentOptions& options() const { return options_; }
  int directions() const { return options_.bidirectional ? 2 : 1; }

 private:
  struct Weights {
    Var ih, hh, bias_ih, bias_hh;
  };
  struct Extents {
    std::int64_t steps, batch;
  };
  /// The input is x, or `ids` where x is undefined.
  Result run(const Extents& extents, Var x, std::span<const std::int32_t> ids, const RecurrentState& state,
             const StepDropout* dropout) const;

  Context* context_;
  int input_;
  RecurrentOptions options_;
  std::vector<Weights> weights_;  // L*D
};

/// The uniform draw of PyTorch's recurrent and linear layers, U(-1/sqrt(fan), 1/sqrt(fan)).
Uniform uniform_for_fan(int fan);

}  // namespace unroll
