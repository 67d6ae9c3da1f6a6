#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/code_table.h"
#include "unroll/tokenizer.h"

namespace unroll {

/// The tokens of a Tokenizer. Inside this module a character and a byte are a number, its code; a word is a string.
struct TokenTable {
  TokenTable() = default;
  TokenTable(const TokenTable&) = delete;  // `words` refers to `bytes`
  TokenTable& operator=(const TokenTable&) = delete;

  int size() const { return static_cast<int>(counts.size()); }
  std::string_view text(int id) const {
    const std::size_t begin = begins[static_cast<std::size_t>(id)], end = begins[static_cast<std::size_t>(id) + 1];
    return std::string_view(bytes).substr(begin, end - begin);
  }
  int find(char32_t code) const { return ids_from_1.get(code) - 1; }
  int find(std::string_view word) const {
    const auto place = words.find(word);
    return place == words.end() ? -1 : place->second;
  }

  TokenUnit unit = TokenUnit::character;
  std::string bytes;                      // of all tokens, one after the other
  std::vector<std::size_t> begins = {0};  // of each token, and the end of the last one
  std::vector<std::int64_t> counts;
  std::int64_t total = 0;
  CodeTable<std::int32_t> ids_from_1;                        // of characters and bytes
  std::unordered_map<std::string_view, std::int32_t> words;  // parts of `bytes`
};

const TokenTable& table_of(const Tokenizer& tokenizer);
Tokenizer tokenizer_of(std::shared_ptr<const TokenTable> table);

/// Counts tokens. The text must outlive the counts of its words.
class TokenCounts {
 public:
  void add(char32_t code) { ++codes_[code]; }
  void add(std::string_view word) { ++words_[word]; }
  /// The counted tokens in order, in bytes with those that were not counted. Throws Error(bad_data) for too many;
  /// `name` is the source of the text.
  Tokenizer tokenizer(TokenUnit unit, const std::string& name) const;

 private:
  CodeTable<std::int64_t> codes_;
  std::unordered_map<std::string_view, std::int64_t> words_;
};

/// What is wrong with a token of the unit, to follow "is"; null if nothing is.
const char* fault_of(TokenUnit unit, std::string_view token);

/// The code of a token of one character or one byte.
char32_t code_of(TokenUnit unit, std::string_view token);
/// The bytes of a token of the unit.
std::string bytes_of(TokenUnit unit, char32_t code);
inline std::string bytes_of(TokenUnit, std::string_view word) { return std::string(word); }

/// A token as messages name it.
std::string described(TokenUnit unit, std::string_view token);

/// Checks as Tokenizer::from() does; messages begin with `name`.
Tokenizer checked_tokenizer(TokenUnit unit, const std::vector<std::string>& tokens, std::vector<std::int64_t> counts,
                            const std::string& name);

}  // namespace unroll
