#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/fingerprint.h"
#include "train/communicator.h"
#include "train/gradient_sum.h"
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

/// States [L*D, rows, H] of some rows of a batch each, as those of others. BatchRows do not change.
std::vector<Var> cut(Context& context, const std::vector<Var>& states, const std::vector<BatchRows>& rows) {
  std::vector<Var> result;
  const std::int64_t layers = states.front().shape()[0], width = states.front().shape()[2];
  for (const BatchRows& wanted : rows) {
    Tensor values(context, {layers, wanted.count, width});
    std::int64_t first = 0;
    for (const Var& state : states) {
      const std::int64_t count = state.shape()[1];
      const std::int64_t begin = std::max<std::int64_t>(first, wanted.first);
      const std::int64_t end = std::min<std::int64_t>(first + count, wanted.first + wanted.count);
      for (std::int64_t layer = 0; layer < layers && begin < end; ++layer) {
        const float* const from = state.value().data + (layer * count + begin - first) * width;
        std::copy_n(from, (end - begin) * width, values.data() + (layer * wanted.count + begin - wanted.first) * width);
      }
      first += count;
    }
    result.push_back(constant(context, std::move(values)));
  }
  return result;
}

/// Makes the state of rank 0 that of another rank.
void bring_to_first(Communicator& ranks, int owner, Context& context, Var& state) {
  std::vector<Communicator::Message> out(static_cast<std::size_t>(ranks.size()));
  std::vector<Communicator::Memory> in(out.size());
  Tensor values(context, state.shape());
  if (ranks.rank() == owner) out[0] = std::as_bytes(state.value().span());
  if (ranks.rank() == 0) in[static_cast<std::size_t>(owner)] = std::as_writable_bytes(values.span());
  ranks.exchange(out, in);
  if (ranks.rank() == 0) state = constant(context, std::move(values));
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

BatchRows LanguageTask::rows_of(Slice slice) const {
  const auto first = [&](std::int64_t index) { return static_cast<int>(index * options_.batch / slice.count); };
  return {.first = first(slice.index), .count = first(slice.index + 1) - first(slice.index)};
}

LossSum LanguageTask::forward_backward(std::int64_t batch, Slice slice) {
  const BatchRows rows = rows_of(slice);
  windows_.read(batch, rows, batch_);
  cut_state(slice.count);
  RecurrentState& state = states_[static_cast<std::size_t>(slice.index)];
  const bool goes_on = options_.windows == WindowKind::consecutive &&
                       (batch_.carries_state || options_.epoch_state == EpochState::carry);
  if (!goes_on) state = model_.zero_state(rows.count);
  const std::int64_t batches_so_far = (epoch_ - 1) * batches_per_epoch() + batch;
  const StepDropout dropout{
      .random = Random(model_.context().seed(), Purpose::dropout, 0, static_cast<std::uint32_t>(batches_so_far)),
      .first_row = rows.first,
      .batch = options_.batch};
  const Var loss = model_.loss(batch_.ids, batch_.targets, state, &dropout);
  state = state.detach();
  loss.backward(static_cast<float>(rows.count) / static_cast<float>(options_.batch));
  const std::int64_t count = batch_.targets.size();
  return {.sum = static_cast<double>(loss.item()) * static_cast<double>(count), .count = count};
}

/// Before the first step there is no state; zeros do as well, since the first step begins with them.
void LanguageTask::cut_state(int slices) {
  if (states_.size() == static_cast<std::size_t>(slices)) return;
  if (states_.empty()) states_.push_back(model_.zero_state(options_.batch));
  std::vector<BatchRows> rows;
  std::vector<Var> h, c;
  rows.reserve(static_cast<std::size_t>(slices));
  for (int slice = 0; slice < slices; ++slice) rows.push_back(rows_of({.index = slice, .count = slices}));
  for (const RecurrentState& state : states_) {
    h.push_back(state.h);
    c.push_back(state.c);
  }
  h = cut(model_.context(), h, rows);
  if (c.front().defined()) c = cut(model_.context(), c, rows);
  c.resize(rows.size());
  states_.clear();
  for (std::size_t slice = 0; slice < rows.size(); ++slice) states_.push_back({h[slice], c[slice]});
}

/// Each rank has the states of its own slices; those of the others are old.
void LanguageTask::gather_state(Communicator& ranks, int slices) {
  cut_state(slices);
  for (int owner = 1; owner < ranks.size(); ++owner) {
    const SliceRange theirs = slices_of_rank(owner, ranks.size(), slices);
    for (int slice = theirs.first; slice < theirs.first + theirs.count; ++slice) {
      RecurrentState& state = states_[static_cast<std::size_t>(slice)];
      bring_to_first(ranks, owner, model_.context(), state.h);
      if (state.c.defined()) bring_to_first(ranks, owner, model_.context(), state.c);
    }
  }
}

LossSum LanguageTask::held_out_loss(Slice slice) {
  const LanguageModel::Score score = model_.score_part(held_out_, slice.index, slice.count);
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
  cut_state(1);
  visit_tensor(visitor, "h", model_.context(), states_[0].h);
  if (states_[0].c.defined()) visit_tensor(visitor, "c", model_.context(), states_[0].c);
}

}  // namespace unroll
