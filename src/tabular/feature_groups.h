#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "table/table_view.h"

namespace unroll {

// Groups of features made from one column, each fitted on the training rows only. A group writes `width` numbers per
// row, row i at to + i * stride.

/// Selects the columns that become features, and how.
struct ColumnUse {
  std::vector<std::string> without = {};  ///< columns without features, such as the target and leaks
  std::vector<std::string> hashed = {};   ///< texts whose words become features; other texts get none
  std::vector<std::string> masked = {};   ///< texts whose words with digits are ignored

  bool excludes(const Column& column) const;
};

/// Scales of the groups of features: a penalty on weights affects features with large values less.
struct FeatureScales {
  double number = 0.5;   ///< standard deviation of a number
  double missing = 0.5;  ///< indicator value: a number or a list is missing
  double value = 0.3;    ///< indicator value: a number has one of its frequent values
  double level = 1;      ///< indicator value: level of a category, token of a list, word of a text
  double bin = 0.5;      ///< value at the upper edge of a bin
};

/// Minimum number of rows that must have a value, level or token, and that must not have it, for it to get a feature.
inline constexpr std::int64_t min_rows = 5;
/// Maximum number of levels or tokens of a column that get a feature of their own; the other levels of a category share
/// one. The linear system grows with the square of the number of features.
inline constexpr std::size_t max_levels = 200;

/// The number taken from a cell.
enum class NumberPart {
  value,       ///< the number; the days of a date
  items,       ///< number of comma-separated items in an unparsed cell
  month,       ///< month of a date, 1 to 12
  year,        ///< year of a date
  time,        ///< time of day of a date in hours, 0 to 24
  weekday,     ///< of a date, 1 (Monday) to 7
  day_of_year  ///< of a date, 1 to 366
};

/// The parts of a column of numbers or dates that become features. Of dates: the time of day if it differs
/// between rows, the weekday if it does and the dates extend over 8 weeks or more, and the day of the year if they
/// extend over most of a year.
std::vector<NumberPart> parts_of(const Column& column, Rows rows);

/// The numbers of `rows`; NaN if a row has none.
std::vector<double> numbers_of(const Column& column, NumberPart part, Rows rows);

/// Features of a number: a missing-value indicator; then, with missing values replaced by the median: indicators of its
/// frequent values, if it has few distinct ones; its value, as a logarithm if skewed, clipped to quantiles and
/// standardised; and its position in each quantile bin, from 0 below to 1 above (Gorishniy, Rubachev, Babenko: On
/// Embeddings for Numerical Features in Tabular Deep Learning. NeurIPS 2022).
struct NumberFeatures {
  std::string column;
  NumberPart part = NumberPart::value;
  double median = 0;
  bool missing = false;            ///< has a missing-value indicator
  std::vector<double> values;      ///< values that have an indicator
  bool scaled = false;             ///< has a feature for the value; otherwise the members below are unused
  bool logarithm = false;          ///< the value is log(1 + x)
  double low = 0, high = 0;        ///< clipping range, after the logarithm
  double mean = 0, deviation = 1;  ///< of the clipped values
  std::vector<double> edges;       ///< edges of the bins, ascending; empty if there are no bins

  static std::optional<NumberFeatures> fit(const Column& column, NumberPart part, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Features of a part of a date that repeats after a period: sine and cosine of the part, of one and of two periods in
/// it, so that 23:59 is near 0:00. All are 0 if the date is missing.
struct PeriodicFeatures {
  std::string column;
  NumberPart part = NumberPart::time;

  /// nullopt for parts without a period.
  static std::optional<PeriodicFeatures> fit(const Column& column, NumberPart part);
  static constexpr std::int64_t harmonics = 2;
  std::int64_t width() const { return 2 * harmonics; }
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Level indicators of a category. A missing value counts as a level.
struct LevelFeatures {
  std::string column;
  bool missing = false;             ///< has a missing-value indicator
  std::vector<std::string> levels;  ///< levels that have an indicator, ascending
  bool pool = false;                ///< has one indicator for all other levels, unseen ones included

  static std::optional<LevelFeatures> fit(const Column& column, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Features of a list: a missing-value indicator, and indicators of its frequent tokens.
struct TokenFeatures {
  std::string column;
  bool missing = false;             ///< has a missing-value indicator
  std::vector<std::string> tokens;  ///< tokens that have an indicator, ascending

  static std::optional<TokenFeatures> fit(const Column& column, Rows rows);
  std::int64_t width() const;
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

/// Features of a text: 256 indicators, one per hash bucket, set if the text has a word of that bucket. Hashing words
/// needs no fitting (Weinberger, Dasgupta, Langford, Smola, Attenberg: Feature Hashing for Large Scale Multitask
/// Learning. ICML 2009). A word is a sequence of letters and digits; ASCII case is ignored.
struct TextFeatures {
  std::string column;
  bool masked = false;  ///< words with digits are ignored

  static std::optional<TextFeatures> fit(const Column& column, const ColumnUse& use);
  static constexpr std::int64_t sets = 256;
  std::int64_t width() const { return sets; }
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
};

}  // namespace unroll
