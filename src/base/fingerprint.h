#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace unroll {

/// XXH3 with 64 bits and seed 0 (https://github.com/Cyan4973/xxHash) of bytes that come piece by piece, about as fast
/// as memory hands them over. Tells by accident changed bytes from the same ones; is no protection against forgery.
class Fingerprint {
 public:
  Fingerprint();
  Fingerprint(const Fingerprint&) = delete;
  Fingerprint& operator=(const Fingerprint&) = delete;
  ~Fingerprint();

  void add(std::string_view bytes);
  /// Of all that was added so far.
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t fingerprint_of(std::string_view bytes);

/// Sixteen digits, small letters, the highest first, as the program xxhsum prints it.
std::string hex(std::uint64_t fingerprint);

}  // namespace unroll
