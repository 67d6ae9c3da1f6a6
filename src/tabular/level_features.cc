#include <algorithm>
#include <set>

#include "tabular/feature_groups.h"

namespace unroll {
namespace {

struct Count {
  std::string_view text;
  std::int64_t rows = 0;
};

/// The most frequent of the sufficiently frequent texts, in ascending order: the order in which the table numbers them
/// depends on all its rows, not only on the training rows.
std::vector<std::string> frequent(std::vector<Count> counts, std::int64_t rows) {
  std::erase_if(counts, [&](const Count& c) { return c.rows < min_rows || c.rows > rows - min_rows; });
  std::ranges::sort(
      counts, [](const Count& a, const Count& b) { return a.rows != b.rows ? a.rows > b.rows : a.text < b.text; });
  if (counts.size() > max_levels) counts.resize(max_levels);
  std::vector<std::string> texts;
  texts.reserve(counts.size());
  for (const Count& count : counts) texts.emplace_back(count.text);
  std::ranges::sort(texts);
  return texts;
}

std::vector<Count> counts_of(const Levels& levels) {
  std::vector<Count> counts(static_cast<std::size_t>(levels.size()));
  for (std::int32_t code = 0; code < levels.size(); ++code) counts[static_cast<std::size_t>(code)].text = levels[code];
  return counts;
}

/// Index in `texts` of each level; `none` for the other levels.
std::vector<std::int64_t> places(const Levels& levels, const std::vector<std::string>& texts, std::int64_t none) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(levels.size()), none);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::int32_t code = levels.find(texts[i]);
    if (code >= 0) places[static_cast<std::size_t>(code)] = static_cast<std::int64_t>(i);
  }
  return places;
}

}  // namespace

std::optional<LevelFeatures> LevelFeatures::fit(const Column& column, Rows rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<Count> counts = counts_of(column.levels());
  std::int64_t missing_rows = 0, kept_rows = 0;
  for (const std::int64_t row : rows) {
    const std::int32_t code = column.codes()[static_cast<std::size_t>(row)];
    ++(code < 0 ? missing_rows : counts[static_cast<std::size_t>(code)].rows);
  }
  LevelFeatures f;
  f.column = column.name();
  f.missing = missing_rows >= min_rows && missing_rows <= count - min_rows;
  f.levels = frequent(counts, count);
  for (const std::string& level : f.levels) {
    kept_rows += counts[static_cast<std::size_t>(column.levels().find(level))].rows;
  }
  // If nearly all rows have one level, the others have too few rows for any feature.
  const std::int64_t pooled = count - kept_rows - (f.missing ? missing_rows : 0);
  f.pool = pooled >= min_rows && pooled <= count - min_rows;
  return f.width() > 0 ? std::optional(std::move(f)) : std::nullopt;
}

std::int64_t LevelFeatures::width() const {
  return static_cast<std::int64_t>(levels.size()) + (missing ? 1 : 0) + (pool ? 1 : 0);
}

void LevelFeatures::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                           std::int64_t stride) const {
  const std::int64_t pool_place = pool ? width() - 1 : -1;
  const std::int64_t missing_place = missing ? static_cast<std::int64_t>(levels.size()) : pool_place;
  const std::vector<std::int64_t> place_of = places(from.levels(), levels, pool_place);
  for (const std::int64_t row : rows) {
    std::fill_n(to, width(), 0.0);
    const std::int32_t code = from.codes()[static_cast<std::size_t>(row)];
    const std::int64_t place = code < 0 ? missing_place : place_of[static_cast<std::size_t>(code)];
    if (place >= 0) to[place] = scales.level;
    to += stride;
  }
}

std::optional<TokenFeatures> TokenFeatures::fit(const Column& column, Rows rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<Count> counts = counts_of(column.levels());
  std::int64_t missing_rows = 0;
  for (const std::int64_t row : rows) {
    missing_rows += column.is_missing(row) ? 1 : 0;
    const std::set<std::int32_t> distinct(column.tokens(row).begin(), column.tokens(row).end());
    for (const std::int32_t token : distinct) ++counts[static_cast<std::size_t>(token)].rows;
  }
  TokenFeatures f;
  f.column = column.name();
  f.missing = missing_rows >= min_rows && missing_rows <= count - min_rows;
  f.tokens = frequent(std::move(counts), count);
  return f.width() > 0 ? std::optional(std::move(f)) : std::nullopt;
}

std::int64_t TokenFeatures::width() const { return static_cast<std::int64_t>(tokens.size()) + (missing ? 1 : 0); }

void TokenFeatures::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                           std::int64_t stride) const {
  const std::vector<std::int64_t> place_of = places(from.levels(), tokens, -1);
  for (const std::int64_t row : rows) {
    std::fill_n(to, width(), 0.0);
    for (const std::int32_t token : from.tokens(row)) {
      const std::int64_t place = place_of[static_cast<std::size_t>(token)];
      if (place >= 0) to[place] = scales.level;
    }
    if (missing && from.is_missing(row)) to[width() - 1] = scales.missing;
    to += stride;
  }
}

}  // namespace unroll
