#include "io/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/utf8.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

using namespace std::string_view_literals;

struct Mark {
  std::string_view bytes;
  const char* encoding;
};

constexpr std::array marks = {Mark{utf8_mark, "UTF-8"},
                              // The mark of UTF-32 begins with that of UTF-16.
                              Mark{"\xff\xfe\0\0"sv, "UTF-32LE"}, Mark{"\0\0\xfe\xff"sv, "UTF-32BE"},
                              Mark{"\xff\xfe"sv, "UTF-16LE"}, Mark{"\xfe\xff"sv, "UTF-16BE"}};

/// UTF16LE for utf-16le and UCS-2LE.
std::string plain_name(std::string_view encoding) {
  std::string name;
  for (const char byte : encoding) {
    if (byte >= 'a' && byte <= 'z') name += static_cast<char>(byte - 'a' + 'A');
    if ((byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) name += byte;
  }
  if (name.starts_with("UCS2")) name.replace(0, 4, "UTF16");
  if (name.starts_with("UCS4")) name.replace(0, 4, "UTF32");
  return name;
}

bool is_unicode(std::string_view name) { return name == "UTF16" || name == "UTF32"; }

std::size_t size_of_nul(const std::string& encoding) {
  std::string one, two;  // each may begin with a byte order mark
  for (auto& [text, bytes] : {std::pair("\0"sv, &one), std::pair("\0\0"sv, &two)}) {
    std::string_view rest = text;
    Conversion("UTF-8", encoding.c_str()).convert(rest, *bytes);
  }
  return std::max<std::size_t>(two.size() - one.size(), 1);
}

/// The offset of the first NUL character in whole characters of an encoding.
std::size_t nul_in(std::string_view bytes, std::size_t size) {
  std::size_t at = 0;
  while (at < bytes.size() && !std::ranges::all_of(bytes.substr(at, size), [](char byte) { return byte == '\0'; }))
    at += size;
  return at;
}

}  // namespace

FileEncoding encoding_of(std::string_view bytes, const std::string& given, const std::string& name) {
  std::string field = given;
  if (!given.empty()) check_values(std::vector{options::encoding(field)});
  const std::string plain = plain_name(given);
  const auto mark = std::ranges::find_if(marks, [&](const Mark& each) { return bytes.starts_with(each.bytes); });
  if (mark != marks.end()) {
    if (!plain_name(mark->encoding).starts_with(plain)) {
      throw EncodingError(fmt::format("{}: begins with the byte order mark of {}, so it is not {}; read it with {} {}",
                                      name, mark->encoding, given, option_name("encoding"), mark->encoding));
    }
    if (mark->bytes == utf8_mark) return {};
    return {.name = mark->encoding, .note = fmt::format("read as {}, as its byte order mark says", mark->encoding)};
  }
  if (plain == "UTF8") return {};
  if (!is_unicode(plain)) return {.name = given};
  const std::string order = likely_byte_order(bytes, plain == "UTF16" ? "UTF-16" : "UTF-32");
  return {.name = order, .note = fmt::format("read as {}, since it has no byte order mark", order)};
}

Decoder::Decoder(const std::string& encoding, std::string name)
    : encoding_(encoding), name_(std::move(name)), conversion_(encoding, "UTF-8") {}

void Decoder::add(std::string_view bytes, std::string& text) {
  detect_utf8(bytes);
  pending_ += bytes;
  const std::size_t before = text.size();
  std::string_view rest = pending_;
  const Conversion::End end = conversion_.convert(rest, text);
  const std::size_t converted = pending_.size() - rest.size();
  refuse_nul(pending_, before, text);
  line_ += std::count(text.begin() + static_cast<std::ptrdiff_t>(before), text.end(), '\n');
  offset_ += converted;
  if (end == Conversion::End::invalid) refuse(std::string_view(pending_).substr(converted), "not");
  pending_.erase(0, converted);
}

void Decoder::finish(std::string& text) {
  if (!pending_.empty()) refuse(pending_, "ends within a character of");
  const std::size_t before = text.size();
  conversion_.finish(text);
  refuse_nul({}, before, text);
  is_utf8_ = is_utf8_ && utf8_pending_.empty();
}

std::vector<std::string> Decoder::notes() const {
  if (!is_utf8_ || is_ascii_) return {};
  return {fmt::format("its bytes are UTF-8 too: if letters are wrong, read it with {} UTF-8", option_name("encoding"))};
}

/// Refuses a NUL character in `text` from offset `begin` on, which was decoded from `bytes`, and ends the text there.
void Decoder::refuse_nul(std::string_view bytes, std::size_t begin, std::string& text) const {
  const std::size_t nul = text.find('\0', begin);
  if (nul == std::string::npos) return;
  const auto line = line_ + std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                       text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
  text.resize(nul);
  throw EncodingError(
      fmt::format("{}: a NUL character of {} at byte offset {} (line {}); remove it, or name another {}", name_,
                  encoding_, offset_ + nul_in(bytes, size_of_nul(encoding_)), line, option_name("encoding")));
}

void Decoder::detect_utf8(std::string_view bytes) {
  if (!is_utf8_) return;
  constexpr std::size_t longest = 4;
  const std::string joined = utf8_pending_ + std::string(bytes);
  is_ascii_ = is_ascii_ && std::ranges::all_of(bytes, [](char byte) { return static_cast<signed char>(byte) >= 0; });
  const std::size_t valid = first_invalid_utf8(joined);
  is_utf8_ = joined.size() - valid < longest;
  utf8_pending_ = is_utf8_ ? joined.substr(valid) : "";
}

void Decoder::refuse(std::string_view bytes, const char* what) const {
  throw EncodingError(fmt::format("{}: {} {} at byte offset {} (line {}, byte 0x{:02X}); {}", name_, what, encoding_,
                                  offset_, line_, static_cast<unsigned char>(bytes.front()),
                                  encoding_advice(bytes, offset_, encoding_)));
}

std::optional<SourceText> decoded(std::string_view bytes, const std::string& given, const std::string& name,
                                  std::uint64_t longest) {
  constexpr std::size_t piece = 1 << 16;
  const FileEncoding encoding = encoding_of(bytes, given, name);
  if (encoding.name.empty()) return std::nullopt;
  SourceText result;
  Decoder decoder(encoding.name, name);
  keep_fault(result, [&] {
    for (; !bytes.empty() && result.text.size() < longest; bytes.remove_prefix(std::min(piece, bytes.size())))
      decoder.add(bytes.substr(0, piece), result.text);
    if (bytes.empty()) decoder.finish(result.text);
  });
  result.notes = decoder.notes();
  if (!encoding.note.empty()) result.notes.insert(result.notes.begin(), encoding.note);
  return result;
}

}  // namespace unroll
