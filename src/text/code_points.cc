#include "text/code_points.h"

#include <iterator>

namespace unroll {

void refuse_invalid_utf8(std::string_view text, std::size_t offset, const std::string& name) {
  refuse_invalid_utf8(name, offset, 1 + count_line_ends(text.substr(0, offset)), text[offset]);
}

std::string utf8_of(char32_t code) {
  std::string text;
  utf8::append(code, std::back_inserter(text));
  return text;
}

}  // namespace unroll
