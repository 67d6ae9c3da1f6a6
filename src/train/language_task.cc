#include <fmt/format.h>

#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

void check_same_symbols(const Vocabulary& model, const Vocabulary& corpus) {
  bool same = model.size() == corpus.size();
  for (int id = 0; same && id < model.size(); ++id) same = model.symbol(id) == corpus.symbol(id);
  if (!same) {
    throw Error(
        fmt::format("the corpus is in the indices of another vocabulary ({} symbols) than the model's ({}); read "
                    "it with the model's vocabulary",
                    corpus.size(), model.size()));
  }
}

}  // namespace

LanguageTask::LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options)
    : model_(model),
      options_(options),
      windows_(options.windows, corpus.ids(), options.batch, options.steps, model.context().seed()) {
  check_same_symbols(model.vocabulary(), corpus.vocabulary());
}

void LanguageTask::begin_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  windows_.begin_epoch(epoch);
}

LossSum LanguageTask::forward_backward(std::int64_t step) {
  windows_.read(step, batch_);
  const bool goes_on = options_.windows == WindowKind::consecutive && state_.h.defined() &&
                       (batch_.carries_state || options_.epoch_state == EpochState::carry);
  if (!goes_on) state_ = model_.zero_state(options_.batch);
  const std::int64_t steps_so_far = (epoch_ - 1) * steps_per_epoch() + step;
  const Random dropout(model_.context().seed(), Purpose::dropout, 0, static_cast<std::uint32_t>(steps_so_far));
  const Var loss = model_.loss(batch_.ids, batch_.targets, state_, &dropout);
  state_ = state_.detach();
  parameters().zero_gradients();
  loss.backward();
  const std::int64_t count = batch_.targets.size();
  return {.sum = static_cast<double>(loss.item()) * static_cast<double>(count), .count = count};
}

}  // namespace unroll
