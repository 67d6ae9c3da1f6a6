#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/table_view.h"

namespace unroll {

// The groups of features that a column gives, and what each has learned of some rows. A group writes `width` numbers
// per row, row i at to + i * stride.

/// Which columns become features, and how.
struct ColumnUse {
  std::vector<std::string> without = {};  ///< columns that say nothing or too much
  std::vector<std::string> hashed = {};   ///< texts whose words become features; other texts become none
  std::vector<std::string> masked = {};   ///< texts whose words with digits are hidden

  bool leaves_out(const Column& column) const;
};

/// How the groups of features are weighed against each other: a penalty on weights spares large features.
struct FeatureScales {
  double number = 0.5;   ///< standard deviation of a number
  double missing = 0.5;  ///< of what is 0 or 1: whether a number or a list is missing,
  double value = 0.3;    ///< whether a number is one of a few values,
  double level = 1;      ///< whether a category has a level, or a list a token
  double bin = 0.5;      ///< how far a number has come through a bin
};

/// A value, level or token has a feature where this many rows have it, and as many have not.
inline constexpr std::int64_t fewest_rows = 5;
/// Levels or tokens of a column that have features. The rest is pooled: what is solved for grows with the square of the
/// features.
inline constexpr std::size_t most_levels = 200;

/// What of a cell is a number.
enum class NumberPart {
  value,  ///< the number; the days of a date
  items,  ///< how many items, between commas, a misfit has
  month,  ///< of a date, 1 to 12
  year    ///< of a date
};

/// NaN where a row has no such number.
std::vector<double> numbers_of(const Column& column, NumberPart part, Rows rows);

/// Of a number: whether it is missing; then, with the median for missing ones: which of a few values it has; its
/// logarithm, if it is skewed, held within quantiles and standardised; and how far it has come through each bin of
/// quantiles, from 0 below to 1 above (Gorishniy, Rubachev, Babenko: On Embeddings for Numerical Features in Tabular
/// Deep Learning. NeurIPS 2022).
struct NumberFeatures {
  std::string column;
  NumberPart part = NumberPart::value;
  double median = 0;
  bool missing = false;            ///< has a feature for it
  std::vector<double> values;      ///< that have a feature
  bool scaled = false;             ///< has a feature for the number, and what follows means something
  bool logarithm = false;          ///< log(1 + x)
  double low = 0, high = 0;        ///< within which it is held
  double mean = 0, deviation = 1;  ///< then
  std::vector<double> edges;       ///< of the bins, ascending; none where there are no bins

  static std::optional<NumberFeatures> fit(const Column& column, NumberPart part, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Of a category: which level it has. No value is a level too.
struct LevelFeatures {
  std::string column;
  bool missing = false;             ///< whether no value has a feature
  std::vector<std::string> levels;  ///< that have a feature, ascending
  bool pool = false;                ///< whether there is one for all other levels, and for those never seen

  static std::optional<LevelFeatures> fit(const Column& column, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Of a list: whether it is missing, and which of the frequent tokens it has.
struct TokenFeatures {
  std::string column;
  bool missing = false;             ///< has a feature for it
  std::vector<std::string> tokens;  ///< that have a feature, ascending

  static std::optional<TokenFeatures> fit(const Column& column, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Of a text: for each of 256 sets of words, whether it has one of them. Words are hashed, so that there is nothing to
/// learn (Weinberger, Dasgupta, Langford, Smola, Attenberg: Feature Hashing for Large Scale Multitask Learning. ICML
/// 2009). A word is a sequence of letters and digits; ASCII capitals count as small.
struct TextFeatures {
  std::string column;
  bool masked = false;  ///< words with digits are left out

  static std::optional<TextFeatures> fit(const Column& column, const ColumnUse& use);
  static constexpr std::int64_t sets = 256;
  std::int64_t width() const { return sets; }
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

}  // namespace unroll
