#include "io/utf8.h"

#include <utf8.h>

#include <cstring>

namespace unroll {
namespace {

/// The first byte from `begin` on that is not ASCII, or `end`.
const char* skip_ascii(const char* begin, const char* end) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::uint64_t word = 0;
  for (; end - begin >= static_cast<std::ptrdiff_t>(sizeof word); begin += sizeof word) {
    std::memcpy(&word, begin, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  while (begin != end && static_cast<signed char>(*begin) >= 0) ++begin;
  return begin;
}

constexpr std::string_view replacement = "\ufffd";

/// Number of bytes of the code point that begins with `lead`; 0: none does.
std::size_t sequence_size(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/// True if `byte` may follow `lead` (Unicode 15, table 3-7: neither overlong forms nor surrogates nor beyond U+10FFFF).
bool may_be_second(unsigned char lead, unsigned char byte) {
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

}  // namespace

void Utf8Stream::add(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const auto lead = static_cast<unsigned char>(pending_[0]);
    if (size_ > 0 && !(size_ == 1 ? may_be_second(lead, byte) : (byte & 0xc0) == 0x80)) finish(text);
    pending_[size_++] = c;
    const std::size_t whole = sequence_size(static_cast<unsigned char>(pending_[0]));
    if (whole == 0) {
      finish(text);
    } else if (size_ == whole) {
      text.append(pending_.data(), size_);
      size_ = 0;
    }
  }
}

void Utf8Stream::finish(std::string& text) {
  if (size_ > 0) text += replacement;
  size_ = 0;
}

std::size_t first_invalid_utf8(std::string_view text) {
  const char* position = text.data();
  const char* const end = position + text.size();
  while ((position = skip_ascii(position, end)) != end) {
    const char* const start = position;
    try {
      utf8::next(position, end);
    } catch (const utf8::exception&) {
      return static_cast<std::size_t>(start - text.data());
    }
  }
  return text.size();
}

std::int64_t count_line_ends(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\n' && i > 0 && text[i - 1] == '\r';
    if ((text[i] == '\n' || text[i] == '\r') && !pair) ++count;
  }
  return count;
}

}  // namespace unroll
