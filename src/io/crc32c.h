#pragma once

#include <cstdint>
#include <string_view>

namespace unroll {

/// CRC-32C: polynomial 0x1EDC6F41 with bits reflected, initial value and final complement 0xFFFFFFFF. Source: RFC 3720,
/// section 12.1 and appendix B.4.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace unroll
