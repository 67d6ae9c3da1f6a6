#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "io/error_of.h"
#include "unroll/error.h"
#include "unroll/session.h"

namespace unroll {
namespace {

using ::testing::HasSubstr;

constexpr float huge = std::numeric_limits<float>::max();

std::int32_t choose(Context& context, const GenerateOptions& options, const std::vector<float>& logits,
                    const Sampler::Text& text) {
  std::int32_t chosen = -1;
  Tensor row = Tensor::of(context, {1, std::ssize(logits)}, logits);
  Sampler(options).choose(context, row.view(), {&text, 1}, {&chosen, 1});
  return chosen;
}

/// How often each symbol is chosen, at positions from 0 on.
std::map<std::int32_t, int> draws(const GenerateOptions& options, const std::vector<float>& logits, int count,
                                  std::span<const std::int32_t> history = {}) {
  Context context;
  std::map<std::int32_t, int> seen;
  for (int i = 0; i < count; ++i)
    ++seen[choose(context, options, logits, {.position = static_cast<std::uint64_t>(i), .history = history})];
  return seen;
}

std::set<std::int32_t> symbols_of(const std::map<std::int32_t, int>& seen) {
  std::set<std::int32_t> symbols;
  for (const auto& [symbol, count] : seen) symbols.insert(symbol);
  return symbols;
}

/// The symbols to draw from, by the definitions of top_k and top_p.
std::set<std::int32_t> allowed(const GenerateOptions& o, const std::vector<float>& logits) {
  std::vector<std::int32_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::ranges::stable_sort(
      order, [&](auto a, auto b) { return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)]; });
  if (o.top_k > 0 && static_cast<std::size_t>(o.top_k) < order.size()) order.resize(static_cast<std::size_t>(o.top_k));
  double total = 0, sum = 0;
  const auto weight = [&](std::int32_t id) {
    return std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) / static_cast<double>(o.temperature));
  };
  for (const std::int32_t id : order) total += weight(id);
  std::set<std::int32_t> result;
  for (const std::int32_t id : order) {
    if (sum >= static_cast<double>(o.top_p) * total) break;
    sum += weight(id);
    result.insert(id);
  }
  return result;
}

TEST(Sampler, DrawsFromTheMostProbableSymbols) {
  const std::vector<float> logits = {0.5f, 2, -1, 1.5f, 0, 2, 1};
  for (const GenerateOptions& options :
       {GenerateOptions{.temperature = 1, .top_k = 1}, GenerateOptions{.temperature = 1, .top_k = 3},
        GenerateOptions{.temperature = 3, .top_k = 7}, GenerateOptions{.temperature = 1, .top_k = 100},
        GenerateOptions{.temperature = 1, .top_p = 0.5f}, GenerateOptions{.temperature = 1, .top_p = 0.9f},
        GenerateOptions{.temperature = 2, .top_p = 0.9f}, GenerateOptions{.temperature = 1, .top_p = 1e-6f},
        GenerateOptions{.temperature = 2, .top_k = 4, .top_p = 0.7f}}) {
    EXPECT_EQ(symbols_of(draws(options, logits, 2000)), allowed(options, logits))
        << options.top_k << " " << options.top_p;
  }
}

TEST(Sampler, DrawsThemAsOftenAsTheyAreProbable) {
  const std::vector<float> logits = {0.5f, 2, -1, 1.5f, 0, 2, 1};
  const GenerateOptions options{.temperature = 1, .top_k = 4, .top_p = 0.99f};
  constexpr int count = 8000;
  double total = 0, chi_square = 0;
  for (const std::int32_t id : {1, 3, 5, 6}) total += std::exp(logits[static_cast<std::size_t>(id)]);
  const auto seen = draws(options, logits, count);
  for (const auto& [id, times] : seen) {
    const double expected = count * std::exp(logits[static_cast<std::size_t>(id)]) / total;
    chi_square += std::pow(times - expected, 2) / expected;
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_LT(chi_square, 16.27) << "0.999 quantile of chi-square, 3 degrees of freedom";
}

/// The most probable symbol is the last one, so its logit moves past that of another one that is kept.
TEST(Sampler, DrawsFromSymbolsInAnyOrder) {
  constexpr int count = 4000;
  const double probability = std::exp(1.0) / (std::exp(1.0) + 1);
  for (const GenerateOptions& options :
       {GenerateOptions{.temperature = 1, .top_k = 2}, GenerateOptions{.temperature = 1, .top_p = 0.99f}}) {
    const auto seen = draws(options, {2, -9, -9, 3}, count);
    EXPECT_EQ(symbols_of(seen), (std::set<std::int32_t>{0, 3}));
    EXPECT_NEAR(seen.at(3), count * probability, 4 * std::sqrt(count * probability * (1 - probability)));
  }
}

TEST(Sampler, WithoutLimitsChoosesAsWithThoseThatKeepAll) {
  Context context;
  std::mt19937 random(1);
  for (std::uint64_t position = 0; position < 300; ++position) {
    std::vector<float> logits(1 + random() % 40);
    for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 100;
    const Sampler::Text text{.position = position, .stream = 3};
    const auto all = static_cast<int>(logits.size());
    EXPECT_EQ(choose(context, {.temperature = 0.8f, .seed = 5}, logits, text),
              choose(context, {.temperature = 0.8f, .top_k = all, .seed = 5}, logits, text));
  }
}

TEST(Sampler, TemperatureZeroTakesTheMostProbableWhateverTheLimits) {
  EXPECT_EQ(symbols_of(draws({.top_k = 3, .top_p = 0.9f}, {0, 2, 1, 2}, 5)), std::set<std::int32_t>{1});
}

TEST(Sampler, PenalizesEachSymbolOfTheHistoryOnce) {
  const std::vector<std::int32_t> history = {1, 1, 1, 2, 2};
  const auto chosen = [&](const std::vector<float>& logits, float penalty) {
    return symbols_of(draws({.repetition_penalty = penalty}, logits, 1, history));
  };
  EXPECT_EQ(chosen({2.9f, 6, 0}, 2), std::set<std::int32_t>{1}) << "6 / 2 > 2.9";
  EXPECT_EQ(chosen({3.1f, 6, 0}, 2), std::set<std::int32_t>{0}) << "6 / 2 < 3.1";
  EXPECT_EQ(chosen({-1.9f, -3, -1}, 2), std::set<std::int32_t>{0}) << "-1 * 2 < -1.9";
  EXPECT_EQ(chosen({-1.9f, -3, -0.9f}, 2), std::set<std::int32_t>{2});
  EXPECT_EQ(chosen({1, 0.5f, 0}, 0.1f), std::set<std::int32_t>{1}) << "below 1 repetition is more probable";
  EXPECT_EQ(chosen({0, -huge, huge}, 100), std::set<std::int32_t>{2}) << "stays finite";
}

TEST(Sampler, StaysFiniteAtAnyTemperature) {
  for (const float temperature : {std::numeric_limits<float>::denorm_min(), 1.0f, 1e30f, huge}) {
    const auto seen = symbols_of(draws({.temperature = temperature, .top_k = 2}, {-huge, huge, 0, -huge}, 50));
    EXPECT_TRUE(std::ranges::includes(std::set<std::int32_t>{1, 2}, seen)) << temperature;
    const auto one = symbols_of(draws({.temperature = temperature, .top_p = 0.1f}, {-huge, huge, 0, -huge}, 50));
    EXPECT_EQ(one, std::set<std::int32_t>{1}) << temperature;
  }
}

TEST(Sampler, RefusesWhatIsNotFinite) {
  Context context;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    for (const GenerateOptions& options : {GenerateOptions{}, GenerateOptions{.temperature = 1},
                                           GenerateOptions{.temperature = 1, .top_k = 1, .repetition_penalty = 2}}) {
      const std::int32_t last = 1;
      const auto call = [&] { choose(context, options, {0, bad, 1}, {.position = 17, .history = {&last, 1}}); };
      EXPECT_THAT(message_of(ExitCode::diverged, call), HasSubstr("position 17"));
    }
  }
}

TEST(Sampler, NamesWhatItCannotUse) {
  Context context;
  const auto refused = [&](const GenerateOptions& options, const Sampler::Text& text = {}) {
    return message_of(ExitCode::usage, [&] { choose(context, options, {0, 1}, text); });
  };
  EXPECT_THAT(refused({.top_k = -1}), HasSubstr("top-k '-1'"));
  EXPECT_THAT(refused({.top_p = 0}), HasSubstr("top-p '0'"));
  EXPECT_THAT(refused({.top_p = 1.5f}), HasSubstr("top-p '1.5'"));
  EXPECT_THAT(refused({.repetition_penalty = 0}), HasSubstr("repetition-penalty '0'"));
  EXPECT_THAT(refused({.temperature = 1}, {.stream = 1U << 24}), HasSubstr("2^24"));
  const std::int32_t outside = 2;
  EXPECT_THAT(refused({.repetition_penalty = 2}, {.history = {&outside, 1}}), HasSubstr("history"));
  Tensor logits = Tensor::zeros(context, {3, 2});
  const std::vector<Sampler::Text> two(2);
  std::vector<std::int32_t> chosen(2);
  const auto three_rows = [&] { Sampler({}).choose(context, logits.view(), two, chosen); };
  EXPECT_THAT(message_of(ExitCode::usage, three_rows), HasSubstr("2 texts"));
}

}  // namespace
}  // namespace unroll
