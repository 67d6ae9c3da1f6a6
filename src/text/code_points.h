#pragma once

#include <utf8.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "io/utf8.h"
#include "unroll/corpus.h"

namespace unroll {

/// Throws Error(bad_data): `text`, from the source `name`, is not valid UTF-8 at byte `offset`.
[[noreturn]] void refuse_invalid_utf8(std::string_view text, std::size_t offset, const std::string& name);

/// The symbol as UTF-8.
std::string utf8_of(char32_t symbol);

/// "symbol" (U+XXXX), for messages.
std::string described(char32_t symbol);

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

/// Calls sink(symbol) for each symbol of a text file, at most options.limit of them (0: all): the byte order mark is
/// skipped, every line end is one symbol. Throws like for_each_code_point().
template <class Sink>
void for_each_symbol(std::string_view text, const std::string& name, const CorpusOptions& options, Sink&& sink) {
  const char32_t line_end = options.newlines == Newlines::space ? U' ' : U'\n';
  std::int64_t count = 0;
  bool after_return = false;
  for_each_code_point(text, byte_order_mark_size(text, name), name, [&](char32_t symbol) {
    const bool second_of_pair = symbol == U'\n' && after_return;
    after_return = symbol == U'\r';
    if (second_of_pair) return true;
    sink(symbol == U'\r' || symbol == U'\n' ? line_end : symbol);
    return ++count != options.limit;
  });
}

}  // namespace unroll
