#pragma once

#include <utf8.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "io/utf8.h"
#include "unroll/error.h"

namespace unroll {

/// Thrown where a text has bytes that are not UTF-8, or NUL.
class InvalidText : public Error {
 public:
  InvalidText(const std::string& message, std::size_t offset) : Error(ExitCode::bad_data, message), offset_(offset) {}
  std::size_t offset() const { return offset_; }

 private:
  std::size_t offset_;
};

/// Throws InvalidText: `text`, from the source `name`, has such bytes at `offset`.
[[noreturn]] void refuse_invalid_text(std::string_view text, std::size_t offset, const std::string& name);

/// The code point as UTF-8.
std::string utf8_of(char32_t code);

/// Calls sink(code point, its byte offset) for each code point of UTF-8 `text` from byte `begin` on, until sink returns
/// false; the rest need not be valid. Throws InvalidText with the offset of the first invalid sequence.
template <class Sink>
void for_each_code_point(std::string_view text, std::size_t begin, const std::string& name, Sink&& sink) {
  const char* position = text.data() + begin;
  const char* const end = text.data() + text.size();
  const char* start = position;
  try {
    while (position != end) {
      start = position;
      const auto code = static_cast<char32_t>(utf8::next(position, end));
      if (!sink(code, static_cast<std::size_t>(start - text.data()))) return;
    }
  } catch (const utf8::exception&) {
    refuse_invalid_text(text, static_cast<std::size_t>(start - text.data()), name);
  }
}

}  // namespace unroll
