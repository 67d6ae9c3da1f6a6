#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "unroll/tokenizer.h"

namespace unroll {

/// Collects the tokens of a text that a vocabulary lacks.
class MissingSymbols {
 public:
  explicit MissingSymbols(TokenUnit unit) : unit_(unit) {}
  void add(std::string token) {
    ++count_;
    if (const auto [place, added] = distinct_.insert(std::move(token)); added) in_order_.push_back(&*place);
  }
  std::int64_t count() const { return count_; }  ///< repetitions included
  /// Throws Error(bad_data) naming the first missing tokens, if there are any; `name` is the source of the text.
  void refuse(const std::string& name) const;

 private:
  TokenUnit unit_;
  std::int64_t count_ = 0;
  std::set<std::string> distinct_;
  std::vector<const std::string*> in_order_;
};

}  // namespace unroll
