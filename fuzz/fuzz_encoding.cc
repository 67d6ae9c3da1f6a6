#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/conversion.h"
#include "io/decoder.h"
#include "io/encoding_guess.h"
#include "io/utf8.h"
#include "refuses.h"

using namespace unroll;

namespace {

/// True if the decoder refuses the bytes.
bool decode(const std::string& encoding, std::string_view bytes, std::size_t piece, std::string& text) {
  Decoder decoder(encoding, "file");
  return refuses([&] {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
      decoder.add(bytes.substr(0, piece), text);
    decoder.finish(text);
  });
}

}  // namespace

/// Any bytes, in pieces of any size, are either refused or become UTF-8 without NUL, and the same text for any pieces;
/// every encoding that is advised is one that iconv knows. The first byte sets encoding and pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array encodings = {"UTF-16LE", "UTF-16BE", "UTF-32LE", "GB18030",      "Big5",
                                    "CP932",    "EUC-JP",   "CP949",    "windows-1252", "ISO-2022-JP"};
  if (size == 0) return 0;
  static const std::vector<Conversion> loaded = [&] {  // iconv unloads an encoding that nobody uses, which takes long
    std::vector<Conversion> all;
    for (const char* encoding : encodings) all.emplace_back(encoding, "UTF-8");
    for (const char* likely : {"windows-1250", "windows-1254", "windows-1251", "KOI8-R", "macintosh"})
      all.emplace_back(likely, "UTF-32LE");
    return all;
  }();
  const std::string encoding = encodings[data[0] % encodings.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string whole, pieces;
  const bool refused = decode(encoding, bytes, 1 << 16, whole);
  UNROLL_CHECK(decode(encoding, bytes, 1 + data[0] / encodings.size(), pieces) == refused);
  if (!refused) {
    UNROLL_CHECK(pieces == whole);
    UNROLL_CHECK(first_byte_not_of_text(whole) == whole.size());
  }
  for (const std::string& likely : likely_encodings(bytes)) Conversion(likely, "UTF-8");
  const std::size_t fault = first_byte_not_of_text(bytes);
  if (fault < bytes.size()) UNROLL_CHECK(refuses([&] { refuse_bytes("file", bytes, fault, 3, 2); }));
  return 0;
}
