#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/check.h"
#include "device/device.h"
#include "nn/node.h"
#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

/// Null if the model has no such parameter.
const float* values_of(const Parameters& parameters, const std::string& name) {
  const Parameters::Entry* entry = parameters.find(name);
  return entry == nullptr ? nullptr : entry->var.value().data;
}

ConstMatrix matrix_of(const Parameters& parameters, const std::string& name) {
  const Parameters::Entry* entry = parameters.find(name);
  UNROLL_CHECK(entry != nullptr);
  return ConstMatrix(entry->var.value());
}

/// [D*H, V]
ConstMatrix decoder_weight(const LanguageModel& model) {
  const Parameters& parameters = model.parameters();
  return model.options().tied ? matrix_of(parameters, "encoder.weight").transposed()
                              : matrix_of(parameters, "decoder.weight");
}

}  // namespace

struct Predictor::Network {
  struct Layer {
    ConstMatrix weight_ih;              // [I, G*H]
    std::optional<PackedMatrix> input;  // weight_ih packed; none for one-hot input, which gathers rows
    const float* bias_ih;
    Buffer weight_hh;
    Tensor gates, candidate, h, c;
    RecurrentSequence sequence;  // one step, from one half of h and c to the other
  };

  Network(const LanguageModel& model, int texts);
  Layer layer_of(int index);
  void drop_texts_from(std::int64_t remaining);
  void feed(std::span<const std::int32_t> ids);
  void step(Layer& layer, std::span<const std::int32_t> ids, ConstMatrix x);

  const LanguageModel& model;
  Context& context;
  const Device& device;
  const std::uint64_t version;  // of the parameters
  std::int64_t texts;           // not ended yet
  bool fed = false;
  std::optional<ConstMatrix> embedding;
  std::vector<Layer> layers;
  PackedMatrix decoder;
  const float* decoder_bias;
  Tensor embedded, logits;
};

Predictor::Network::Network(const LanguageModel& m, int count)
    : model(m),
      context(m.context()),
      device(device_of(context)),
      version(m.parameters().version()),
      texts(count),
      decoder(device.pack(context, decoder_weight(m))),
      decoder_bias(values_of(m.parameters(), "decoder.bias")),
      logits(context, {count, m.vocabulary().size()}) {
  if (m.options().embedding > 0) {
    embedding = matrix_of(m.parameters(), "encoder.weight");
    embedded = Tensor(context, {count, m.options().embedding});
  }
  for (int index = 0; index < m.options().layers; ++index) layers.push_back(layer_of(index));
}

Predictor::Network::Layer Predictor::Network::layer_of(int index) {
  const auto name = [&](const char* kind) { return fmt::format("rnn.{}_l{}", kind, index); };
  const Parameters& parameters = model.parameters();
  const std::int64_t hidden = model.options().hidden;
  const bool lstm = model.options().cell == Cell::lstm;
  Layer layer;
  layer.weight_ih = matrix_of(parameters, name("weight_ih"));
  if (index > 0 || embedding) layer.input = device.pack(context, layer.weight_ih);
  layer.bias_ih = values_of(parameters, name("bias_ih"));
  layer.gates = Tensor(context, {texts, layer.weight_ih.columns});
  if (model.options().cell == Cell::gru) layer.candidate = Tensor(context, {texts, hidden});
  layer.h = Tensor::zeros(context, {2, texts, hidden});
  if (lstm) layer.c = Tensor::zeros(context, {2, texts, hidden});
  RecurrentSequence& s = layer.sequence;
  s.cell = model.options().cell;
  s.activation = model.options().activation;
  s.steps = 1;
  s.batch = texts;
  s.hidden = hidden;
  s.weight = values_of(parameters, name("weight_hh"));
  layer.weight_hh = device.pack_recurrent(context, s.cell, hidden, s.weight);
  s.packed = layer.weight_hh.data();
  s.bias = values_of(parameters, name("bias_hh"));
  s.gates = layer.gates.data();
  s.candidate = layer.candidate.data();
  s.h = layer.h.data();
  s.c = layer.c.data();
  return layer;
}

/// Ends the texts with index >= remaining. The second half of a state begins after the rows of the first half, so it
/// moves when there are fewer rows.
void Predictor::Network::drop_texts_from(std::int64_t remaining) {
  for (Layer& layer : layers) {
    RecurrentSequence& s = layer.sequence;
    for (float* state : {s.h, s.c}) {
      if (state == nullptr || !s.reverse) continue;
      std::copy_n(state + s.slot_size(), remaining * s.hidden, state + remaining * s.hidden);
    }
    s.batch = remaining;
  }
  texts = remaining;
}

void Predictor::Network::step(Layer& layer, std::span<const std::int32_t> ids, ConstMatrix x) {
  const Matrix gates(layer.gates.data(), texts, layer.weight_ih.columns);
  if (layer.input) {
    device.gemm_packed(context, x, *layer.input, gates, Accumulate::onto_bias(layer.bias_ih));
  } else {
    device.gather_rows(context, layer.weight_ih, ids, layer.bias_ih, gates);
  }
  device.recurrent_forward(context, layer.sequence);
}

void Predictor::Network::feed(std::span<const std::int32_t> ids) {
  ConstMatrix x;
  if (embedding) {
    const Matrix rows(embedded.data(), texts, embedding->columns);
    device.gather_rows(context, *embedding, ids, nullptr, rows);
    x = rows;
  }
  for (Layer& layer : layers) {
    step(layer, ids, x);
    x = ConstMatrix(layer.sequence.output(), texts, layer.sequence.hidden);
    layer.sequence.reverse = !layer.sequence.reverse;  // the next step reads what this one wrote
  }
  fed = true;
}

Predictor::Predictor(const LanguageModel& model, int texts) {
  if (model.options().bidirectional) {
    throw Error("a bidirectional model cannot continue a text: it sees the future; train one without");
  }
  if (texts < 1) throw Error(fmt::format("predictor: {} texts; it must be at least 1", texts));
  network_ = std::make_unique<Network>(model, texts);
}

Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

void Predictor::feed(std::span<const std::int32_t> ids) {
  const auto count = static_cast<std::int64_t>(ids.size());
  if (count < 1 || count > network_->texts) {
    throw Error(fmt::format("predictor: {} symbols; give 1 to {}, one for each text", count, network_->texts));
  }
  require_below(ids, network_->model.vocabulary().size(), "predictor: symbol");
  if (network_->model.parameters().version() != network_->version) {
    throw Error("predictor: the parameters have changed since it was made; make a new one");
  }
  if (count < network_->texts) network_->drop_texts_from(count);
  network_->feed(ids);
}

View Predictor::logits(int first, int count) {
  Network& n = *network_;
  if (!n.fed || first < 0 || count < 1 || first + std::int64_t{count} > n.texts) {
    throw Error(
        fmt::format("predictor: logits of {} texts from {} on; {} were fed", count, first, n.fed ? n.texts : 0));
  }
  const RecurrentSequence& top = n.layers.back().sequence;
  const float* h = top.before() + first * top.hidden;  // `reverse` is already that of the next step
  const std::int64_t symbols = n.decoder.matrix.columns;
  n.device.gemm_packed(n.context, ConstMatrix(h, count, top.hidden), n.decoder, Matrix(n.logits.data(), count, symbols),
                       Accumulate::onto_bias(n.decoder_bias));
  return {n.logits.data(), {count, symbols}};
}

}  // namespace unroll
