#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/options.h"

namespace unroll {

/// What a token is.
enum class TokenUnit {
  character,  ///< a Unicode code point
  byte,       ///< a byte; the text need not be UTF-8
  word        ///< a word, or a single character that belongs to no word
};
template <>
const EnumNames<TokenUnit>& enum_names<TokenUnit>();

/// Treatment of tokens that are not in a vocabulary.
enum class Unknown { refuse, skip };
template <>
const EnumNames<Unknown>& enum_names<Unknown>();

struct TokenTable;

/// Divides text into tokens of a unit and numbers them: the distinct tokens of a text with their counts, from the most
/// frequent to the rarest, ties in the order of their bytes (which is the order of code points). Immutable; copies
/// share their memory.
///
/// Words, in the categories of Unicode: a run of letters (L), digits (N) and marks (M) is a word, and so is one with
/// apostrophes (' or U+2019) between two letters. Any other character is a token of its own: white space, punctuation,
/// and each letter or digit of the scripts that put no space between words (Han, kana, Bopomofo, Thai, Lao, Burmese,
/// Khmer). Marks and joiners (U+200C, U+200D) belong to the token before them, unless that is white space or a control
/// character. A token ends after 64 code points.
class Tokenizer {
 public:
  static constexpr int max_size = 0x110000;    ///< tokens; the number of Unicode code points
  static constexpr int max_token_bytes = 256;  ///< 64 code points

  /// No tokens.
  Tokenizer();
  /// The tokens of `text`; with TokenUnit::byte always all 256, so that no text has an unknown one. Throws
  /// Error(bad_data) for text that is not UTF-8, unless the unit is byte, and for more than max_size distinct tokens.
  static Tokenizer of(std::string_view text, TokenUnit unit = TokenUnit::character);
  /// Throws Error(bad_data) for no tokens or too many, tokens that are repeated or not of the unit, negative counts, or
  /// a number of counts that differs from the number of tokens. A word is any UTF-8 of 1 to max_token_bytes bytes.
  static Tokenizer from(TokenUnit unit, const std::vector<std::string>& tokens, std::vector<std::int64_t> counts);
  /// From what to_json() returned. `name` is used in error messages; `size`: the number of tokens it must have, 0: any.
  /// Throws Error(bad_data) that names the field, at a cost proportional to the length of `document`.
  static Tokenizer from_json(const std::string& document, const std::string& name = "vocabulary",
                             std::int64_t size = 0);
  /// Unit, tokens and counts as JSON (docs/model-file.md).
  std::string to_json() const;

  TokenUnit unit() const;
  int size() const;
  std::int64_t total() const;        ///< sum of all counts
  std::int64_t count(int id) const;  ///< occurrences of the token in the text
  /// The bytes of a token: UTF-8, unless the unit is byte. Valid as long as a copy of this object exists.
  std::string_view text(int id) const&;
  void text(int) const&& = delete;
  /// A token as messages name it: "x" (U+0078), 0xE4 or "word".
  std::string described(int id) const;
  int find(std::string_view token) const;  ///< -1 if it is absent

  /// Indices of the tokens of a text, unchanged: line ends and byte order marks are text like any other. `refuse`
  /// throws Error(bad_data) that names the unknown tokens; `skip` leaves them out. Throws Error(bad_data) for text that
  /// is not UTF-8, unless the unit is byte.
  std::vector<std::int32_t> encode(std::string_view text, Unknown unknown = Unknown::refuse) const;
  /// The text of the indices; decode(encode(text)) is `text`. Throws Error for an index outside the vocabulary.
  std::string decode(std::span<const std::int32_t> ids) const;
  /// Number of bytes of that text. Throws like decode().
  std::int64_t byte_count(std::span<const std::int32_t> ids) const;

  /// These tokens, followed by the additional ones of `text` in its order. The counts are those in `text`.
  /// Throws Error if the units differ.
  Tokenizer extended_by(const Tokenizer& text) const;
  /// True if the units are the same, and the first tokens are those of `other`, whatever their counts.
  bool starts_with(const Tokenizer& other) const;
  /// A number for unit and tokens, whatever their counts: the same in every process and on every machine.
  std::uint64_t fingerprint() const;
  /// The same unit, tokens and counts.
  bool operator==(const Tokenizer& other) const;

 private:
  friend const TokenTable& table_of(const Tokenizer& tokenizer);
  explicit Tokenizer(std::shared_ptr<const TokenTable> table) : table_(std::move(table)) {}
  friend Tokenizer tokenizer_of(std::shared_ptr<const TokenTable> table);

  std::shared_ptr<const TokenTable> table_;
};

}  // namespace unroll
