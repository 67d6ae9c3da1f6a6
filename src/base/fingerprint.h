#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace unroll {

/// Incremental 64-bit XXH3 with seed 0 (https://github.com/Cyan4973/xxHash), about as fast as reading memory. Detects
/// accidental changes; does not protect against forgery.
class Fingerprint {
 public:
  Fingerprint();
  Fingerprint(const Fingerprint&) = delete;
  Fingerprint& operator=(const Fingerprint&) = delete;
  ~Fingerprint();

  void add(std::string_view bytes);
  /// Fingerprint of all bytes added so far.
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t fingerprint_of(std::string_view bytes);

/// Sixteen lower-case hexadecimal digits, most significant first, as the program xxhsum prints them.
std::string hex(std::uint64_t fingerprint);

}  // namespace unroll
