#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

/// Throws Error(bad_data): `name` is no UTF-8 at byte `offset`, where `byte` stands, on `line`, counted from 1.
[[noreturn]] void refuse_invalid_utf8(const std::string& name, std::uint64_t offset, std::int64_t line, char byte);

/// Where the first sequence begins that is not UTF-8; the size of the text where there is none.
std::size_t first_invalid_utf8(std::string_view text);

/// How many bytes at the start of `text` are a UTF-8 byte order mark. Throws Error(bad_data) for the mark of UTF-16 or
/// UTF-32.
std::size_t byte_order_mark_size(std::string_view text, const std::string& name);

/// How many lines end in `text`; a line ends in LF, CR or CRLF.
std::int64_t count_line_ends(std::string_view text);

}  // namespace unroll
