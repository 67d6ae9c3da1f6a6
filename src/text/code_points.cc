#include "text/code_points.h"

#include <fmt/format.h>

#include <iterator>

#include "io/encoding_guess.h"

namespace unroll {

void refuse_invalid_text(std::string_view text, std::size_t offset, const std::string& name) {
  throw InvalidText(fmt::format("{}: {}; give it in UTF-8", name, described_fault(text, offset)), offset);
}

std::string utf8_of(char32_t code) {
  std::string text;
  utf8::append(code, std::back_inserter(text));
  return text;
}

}  // namespace unroll
