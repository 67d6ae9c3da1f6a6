#include "unroll/session.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <numeric>
#include <optional>
#include <random>

#include "base/fingerprint.h"
#include "device/every_target.h"
#include "io/error_of.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using test::letters;
using test::scattered_ids;
using ::testing::HasSubstr;

/// The network of `model`, with the same parameters, built from the layers that training uses.
class WholeSequence {
 public:
  explicit WholeSequence(const LanguageModel& model) : parameters_(model.context()) {
    const LanguageModelOptions& o = model.options();
    const int symbols = model.vocabulary().size();
    if (o.embedding > 0) encoder_.emplace(parameters_, "encoder", symbols, o.embedding, Zero{});
    recurrent_.emplace(
        parameters_, "rnn", o.embedding > 0 ? o.embedding : symbols,
        RecurrentOptions{
            .cell = o.cell, .activation = o.activation, .hidden = o.hidden, .layers = o.layers, .biases = o.biases},
        Zero{}, Zero{});
    decoder_.emplace(parameters_, "decoder", o.hidden, symbols, Zero{}, Zero{});
    parameters_.set_values(model.parameters().values_to_host());
  }

  /// Logits [T, B, V].
  std::vector<float> logits(const Ids& ids) const {
    const RecurrentState zero = recurrent_->zero_state(ids.batch());
    const Var output = encoder_ ? (*recurrent_)((*encoder_)(ids), zero).output : (*recurrent_)(ids, zero).output;
    return test::values_of((*decoder_)(output));
  }

 private:
  Parameters parameters_;
  std::optional<Embedding> encoder_;
  std::optional<Recurrent> recurrent_;
  std::optional<Linear> decoder_;
};

/// Sessions of one model.
class Texts {
 public:
  Texts(const LanguageModel& model, int count) : packed_(model.pack()) {
    for (int i = 0; i < count; ++i) sessions_.emplace_back(packed_, model.context());
  }
  Session& operator[](std::size_t i) { return sessions_[i]; }
  std::vector<Session*> all() {
    std::vector<Session*> all;
    for (Session& session : sessions_) all.push_back(&session);
    return all;
  }

 private:
  PackedModel packed_;
  std::deque<Session> sessions_;
};

Tensor logits_of(const std::vector<Session*>& sessions, Context& context) {
  Tensor result(context, {std::ssize(sessions), sessions.front()->model().vocabulary().size()});
  logits(sessions, result.view());
  return result;
}

std::vector<float> step_by_step(const LanguageModel& model, const Ids& ids) {
  Texts texts(model, ids.batch());
  std::vector<float> all;
  for (int t = 0; t < ids.steps(); ++t) {
    feed(texts.all(), ids[t]);
    const Tensor step = logits_of(texts.all(), model.context());
    EXPECT_EQ(step.shape(), (Shape{ids.batch(), model.vocabulary().size()}));
    std::ranges::copy(on_host(step.view()), std::back_inserter(all));
  }
  return all;
}

void expect_the_bits_of_the_whole_sequence(Context& context, int symbols, const LanguageModelOptions& options,
                                           const Ids& ids) {
  SCOPED_TRACE(fmt::format("{}, H {}, {} layers, embedding {}, V {}, B {}, {} threads", options.cell.name(),
                           options.hidden, options.layers, options.embedding, symbols, ids.batch(), context.threads()));
  const LanguageModel model(context, letters(symbols), options);
  ASSERT_EQ(step_by_step(model, ids), WholeSequence(model).logits(ids));
}

TEST(Sessions, GiveTheBitsOfTheWholeSequence) {
  test::on_every_target([] {
    for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
      for (int hidden = 1; hidden <= 70; hidden += hidden < 20 ? 1 : 7) {
        Context context({.seed = static_cast<std::uint64_t>(hidden), .threads = 1 + hidden % 3});
        const LanguageModelOptions options{.cell = cell,
                                           .activation = static_cast<Activation>(hidden % 3),
                                           .hidden = hidden,
                                           .layers = 1 + hidden % 2,
                                           .embedding = hidden % 4 < 2 ? 0 : 1 + hidden / 2,
                                           .biases = hidden % 5 == 0 ? Biases::one : Biases::two};
        const int symbols = 2 * hidden + 1;
        expect_the_bits_of_the_whole_sequence(context, symbols, options,
                                              scattered_ids(3, hidden % 3 == 0 ? 1 + hidden % 11 : 1, symbols));
      }
    }
  });
}

/// The sizes are large enough that a step is divided among the threads.
TEST(Sessions, GiveTheSameBitsOnAnyNumberOfThreads) {
  test::on_every_target([] {
    for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
      for (const int threads : {1, 2, 3}) {
        for (const int texts : {1, 29}) {
          Context context({.threads = threads});
          expect_the_bits_of_the_whole_sequence(context, 701, {.cell = cell, .hidden = 205, .embedding = 190},
                                                scattered_ids(2, texts, 701));
        }
      }
    }
  });
}

TEST(Sessions, RunOnTheReferenceDevice) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    for (const int embedding : {0, 5}) {
      Context context({.device = DeviceKind::reference});
      expect_the_bits_of_the_whole_sequence(
          context, 13, {.cell = cell, .hidden = 7, .layers = 2, .embedding = embedding}, scattered_ids(4, 3, 13));
    }
  }
}

/// In each step another part of the sessions is fed, in another order.
TEST(Sessions, ThatAreNotInABatchKeepTheirState) {
  Context context;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    const LanguageModel model(context, letters(19), {.cell = cell, .hidden = 21, .layers = 2});
    constexpr int count = 9, steps = 12;
    const Ids ids = scattered_ids(steps, count, 19);
    const std::vector<float> whole = WholeSequence(model).logits(ids);
    Texts texts(model, count);
    std::vector<int> fed(count, 0);
    std::mt19937 random(7);
    while (std::ranges::min(fed) < steps) {
      std::vector<std::size_t> order(count);
      std::iota(order.begin(), order.end(), 0);
      std::ranges::shuffle(order, random);
      order.resize(1 + random() % count);
      std::erase_if(order, [&](std::size_t i) { return fed[i] == steps; });
      if (order.empty()) continue;
      std::vector<Session*> batch;
      std::vector<std::int32_t> next;
      for (const std::size_t i : order) {
        batch.push_back(&texts[i]);
        next.push_back(ids[fed[i]++][i]);
      }
      feed(batch, next);
      if (random() % 2 == 0) continue;  // the symbols stay unread
      const HostCopy step = on_host(logits_of(batch, context).view());
      for (std::size_t row = 0; row < order.size(); ++row) {
        const auto at = (static_cast<std::size_t>(fed[order[row]] - 1) * count + order[row]) * 19;
        ASSERT_TRUE(std::equal(whole.begin() + static_cast<std::ptrdiff_t>(at),
                               whole.begin() + static_cast<std::ptrdiff_t>(at + 19), step.data() + 19 * row));
      }
    }
  }
}

TEST(Sessions, NameWhatTheyCannotDo) {
  Context context, other;
  LanguageModel model(context, letters(5), {.hidden = 4});
  const auto refusal = [](const std::function<void()>& call) { return message_of(ExitCode::usage, call); };
  Texts texts(model, 2);
  Session& session = texts[0];
  EXPECT_THAT(refusal([&] { session.logits(); }), HasSubstr("no symbols"));
  EXPECT_THAT(refusal([&] { session.feed(5); }), HasSubstr("session: symbol"));
  EXPECT_THAT(refusal([&] { session.feed(-1); }), HasSubstr("session: symbol"));
  EXPECT_THAT(refusal([&] { feed(std::vector<Session*>(), std::vector<std::int32_t>()); }), HasSubstr("at least one"));
  EXPECT_THAT(refusal([&] { feed(texts.all(), std::vector<std::int32_t>{1}); }), HasSubstr("1 symbols for 2 sessions"));
  EXPECT_THAT(refusal([&] { logits_of(std::vector<Session*>{&session, &session}, context); }), HasSubstr("twice"));
  Session elsewhere(session.model(), other), of_another(model.pack(), context);
  EXPECT_THAT(refusal([&] {
                logits_of(std::vector<Session*>{&session, &elsewhere}, context);
              }),
              HasSubstr("one context"));
  EXPECT_THAT(refusal([&] {
                logits_of(std::vector<Session*>{&session, &of_another}, context);
              }),
              HasSubstr("one packed model"));
  Context reference({.device = DeviceKind::reference});
  EXPECT_THAT(refusal([&] { Session(session.model(), reference); }), HasSubstr("another device"));
  EXPECT_EQ(session.size(), 0u) << "what was refused has no effect";
  session.feed(1);
  Tensor small(context, {1, 4});
  const std::vector<Session*> one = {&session};
  EXPECT_THAT(refusal([&] { logits(one, small.view()); }), HasSubstr("[1, 5]"));
  model.parameters().updated();
  EXPECT_THAT(refusal([&] { session.feed(1); }), HasSubstr("have changed"));
}

TEST(Session, ContinuesLikeGenerate) {
  Context context({.seed = 3});
  const LanguageModel model(context, letters(9), {.cell = CellType::lstm, .hidden = 24});
  const GenerateOptions options{.length = 30, .temperature = 1, .seed = 4};
  const std::string whole = generate(model, "cab", options);
  Session session(model.pack(), context);
  session.feed("cab");
  EXPECT_EQ("cab" + session.generate(options), whole);
  EXPECT_EQ(session.size(), 33u);
  Session in_parts(session.model(), context);
  std::string text = "cab";
  in_parts.feed(text);
  for (const int length : {1, 0, 12, 17}) {
    GenerateOptions part = options;
    part.length = length;
    text += in_parts.generate(part);
  }
  EXPECT_EQ(text, whole);
  Session empty(session.model(), context);
  EXPECT_EQ(empty.generate(options), generate(model, "", options));
}

TEST(Session, RemembersItsLastSymbols) {
  Context context;
  const LanguageModel model(context, letters(19), {.hidden = 2});
  Session session(model.pack(), context);
  const Ids ids = scattered_ids(100, 1, 19);
  for (int t = 0; t < ids.steps(); ++t) {
    session.feed(ids[t][0]);
    const auto expected = ids.flat().first(static_cast<std::size_t>(t) + 1);
    const auto last = expected.last(std::min(expected.size(), Session::history_size));
    ASSERT_TRUE(std::ranges::equal(session.history(), last)) << t;
  }
}

TEST(Session, OutlivesItsModelAndTheContextOfIt) {
  Context context;
  std::optional<PackedModel> packed;
  std::string expected;
  {
    Context first({.seed = 5});
    const LanguageModel model(first, letters(9), {.cell = CellType::gru, .hidden = 24});
    expected = generate(model, "ab", {.length = 20});
    packed = model.pack();
  }
  Session session(*packed, context);
  session.feed("ab");
  EXPECT_EQ("ab" + session.generate({.length = 20}), expected);
}

TEST(Session, IsRestoredToTheSameBits) {
  Context context({.seed = 3});
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    const LanguageModel model(context, letters(9), {.cell = cell, .hidden = 24, .layers = 2});
    const GenerateOptions options{.length = 100, .temperature = 1, .repetition_penalty = 1.5f, .seed = 4};
    for (const int before : {0, 1, 70}) {
      Session session(model.pack(), context);
      session.feed(std::string(static_cast<std::size_t>(before), 'c'));
      if (before == 1) session.logits();  // has read its last symbol
      const std::string saved = session.save();
      EXPECT_LT(saved.size(), session.model().options().layers * 24 * 4 * (cell == CellType::lstm ? 2 : 1) + 1024u);
      Context elsewhere;
      Session restored = Session::restore(model.pack(), elsewhere, saved);
      EXPECT_EQ(restored.save(), saved);
      EXPECT_EQ(restored.generate(options), session.generate(options)) << before;
      EXPECT_EQ(restored.save(), session.save());
    }
  }
}

TEST(Session, IsNotRestoredFromAnythingElse) {
  Context context;
  LanguageModel model(context, letters(9), {.cell = CellType::gru, .hidden = 3});
  Session session(model.pack(), context);
  session.feed("abc");
  const std::string saved = session.save();
  const auto refused = [&](const PackedModel& packed, std::string_view bytes) {
    return message_of(ExitCode::bad_data, [&] { Session::restore(packed, context, bytes); });
  };
  for (std::size_t size = 0; size < saved.size(); ++size)
    EXPECT_NE(refused(session.model(), saved.substr(0, size)), "");
  for (std::size_t i = 0; i < saved.size(); ++i) {
    std::string damaged = saved;
    damaged[i] ^= 1;
    EXPECT_NE(refused(session.model(), damaged), "") << i;
  }
  EXPECT_THAT(refused(session.model(), saved + "x"), HasSubstr("damaged"));
  const LanguageModel other(context, letters(9), {.cell = CellType::gru, .hidden = 4});
  EXPECT_THAT(refused(other.pack(), saved), HasSubstr("another model"));
  test::edit_parameter(model, "decoder.bias", [](std::span<float> bias) { bias[0] += 1; });
  model.parameters().updated();
  EXPECT_THAT(refused(model.pack(), saved), HasSubstr("another model"));
}

/// With a checksum that fits, so that what it holds is checked.
TEST(Session, IsNotRestoredFromWhatItNeverSaves) {
  Context context;
  const LanguageModel model(context, letters(9), {.hidden = 3});
  Session session(model.pack(), context);
  session.feed("abc");
  const std::string saved = session.save();
  const auto refused = [&](std::size_t at, auto value) {
    std::string bytes = saved.substr(0, saved.size() - 8);
    std::memcpy(bytes.data() + at, &value, sizeof value);
    const std::uint64_t checksum = fingerprint_of(bytes);
    bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
    return message_of(ExitCode::bad_data, [&] { Session::restore(session.model(), context, bytes); });
  };
  EXPECT_THAT(refused(16, std::uint64_t{2}), HasSubstr("does not fit"));
  EXPECT_THAT(refused(16, UINT64_MAX), HasSubstr("does not fit"));
  EXPECT_THAT(refused(24, std::int32_t{1}), HasSubstr("symbols"));
  EXPECT_THAT(refused(24, std::int32_t{-2}), HasSubstr("symbols"));
  EXPECT_THAT(refused(28, std::uint32_t{0xffffffff}), HasSubstr("does not fit"));
  EXPECT_THAT(refused(32, std::int32_t{9}), HasSubstr("symbols"));
  EXPECT_THAT(refused(44, std::nanf("")), HasSubstr("not finite"));
}

}  // namespace
}  // namespace unroll
