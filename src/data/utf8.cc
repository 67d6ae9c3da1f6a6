#include "data/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "io/in_quotes.h"
#include "unroll/error.h"

namespace unroll {
namespace {

/// The number of the line, from 1, that the byte after `text` is on; a line ends in LF, CR or CRLF.
std::int64_t line_after(std::string_view text) {
  std::int64_t line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\n' && i > 0 && text[i - 1] == '\r';
    if ((text[i] == '\n' || text[i] == '\r') && !pair) ++line;
  }
  return line;
}

}  // namespace

void refuse_invalid_utf8(std::string_view text, std::size_t offset, const std::string& name) {
  throw Error(ExitCode::bad_data,
              fmt::format("{}: not UTF-8 at byte offset {} (line {}, byte 0x{:02X}); convert it first, e.g. with "
                          "iconv -f GB18030 -t UTF-8",
                          name, offset, line_after(text.substr(0, offset)), static_cast<unsigned char>(text[offset])));
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

std::string utf8_of(char32_t symbol) {
  std::string text;
  utf8::append(symbol, std::back_inserter(text));
  return text;
}

std::string described(char32_t symbol) {
  return fmt::format("{} (U+{:04X})", in_quotes(utf8_of(symbol)), static_cast<std::uint32_t>(symbol));
}

}  // namespace unroll
