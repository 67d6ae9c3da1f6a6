#include <functional>
#include <limits>

#include "base/check.h"
#include "unroll/table.h"

namespace unroll {

std::int32_t Levels::add(std::string_view text) {
  if (2 * hashes_.size() >= slots_.size()) grow();
  const std::size_t hash = std::hash<std::string_view>()(text);
  std::int32_t& code = slots_[slot_of(text, hash)];
  if (code < 0) {
    UNROLL_CHECK(size() < std::numeric_limits<std::int32_t>::max());
    code = size();
    bytes_ += text;
    ends_.push_back(bytes_.size());
    hashes_.push_back(hash);
  }
  return code;
}

std::int32_t Levels::find(std::string_view text) const {
  return slots_.empty() ? -1 : slots_[slot_of(text, std::hash<std::string_view>()(text))];
}

std::string_view Levels::operator[](std::int32_t code) const {
  const auto index = static_cast<std::size_t>(code);
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

/// The slot of the text, or the free slot to insert it into.
std::size_t Levels::slot_of(std::string_view text, std::size_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] >= 0 &&
         (hashes_[static_cast<std::size_t>(slots_[slot])] != hash || (*this)[slots_[slot]] != text)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Levels::grow() {
  slots_.assign(slots_.empty() ? 16 : 2 * slots_.size(), -1);
  for (std::size_t code = 0; code < hashes_.size(); ++code) {
    std::size_t slot = hashes_[code] & (slots_.size() - 1);
    while (slots_[slot] >= 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<std::int32_t>(code);
  }
}

}  // namespace unroll
