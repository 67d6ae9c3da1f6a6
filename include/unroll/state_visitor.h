#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace unroll {

/// Visits the state that an object needs in order to continue later as if it had never stopped. An object lists its
/// state once, in a function visit_state(StateVisitor&); one visitor saves the values, another restores them. Names are
/// unique within an object; names, order, types and lengths depend only on the options of the object.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void visit(std::string_view name, std::span<float> values) = 0;
  virtual void visit(std::string_view name, std::int64_t& value) = 0;
  virtual void visit(std::string_view name, double& value) = 0;  ///< always finite
  /// An option that later steps depend on. Restoring throws Error(bad_data) if the saved value is another one.
  virtual void check(std::string_view name, double option) = 0;
};

}  // namespace unroll
