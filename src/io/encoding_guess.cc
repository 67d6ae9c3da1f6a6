#include "io/encoding_guess.h"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "io/conversion.h"
#include "io/utf8.h"
#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {
namespace {

// The encoding in which the bytes cost the fewest bits is the most probable one (minimum description length). A
// character costs about -log2 of its share of the texts that use it: few bits for the frequent letters of a script in
// their usual places, many for rare ones, and most for bytes that are no character.

constexpr double ascii_bits = 5, rare_bits = 14, foreign_bits = 20, control_bits = 30, invalid_bits = 40;

/// Double-byte characters from `first` to `last`.
struct CodeRange {
  unsigned first, last;
  double bits;
};

/// An encoding of ASCII and characters of several bytes. The first range that has a character decides.
struct MultiByte {
  const char* name;
  double bits;  ///< of itself: of equally good ones, the encoding that fewer files have is less probable
  std::span<const CodeRange> ranges;
};

constexpr double rare_ideograph = 15, never_used = 30;
// GB 2312: rows of symbols, of kana and others, the 3755 frequent ideographs, the others; then those of GBK.
constexpr std::array gb18030 = {CodeRange{0xa1a1, 0xa3fe, 8},  CodeRange{0xa4a1, 0xa9fe, 12},
                                CodeRange{0xaaa1, 0xaffe, 30}, CodeRange{0xb0a1, 0xd7f9, 10.5},
                                CodeRange{0xd8a1, 0xf7fe, 15}, CodeRange{0xf8a1, 0xfefe, 30},
                                CodeRange{0x8140, 0xfea0, 19}};
constexpr std::array big5 = {CodeRange{0xa140, 0xa3bf, 8}, CodeRange{0xa440, 0xc67e, 10.5},
                             CodeRange{0xc940, 0xf9d5, rare_ideograph}};
// Punctuation, digits and letters of double width, hiragana, katakana, kanji of level 1 and 2.
constexpr std::array shift_jis = {CodeRange{0x8140, 0x81fc, 8},   CodeRange{0x824f, 0x829a, 10},
                                  CodeRange{0x829f, 0x82f1, 6.5}, CodeRange{0x8340, 0x8396, 7.5},
                                  CodeRange{0x889f, 0x9872, 11},  CodeRange{0x989f, 0xeaa4, rare_ideograph}};
constexpr std::array euc_jp = {CodeRange{0xa1a1, 0xa2fe, 8},   CodeRange{0xa3a1, 0xa3fe, 10},
                               CodeRange{0xa4a1, 0xa4f3, 6.5}, CodeRange{0xa5a1, 0xa5f6, 7.5},
                               CodeRange{0xb0a1, 0xcfd3, 11},  CodeRange{0xd0a1, 0xf4a6, rare_ideograph}};
// Symbols, syllables, hanja, and the syllables that Windows adds.
constexpr std::array korean = {CodeRange{0xa1a1, 0xa3fe, 9}, CodeRange{0xb0a1, 0xc8fe, 9.5},
                               CodeRange{0xcaa1, 0xfdfe, rare_ideograph}, CodeRange{0x8141, 0xc652, 16}};
constexpr std::array multi_byte = {MultiByte{"GB18030", 2, gb18030}, MultiByte{"Big5", 4, big5},
                                   MultiByte{"CP932", 4, shift_jis}, MultiByte{"EUC-JP", 4, euc_jp},
                                   MultiByte{"CP949", 4, korean}};

/// An encoding that is judged by its code points.
struct CodePoints {
  const char* name;
  double bits;  ///< of itself
};
constexpr std::array by_code_point = {
    CodePoints{"UTF-8", 0},        CodePoints{"windows-1252", 0}, CodePoints{"windows-1250", 2},
    CodePoints{"windows-1254", 2}, CodePoints{"windows-1251", 2}, CodePoints{"KOI8-R", 4},
    CodePoints{"macintosh", 4},    CodePoints{"UTF-16LE", 4},     CodePoints{"UTF-16BE", 4}};

constexpr std::u32string_view latin_small = U"äöüßéèêëàâçîïôùûñáíóúãõåæøœąćęłńśźżěščřžýůőűășțğış";
constexpr std::u32string_view latin_capital = U"ÄÖÜÉÈÊÀÂÇÎÔÑÁÍÓÚÃÕÅÆØŒĄĆĘŁŃŚŹŻĚŠČŘŽÝŮŐŰĂȘȚĞİŞ";
constexpr std::u32string_view symbols = U"’‘“”„–—…•€£«»°§©®·¿¡´\u00a0";
constexpr std::u32string_view cyrillic_frequent = U"оеаинтсрвлкмдпу", cyrillic_rare = U"хжшюцщэфъ";

enum class Script { none, ascii, latin, capital, cyrillic, cyrillic_capital };

Script script_of(char32_t code) {
  if (code < 0x80) return (code | 0x20) >= 'a' && (code | 0x20) <= 'z' ? Script::ascii : Script::none;
  if (code >= 0x430 && code <= 0x45f) return Script::cyrillic;
  if (code >= 0x400 && code <= 0x42f) return Script::cyrillic_capital;
  if (latin_small.find(code) != std::u32string_view::npos) return Script::latin;
  return latin_capital.find(code) != std::u32string_view::npos ? Script::capital : Script::none;
}

bool is_latin(Script script) { return script >= Script::ascii && script <= Script::capital; }
bool is_cyrillic(Script script) { return script >= Script::cyrillic; }

/// The characters before and after a character.
struct Neighbours {
  char32_t before, after;
};

double cyrillic_bits(char32_t small) {
  if (cyrillic_frequent.find(small) != std::u32string_view::npos) return 4.5;
  return small <= 0x44f && cyrillic_rare.find(small) == std::u32string_view::npos ? 6.5 : 9;
}

char32_t small_of(char32_t cyrillic_capital) { return cyrillic_capital + (cyrillic_capital < 0x410 ? 0x50 : 0x20); }

/// Words in capitals have the frequencies of small letters, but are rarer. The small letters of KOI8-R are the capitals
/// of windows-1251, and the other way round.
double frequency_bits(char32_t code, Script script, bool beside_capital) {
  switch (script) {
    case Script::latin:
      return code == U'œ' ? 9 : 6;
    case Script::cyrillic:
      return cyrillic_bits(code);
    case Script::cyrillic_capital:
      return beside_capital ? cyrillic_bits(small_of(code)) + 0.4 : 8;
    default:
      return 8;
  }
}

double letter_bits(char32_t code, Script script, const Neighbours& neighbours) {
  constexpr double unusual = 5, rare = 8;
  const Script before = script_of(neighbours.before), after = script_of(neighbours.after);
  const bool small_before =
      before == Script::latin || before == Script::cyrillic || (neighbours.before >= 'a' && neighbours.before <= 'z');
  const bool capital_after = after == Script::capital || after == Script::cyrillic_capital ||
                             (neighbours.after >= 'A' && neighbours.after <= 'Z');
  const bool is_capital = script == Script::capital || script == Script::cyrillic_capital;
  const auto is_other = [&](Script each) { return is_cyrillic(script) ? is_latin(each) : is_cyrillic(each); };
  double bits = frequency_bits(code, script, before == Script::cyrillic_capital || after == Script::cyrillic_capital);
  if (is_other(before) || is_other(after)) bits += rare;
  if (before == Script::none && after == Script::none) bits += unusual;
  if (is_capital ? small_before : capital_after) bits += rare;
  if (is_latin(script) && before != Script::ascii && is_latin(before)) bits += unusual;
  return bits;
}

bool is_control(char32_t code) { return code < 0x20 && code != '\n' && code != '\r' && code != '\t'; }

double bits_of(char32_t code, const Neighbours& neighbours) {
  if (code < 0x80) return is_control(code) || code == 0x7f ? control_bits : ascii_bits;
  if (code < 0xa0) return control_bits;
  if (const Script script = script_of(code); script != Script::none) return letter_bits(code, script, neighbours);
  if (symbols.find(code) != std::u32string_view::npos) {
    const bool within_word =
        script_of(neighbours.before) != Script::none && script_of(neighbours.after) != Script::none;
    return code == U'’' && within_word ? 5 : within_word ? 12 : 7;
  }
  if (code < 0x250 || (code >= 0x400 && code <= 0x52f)) return rare_bits;
  if (code >= 0x3040 && code <= 0x30ff) return 7;
  if ((code >= 0x3000 && code <= 0x303f) || (code >= 0xff01 && code <= 0xff5e)) return 8;
  // More than in the encodings of one country: a text without ASCII may look like UTF-16 by chance.
  if (code >= 0x4e00 && code <= 0x9fa5) return 12;
  if (code >= 0xac00 && code <= 0xd7a3) return 13;
  return foreign_bits;
}

struct Decoded {
  std::u32string text;
  std::size_t invalid = 0;  ///< bytes that are no character
};

Decoded decode(const std::string& encoding, std::string_view bytes) {
  Decoded result;
  Conversion conversion(encoding, "UTF-32LE");
  const std::size_t unit = encoding.starts_with("UTF-32") ? 4 : encoding.starts_with("UTF-16") ? 2 : 1;
  std::string converted;
  while (conversion.convert(bytes, converted) == Conversion::End::invalid) {
    ++result.invalid;
    bytes.remove_prefix(std::min(unit, bytes.size()));
  }
  for (std::size_t i = 0; i + 4 <= converted.size(); i += 4) {
    const auto byte = [&](std::size_t at) {
      return static_cast<char32_t>(static_cast<unsigned char>(converted[i + at]));
    };
    result.text.push_back(byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24);
  }
  return result;
}

double bits_of(const Decoded& decoded) {
  double bits = invalid_bits * static_cast<double>(decoded.invalid);
  const std::u32string& text = decoded.text;
  for (std::size_t i = 0; i < text.size(); ++i)
    bits += bits_of(text[i], {i > 0 ? text[i - 1] : U'\n', i + 1 < text.size() ? text[i + 1] : U'\n'});
  return bits;
}

double bits_of(const MultiByte& encoding, std::string_view bytes) {
  constexpr double single_kana = 12, beside_letter = 5;
  const bool has_single_kana = encoding.ranges.data() == shift_jis.data();
  const auto is_letter = [&](std::size_t at) {
    return at < bytes.size() && script_of(static_cast<unsigned char>(bytes[at])) == Script::ascii;
  };
  double bits = 0;
  bool after_letter = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      bits += bits_of(static_cast<char32_t>(lead), {});
      after_letter = is_letter(i);
      continue;
    }
    bits += after_letter ? beside_letter : 0;
    after_letter = false;
    if (has_single_kana && lead >= 0xa1 && lead <= 0xdf) {
      bits += single_kana;
      continue;
    }
    if (++i == bytes.size()) break;
    const unsigned trail = static_cast<unsigned char>(bytes[i]), code = lead << 8 | trail;
    const auto range = std::ranges::find_if(encoding.ranges, [&](const CodeRange& each) {
      const unsigned lowest_trail = (each.first & 0xff) < 0xa1 ? 0x40 : 0xa1;
      return code >= each.first && code <= each.last && trail >= lowest_trail;
    });
    if (range == encoding.ranges.end()) {
      bits += never_used;
      if (trail < 0x80) --i;  // a letter that follows a byte that is none
    } else {
      bits += range->bits + (is_letter(i + 1) ? beside_letter : 0);
    }
  }
  return bits;
}

/// The part of the bytes that tells the encodings apart: from the beginning of the line, or a little before the first
/// byte that is not ASCII. Empty if all are ASCII.
std::string_view telling_part(std::string_view bytes) {
  constexpr std::size_t before = 64, most = 1 << 16;
  const auto tells = [](char byte) { return byte == '\0' || static_cast<signed char>(byte) < 0; };
  const auto first = static_cast<std::size_t>(std::ranges::find_if(bytes, tells) - bytes.begin());
  if (first == bytes.size()) return {};
  std::size_t begin = first;
  while (begin > 0 && first - begin < before && bytes[begin - 1] != '\n' && bytes[begin - 1] != '\r') --begin;
  return bytes.substr(begin, most);
}

struct Candidate {
  std::string name;
  double bits = 0;
  std::u32string text;
};

std::vector<Candidate> candidates(std::string_view bytes, bool at_odd_offset) {
  std::vector<Candidate> all;
  for (const MultiByte& encoding : multi_byte) {
    Decoded read = decode(encoding.name, bytes);
    all.push_back({encoding.name,
                   encoding.bits + bits_of(encoding, bytes) + invalid_bits * static_cast<double>(read.invalid),
                   std::move(read.text)});
  }
  for (const CodePoints& encoding : by_code_point) {
    const bool skips_one = at_odd_offset && std::string_view(encoding.name).starts_with("UTF-16");
    Decoded read = decode(encoding.name, bytes.substr(skips_one ? 1 : 0));
    all.push_back({encoding.name, encoding.bits + bits_of(read), std::move(read.text)});
  }
  std::ranges::stable_sort(all, {}, &Candidate::bits);
  return all;
}

}  // namespace

std::vector<std::string> likely_encodings(std::string_view bytes, std::uint64_t offset) {
  constexpr double bits_per_byte = 8;  // of bytes at random; texts have about 5
  constexpr double much_worse = 1.5;
  constexpr std::size_t most = 3;
  const std::string_view part = telling_part(bytes);
  std::vector<std::string> names;
  if (part.empty()) return names;
  const std::uint64_t part_offset = offset + static_cast<std::uint64_t>(part.data() - bytes.data());
  const std::vector<Candidate> all = candidates(part, part_offset % 2 == 1);
  if (all.front().bits > bits_per_byte * static_cast<double>(part.size())) return names;
  for (std::size_t i = 0; i < all.size() && names.size() < most; ++i) {
    if (all[i].bits > much_worse * all.front().bits) break;
    const auto same = [&](const Candidate& other) { return other.text == all[i].text; };
    if (std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i), same)) names.push_back(all[i].name);
  }
  return names;
}

std::string likely_byte_order(std::string_view bytes, const std::string& encoding) {
  const double little = bits_of(decode(encoding + "LE", bytes)), big = bits_of(decode(encoding + "BE", bytes));
  return encoding + (little <= big ? "LE" : "BE");
}

std::string encoding_advice(std::string_view bytes, std::uint64_t offset, const std::string& given) {
  const std::string option = option_name("encoding");
  std::vector<std::string> names = likely_encodings(bytes, offset);
  if (!names.empty() && names.front() == given)
    return fmt::format("the rest is like {}: is the file damaged, or joined of files in several encodings?", given);
  std::erase(names, given);
  if (names.empty()) return fmt::format("is it a text? Name its encoding with {}", option);
  if (names.front() == "UTF-8" && given.empty())
    return "the rest is UTF-8: is the file damaged, or joined of files in several encodings?";
  std::string advice = fmt::format("probably {}: read it with {} {}", names[0], option, names[0]);
  names.erase(names.begin());
  if (!names.empty()) advice += fmt::format("; less probably {}", fmt::join(names, " or "));
  return advice;
}

std::size_t first_byte_not_of_text(std::string_view text) {
  return std::min(text.find('\0'), first_invalid_utf8(text));
}

std::string described_fault(std::string_view bytes, std::size_t at, std::uint64_t offset, std::int64_t line) {
  return fmt::format("{} at byte offset {} (line {}, byte 0x{:02X})", bytes[at] == '\0' ? "a NUL byte" : "not UTF-8",
                     offset + at, line + count_line_ends(bytes.substr(0, at)), static_cast<unsigned char>(bytes[at]));
}

void refuse_bytes(const std::string& name, std::string_view bytes, std::size_t at, std::uint64_t offset,
                  std::int64_t line, const std::string& more) {
  throw EncodingError(fmt::format("{}: {}; {}{}", name, described_fault(bytes, at, offset, line),
                                  encoding_advice(bytes, offset), more));
}

}  // namespace unroll
