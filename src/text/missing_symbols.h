#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace unroll {

/// Collects the symbols of a text that a vocabulary lacks.
class MissingSymbols {
 public:
  void add(char32_t symbol) {
    ++count_;
    if (distinct_.insert(symbol).second) in_order_.push_back(symbol);
  }
  std::int64_t count() const { return count_; }  ///< repetitions included
  /// Throws Error(bad_data) naming the first missing symbols, if there are any; `name` is the source of the text.
  void refuse(const std::string& name) const;

 private:
  std::int64_t count_ = 0;
  std::set<char32_t> distinct_;
  std::vector<char32_t> in_order_;
};

}  // namespace unroll
