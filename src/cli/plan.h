#pragma once

#include <cstdint>
#include <string>

#include "unroll/language_model.h"

namespace unroll::cli {

/// What one run of training or scoring costs, as far as it can be told beforehand.
struct Workload {
  LanguageModelOptions model;
  std::int64_t vocabulary = 0;
  std::int64_t batch = 1;  ///< B
  std::int64_t steps = 1;  ///< T
};

/// Elements of all parameters.
std::int64_t parameter_count(const Workload& workload);

/// Multiply-adds, counted twice, of one forward pass over T steps of B sequences.
double forward_operations(const Workload& workload);

/// The same for one symbol and a stored model: a multiply-add for each of its numbers.
double operations_per_symbol(const std::string& model_file);

/// The threads that are worth their while for parallel regions of `operations` floating-point operations: as many as
/// this process may use, but no more than leave each one enough to outweigh waking it.
int worthwhile_threads(double operations);

/// Bytes that training takes at its peak, within some ten per cent.
struct MemoryPlan {
  double parameters = 0;  ///< and the best ones, where there is a validation
  double gradients = 0;
  double moments = 0;      ///< of the optimizer
  double packed = 0;       ///< copies of weights, laid out for the products
  double activations = 0;  ///< what a step keeps for its backward pass
  double saving = 0;       ///< what is copied to be written while training goes on
  double text = 0;
  double program = 0;
  double total() const { return parameters + gradients + moments + packed + activations + saving + text + program; }
};
/// How a batch is divided.
struct Sharing {
  int slices = 1;
  int ranks = 1;
};
/// Of each rank. `moments`: how many numbers the optimizer keeps for each parameter.
MemoryPlan memory_plan(const Workload& workload, int moments, bool validates, std::int64_t symbols,
                       const Sharing& sharing);

/// Epochs for a text of that many symbols where the user does not say: as many as read about 1.5 million symbols, at
/// least 3 and at most 150.
std::int64_t default_epochs(std::int64_t symbols);

}  // namespace unroll::cli
