#include "denormals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "models.h"
#include "unroll/context.h"
#include "unroll/optimizers.h"
#include "unroll/session.h"

namespace unroll::bench {

namespace {

constexpr float kept_when_decaying = 0.9f, kept_when_staying = 1.0f;  // factor on the state per step
constexpr float recurrent_noise = 1e-6f;  // too small to change a state noticeably over all steps

/// Sets the weights of a one-layer network so that each symbol multiplies the state by `kept`, apart from small noise
/// in the recurrent weights. Only symbol 0 contributes input: it sets the state.
class Decay {
 public:
  Decay(LanguageModel& model, float kept) : model_(model) {
    for (const char* name : {"rnn.weight_ih_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0"}) set(parameter(name), 0);
    const std::span<float> recurrent = parameter("rnn.weight_hh_l0");
    const Random noise(1, RandomStream::init);
    for (std::size_t i = 0; i < recurrent.size(); ++i) recurrent[i] = recurrent_noise * noise.normal(i);
    const std::size_t hidden = static_cast<std::size_t>(model.options().hidden);
    const CellType cell = model.options().cell.type();
    if (cell == CellType::rnn) {
      for (std::size_t i = 0; i < hidden; ++i) recurrent[i * hidden + i] += kept;
      set(parameter("rnn.weight_ih_l0").subspan(0, hidden), 1);
    } else {
      // The second gate (z or f) is the factor on the state; the third (n or g) is the new input.
      const float bias = kept < 1 ? std::log(kept / (1 - kept)) : 30.0f;
      set(parameter("rnn.bias_ih_l0").subspan(hidden, hidden), bias);
      set(parameter("rnn.weight_ih_l0").subspan(2 * hidden, hidden), 5);
      if (kept == 1 && cell == CellType::gru) set(parameter("rnn.weight_ih_l0").subspan(hidden, hidden), -30);
    }
    model.parameters().updated();
  }

  /// Makes symbol 1 the most probable one for every state.
  void always_say_symbol_1() {
    parameter("decoder.bias")[1] = 1e6f;
    model_.parameters().updated();
  }

 private:
  static void set(std::span<float> values, float value) { std::fill(values.begin(), values.end(), value); }
  std::span<float> parameter(const char* name) {
    const Parameters::Entry& entry = *model_.parameters().find(name);
    return model_.parameters().values().subspan(static_cast<std::size_t>(entry.offset),
                                                static_cast<std::size_t>(entry.var.shape().size()));
  }
  LanguageModel& model_;
};

/// Training steps that all start from the same parameters. Symbol 0 occurs only at the first position.
class MeasuredTraining {
 public:
  MeasuredTraining(const Workload& workload, float kept, int threads)
      : context_({.seed = 1, .threads = threads}),
        model_(context_, synthetic_vocabulary(static_cast<int>(workload.vocabulary)), workload.model),
        adam_(model_.parameters(), {.learning_rate = 1e-4}),
        ids_(static_cast<int>(workload.steps), static_cast<int>(workload.batch)) {
    const Random random(1, RandomStream::windows);
    const auto others = static_cast<std::uint32_t>(workload.vocabulary - 1);
    for (std::size_t i = static_cast<std::size_t>(ids_.batch()); i < ids_.flat().size(); ++i) {
      ids_.flat()[i] = 1 + static_cast<std::int32_t>(random.below(others, i));
    }
    Decay(model_, kept);
    const std::span<const float> values = model_.parameters().values();
    before_.assign(values.begin(), values.end());
  }

  void step() {
    std::copy(before_.begin(), before_.end(), model_.parameters().values().begin());
    model_.parameters().updated();
    RecurrentState state = model_.zero_state(ids_.batch());
    const Var loss = model_.loss(ids_, ids_, state);
    model_.parameters().zero_gradients();
    loss.backward();
    clip_by_global_norm(model_.parameters(), 1.0f);
    adam_.step();
  }

 private:
  Context context_;
  LanguageModel model_;
  Adam adam_;
  Ids ids_;
  std::vector<float> before_;
};

/// Generates a text that starts with symbol 0 and continues with symbol 1 only.
class GenerationRun {
 public:
  GenerationRun(const Workload& workload, float kept, int threads)
      : context_({.seed = 1, .threads = threads}),
        model_(context_, synthetic_vocabulary(static_cast<int>(workload.vocabulary)), workload.model),
        length_(static_cast<int>(workload.steps)) {
    Decay(model_, kept).always_say_symbol_1();
  }
  void step() { generate(model_, model_.vocabulary().text(0), {.length = length_}); }

 private:
  Context context_;
  LanguageModel model_;
  int length_;
};

template <class Run>
Benchmark benchmark_of(const char* what, const Workload& workload) {
  return {.name = fmt::format("denormals/{}-{}", what, short_name(workload.model)),
          .size = size_text(workload),
          .symbols = static_cast<double>(workload.batch * workload.steps),
          .prepare = [workload](int threads) -> Prepared {
            const auto decaying = std::make_shared<Run>(workload, kept_when_decaying, threads);
            const auto staying = std::make_shared<Run>(workload, kept_when_staying, threads);
            return {.run = [decaying] { decaying->step(); }, .normal = [staying] { staying->step(); }};
          }};
}

Workload workload_of(CellType cell, std::int64_t batch) {
  return {.model = {.cell = cell, .activation = Activation::relu, .hidden = 128},
          .vocabulary = 64,
          .batch = batch,
          .steps = 2000};
}

}  // namespace

std::vector<Benchmark> denormal_benchmarks() {
  std::vector<Benchmark> all;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    all.push_back(benchmark_of<MeasuredTraining>("training", workload_of(cell, 8)));
    all.push_back(benchmark_of<GenerationRun>("generation", workload_of(cell, 1)));
  }
  return all;
}

}  // namespace unroll::bench
