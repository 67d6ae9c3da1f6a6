#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/tracked.h"

namespace unroll::test {

/// Error bound of a float dot product of `length` terms plus a start value, for any order of summation, with or without
/// fused multiply-adds. `magnitude` = |start| + sum |a_k| |b_k|.
inline double dot_bound(std::int64_t length, double magnitude) {
  return gamma_of<float>(length + 1) * magnitude + static_cast<double>(length + 1) * tiny_of<float>();
}

/// Compares errors with their bounds. The destructor prints the largest ratio of an error to its bound, records it as a
/// property of the test, and fails if it is above 1. The record makes a loosened bound visible.
class BoundReport {
 public:
  explicit BoundReport(std::string name) : name_(std::move(name)) {}
  BoundReport(const BoundReport&) = delete;
  BoundReport& operator=(const BoundReport&) = delete;

  ~BoundReport() {
    const std::string share = fmt::format("{:.3g}", worst_.share);
    fmt::print("[  BOUND   ] {}: {} values, worst error / bound = {}\n", name_, count_, share);
    ::testing::Test::RecordProperty(property(), share);
    EXPECT_GT(count_, 0) << name_ << ": nothing was compared";
    EXPECT_LE(worst_.share, 1) << fmt::format("{}: {}[{}] is {:.9g}, expected {:.9g} +- {:.3g}", name_, worst_.part,
                                              worst_.index, worst_.actual, worst_.expected, worst_.bound);
  }

  /// Both values must be finite: two equal NaNs would let a broken test pass. `part` and `index` name the value in a
  /// failure.
  void add(double actual, double expected, double bound, const std::string& part = "", std::size_t index = 0) {
    ++count_;
    const double share = share_of(actual, expected, bound);
    if (share > worst_.share || count_ == 1) worst_ = {share, actual, expected, bound, part, index};
  }

  /// Compares results in Float with those of the same computation in Tracked<Float>.
  template <class Float>
  void add_all(const std::vector<Float>& actual, const std::vector<Tracked<Float>>& expected, const std::string& part) {
    ASSERT_EQ(actual.size(), expected.size()) << name_ << ": " << part;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      add(static_cast<double>(actual[i]), expected[i].value(), expected[i].error(), part, i);
    }
  }

 private:
  struct Worst {
    double share = 0, actual = 0, expected = 0, bound = 0;
    std::string part;
    std::size_t index = 0;
  };

  static double share_of(double actual, double expected, double bound) {
    if (!std::isfinite(actual) || !std::isfinite(expected)) return std::numeric_limits<double>::infinity();
    if (actual == expected) return 0;
    const double share = std::abs(actual - expected) / bound;
    return std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
  }

  std::string property() const {
    std::string key = "error_over_bound_";
    for (const char c : name_) key += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return key;
  }

  std::string name_;
  std::int64_t count_ = 0;
  Worst worst_;
};

}  // namespace unroll::test
