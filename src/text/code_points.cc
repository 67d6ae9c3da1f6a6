#include "text/code_points.h"

#include <fmt/format.h>

#include <iterator>

#include "io/in_quotes.h"

namespace unroll {

void refuse_invalid_utf8(std::string_view text, std::size_t offset, const std::string& name) {
  refuse_invalid_utf8(name, offset, 1 + count_line_ends(text.substr(0, offset)), text[offset]);
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
