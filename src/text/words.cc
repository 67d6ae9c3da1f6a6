#include "text/words.h"

#include <utf8proc.h>

#include <algorithm>

#include "text/code_points.h"
#include "unroll/tokenizer.h"

namespace unroll {
namespace {

enum class Kind { letter, mark, apostrophe, blank, other };

struct CodePoint {
  Kind kind = Kind::blank;
  std::size_t size = 0;  // in bytes; 0: the end of the text, or no UTF-8
};

/// True for the letters and digits of scripts that put no space between words. The blocks are those of Unicode 15.
bool is_of_unspaced_script(utf8proc_int32_t code) {
  constexpr struct {
    utf8proc_int32_t first, last;
  } blocks[] = {{0x0e00, 0x0eff},                                         // Thai, Lao
                {0x1000, 0x109f},   {0xa9e0, 0xa9ff},  {0xaa60, 0xaa7f},  // Burmese
                {0x1780, 0x17ff},                                         // Khmer
                {0x2e80, 0x31ff},  // radicals, kana, Bopomofo; but for Hangul, see below
                {0x3400, 0x4dbf},   {0x4e00, 0x9fff},  {0xf900, 0xfaff},  // Han
                {0xff66, 0xff9f},                                         // halfwidth kana
                {0x1aff0, 0x1b16f}, {0x20000, 0x3ffff}};
  constexpr utf8proc_int32_t first_hangul_jamo = 0x3130, last_hangul_jamo = 0x318f;
  if (code >= first_hangul_jamo && code <= last_hangul_jamo) return false;
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [&](const auto& block) { return code >= block.first && code <= block.last; });
}

Kind kind_of_ascii(unsigned char byte) {
  const unsigned char lower = byte | 0x20;
  if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9')) return Kind::letter;
  if (byte == '\'') return Kind::apostrophe;
  return byte <= ' ' || byte == 0x7f ? Kind::blank : Kind::other;
}

Kind kind_of(utf8proc_int32_t code) {
  constexpr utf8proc_int32_t non_joiner = 0x200c, joiner = 0x200d, apostrophe = 0x2019;
  if (code == apostrophe) return Kind::apostrophe;
  if (code == non_joiner || code == joiner) return Kind::mark;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return is_of_unspaced_script(code) ? Kind::other : Kind::letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return Kind::mark;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return Kind::blank;
    default:
      return Kind::other;
  }
}

CodePoint code_point_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at;
  if (*bytes < 0x80) return {kind_of_ascii(*bytes), 1};
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - at), &code);
  return size > 0 ? CodePoint{kind_of(code), static_cast<std::size_t>(size)} : CodePoint{};
}

}  // namespace

std::size_t word_end(std::string_view text, std::size_t begin, const std::string& name) {
  constexpr int max_length = Tokenizer::max_token_bytes / 4;  // in code points
  CodePoint point = code_point_at(text, begin);
  if (point.size == 0) refuse_invalid_text(text, begin, name);
  std::size_t end = begin + point.size;
  if (point.kind == Kind::blank) return end;
  const bool is_word = point.kind == Kind::letter || point.kind == Kind::mark;
  for (int length = 1; length < max_length; ++length, end += point.size) {
    point = code_point_at(text, end);
    if (point.kind == Kind::mark) continue;
    if (!is_word) break;
    if (point.kind == Kind::letter) continue;
    const bool joins = point.kind == Kind::apostrophe && length + 1 < max_length &&
                       code_point_at(text, end + point.size).kind == Kind::letter;
    if (!joins) break;
  }
  return end;
}

}  // namespace unroll
