#include "unroll/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "language/prompt.h"
#include "language/session_batch.h"
#include "unroll/error.h"

namespace unroll {

namespace {

Context& context_of(std::span<Session* const> sessions, Context* first) {
  if (sessions.empty()) throw Error("sessions: none was given; give at least one");
  return *first;
}

/// Matrices with a row for each session in one block of memory, since taking a block from the pool takes as long as a
/// small layer does. Each begins at a multiple of 16 numbers, a cache line.
template <std::size_t count>
class RowMatrices {
 public:
  RowMatrices(Context& context, std::size_t rows, const std::array<std::int64_t, count>& columns) {
    constexpr std::int64_t line = 16;
    std::int64_t padded = 0;
    for (std::size_t i = 0; i < count; ++i) {
      offsets_[i] = padded * static_cast<std::int64_t>(std::bit_ceil(rows));
      padded += (columns[i] + line - 1) / line * line;
    }
    memory_ = memory_for_rows(context, rows, padded);
  }

  float* operator[](std::size_t i) { return memory_.data() + offsets_[i]; }

 private:
  std::array<std::int64_t, count> offsets_{};
  Tensor memory_;
};

}  // namespace

SessionBatch::SessionBatch(std::span<Session* const> all)
    : sessions_(all),
      context_(context_of(all, all.empty() ? nullptr : all.front()->context_)),
      device_(device_of(context_)),
      weights_(all.front()->model_.weights()) {
  weights_.require_unchanged();
  for (const Session* session : all) {
    if (&session->model_.weights() != &weights_ || session->context_ != &context_)
      throw Error("sessions: a batch needs one packed model and one context; divide it");
  }
  if (all.size() == 1) return;
  PooledVector<Session*> sorted(all.begin(), all.end(), context_);
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    throw Error("sessions: one occurs twice in a batch; a text has one next symbol");
}

/// Copies all states to matrices [B, H], one for each slot and layer, `distance` elements apart.
void SessionBatch::gather(Sessions sessions, float* matrices, std::int64_t distance) const {
  for (Session* session : sessions) {
    const ConstMatrix state(session->state_.view().data, session->state_.shape().rows(), weights_.options.hidden);
    device_.copy(context_, state, {matrices, state.rows, state.columns, distance});
    matrices += state.columns;
  }
}

/// The reverse of gather().
void SessionBatch::scatter(const float* matrices, std::int64_t distance, Sessions sessions) const {
  for (Session* session : sessions) {
    const Matrix state(session->state_.data(), session->state_.shape().rows(), weights_.options.hidden);
    device_.copy(context_, {matrices, state.rows, state.columns, distance}, state);
    matrices += state.columns;
  }
}

void SessionBatch::read(Sessions sessions) const {
  const LanguageModelOptions& options = weights_.options;
  const std::int64_t batch = std::ssize(sessions), hidden = options.hidden;
  if (weights_.composed) return read_composed(sessions);
  const bool has_c = options.cell == CellType::lstm;
  const std::int64_t layers = options.layers, slot = batch * hidden;
  PooledVector<std::int32_t> ids(context_);
  ids.reserve(sessions.size());
  for (const Session* session : sessions) ids.push_back(session->unread_);
  const std::int64_t embedding = weights_.embedding ? weights_.embedding->columns : 0;
  RowMatrices<4> memory(context_, sessions.size(),
                        {(has_c ? 4 : 2) * layers * hidden, gate_count(options.cell.type()) * hidden,
                         options.cell == CellType::gru ? hidden : 0, embedding});
  // Of each layer h before and after the step, then c. They are copied back when no memory is needed any more, so all
  // or nothing happens.
  float* const states = memory[0];
  float* const gates = memory[1];
  float* const candidate = memory[2];
  gather(sessions, states, 2 * slot);
  ConstMatrix x;
  if (weights_.embedding) {
    const Matrix rows(memory[3], batch, embedding);
    device_.gather_rows(context_, *weights_.embedding, ids, nullptr, rows);
    x = rows;
  }
  for (std::int64_t index = 0; index < layers; ++index) {
    const Weights::Layer& layer = weights_.layers[static_cast<std::size_t>(index)];
    const Matrix gate_rows(gates, batch, layer.weight_ih.columns);
    if (layer.input) {
      device_.gemm_packed(context_, x, *layer.input, gate_rows, Accumulate::onto_bias(layer.bias_ih));
    } else {
      device_.gather_rows(context_, layer.weight_ih, ids, layer.bias_ih, gate_rows);
    }
    float* const h = states + index * 2 * slot;
    device_.recurrent_forward(context_, {.cell = options.cell.type(),
                                         .activation = options.activation,
                                         .steps = 1,
                                         .batch = batch,
                                         .hidden = hidden,
                                         .gates = gates,
                                         .candidate = candidate,
                                         .weight = layer.weight_hh,
                                         .packed = layer.packed_hh.data(),
                                         .bias = layer.bias_hh,
                                         .h = h,
                                         .c = has_c ? h + layers * 2 * slot : nullptr});
    x = ConstMatrix(h + slot, batch, hidden);
  }
  scatter(states + slot, 2 * slot, sessions);
  for (Session* session : sessions) session->unread_ = -1;
}

/// By the steps of a cell that is not built in.
void SessionBatch::read_composed(Sessions sessions) const {
  const NoGrad no_grad;
  const LanguageModelOptions& options = weights_.options;
  const std::int64_t batch = std::ssize(sessions), hidden = options.hidden, layers = options.layers;
  Ids ids(1, static_cast<int>(batch));
  for (std::size_t i = 0; i < sessions.size(); ++i) ids[0][i] = sessions[i]->unread_;
  Tensor states(context_, {sessions[0]->state_.shape().rows(), batch, hidden});
  gather(sessions, states.data(), batch * hidden);
  const Var before = constant(context_, std::move(states));
  RecurrentState state{slice(before, 0, layers), {}};
  if (before.shape()[0] > layers) state.c = slice(before, layers, before.shape()[0]);
  const Recurrent& network = *weights_.composed;
  if (weights_.embedding) {
    Tensor embedded(context_, {1, batch, weights_.embedding->columns});
    device_.gather_rows(context_, *weights_.embedding, ids.flat(), nullptr,
                        Matrix(embedded.data(), batch, weights_.embedding->columns));
    state = network(constant(context_, std::move(embedded)), state).state;
  } else {
    state = network(ids, state).state;
  }
  const Var after = state.c.defined() ? concat({state.h, state.c}) : state.h;
  scatter(after.value().data, batch * hidden, sessions);
  for (Session* session : sessions) session->unread_ = -1;
}

void SessionBatch::read_unread() const {
  const auto is_unread = [](const Session* session) { return session->unread_ >= 0; };
  if (std::ranges::all_of(sessions_, is_unread)) return read(sessions_);
  PooledVector<Session*> unread(context_);
  unread.reserve(sessions_.size());
  for (Session* session : sessions_) {
    if (is_unread(session)) unread.push_back(session);
  }
  if (!unread.empty()) read(unread);
}

void SessionBatch::require_texts() const {
  for (const Session* session : sessions_) {
    if (session->size_ == 0) throw Error("session: its text has no symbols, so there are no logits; feed it first");
  }
}

void SessionBatch::logits(Matrix result) const {
  require_texts();
  read_unread();
  const std::int64_t hidden = weights_.options.hidden;
  const auto output_of = [&](const Session* session) {  // h of the last layer
    return ConstMatrix(session->state_.data() + (weights_.options.layers - 1) * hidden, 1, hidden);
  };
  ConstMatrix outputs = output_of(sessions_.front());
  Tensor copies;
  if (sessions_.size() > 1) {
    copies = memory_for_rows(context_, sessions_.size(), hidden);
    const Matrix rows(copies.data(), std::ssize(sessions_), hidden);
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      device_.copy(context_, output_of(sessions_[i]), {rows.row(static_cast<std::int64_t>(i)), 1, hidden});
    }
    outputs = rows;
  }
  device_.gemm_packed(context_, outputs, weights_.decoder, result, Accumulate::onto_bias(weights_.decoder_bias));
}

void SessionBatch::append(std::span<const std::int32_t> ids) const {
  if (ids.size() != sessions_.size()) {
    throw Error(fmt::format("sessions: {} symbols for {} sessions; give one for each", ids.size(), sessions_.size()));
  }
  require_below(ids, weights_.vocabulary.size(), "session: symbol");
  read_unread();
  for (std::size_t i = 0; i < ids.size(); ++i) sessions_[i]->append(ids[i]);
}

Session::Session(PackedModel model, Context& context) : model_(std::move(model)), context_(&context) {
  const LanguageModelOptions& options = model_.options();
  if (context.device() != model_.weights().device) {
    throw Error("session: its context has another device than that of the packed model; make both for one");
  }
  const PackedModel::Weights& weights = model_.weights();
  if (!weights.composed) {
    state_ = Tensor::zeros(context, {options.cell == CellType::lstm ? 2 : 1, options.layers, options.hidden});
    return;
  }
  if (&context != weights.context) {
    throw Error(fmt::format("session: the cell {} is not built in, so its sessions need the context of the model",
                            options.cell.name()));
  }
  const RecurrentState zero = weights.composed->zero_state(1);
  state_ = Tensor(context, {zero.c.defined() ? 2 : 1, options.layers, options.hidden});
  const std::int64_t size = zero.h.shape().size();
  const Device& device = device_of(context);
  device.copy(context, {zero.h.value().data, 1, size}, {state_.data(), 1, size});
  if (zero.c.defined()) device.copy(context, {zero.c.value().data, 1, size}, {state_.data() + size, 1, size});
}

void Session::append(std::int32_t id) {
  unread_ = id;
  ++size_;
  if (history_count_ == history_size) {
    std::ranges::copy(history_.begin() + 1, history_.end(), history_.begin());
    --history_count_;
  }
  history_[history_count_++] = id;
}

void Session::feed(std::int32_t id) {
  Session* const self = this;
  unroll::feed({&self, 1}, {&id, 1});
}

void Session::feed(std::string_view text, Unknown unknown) {
  for (const std::int32_t id : prompt_ids(model_, text, unknown)) feed(id);
}

Tensor Session::logits() {
  Session* const self = this;
  Tensor result(*context_, {1, model_.vocabulary().size()});
  unroll::logits({&self, 1}, result.view());
  return result;
}

void feed(std::span<Session* const> sessions, std::span<const std::int32_t> ids) { SessionBatch(sessions).append(ids); }

void logits(std::span<Session* const> sessions, const View& result) {
  const SessionBatch batch(sessions);
  const Shape expected{std::ssize(sessions), sessions.front()->model().vocabulary().size()};
  if (result.shape != expected) {
    throw Error(fmt::format("sessions: their logits have shape {}, and {} is given for them", expected.to_string(),
                            result.shape.to_string()));
  }
  batch.logits(Matrix(result));
}

}  // namespace unroll
