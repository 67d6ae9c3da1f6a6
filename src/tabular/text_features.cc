#include <algorithm>
#include <string>

#include "base/fingerprint.h"
#include "table/ascii.h"
#include "tabular/feature_groups.h"

namespace unroll {
namespace {

bool is_in(const std::vector<std::string>& names, const Column& column) {
  return std::ranges::find(names, column.name()) != names.end();
}

/// Bytes beyond ASCII count as letters: most of them are parts of letters.
bool is_word_char(char c) { return is_digit(c) || is_letter(c) || !is_ascii(c); }

template <class Take>
void for_each_word(std::string_view text, Take&& take) {
  std::string word;
  for (const char c : text) {
    if (is_word_char(c)) {
      word += to_lower(c);
    } else if (!word.empty()) {
      take(word);
      word.clear();
    }
  }
  if (!word.empty()) take(word);
}

}  // namespace

bool ColumnUse::excludes(const Column& column) const { return is_in(without, column); }

std::optional<TextFeatures> TextFeatures::fit(const Column& column, const ColumnUse& use) {
  if (!is_in(use.hashed, column)) return std::nullopt;
  return TextFeatures{.column = column.name(), .masked = is_in(use.masked, column)};
}

void TextFeatures::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                          std::int64_t stride) const {
  for (const std::int64_t row : rows) {
    std::fill_n(to, width(), 0.0);
    for_each_word(from.text(row), [&](const std::string& word) {
      if (masked && std::ranges::any_of(word, is_digit)) return;
      to[fingerprint_of(word) % sets] = scales.level;
    });
    to += stride;
  }
}

}  // namespace unroll
