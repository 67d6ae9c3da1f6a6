#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/fingerprint.h"
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

std::int64_t fingerprint_of_ids(std::span<const std::int32_t> ids) {
  return static_cast<std::int64_t>(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
}

std::int64_t fingerprint_of_symbols(const Vocabulary& vocabulary) {
  Fingerprint fingerprint;
  for (int id = 0; id < vocabulary.size(); ++id) {
    const char32_t symbol = vocabulary.symbol(id);
    fingerprint.add({reinterpret_cast<const char*>(&symbol), sizeof symbol});
  }
  return static_cast<std::int64_t>(fingerprint.value());
}

/// A number that tells one task from another: it must not change when it is put back.
void visit_unchanged(StateVisitor& visitor, const char* name, std::int64_t ours) {
  std::int64_t theirs = ours;
  visitor.visit(name, theirs);
  if (theirs == ours) return;
  throw Error(
      ExitCode::bad_data,
      fmt::format("the checkpoint is that of another training: its {} is {}, here it is {}; go on with the same "
                  "text, windows and seed",
                  name, theirs, ours));
}

/// The same for a fingerprint, of which nobody wants to see the number.
void visit_same(StateVisitor& visitor, const char* name, std::int64_t ours, const char* what) {
  std::int64_t theirs = ours;
  visitor.visit(name, theirs);
  if (theirs == ours) return;
  throw Error(
      ExitCode::bad_data,
      fmt::format("the checkpoint is that of another training: {} is not the one that it began with ({})", what, name));
}

/// A carried state's tensor; `state` is replaced by what comes back.
void visit_tensor(StateVisitor& visitor, const char* name, Context& context, Var& state) {
  Tensor values(context, state.shape());
  std::copy(state.value().span().begin(), state.value().span().end(), values.data());
  visitor.visit(name, values.span());
  state = constant(context, std::move(values));
}

}  // namespace

LanguageTask::LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options,
                           std::span<const std::int32_t> held_out)
    : model_(model),
      fingerprint_(fingerprint_of_ids(corpus.ids())),
      options_(options),
      windows_(options.windows, corpus.ids(), options.batch, options.steps, model.context().seed()),
      held_out_(held_out) {
  check_same_symbols(model.vocabulary(), corpus.vocabulary());
  if (held_out.size() == 1) throw Error("a held-out text of a single symbol cannot be scored; give it 2 or more");
}

void LanguageTask::begin_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  windows_.begin_epoch(epoch);
}

LossSum LanguageTask::forward_backward(std::int64_t batch) {
  windows_.read(batch, batch_);
  const bool goes_on = options_.windows == WindowKind::consecutive && state_.h.defined() &&
                       (batch_.carries_state || options_.epoch_state == EpochState::carry);
  if (!goes_on) state_ = model_.zero_state(options_.batch);
  const std::int64_t batches_so_far = (epoch_ - 1) * batches_per_epoch() + batch;
  const Random dropout(model_.context().seed(), Purpose::dropout, 0, static_cast<std::uint32_t>(batches_so_far));
  const Var loss = model_.loss(batch_.ids, batch_.targets, state_, &dropout);
  state_ = state_.detach();
  loss.backward();
  const std::int64_t count = batch_.targets.size();
  return {.sum = static_cast<double>(loss.item()) * static_cast<double>(count), .count = count};
}

LossSum LanguageTask::held_out_loss() {
  const LanguageModel::Score score = model_.score(held_out_);
  return {.sum = score.cross_entropy_sum, .count = score.symbols};
}

void LanguageTask::visit_state(StateVisitor& visitor) {
  visit_same(visitor, "text_fingerprint", fingerprint_, "the text");
  visit_same(visitor, "vocabulary_fingerprint", fingerprint_of_symbols(model_.vocabulary()), "the vocabulary");
  if (has_held_out()) visit_same(visitor, "held_out_fingerprint", fingerprint_of_ids(held_out_), "the held-out text");
  visit_unchanged(visitor, "random_windows", options_.windows == WindowKind::random ? 1 : 0);
  visit_unchanged(visitor, "carries_over_epochs", options_.epoch_state == EpochState::carry ? 1 : 0);
  visit_unchanged(visitor, "batch", options_.batch);
  visit_unchanged(visitor, "steps", options_.steps);
  visit_unchanged(visitor, "seed", static_cast<std::int64_t>(model_.context().seed()));
  // Before the first step there is none; zeros do as well, since the first step begins with them.
  if (!state_.h.defined()) state_ = model_.zero_state(options_.batch);
  visit_tensor(visitor, "h", model_.context(), state_.h);
  if (state_.c.defined()) visit_tensor(visitor, "c", model_.context(), state_.c);
}

}  // namespace unroll
