#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "unroll/corpus.h"
#include "unroll/language_task.h"
#include "unroll/session.h"

// An object that keeps a reference must not compile with a temporary in its place.

namespace unroll {
namespace {

using Symbols = std::vector<std::int32_t>;

template <class Object, class... Arguments>
constexpr bool compiles = std::is_constructible_v<Object, Arguments...>;

TEST(Lifetimes, ATemporaryThatWouldBeReferencedDoesNotCompile) {
  EXPECT_TRUE((compiles<LanguageTask, LanguageModel&, Corpus&, LanguageTaskOptions>));
  EXPECT_TRUE((compiles<LanguageTask, LanguageModel&, const Corpus&, LanguageTaskOptions, Symbols&>));
  EXPECT_TRUE(
      (compiles<LanguageTask, LanguageModel&, const Corpus&, LanguageTaskOptions, std::span<const std::int32_t>>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel&, Corpus, LanguageTaskOptions>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel&, const Corpus, LanguageTaskOptions>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel&, Corpus, LanguageTaskOptions, Symbols&>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel, Corpus&, LanguageTaskOptions>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel&, Corpus&, LanguageTaskOptions, Symbols>));
  EXPECT_FALSE((compiles<LanguageTask, LanguageModel&, Corpus&, LanguageTaskOptions, const Symbols>));
  EXPECT_TRUE((compiles<Session, PackedModel, Context&>));
  EXPECT_FALSE((compiles<Session, PackedModel, Context>));
  EXPECT_TRUE((compiles<ConsecutiveWindows, const Corpus&, int, int>));
  EXPECT_FALSE((compiles<ConsecutiveWindows, Corpus, int, int>));
  EXPECT_FALSE((compiles<RandomWindows, const Corpus, int, int>));
  EXPECT_TRUE((compiles<Windows, WindowKind, Symbols&, int, int>));
  EXPECT_FALSE((compiles<Windows, WindowKind, Symbols, int, int>));
  EXPECT_FALSE((compiles<LanguageModel, Context, const Tokenizer&, LanguageModelOptions>));
  EXPECT_FALSE((compiles<Trainer, LanguageTask, Optimizer&, TrainerOptions>));
  EXPECT_FALSE((compiles<Sgd, Parameters, SgdOptions>));
}

}  // namespace
}  // namespace unroll
