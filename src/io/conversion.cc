#include "io/conversion.h"

#include <fmt/format.h>
#include <iconv.h>

#include <array>
#include <cerrno>

#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

void Conversion::Close::operator()(void* handle) const { iconv_close(handle); }

Conversion::Conversion(const std::string& from, const char* to) {
  iconv_t handle = iconv_open(to, from.c_str());
  if (handle == reinterpret_cast<iconv_t>(-1))  // NOLINT(performance-no-int-to-ptr)
    throw Error(fmt::format("iconv does not know the encoding {}", in_quotes(from)));
  handle_.reset(handle);
}

Conversion::End Conversion::convert(std::string_view& bytes, std::string& converted) {
  std::array<char, 1 << 12> buffer;
  while (!bytes.empty()) {
    char* input = const_cast<char*>(bytes.data());  // which iconv only reads
    char* output = buffer.data();
    std::size_t input_left = bytes.size(), output_left = buffer.size();
    const bool stopped =
        iconv(handle_.get(), &input, &input_left, &output, &output_left) == static_cast<std::size_t>(-1);
    const int error = errno;
    bytes.remove_prefix(bytes.size() - input_left);
    converted.append(buffer.data(), buffer.size() - output_left);
    if (stopped && error == EINVAL) return End::incomplete;
    if (stopped && error != E2BIG) return End::invalid;
  }
  return End::whole;
}

void Conversion::finish(std::string& converted) {
  std::array<char, 64> buffer;
  char* output = buffer.data();
  std::size_t output_left = buffer.size();
  iconv(handle_.get(), nullptr, nullptr, &output, &output_left);
  converted.append(buffer.data(), buffer.size() - output_left);
}

}  // namespace unroll
