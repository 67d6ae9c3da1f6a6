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

/// How a parameter begins. Draws are keyed by (seed, index of the parameter, index of the element).
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

/// All parameters of a model in one flat block with named slices, and a matching block of gradients. Norm,
/// clipping, updates and files are flat loops over it. Move-only.
class Parameters {
 public:
  explicit Parameters(Context& context);
  Parameters(Parameters&&) noexcept;
  Parameters& operator=(Parameters&&) noexcept;
  ~Parameters();

  /// A new parameter at the end of the block. Throws Error where the name is taken.
  Var add(std::string name, const Shape& shape, const Init& init = Zero{});
  /// Makes room for `count` more elements, so that a large model is not copied while it is built.
  void reserve(std::int64_t count);

  struct Entry {
    std::string name;
    Var var;
    std::int64_t offset = 0;  ///< in the flat block, in elements
  };
  const std::vector<Entry>& entries() const;
  const Entry* find(std::string_view name) const;  ///< null where there is none

  std::int64_t size() const;  ///< elements of all parameters
  std::span<float> values();  ///< writing through it is an update: call updated() after
  std::span<const float> values() const;
  std::span<float> gradients();
  std::span<const float> gradients() const;
  void zero_gradients();
  void updated();                 ///< says that values have changed
  std::uint64_t version() const;  ///< counts updates: the key of everything derived from the values
  Context& context() const;

 private:
  struct Block;
  std::shared_ptr<Block> block_;
};

}  // namespace unroll
