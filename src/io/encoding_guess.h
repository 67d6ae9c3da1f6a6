#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/error.h"

namespace unroll {

/// Bytes that are not of the encoding of their file; code() is bad_data.
class EncodingError : public Error {
 public:
  explicit EncodingError(const std::string& message) : Error(ExitCode::bad_data, message) {}
};

/// The encodings in which `bytes` are probably text, as iconv names them: the most probable first, then at most two in
/// which they are other characters. Empty if they are like text in none that is known here. `bytes` begin at `offset`
/// of the file.
std::vector<std::string> likely_encodings(std::string_view bytes, std::uint64_t offset = 0);

/// The more probable of the two byte orders of UTF-16 or UTF-32, such as UTF-16LE.
std::string likely_byte_order(std::string_view bytes, const std::string& encoding);

/// How to read `bytes`, for messages: "probably GB18030: read it with --encoding GB18030". `given`: the encoding in
/// which they are not.
std::string encoding_advice(std::string_view bytes, std::uint64_t offset = 0, const std::string& given = {});

/// Offset of the first byte that is not UTF-8, or NUL; text.size() if there is none.
std::size_t first_byte_not_of_text(std::string_view text);

/// "not UTF-8 at byte offset 5 (line 1, byte 0x80)", for bytes[at], as first_byte_not_of_text() finds it. `bytes` begin
/// at `offset` of the file, on 1-based line `line`.
std::string described_fault(std::string_view bytes, std::size_t at, std::uint64_t offset = 0, std::int64_t line = 1);

/// Throws EncodingError with described_fault() of the file `name`, advice, and `more`.
[[noreturn]] void refuse_bytes(const std::string& name, std::string_view bytes, std::size_t at,
                               std::uint64_t offset = 0, std::int64_t line = 1, const std::string& more = {});

}  // namespace unroll
