#include "base/fingerprint.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL  // header-only, so that programs that link unroll need no xxHash library
#include <xxhash.h>

namespace unroll {

struct Fingerprint::State {
  XXH3_state_t xxh3;
};

Fingerprint::Fingerprint() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh3); }
Fingerprint::~Fingerprint() = default;

void Fingerprint::add(std::string_view bytes) { XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size()); }

std::uint64_t Fingerprint::value() const { return XXH3_64bits_digest(&state_->xxh3); }

std::uint64_t fingerprint_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hex(std::uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

}  // namespace unroll
