#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

using Text = std::span<const std::int32_t>;
using Score = LanguageModel::Score;

constexpr std::int64_t most_readers = 32;
constexpr std::int64_t fewest_per_reader = 2048;  // targets, or reading ahead would be a large part of the work
constexpr std::int64_t ahead = 256;               // symbols that a reader sees at least before those it scores
constexpr std::int64_t rows_at_once = 512;        // of one call; does not change the result

void add(Score& total, const Score& score) {
  total.cross_entropy_sum += score.cross_entropy_sum;
  total.symbols += score.symbols;
  total.correct += score.correct;
}

/// `readers` go over `count` targets each, reader r from text[first + r * distance] on.
class Readers {
 public:
  Readers(const LanguageModel& model, Text text, std::int64_t readers, std::int64_t distance, std::int64_t first = 0)
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
  Text text_;
  std::int64_t next_;  // of the first reader
  std::int64_t readers_, distance_;
  RecurrentState state_;
};

}  // namespace

Score LanguageModel::score_part(Text text, int part, int parts) const {
  if (text.size() < 2) throw Error(fmt::format("score: a text of {} symbols; it must have 2 or more", text.size()));
  const auto targets = static_cast<std::int64_t>(text.size()) - 1;
  const std::int64_t readers = std::clamp<std::int64_t>(targets / fewest_per_reader, 1, most_readers);
  if (readers == 1) return part == 0 ? Readers(*this, text, 1, 0).read(targets) : Score{};
  // A lead, whose length makes the readers' shares equal; then these, each reader starting a lead before its own.
  const std::int64_t share = (targets - ahead) / readers, lead = targets - share * readers;
  Score total;
  if (part == 0) total = Readers(*this, text, 1, 0).read(lead);
  const std::int64_t first = readers * part / parts, last = readers * (part + 1) / parts;
  if (first == last) return total;
  Readers side_by_side(*this, text, last - first, share, first * share);
  side_by_side.read(lead);
  add(total, side_by_side.read(share));
  return total;
}

}  // namespace unroll
