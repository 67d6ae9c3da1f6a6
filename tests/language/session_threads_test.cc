// A thousand sessions on eight threads join, leave, are saved and restored by a random schedule.

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "language/model_fixtures.h"
#include "unroll/session.h"

namespace unroll {
namespace {

constexpr int texts = 1000, threads = 8, length = 12;

std::string prefix_of(int text) { return std::string("cabbagefa").substr(0, 1 + static_cast<std::size_t>(text) % 9); }

GenerateOptions options_of(int text, int symbols) {
  return {.length = symbols, .temperature = 1, .top_p = 0.9f, .seed = static_cast<std::uint64_t>(text)};
}

/// The sessions that no thread works on, as bytes.
class Waiting {
 public:
  explicit Waiting(const PackedModel& model) {
    Context context({.threads = 1});
    for (int text = 0; text < texts; ++text) {
      Session session(model, context);
      session.feed(prefix_of(text));
      saved_[text] = session.save();
    }
  }

  struct Taken {
    int text;
    std::string saved;
  };
  std::vector<Taken> take(std::size_t most, std::mt19937& random) {
    const std::lock_guard lock(mutex_);
    std::vector<Taken> taken;
    while (taken.size() < most && !saved_.empty()) {
      const auto place = std::next(saved_.begin(), static_cast<std::ptrdiff_t>(random() % saved_.size()));
      taken.push_back({place->first, std::move(place->second)});
      saved_.erase(place);
    }
    return taken;
  }
  void give_back(int text, std::string saved, const std::string& symbols) {
    const std::lock_guard lock(mutex_);
    written_[text] += symbols;
    if (written_[text].size() < length) saved_[text] = std::move(saved);
  }
  std::map<int, std::string> written() const { return written_; }

 private:
  std::mutex mutex_;
  std::map<int, std::string> saved_, written_;
};

/// Takes some sessions, continues them in one batch by a few symbols, and gives them back.
void serve(const PackedModel& model, Waiting& waiting, unsigned seed) {
  Context context({.threads = 1});
  std::mt19937 random(seed);
  for (;;) {
    const auto taken = waiting.take(1 + random() % 20, random);
    if (taken.empty()) return;
    std::vector<Session> sessions;
    std::vector<std::string> symbols(taken.size());
    for (const auto& [text, saved] : taken) sessions.push_back(Session::restore(model, context, saved));
    std::vector<std::size_t> open(taken.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    for (unsigned step = 0; step < 4 && !open.empty(); ++step) {
      std::vector<Session*> batch;
      for (const std::size_t i : open) batch.push_back(&sessions[i]);
      Tensor all(context, {std::ssize(batch), model.vocabulary().size()});
      logits(batch, all.view());
      const auto width = static_cast<std::size_t>(all.shape()[1]);
      const std::vector<float> rows = to_host(context, all.view());
      std::vector<std::int32_t> next;
      for (std::size_t row = 0; row < open.size(); ++row) {
        Tensor one = Tensor::of(context, {1, all.shape()[1]}, std::span(rows).subspan(row * width, width));
        const Sampler::Text text{.position = batch[row]->size(), .history = batch[row]->history()};
        Sampler(options_of(taken[open[row]].text, 1))
            .choose(context, one.view(), {&text, 1}, {&next.emplace_back(), 1});
        symbols[open[row]] += model.vocabulary().text(next.back());
      }
      feed(batch, next);
      std::erase_if(open, [&](std::size_t i) { return random() % 4 == 0 || symbols[i].size() + 1 > length; });
    }
    for (std::size_t i = 0; i < taken.size(); ++i) waiting.give_back(taken[i].text, sessions[i].save(), symbols[i]);
  }
}

TEST(SessionThreads, GiveEachTextTheBytesThatItGetsAlone) {
  Context context({.seed = 1, .threads = 1});
  const LanguageModel model(context, test::letters(9), {.cell = CellType::lstm, .hidden = 16, .layers = 2});
  const PackedModel packed = model.pack();
  Waiting waiting(packed);
  std::vector<std::thread> all;
  for (unsigned i = 0; i < threads; ++i) all.emplace_back([&, i] { serve(packed, waiting, i); });
  for (std::thread& thread : all) thread.join();
  const std::map<int, std::string> written = waiting.written();
  ASSERT_EQ(written.size(), static_cast<std::size_t>(texts));
  for (const auto& [text, symbols] : written) {
    Session alone(packed, context);
    alone.feed(prefix_of(text));
    EXPECT_EQ(symbols.substr(0, length), alone.generate(options_of(text, length))) << text;
  }
}

}  // namespace
}  // namespace unroll
