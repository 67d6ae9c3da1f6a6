#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "unroll/corpus.h"
#include "unroll/language_model.h"
#include "unroll/options.h"
#include "unroll/trainer.h"

namespace unroll {

/// Recurrent state at the start of an epoch of consecutive windows.
enum class EpochState {
  zero,  ///< zeros
  carry  ///< the final state of the previous epoch
};
template <>
const EnumNames<EpochState>& enum_names<EpochState>();

struct LanguageTaskOptions {
  WindowKind windows = WindowKind::consecutive;
  int batch = 32;                             ///< B: sequences per batch
  int window = 35;                            ///< T: symbols per window
  EpochState epoch_state = EpochState::zero;  ///< consecutive windows only; every random window starts with zeros
};

/// Next-symbol prediction on a corpus. Keeps references to the model, the corpus and the validation ids.
class LanguageTask final : public Task {
 public:
  /// `validation`: validation text, encoded with the same vocabulary, at least 2 symbols, the first of which is not
  /// scored; empty: no validation. Throws Error if the corpus is too short for one batch, the validation text is a
  /// single symbol, or the corpus uses the indices of a vocabulary other than the model's.
  LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options,
               std::span<const std::int32_t> validation = {});
  // The task would outlive a temporary corpus or validation text.
  LanguageTask(LanguageModel&, const Corpus&&, const LanguageTaskOptions&, std::span<const std::int32_t> = {}) = delete;
  LanguageTask(LanguageModel&, const Corpus&, const LanguageTaskOptions&, const std::vector<std::int32_t>&&) = delete;
  ~LanguageTask() override;
  Parameters& parameters() override;
  std::int64_t batches_per_epoch() const override;
  void begin_epoch(std::int64_t epoch) override;
  int max_shards() const override;
  /// A shard is a range of rows of each batch; every shard carries its own recurrent state.
  LossSum forward_backward(std::int64_t batch, Shard shard = {}) override;
  bool has_validation() const override;
  LossSum validation_loss(Shard shard = {}) override;
  /// "perplexity"; validation_metrics() adds "bits_per_symbol" and "bits_per_byte". The bytes are those of the scored
  /// symbols in UTF-8, so that models of different units can be compared.
  std::vector<Metric> metrics(double mean_loss) const override;
  std::optional<double> uniform_loss() const override;
  std::vector<Metric> validation_metrics(double mean_loss) const override;
  /// Restoring throws Error(bad_data) if the state is that of another text, vocabulary or seed, or of other options.
  void visit_state(StateVisitor& visitor) override;
  void gather_state(Communicator& ranks, int shards) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace unroll
