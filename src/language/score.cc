#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

using ScoredText = std::span<const std::int32_t>;
using Score = LanguageModel::Score;

constexpr std::int64_t max_readers = 32;
constexpr std::int64_t min_per_reader = 2048;  // targets; with fewer, reading ahead would be a large part of the work
constexpr std::int64_t ahead = 256;            // minimum number of symbols that a reader sees before those it scores
constexpr std::int64_t rows_at_once = 512;     // rows per call; does not change the result

void add(Score& total, const Score& score) {
  total.cross_entropy_sum += score.cross_entropy_sum;
  total.symbols += score.symbols;
  total.correct += score.correct;
}

/// Parallel readers of a text: reader r begins at text[first + r * distance]; each call of read() scores the next
/// `count` targets of every reader.
class ParallelScorer {
 public:
  ParallelScorer(const LanguageModel& model, ScoredText text, std::int64_t readers, std::int64_t distance,
                 std::int64_t first = 0)
      : model_(model),
        text_(text),
        next_(first),
        readers_(readers),
        distance_(distance),
        state_(model.zero_state(static_cast<int>(readers))) {}

  Score read(std::int64_t count) {
    Score total;
    for (const std::int64_t end = next_ + count; next_ < end;) {
      const std::int64_t steps = std::min(std::max<std::int64_t>(1, rows_at_once / readers_), end - next_);
      add(total, read_window(steps));
      next_ += steps;
    }
    return total;
  }

 private:
  Score read_window(std::int64_t steps) {
    Ids ids(static_cast<int>(steps), static_cast<int>(readers_)), targets = ids;
    for (int t = 0; t < ids.steps(); ++t) {
      for (std::int64_t reader = 0; reader < readers_; ++reader) {
        const auto at = static_cast<std::size_t>(next_ + t + reader * distance_), r = static_cast<std::size_t>(reader);
        ids[t][r] = text_[at];
        targets[t][r] = text_[at + 1];
      }
    }
    return model_.score(ids, targets, state_);
  }

  const LanguageModel& model_;
  ScoredText text_;
  std::int64_t next_;  // position of the first reader
  std::int64_t readers_, distance_;
  RecurrentState state_;
};

}  // namespace

Score LanguageModel::score_part(ScoredText text, int part, int parts) const {
  if (part < 0 || part >= parts) {
    throw Error(fmt::format("score: there is no part {} of {}; they count from 0", part, parts));
  }
  if (text.size() < 2) throw Error(fmt::format("score: a text of {} symbols; it must have 2 or more", text.size()));
  const auto targets = static_cast<std::int64_t>(text.size()) - 1;
  const std::int64_t readers = std::clamp<std::int64_t>(targets / min_per_reader, 1, max_readers);
  if (readers == 1) return part == 0 ? ParallelScorer(*this, text, 1, 0).read(targets) : Score{};
  // First a lead, whose length makes the readers' shares equal; then the shares: each reader begins one lead before its
  // share, so that its state has seen the preceding symbols.
  const std::int64_t share = (targets - ahead) / readers, lead = targets - share * readers;
  Score total;
  if (part == 0) total = ParallelScorer(*this, text, 1, 0).read(lead);
  const std::int64_t first = readers * part / parts, last = readers * (part + 1) / parts;
  if (first == last) return total;
  ParallelScorer scorer(*this, text, last - first, share, first * share);
  scorer.read(lead);
  add(total, scorer.read(share));
  return total;
}

}  // namespace unroll
