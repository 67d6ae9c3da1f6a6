#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unroll/parameters.h"

namespace unroll::test {

/// The state that an object passes to a StateVisitor, by name.
class SavedState {
 public:
  template <class Owner>
  explicit SavedState(Owner& owner) {
    StateWriter saver(values_);
    owner.visit_state(saver);
  }

  /// Restores the state into an object with the same options.
  template <class Owner>
  void restore(Owner& owner) const {
    Restorer restorer(values_);
    owner.visit_state(restorer);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, value] : values_) all.push_back(name);
    return all;
  }

 private:
  using Value = std::variant<std::vector<float>, std::int64_t, double>;
  using Values = std::map<std::string, Value, std::less<>>;

  class StateWriter final : public StateVisitor {
   public:
    explicit StateWriter(Values& values) : values_(values) {}
    void visit(std::string_view name, std::span<float> values) override {
      keep(name, std::vector<float>(values.begin(), values.end()));
    }
    void visit(std::string_view name, std::int64_t& value, std::int64_t low, std::int64_t high) override {
      EXPECT_TRUE(value >= low && value <= high) << name << " is " << value;
      keep(name, value);
    }
    void visit(std::string_view name, double& value, double low, double high) override {
      EXPECT_TRUE(value >= low && value <= high) << name << " is " << value;
      keep(name, value);
    }
    void check(std::string_view, double) override {}

   private:
    void keep(std::string_view name, Value value) {
      EXPECT_TRUE(values_.emplace(name, std::move(value)).second) << name << " is there twice";
    }
    Values& values_;
  };

  class Restorer final : public StateVisitor {
   public:
    explicit Restorer(const Values& values) : values_(values) {}
    void visit(std::string_view name, std::span<float> values) override {
      const auto& saved = std::get<std::vector<float>>(values_.at(std::string(name)));
      ASSERT_EQ(saved.size(), values.size()) << name;
      std::copy(saved.begin(), saved.end(), values.begin());
    }
    void visit(std::string_view name, std::int64_t& value, std::int64_t /*low*/, std::int64_t /*high*/) override {
      value = std::get<std::int64_t>(values_.at(std::string(name)));
    }
    void visit(std::string_view name, double& value, double /*low*/, double /*high*/) override {
      value = std::get<double>(values_.at(std::string(name)));
    }
    void check(std::string_view, double) override {}

   private:
    const Values& values_;
  };

  Values values_;
};

}  // namespace unroll::test
