#include "io/safetensors_checksum.h"

#include "base/check.h"
#include "base/fingerprint.h"

namespace unroll {

bool has_checksum(std::string_view file) {
  constexpr std::size_t length_size = checksum_begin - header_before_checksum.size();
  return file.size() >= checksum_begin + no_checksum_yet.size() &&
         file.substr(length_size).starts_with(header_before_checksum);
}

std::string checksum_of(std::string_view file) {
  UNROLL_CHECK(has_checksum(file));
  Fingerprint fingerprint;
  fingerprint.add(file.substr(0, checksum_begin));
  fingerprint.add(no_checksum_yet);
  fingerprint.add(file.substr(checksum_begin + no_checksum_yet.size()));
  return hex(fingerprint.value());
}

bool is_undamaged(std::string_view file) { return file.substr(checksum_begin).starts_with(checksum_of(file)); }

void put_checksum(std::string& file, std::string_view digits) {
  UNROLL_CHECK(has_checksum(file) && digits.size() == no_checksum_yet.size());
  file.replace(checksum_begin, digits.size(), digits);
}

}  // namespace unroll
