#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "nn/node.h"
#include "unroll/session.h"

namespace unroll {

struct PackedModel::Weights {
  struct Layer {
    ConstMatrix weight_ih;              // [I, G*H]
    std::optional<PackedMatrix> input;  // weight_ih packed; none for one-hot input, which gathers rows
    const float* bias_ih;
    const float* weight_hh;  // [H, G*H]
    Buffer packed_hh;
    const float* bias_hh;  // null with Biases::one
  };

  /// Throws Error if the parameters have changed since they were packed.
  void require_unchanged() const;
  std::uint64_t computed_fingerprint() const;

  Tokenizer vocabulary;
  LanguageModelOptions options;
  DeviceKind device;
  std::shared_ptr<const Storage> parameters;  // which the matrices refer to
  const float* values;                        // of `parameters`, when they were packed
  std::uint64_t version;
  std::optional<ConstMatrix> embedding;  // [V, E]
  std::vector<Layer> layers;             // of a built-in cell
  std::optional<Recurrent> composed;     // with another cell
  Context* context = nullptr;            // of `composed`: that of the model, whose operations it runs
  PackedMatrix decoder;                  // [H, V]
  const float* decoder_bias;
  mutable std::once_flag fingerprinted;
  mutable std::uint64_t fingerprint = 0;
};

}  // namespace unroll
