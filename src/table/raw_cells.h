#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace unroll {

/// The unparsed cells of a column, concatenated, each after its length (one byte; nine if long): they are read only
/// once, front to back, and should take little more memory than the file.
class RawCells {
 public:
  void append(std::string_view text, bool missing) {
    last_ = bytes_.size();
    if (missing) {
      bytes_ += is_missing;
    } else if (text.size() < is_long) {
      bytes_ += static_cast<char>(text.size());
      bytes_ += text;
    } else {
      const std::uint64_t size = text.size();
      bytes_ += static_cast<char>(is_long);
      bytes_.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
    }
  }

  void drop_last() { bytes_.resize(last_); }  ///< once after each append()
  void drop_first() {
    const std::uint64_t size = static_cast<unsigned char>(bytes_.front());
    std::uint64_t length = size == is_long ? 0 : bytes_.front() == is_missing ? 1 : 1 + size;
    if (length == 0) {
      std::memcpy(&length, bytes_.data() + 1, sizeof length);
      length += 1 + sizeof length;
    }
    bytes_.erase(0, length);
  }

  /// Calls take(text, missing) for each cell in order, until it returns false.
  template <class Take>
  void for_each(Take&& take) const {
    const char* position = bytes_.data();
    const char* const end = position + bytes_.size();
    while (position != end) {
      const char first = *position++;
      std::uint64_t size = static_cast<unsigned char>(first);
      if (first == is_missing) {
        size = 0;
      } else if (size == is_long) {
        std::memcpy(&size, position, sizeof size);
        position += sizeof size;
      }
      if (!take(std::string_view(position, size), first == is_missing)) return;
      position += size;
    }
  }

 private:
  static constexpr std::uint64_t is_long = 254;
  static constexpr char is_missing = '\xff';

  std::string bytes_;
  std::size_t last_ = 0;  ///< where the last cell begins
};

}  // namespace unroll
