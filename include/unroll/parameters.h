#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unroll/autograd.h"

namespace unroll {

/// Visits the state that an object needs in order to continue later as if it had never stopped. An object lists its
/// state once, in a function visit_state(StateVisitor&); one visitor saves the values, another restores them. Names are
/// unique within an object; names, order, types and lengths depend only on the options of the object.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void visit(std::string_view name, std::span<float> values) = 0;
  /// The same for values in the memory of the context's device.
  virtual void visit_on_device(std::string_view name, const Context& context, std::span<float> values);
  /// A number in [low, high], which are finite. Restoring throws Error(bad_data) for another one, saving throws Error.
  virtual void visit(std::string_view name, std::int64_t& value, std::int64_t low, std::int64_t high) = 0;
  virtual void visit(std::string_view name, double& value, double low, double high) = 0;
  /// An option that later steps depend on. Restoring throws Error(bad_data) if the saved value is another one.
  virtual void check(std::string_view name, double option) = 0;
};

/// Initial values of a parameter. Random values are keyed by (seed, index of the parameter, index of the element).
struct Zero {};
struct Normal {
  float mean = 0;
  float standard_deviation = 0.01f;
};
struct Uniform {
  float low = 0;
  float high = 1;
};
using Init = std::variant<Zero, Normal, Uniform>;

/// All parameters of a model, by name, in one contiguous block, and a matching block of gradients. Norm, clipping and
/// updates are flat loops over the blocks. Move-only; one that was moved from may only be assigned to or destroyed.
class Parameters {
 public:
  explicit Parameters(Context& context);
  Parameters(Parameters&&) noexcept;
  Parameters& operator=(Parameters&&) noexcept;
  ~Parameters();

  /// Adds a parameter at the end of the block. Throws Error if the name is taken or `init` is illegal.
  Var add(std::string name, const Shape& shape, const Init& init = Zero{});
  /// Reserves memory for `count` more elements, so that a large model is not copied while it is built.
  void reserve(std::int64_t count);

  struct Entry {
    std::string name;
    Var var;
    std::int64_t offset = 0;  ///< in the flat block, in elements
  };
  const std::vector<Entry>& entries() const;
  const Entry* find(std::string_view name) const;  ///< null if there is none

  std::int64_t size() const;  ///< elements of all parameters
  /// Call updated() after writing. They and gradients() throw Error if the host cannot read the device's memory.
  std::span<float> values();
  std::span<const float> values() const;
  std::vector<float> values_to_host() const;       ///< a copy, on any device
  void set_values(std::span<const float> values);  ///< on any device; calls updated(); throws Error for another number
  std::span<float> gradients();
  std::span<const float> gradients() const;
  void zero_gradients();
  void updated();                 ///< must be called after values have changed
  std::uint64_t version() const;  ///< number of calls of updated(): the key for data derived from the values
  Context& context() const;

 private:
  friend class Module;
  struct Block;
  explicit Parameters(std::shared_ptr<Block> block) : block_(std::move(block)) {}
  std::shared_ptr<Block> block_;
};

struct ParameterSpec;

/// A part of a model with named parameters: a layer, or a class of your own that is composed of layers. The names of
/// its parameters begin with its own name and a dot. Its parts take their names from path(), so that their parameters
/// are also its parameters.
class Module {
 public:
  const std::string& name() const { return name_; }
  /// Those of the module and of its parts, in the order in which they were added.
  std::vector<Parameters::Entry> parameters() const;

 protected:
  /// `name` is empty for a whole model, whose parameters are all of `parameters`.
  Module(Parameters& parameters, std::string name);
  /// NAME.part; `part` alone if the module has no name.
  std::string path(const std::string& part) const;
  /// Adds the parameter path(part). Throws Error as Parameters::add() does.
  Var add(const std::string& part, const Shape& shape, const Init& init = Zero{});
  /// Adds the parameters of a layer; undefined where only the model file has a tensor.
  std::vector<Var> add(std::span<const ParameterSpec> parts);
  Context& context() const;

 private:
  std::shared_ptr<Parameters::Block> block_;
  std::string name_;
};

}  // namespace unroll
