#include "unroll/language_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "base/device_memory.h"
#include "base/fingerprint.h"
#include "base/require.h"
#include "train/gradient_sum.h"
#include "unroll/communicator.h"
#include "unroll/error.h"

namespace unroll {

namespace {

void check_same_symbols(const Tokenizer& model, const Tokenizer& corpus) {
  if (model.size() != corpus.size() || !model.starts_with(corpus)) {
    throw Error(
        fmt::format("the corpus is in the indices of another vocabulary ({} symbols) than the model's ({}); read "
                    "it with the model's vocabulary",
                    corpus.size(), model.size()));
  }
}

std::int64_t fingerprint_of_ids(std::span<const std::int32_t> ids) {
  return static_cast<std::int64_t>(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
}

// Seeds and fingerprints have any bits.
constexpr std::int64_t any_low = std::numeric_limits<std::int64_t>::min(),
                       any_high = std::numeric_limits<std::int64_t>::max();

/// Visits a number that identifies the task. Throws Error(bad_data) if the visitor restores a different one.
void visit_unchanged(StateVisitor& visitor, const char* name, std::int64_t ours) {
  std::int64_t theirs = ours;
  visitor.visit(name, theirs, any_low, any_high);
  if (theirs == ours) return;
  throw Error(
      ExitCode::bad_data,
      fmt::format("the checkpoint is that of another training: its {} is {}, here it is {}; go on with the same "
                  "text, windows and seed",
                  name, theirs, ours));
}

/// As visit_unchanged(), for a fingerprint, whose number is left out of the message.
void visit_fingerprint(StateVisitor& visitor, const char* name, std::int64_t ours, const char* what) {
  std::int64_t theirs = ours;
  visitor.visit(name, theirs, any_low, any_high);
  if (theirs == ours) return;
  throw Error(
      ExitCode::bad_data,
      fmt::format("the checkpoint is that of another training: {} is not the one that it began with ({})", what, name));
}

/// Different for different cells: those that are not built in have the upper 32 bits of a fingerprint, which are above
/// the numbers of the others.
double number_of(const CellKind& cell) {
  if (cell.is_built_in()) return static_cast<double>(cell.type());
  return static_cast<double>(fingerprint_of(cell.name()) >> 32U) + 1000;
}

/// Redistributes `states` [L*D, rows, H], which hold consecutive rows of a batch, to the ranges `rows`.
std::vector<Var> cut(Context& context, const std::vector<Var>& states, const std::vector<Range>& rows) {
  std::vector<Var> result;
  const std::int64_t layers = states.front().shape()[0], width = states.front().shape()[2];
  for (const Range& wanted : rows) {
    Tensor result_values(context, {layers, wanted.count, width});
    MutableHostView values(context, result_values.span(), HostAccess::write);
    std::int64_t first = 0;
    for (const Var& state : states) {
      const std::int64_t count = state.shape()[1];
      const HostView stored(context, state.value().span());
      const std::int64_t begin = std::max(first, wanted.first);
      const std::int64_t end = std::min(first + count, wanted.end());
      for (std::int64_t layer = 0; layer < layers && begin < end; ++layer) {
        const float* const from = stored.span().data() + (layer * count + begin - first) * width;
        std::copy_n(from, (end - begin) * width,
                    values.span().data() + (layer * wanted.count + begin - wanted.first) * width);
      }
      first += count;
    }
    values.store();
    result.push_back(constant(context, std::move(result_values)));
  }
  return result;
}

/// Sends the state of rank `owner` to rank 0.
void send_to_root(Communicator& ranks, int owner, Context& context, Var& state) {
  std::vector<Communicator::Message> out(static_cast<std::size_t>(ranks.size()));
  std::vector<Communicator::Memory> in(out.size());
  Tensor values(context, state.shape());
  const HostView sent(context, state.value().span());
  MutableHostView received(context, values.span(), HostAccess::write);
  if (ranks.rank() == owner) out[0] = std::as_bytes(sent.span());
  if (ranks.rank() == 0) in[static_cast<std::size_t>(owner)] = std::as_writable_bytes(received.span());
  ranks.all_to_all(out, in);
  if (ranks.rank() != 0) return;
  received.store();
  state = constant(context, std::move(values));
}

/// Visits the tensor of a carried state and replaces it by the values that the visitor leaves.
void visit_tensor(StateVisitor& visitor, const char* name, Context& context, Var& state) {
  Tensor values = Tensor::of(context, state.shape(), HostView(context, state.value().span()).span());
  visitor.visit_on_device(name, context, values.span());
  state = constant(context, std::move(values));
}

}  // namespace

struct LanguageTask::Impl {
  Impl(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options,
       std::span<const std::int32_t> validation)
      : model_(model),
        fingerprint_(fingerprint_of_ids(corpus.ids())),
        options_(options),
        windows_(options.windows, corpus.ids(), options.batch, options.window, model.context().seed()),
        validation_(validation) {}

  LossSum forward_backward(std::int64_t batch, Shard shard);
  void reshard_state(int shards);

  LanguageModel& model_;
  std::int64_t fingerprint_;  // of the corpus
  LanguageTaskOptions options_;
  Windows windows_;
  std::span<const std::int32_t> validation_;
  std::int64_t validation_bytes_ = 0;   // of the scored symbols
  Batch batch_;                         // of the last step
  std::vector<RecurrentState> states_;  // one per shard; empty before the first step
  std::int64_t epoch_ = 0;
};

LanguageTask::LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options,
                           std::span<const std::int32_t> validation)
    : impl_(std::make_unique<Impl>(model, corpus, options, validation)) {
  require_known("epoch_state", options.epoch_state);
  check_same_symbols(model.vocabulary(), corpus.vocabulary());
  if (validation.size() == 1) throw Error("a held-out text of a single symbol cannot be scored; give it 2 or more");
  if (!validation.empty()) impl_->validation_bytes_ = model.vocabulary().byte_count(validation.subspan(1));
}

LanguageTask::~LanguageTask() = default;

Parameters& LanguageTask::parameters() { return impl_->model_.parameters(); }
std::int64_t LanguageTask::batches_per_epoch() const { return impl_->windows_.batches(); }
int LanguageTask::max_shards() const { return impl_->options_.batch; }
bool LanguageTask::has_validation() const { return !impl_->validation_.empty(); }

void LanguageTask::begin_epoch(std::int64_t epoch) {
  impl_->epoch_ = epoch;
  impl_->windows_.begin_epoch(epoch);
}

LossSum LanguageTask::forward_backward(std::int64_t batch, Shard shard) {
  return impl_->forward_backward(batch, shard);
}

LossSum LanguageTask::Impl::forward_backward(std::int64_t batch, Shard shard) {
  const Range rows = part_of(options_.batch, shard.index, shard.count);
  windows_.read(batch, rows, batch_);
  reshard_state(shard.count);
  RecurrentState& state = states_[static_cast<std::size_t>(shard.index)];
  const bool goes_on = options_.windows == WindowKind::consecutive &&
                       (batch_.carries_state || options_.epoch_state == EpochState::carry);
  if (!goes_on) state = model_.zero_state(static_cast<int>(rows.count));
  const std::int64_t batches_so_far = (epoch_ - 1) * windows_.batches() + batch;
  const StepDropout dropout{
      .random = Random(model_.context().seed(), RandomStream::dropout, 0, static_cast<std::uint32_t>(batches_so_far)),
      .first_row = rows.first,
      .batch = options_.batch};
  const Var loss = model_.loss(batch_.ids, batch_.targets, state, &dropout);
  state = state.detach();
  loss.backward(static_cast<float>(rows.count) / static_cast<float>(options_.batch));
  const std::int64_t count = batch_.targets.size();
  return {.sum = static_cast<double>(loss.item()) * static_cast<double>(count), .count = count};
}

/// Divides the carried state into `shards`. Before the first step the state is zero, as the first step needs it.
void LanguageTask::Impl::reshard_state(int shards) {
  if (states_.size() == static_cast<std::size_t>(shards)) return;
  if (states_.empty()) states_.push_back(model_.zero_state(options_.batch));
  std::vector<Range> rows;
  std::vector<Var> h, c;
  rows.reserve(static_cast<std::size_t>(shards));
  for (int shard = 0; shard < shards; ++shard) rows.push_back(part_of(options_.batch, shard, shards));
  for (const RecurrentState& state : states_) {
    h.push_back(state.h);
    c.push_back(state.c);
  }
  h = cut(model_.context(), h, rows);
  if (c.front().defined()) c = cut(model_.context(), c, rows);
  c.resize(rows.size());
  states_.clear();
  for (std::size_t shard = 0; shard < rows.size(); ++shard) states_.push_back({h[shard], c[shard]});
}

/// Each rank has current states of its own shards only.
void LanguageTask::gather_state(Communicator& ranks, int shards) {
  impl_->reshard_state(shards);
  for (int owner = 1; owner < ranks.size(); ++owner) {
    const Range theirs = shards_of_rank(owner, ranks.size(), shards);
    for (std::int64_t shard = theirs.first; shard < theirs.end(); ++shard) {
      RecurrentState& state = impl_->states_[static_cast<std::size_t>(shard)];
      send_to_root(ranks, owner, impl_->model_.context(), state.h);
      if (state.c.defined()) send_to_root(ranks, owner, impl_->model_.context(), state.c);
    }
  }
}

std::vector<Metric> LanguageTask::metrics(double mean_loss) const { return {{"perplexity", std::exp(mean_loss)}}; }

std::optional<double> LanguageTask::uniform_loss() const {
  return std::log(static_cast<double>(impl_->model_.vocabulary().size()));
}

std::vector<Metric> LanguageTask::validation_metrics(double mean_loss) const {
  const double bits = mean_loss / std::numbers::ln2;
  const double symbols = static_cast<double>(impl_->validation_.size() - 1);
  return {{"perplexity", std::exp(mean_loss)},
          {"bits_per_symbol", bits},
          {"bits_per_byte", bits * symbols / static_cast<double>(impl_->validation_bytes_)}};
}

LossSum LanguageTask::validation_loss(Shard shard) {
  const LanguageModel::Score score = impl_->model_.score_part(impl_->validation_, shard.index, shard.count);
  return {.sum = score.cross_entropy_sum, .count = score.symbols};
}

void LanguageTask::visit_state(StateVisitor& visitor) {
  visit_fingerprint(visitor, "text_fingerprint", impl_->fingerprint_, "the text");
  visit_fingerprint(visitor, "vocabulary_fingerprint",
                    static_cast<std::int64_t>(impl_->model_.vocabulary().fingerprint()), "the vocabulary");
  if (has_validation())
    visit_fingerprint(visitor, "held_out_fingerprint", fingerprint_of_ids(impl_->validation_), "the held-out text");
  visit_unchanged(visitor, "random_windows", impl_->options_.windows == WindowKind::random ? 1 : 0);
  visit_unchanged(visitor, "carries_over_epochs", impl_->options_.epoch_state == EpochState::carry ? 1 : 0);
  visit_unchanged(visitor, "batch", impl_->options_.batch);
  visit_unchanged(visitor, "steps", impl_->options_.window);
  visit_unchanged(visitor, "seed", static_cast<std::int64_t>(impl_->model_.context().seed()));
  const LanguageModelOptions& model = impl_->model_.options();
  visitor.check("cell", number_of(model.cell));
  visitor.check("activation", static_cast<double>(model.activation));
  visitor.check("dropout", model.dropout);
  impl_->reshard_state(1);
  visit_tensor(visitor, "h", impl_->model_.context(), impl_->states_[0].h);
  if (impl_->states_[0].c.defined()) visit_tensor(visitor, "c", impl_->model_.context(), impl_->states_[0].c);
}

}  // namespace unroll
