#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/conversion.h"
#include "io/encoding_guess.h"
#include "io/file.h"

namespace unroll {

/// How a file is decoded.
struct FileEncoding {
  std::string name = {};  ///< as iconv knows it; empty: it is UTF-8, and its bytes are passed on
  std::string note = {};  ///< what it was taken for; empty if it was named, or is UTF-8
};

/// `given`: the name that the user gave, or empty. Otherwise a byte order mark at the beginning of `bytes`, the first
/// of the file `name`, decides. Throws Error: usage for a name that iconv does not know, bad_data for one that
/// contradicts the byte order mark, as an EncodingError.
FileEncoding encoding_of(std::string_view bytes, const std::string& given, const std::string& name);

/// Makes UTF-8 of a text in another encoding that arrives in pieces of any size.
class Decoder {
 public:
  /// `encoding`: a name that iconv knows; `name`: the file's name in messages.
  Decoder(const std::string& encoding, std::string name);

  /// Appends to `text` the characters that `bytes` complete. Throws EncodingError, with the byte offset, for bytes that
  /// are no character of the encoding, and for NUL characters; the text then ends before them.
  void add(std::string_view bytes, std::string& text);
  /// The end of the file.
  void finish(std::string& text);
  /// After finish(): a line for the user if the bytes are UTF-8 too, which no text of another encoding is by chance.
  std::vector<std::string> notes() const;

 private:
  void refuse_nul(std::string_view bytes, std::size_t begin, std::string& text) const;
  void detect_utf8(std::string_view bytes);
  [[noreturn]] void refuse(std::string_view bytes, const char* what) const;

  std::string encoding_, name_;
  Conversion conversion_;
  std::string pending_;       ///< an incomplete character
  std::uint64_t offset_ = 0;  ///< of pending_ in the file
  std::int64_t line_ = 1;     ///< at the end of what was decoded
  bool is_utf8_ = true, is_ascii_ = true;
  std::string utf8_pending_;  ///< an incomplete character, if the file is UTF-8
};

/// A text in UTF-8, and what the user should know of how it was read, one line each.
struct SourceText {
  std::string text;
  std::vector<std::string> notes = {};
  /// An EncodingError if the file goes on with bytes that are not decoded; the text then ends with a byte that is not
  /// UTF-8. To be thrown by who needs more than the text before it.
  std::exception_ptr fault = {};
};

/// Calls decode(), which appends to result.text; an EncodingError becomes result.fault.
template <class Decode>
void keep_fault(SourceText& result, Decode decode) {
  try {
    decode();
  } catch (const EncodingError&) {
    result.fault = std::current_exception();
    result.text += '\xff';
  }
}

/// Decodes a text in memory, at least its first `longest` bytes of UTF-8. `given` and `name`: as for encoding_of().
/// Nothing if it is UTF-8 already.
std::optional<SourceText> decoded(std::string_view bytes, const std::string& given, const std::string& name,
                                  std::uint64_t longest = no_limit);

}  // namespace unroll
