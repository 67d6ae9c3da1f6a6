#pragma once

#include <utf8.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "io/utf8.h"

namespace unroll {

/// Throws Error(bad_data): `text`, from the source `name`, is not valid UTF-8 at byte `offset`.
[[noreturn]] void refuse_invalid_utf8(std::string_view text, std::size_t offset, const std::string& name);

/// The code point as UTF-8.
std::string utf8_of(char32_t code);

/// Calls sink(code point) for each code point of UTF-8 `text` from byte `begin` on, until sink returns false; the rest
/// need not be valid. Throws Error(bad_data) with the offset of the first invalid sequence.
template <class Sink>
void for_each_code_point(std::string_view text, std::size_t begin, const std::string& name, Sink&& sink) {
  const char* position = text.data() + begin;
  const char* const end = text.data() + text.size();
  const char* start = position;
  try {
    while (position != end) {
      start = position;
      if (!sink(static_cast<char32_t>(utf8::next(position, end)))) return;
    }
  } catch (const utf8::exception&) {
    refuse_invalid_utf8(text, static_cast<std::size_t>(start - text.data()), name);
  }
}

}  // namespace unroll
