#pragma once

#include <cstdint>
#include <vector>

#include "unroll/layers.h"

namespace unroll {

/// A multilayer perceptron for rows of features: a linear function of the features plus pre-norm residual blocks (He et
/// al. 2016, Xiong et al. 2020) with dropout on their inputs, as in Gorishniy, Rubachev, Khrulkov, Babenko: Revisiting
/// Deep Learning Models for Tabular Data. NeurIPS 2021.
class TableNet {
 public:
  static constexpr int hidden = 64;
  static constexpr int blocks = 2;
  static constexpr float input_dropout = 0.3f;
  static constexpr float hidden_dropout = 0.5f;

  TableNet(Parameters& parameters, int features);
  /// [B, features] -> [B, 1]. `training_dropout`: the random numbers of this step's dropout masks; null outside
  /// training.
  Var operator()(const Var& x, const Random* training_dropout) const;

 private:
  struct Block {
    LayerNorm norm;
    Linear in, out;
  };
  Linear linear_, input_;
  std::vector<Block> blocks_;
  LayerNorm norm_;
  Linear output_;
};

}  // namespace unroll
