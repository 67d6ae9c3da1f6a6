#include <fmt/format.h>

#include "unroll/format.h"

namespace unroll {
namespace {

constexpr std::size_t longest = 100;

std::string_view shortened(std::string_view text) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a UTF-8 sequence
  return text.substr(0, end);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  const std::string_view shown = shortened(text);
  std::string result = "\"";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const unsigned byte = static_cast<unsigned char>(shown[i]);
    const unsigned next = i + 1 < shown.size() ? static_cast<unsigned char>(shown[i + 1]) : 0;
    if (byte == '\n') {
      result += "\\n";
    } else if (byte == '"' || byte == '\\') {
      result += '\\';
      result += shown[i];
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02X}", byte);
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F: terminals interpret some
      result += fmt::format("\\xC2\\x{:02X}", next);
      ++i;
    } else {
      result += shown[i];
    }
  }
  return result + (shown.size() < text.size() ? "...\"" : "\"");
}

}  // namespace unroll
