#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";  ///< the byte order mark, U+FEFF

/// Offset of the first sequence that is not UTF-8; text.size() if there is none.
std::size_t first_invalid_utf8(std::string_view text);

/// Number of line ends in `text`: LF, CR or CRLF.
std::int64_t count_line_ends(std::string_view text);

/// Puts code points together from bytes that arrive in pieces.
class Utf8Stream {
 public:
  /// Appends to `text` what `bytes` complete: whole code points, and U+FFFD for each sequence that cannot become one
  /// ("substitution of maximal subparts", Unicode 15, section 3.9).
  void add(std::string_view bytes, std::string& text);
  /// The end of the bytes: appends U+FFFD for an incomplete code point.
  void finish(std::string& text);

 private:
  std::array<char, 4> pending_{};
  std::size_t size_ = 0;
};

}  // namespace unroll
