#include "io/utf8.h"

#include <fmt/format.h>
#include <utf8.h>

#include <cstring>

#include "unroll/error.h"

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

}  // namespace

void refuse_invalid_utf8(const std::string& name, std::uint64_t offset, std::int64_t line, char byte) {
  throw Error(ExitCode::bad_data,
              fmt::format("{}: not UTF-8 at byte offset {} (line {}, byte 0x{:02X}); convert it first, e.g. with "
                          "iconv -f GB18030 -t UTF-8",
                          name, offset, line, static_cast<unsigned char>(byte)));
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

std::size_t byte_order_mark_size(std::string_view text, const std::string& name) {
  constexpr std::string_view utf8_mark = "\xef\xbb\xbf";
  constexpr std::string_view utf32_little{"\xff\xfe\0\0", 4}, utf32_big{"\0\0\xfe\xff", 4};
  const char* encoding = nullptr;
  if (text.starts_with(utf32_little) || text.starts_with(utf32_big)) {
    encoding = "UTF-32";
  } else if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    encoding = "UTF-16";
  }
  if (encoding != nullptr) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: is {}, as its byte order mark says, not UTF-8; convert it first with "
                            "iconv -f {} -t UTF-8",
                            name, encoding, encoding));
  }
  return text.starts_with(utf8_mark) ? utf8_mark.size() : 0;
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
