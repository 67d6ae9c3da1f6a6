#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "io/rows.h"

namespace unroll {

/// The unparsed cells of a column, concatenated, each after its length (one byte; nine if long) and, if it is a
/// FieldType::value, a byte that says so: they are read only once, front to back, and should take little more memory
/// than the file.
class RawCells {
 public:
  void append(std::string_view text, FieldType type) {
    last_ = bytes_.size();
    if (type == FieldType::missing) {
      bytes_ += is_missing;
      return;
    }
    if (type == FieldType::value) bytes_ += is_value;
    if (text.size() < is_long) {
      bytes_ += static_cast<char>(text.size());
      bytes_ += text;
    } else {
      const std::uint64_t size = text.size();
      bytes_ += static_cast<char>(is_long);
      bytes_.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
    }
  }

  void drop_last() { bytes_.resize(last_); }  ///< once after each append()
  /// `cells`: indices in ascending order.
  void drop(std::span<const std::int64_t> cells) {
    const char* position = bytes_.data();
    const char* const end = position + bytes_.size();
    char* kept = bytes_.data();
    for (std::int64_t cell = 0; position != end; ++cell) {
      const char* const begin = position;
      next(position);
      if (!cells.empty() && cells.front() == cell) {
        cells = cells.subspan(1);
      } else {
        std::memmove(kept, begin, static_cast<std::size_t>(position - begin));
        kept += position - begin;
      }
    }
    bytes_.resize(static_cast<std::size_t>(kept - bytes_.data()));
  }

  /// Calls take(text, type) for each cell in order, until it returns false.
  template <class Take>
  void for_each(Take&& take) const {
    const char* position = bytes_.data();
    const char* const end = position + bytes_.size();
    while (position != end) {
      const auto [text, type] = next(position);
      if (!take(text, type)) return;
    }
  }

 private:
  static constexpr std::uint64_t is_long = 253;
  static constexpr char is_missing = '\xff', is_value = '\xfe';

  /// The cell at `position`, which is moved behind it.
  static std::pair<std::string_view, FieldType> next(const char*& position) {
    const bool value = *position == is_value;
    if (value) ++position;
    const char first = *position++;
    if (first == is_missing) return {{}, FieldType::missing};
    std::uint64_t size = static_cast<unsigned char>(first);
    if (size == is_long) {
      std::memcpy(&size, position, sizeof size);
      position += sizeof size;
    }
    const std::string_view text(position, size);
    position += size;
    return {text, value ? FieldType::value : FieldType::text};
  }

  std::string bytes_;
  std::size_t last_ = 0;  ///< where the last cell begins
};

}  // namespace unroll
