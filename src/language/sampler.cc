#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/device_memory.h"
#include "base/memory_pool.h"
#include "device/device.h"
#include "nn/node.h"
#include "unroll/error.h"
#include "unroll/session.h"

namespace unroll {

std::vector<Option> describe(GenerateOptions& o) {
  using options::choice;
  using options::number;
  using options::seed;
  using options::whole_number;
  constexpr int many = 2'000'000'000;
  return {
      whole_number("length", o.length, 0, many, "number of new symbols"),
      number("temperature", o.temperature, {}, "0: the most probable symbol; 1: draw as the model says; more: bolder"),
      whole_number("top-k", o.top_k, 0, many, "draw from the N most probable symbols only; 0: from all"),
      number("top-p", o.top_p, {.low = 0, .high = 1, .low_included = false},
             "draw from the fewest symbols with this probability together"),
      number("repetition-penalty", o.repetition_penalty, {.low = 0, .high = 100, .low_included = false},
             "above 1: the last 64 symbols become less probable"),
      seed(o.seed, "of the draws"),
      choice("unknown", o.unknown, "symbols of the prefix that the model does not know")};
}

namespace {

constexpr std::uint32_t max_streams = 1U << 24;  // those of Random

/// Of each symbol of the history once.
void penalize(std::span<float> logits, std::span<const std::int32_t> history, float penalty) {
  constexpr float largest = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < history.size(); ++i) {
    const auto before = history.first(i);
    if (std::ranges::find(before, history[i]) != before.end()) continue;
    float& logit = logits[static_cast<std::size_t>(history[i])];
    if (std::isfinite(logit)) logit = std::clamp(logit > 0 ? logit / penalty : logit * penalty, -largest, largest);
  }
}

bool draws_from_all(const GenerateOptions& options) {
  return options.temperature == 0 || (options.top_k == 0 && options.top_p == 1);
}

/// Moves the logits of the symbols to draw from to the front and draws one of them. -1 if a logit is not finite.
std::int32_t choose_from_some(Context& context, const GenerateOptions& options, std::span<float> row, double fraction) {
  MutableHostView view(context, row);
  const std::span<float> logits = view.span();
  if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); })) return -1;
  PooledVector<std::int32_t> kept(logits.size(), 0, context);
  std::iota(kept.begin(), kept.end(), 0);
  const auto logit_of = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; };
  const auto more_probable = [&](std::int32_t a, std::int32_t b) {
    return logit_of(a) > logit_of(b) || (logit_of(a) == logit_of(b) && a < b);
  };
  const auto top_k = static_cast<std::size_t>(options.top_k);
  if (top_k > 0 && top_k < kept.size()) {
    std::ranges::nth_element(kept, kept.begin() + options.top_k, more_probable);
    kept.resize(top_k);
  }
  if (options.top_p < 1) {
    std::ranges::sort(kept, more_probable);
    const auto weight = [&](std::int32_t id) {
      const double difference = static_cast<double>(logit_of(id)) - static_cast<double>(logit_of(kept.front()));
      return std::exp(difference / static_cast<double>(options.temperature));
    };
    double total = 0, sum = 0;
    for (const std::int32_t id : kept) total += weight(id);
    std::size_t count = 0;
    while (count < kept.size() && sum < static_cast<double>(options.top_p) * total) sum += weight(kept[count++]);
    kept.resize(std::max<std::size_t>(count, 1));
  }
  std::ranges::sort(kept);
  for (std::size_t i = 0; i < kept.size(); ++i) logits[i] = logit_of(kept[i]);
  view.store();
  std::int32_t chosen = -1;
  device_of(context).choose(context, Matrix(row.data(), 1, static_cast<std::int64_t>(kept.size())), options.temperature,
                            {&fraction, 1}, {&chosen, 1});
  return kept[static_cast<std::size_t>(chosen)];
}

}  // namespace

Sampler::Sampler(const GenerateOptions& options) : options_(options) { check_values(describe(options_)); }

double Sampler::fraction(const Text& text) const {
  if (text.stream >= max_streams) throw Error(fmt::format("sampler: stream {}; it must be below 2^24", text.stream));
  return Random(options_.seed, RandomStream::generation, text.stream).bits(text.position) * 0x1p-32;
}

void Sampler::choose(Context& context, const View& logits, std::span<const Text> texts,
                     std::span<std::int32_t> chosen) const {
  const Matrix rows(logits);
  if (rows.rows != std::ssize(texts) || texts.size() != chosen.size() || rows.columns == 0) {
    throw Error(fmt::format("sampler: logits {} for {} texts and {} results; give a row and a result for each text",
                            logits.shape.to_string(), texts.size(), chosen.size()));
  }
  const auto row = [&](std::size_t i) {
    return std::span(rows.row(static_cast<std::int64_t>(i)), static_cast<std::size_t>(rows.columns));
  };
  PooledVector<double> fractions(texts.size(), 0, context);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (options_.temperature > 0) fractions[i] = fraction(texts[i]);
    if (options_.repetition_penalty == 1) continue;
    const auto recent = texts[i].history.last(std::min(texts[i].history.size(), Session::history_size));
    require_below(recent, rows.columns, "sampler: symbol of the history");
    MutableHostView view(context, row(i));
    penalize(view.span(), recent, options_.repetition_penalty);
    view.store();
  }
  if (draws_from_all(options_)) {
    device_of(context).choose(context, rows, options_.temperature, fractions, chosen);
  } else {
    for (std::size_t i = 0; i < texts.size(); ++i)
      chosen[i] = choose_from_some(context, options_, row(i), fractions[i]);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (chosen[i] >= 0) continue;
    throw Error(
        ExitCode::diverged,
        fmt::format("the model's logits at position {} are not finite{}: its training has diverged; train again "
                    "with a lower learning rate or with clipping",
                    texts[i].position, texts.size() > 1 ? fmt::format(", for text {} of the batch", i) : ""));
  }
}

}  // namespace unroll
