#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace unroll {

/// A number for each code of a character or a byte, 0 until it is set. Several times as fast as a hash table, and of
/// the codes only blocks of 256 that are in use take memory.
template <class Number>
class CodeTable {
 public:
  Number& operator[](char32_t code) {
    const std::size_t page = code / page_size;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
    return (*pages_[page])[code % page_size];
  }
  Number get(char32_t code) const {
    const std::size_t page = code / page_size;
    return page < pages_.size() && pages_[page] != nullptr ? (*pages_[page])[code % page_size] : Number{};
  }
  /// Calls visit(code, number) for each number that is not 0, in ascending order of the codes.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      for (std::size_t i = 0; pages_[page] != nullptr && i < page_size; ++i) {
        if (const Number number = (*pages_[page])[i]) visit(static_cast<char32_t>(page * page_size + i), number);
      }
    }
  }

 private:
  static constexpr std::size_t page_size = 256;
  using Page = std::array<Number, page_size>;  // make_unique sets all of it to 0
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace unroll
