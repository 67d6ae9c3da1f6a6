#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/code_points.h"
#include "text/words.h"
#include "unroll/corpus.h"

namespace unroll {

// A token is passed to a sink as its code (char32_t), if it is a character or a byte, or as a std::string_view, if it
// is a word: a part of the text, or a constant.

/// Calls sink(token) for each token of a text as it is. Throws Error(bad_data) where it is not UTF-8; `name` is its
/// source.
template <class Sink>
void for_each_token(TokenUnit unit, std::string_view text, const std::string& name, Sink&& sink) {
  switch (unit) {
    case TokenUnit::character:
      for_each_code_point(text, 0, name, [&](char32_t code) {
        sink(code);
        return true;
      });
      break;
    case TokenUnit::byte:
      for (const char byte : text) sink(static_cast<char32_t>(static_cast<unsigned char>(byte)));
      break;
    case TokenUnit::word:
      for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
        end = word_end(text, begin, name);
        sink(text.substr(begin, end - begin));
      }
  }
}

/// Recognizes line ends in the tokens of a text that come one after the other.
class LineEnds {
 public:
  /// True for the second token of CRLF.
  bool ends_pair(char32_t code) {
    const bool second = code == U'\n' && after_return_;
    after_return_ = code == U'\r';
    return second;
  }
  static bool is_end(char32_t code) { return code == U'\r' || code == U'\n'; }

 private:
  bool after_return_ = false;
};

/// As for_each_token(), for a text file: at most options.limit tokens (0: all); in characters and words the byte order
/// mark is skipped, and every line end is one token. The rest of the text need not be UTF-8.
template <class Sink>
void for_each_token_read(std::string_view text, const std::string& name, const CorpusOptions& options, Sink&& sink) {
  const bool spaces = options.newlines == Newlines::space;
  std::int64_t count = 0;
  LineEnds line_ends;
  switch (options.unit) {
    case TokenUnit::character:
      for_each_code_point(text, byte_order_mark_size(text, name), name, [&](char32_t code) {
        if (line_ends.ends_pair(code)) return true;
        sink(!LineEnds::is_end(code) ? code : spaces ? U' ' : U'\n');
        return ++count != options.limit;
      });
      break;
    case TokenUnit::byte:
      for_each_token(
          options.unit,
          text.substr(0, options.limit > 0 ? static_cast<std::size_t>(options.limit) : std::string_view::npos), name,
          sink);
      break;
    case TokenUnit::word: {
      const std::string_view line_end = spaces ? " " : "\n";
      for (std::size_t begin = byte_order_mark_size(text, name), end = 0; begin < text.size(); begin = end) {
        end = word_end(text, begin, name);
        const auto first = static_cast<char32_t>(text[begin]);  // of a line end, its only byte
        if (line_ends.ends_pair(first)) continue;
        sink(LineEnds::is_end(first) ? line_end : text.substr(begin, end - begin));
        if (++count == options.limit) break;
      }
    }
  }
}

}  // namespace unroll
