#include <fmt/format.h>
#include <gtest/gtest.h>

#include "allocations/counted.h"
#include "language/model_fixtures.h"
#include "support/threads.h"
#include "unroll/session.h"

namespace unroll {
namespace {

using test::allocations;

struct Setup {
  const char* name;
  LanguageModelOptions model;
};

class GenerationStep : public ::testing::TestWithParam<Setup> {};

TEST_P(GenerationStep, AllocatesNothingAfterTheFirst) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    for (const int threads : {1, 2}) {
      for (const float temperature : {0.0f, 1.0f}) {
        SCOPED_TRACE(fmt::format("{} gates, {} threads, temperature {}", gate_count(cell), threads, temperature));
        LanguageModelOptions options = GetParam().model;
        options.cell = cell;
        Context context({.threads = threads});
        ASSERT_TRUE(test::all_threads_take_part(context));
        const LanguageModel model(context, test::letters(700), options);
        int symbols = 0;
        std::int64_t after_first = 0, after_last = 0;
        generate(model, "abc", {.length = 50, .temperature = temperature}, [&](std::string_view) {
          if (++symbols == 3) after_first = allocations();  // after the prefix and two symbols
          after_last = allocations();
          return true;
        });
        EXPECT_EQ(symbols, 51);
        EXPECT_EQ(after_last - after_first, 0);
      }
    }
  }
}

TEST_P(GenerationStep, AllocatesNothingForManyTextsEither) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    LanguageModelOptions options = GetParam().model;
    options.cell = cell;
    Context context({.threads = 2});
    const LanguageModel model(context, test::letters(700), options);
    const PackedModel packed = model.pack();
    std::vector<Session> sessions;
    std::vector<Session*> batch;
    for (int i = 0; i < 20; ++i) sessions.emplace_back(packed, context);
    for (Session& session : sessions) batch.push_back(&session);
    const std::vector<std::int32_t> ids = test::pseudo_random_ids(20, 700);
    Tensor all(context, {20, 700});
    std::int64_t after_first = 0;
    for (const bool again : {false, true}) {
      for (const std::size_t texts : {20, 20, 13, 13, 1, 2}) {
        feed(std::span(batch).first(texts), std::span(ids).first(texts));
        logits(std::span(batch).first(texts), {all.data(), {static_cast<std::int64_t>(texts), 700}});
      }
      if (!again) after_first = allocations();
    }
    EXPECT_EQ(allocations() - after_first, 0) << gate_count(cell) << " gates";
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GenerationStep,
                         ::testing::Values(Setup{"one_hot", {.hidden = 130}},
                                           Setup{"embedding", {.hidden = 130, .layers = 2, .embedding = 90}}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace unroll
