#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

/// Throws Error(bad_data): `name` is not UTF-8 at byte offset `offset`, on 1-based line `line`; `byte` is the byte
/// there.
[[noreturn]] void refuse_invalid_utf8(const std::string& name, std::uint64_t offset, std::int64_t line, char byte);

/// Offset of the first sequence that is not UTF-8; text.size() if there is none.
std::size_t first_invalid_utf8(std::string_view text);

/// Number of bytes of a UTF-8 byte order mark at the start of `text`. Throws Error(bad_data) for the mark of UTF-16 or
/// UTF-32.
std::size_t byte_order_mark_size(std::string_view text, const std::string& name);

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
