#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace unroll {

/// Goes through what an object must remember to go on later as if it had never stopped. An object lists its state once,
/// in a function visit_state(StateVisitor&); one visitor writes down what it is shown, another puts it back. Names are
/// unique within an object, and name, order, type and length depend only on the options that it was made with.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void visit(std::string_view name, std::span<float> values) = 0;
  virtual void visit(std::string_view name, std::int64_t& value) = 0;
  virtual void visit(std::string_view name, double& value) = 0;  ///< always finite
};

}  // namespace unroll
