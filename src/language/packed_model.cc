#include "language/packed_model.h"

#include <string_view>

#include "base/device_memory.h"
#include "base/fingerprint.h"
#include "device/device.h"
#include "language/model_json.h"
#include "unroll/error.h"

namespace unroll {
namespace {

const float* data_of(const Var& parameter) { return parameter.defined() ? parameter.value().data : nullptr; }

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

PackedModel::PackedModel(const LanguageModel& model) {
  const LanguageModelOptions& options = model.options();
  Context& context = model.context();
  const Device& device = device_of(context);
  const auto weights = std::make_shared<Weights>();
  weights->vocabulary = model.vocabulary();
  weights->options = options;
  weights->device = context.device();
  weights->parameters = node_of(model.decoder_.bias).storage;
  weights->values = weights->parameters->value.data();
  weights->version = weights->parameters->version;
  if (model.encoder_) weights->embedding = ConstMatrix(model.encoder_->weight.value());
  if (!options.cell.is_built_in()) {
    weights->composed = model.recurrent_;
    weights->context = &context;
  }
  for (int index = 0; index < options.layers && !weights->composed; ++index) {
    const Recurrent::Weights& from = model.recurrent_.weights(index);
    Weights::Layer layer;
    layer.weight_ih = ConstMatrix(from.ih.value());
    if (index > 0 || model.encoder_) layer.input = device.pack(context, layer.weight_ih);
    layer.bias_ih = data_of(from.bias_ih);
    layer.weight_hh = data_of(from.hh);
    layer.packed_hh = device.pack_recurrent(context, options.cell.type(), options.hidden, layer.weight_hh);
    layer.bias_hh = data_of(from.bias_hh);
    weights->layers.push_back(std::move(layer));
  }
  const ConstMatrix decoder(model.decoder_.weight.value());
  weights->decoder = device.pack(context, model.decoder_.transposed ? decoder.transposed() : decoder);
  weights->decoder_bias = data_of(model.decoder_.bias);
  weights_ = weights;
}

PackedModel LanguageModel::pack() const { return PackedModel(*this); }

const Tokenizer& PackedModel::vocabulary() const { return weights_->vocabulary; }
const LanguageModelOptions& PackedModel::options() const { return weights_->options; }

std::uint64_t PackedModel::fingerprint() const {
  weights_->require_unchanged();
  // Once, since it reads all weights.
  std::call_once(weights_->fingerprinted, [this] { weights_->fingerprint = weights_->computed_fingerprint(); });
  return weights_->fingerprint;
}

std::uint64_t PackedModel::Weights::computed_fingerprint() const {
  Fingerprint all;
  all.add(config_json({.options = options, .vocabulary_size = vocabulary.size()}));
  all.add(hex(vocabulary.fingerprint()));
  all.add(bytes_of(HostView(device, {values, static_cast<std::size_t>(parameters->size)}).span()));
  return all.value();
}

void PackedModel::Weights::require_unchanged() const {
  if (parameters->version == version && parameters->value.data() == values) return;
  throw Error("the parameters of the model have changed since it was packed; pack it again");
}

}  // namespace unroll
