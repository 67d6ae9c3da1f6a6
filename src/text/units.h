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

/// Calls sink(token) for each token of a text as it is. Throws InvalidText where it is not UTF-8; `name` is its
/// source.
template <class Sink>
void for_each_token(TokenUnit unit, std::string_view text, const std::string& name, Sink&& sink) {
  switch (unit) {
    case TokenUnit::character:
      for_each_code_point(text, 0, name, [&](char32_t code, std::size_t) {
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

/// Byte order marks that were skipped at the beginning of lines, but for the first of the text.
struct SkippedMarks {
  std::int64_t count = 0;
  std::size_t first = 0;  ///< byte offset
};

/// Follows the lines of a text through its tokens, which come one after the other.
class TextLines {
 public:
  static constexpr char32_t mark = U'\ufeff';

  /// True for what is no token of a text file: the second token of CRLF, and a byte order mark at the beginning of the
  /// text or, where files were joined, of a line. `offset`: of the token.
  bool skips(char32_t code, std::size_t offset) {
    const bool second = code == U'\n' && after_return_;
    after_return_ = code == U'\r';
    const bool is_mark = code == mark && at_begin_;
    if (is_mark && offset > 0 && marks_.count++ == 0) marks_.first = offset;
    at_begin_ = is_mark || is_end(code);
    return second || is_mark;
  }
  static bool is_end(char32_t code) { return code == U'\r' || code == U'\n'; }
  const SkippedMarks& marks() const { return marks_; }

 private:
  bool after_return_ = false, at_begin_ = true;
  SkippedMarks marks_;
};

/// As for_each_token(), for a text file: at most options.limit tokens (0: all); in characters and words, byte order
/// marks at the beginning of lines are skipped, and every line end is one token. The rest of the text need not be
/// UTF-8. Throws InvalidText for bytes that are not UTF-8 and for NUL, in characters and words.
template <class Sink>
SkippedMarks for_each_token_read(std::string_view text, const std::string& name, const CorpusOptions& options,
                                 Sink&& sink) {
  const bool spaces = options.newlines == Newlines::space;
  std::int64_t count = 0;
  TextLines lines;
  switch (options.unit) {
    case TokenUnit::character:
      for_each_code_point(text, 0, name, [&](char32_t code, std::size_t offset) {
        if (lines.skips(code, offset)) return true;
        if (code == 0) refuse_invalid_text(text, offset, name);
        sink(!TextLines::is_end(code) ? code : spaces ? U' ' : U'\n');
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
      for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
        const bool is_mark = text.substr(begin).starts_with(utf8_mark);
        const char32_t first =
            is_mark ? TextLines::mark : static_cast<unsigned char>(text[begin]);  // of a line end, its only byte
        if (lines.skips(first, begin)) {
          end = begin + (is_mark ? utf8_mark.size() : 1);
          continue;
        }
        if (first == 0) refuse_invalid_text(text, begin, name);
        end = word_end(text, begin, name);
        sink(TextLines::is_end(first) ? line_end : text.substr(begin, end - begin));
        if (++count == options.limit) break;
      }
    }
  }
  return lines.marks();
}

}  // namespace unroll
