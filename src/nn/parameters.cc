#include "unroll/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/device_memory.h"
#include "base/require.h"
#include "nn/layer_specs.h"
#include "nn/node.h"
#include "nn/parameter_memory.h"
#include "unroll/context.h"
#include "unroll/error.h"

namespace unroll {

struct Parameters::Block {
  explicit Block(Context& c) : context(c) {}
  Context& context;
  std::shared_ptr<Storage> storage = std::make_shared<Storage>();
  std::int64_t capacity = 0;
  std::vector<Entry> entries;

  std::span<float> values() const { return storage->value.span().first(static_cast<std::size_t>(storage->size)); }
  std::span<float> gradients() { return Node(context, storage, 0, {storage->size}, true).gradient().span(); }
};

namespace {

struct CheckInit {
  void operator()(const Zero&) const {}
  void operator()(const Normal& init) const {
    if (std::isfinite(init.mean) && init.standard_deviation >= 0 && std::isfinite(init.standard_deviation)) return;
    throw Error(
        fmt::format("normal initial values of mean {} and standard deviation {}: they must be finite, and the "
                    "deviation at least 0",
                    init.mean, init.standard_deviation));
  }
  void operator()(const Uniform& init) const {
    if (init.low <= init.high && std::isfinite(init.high - init.low)) return;
    throw Error(
        fmt::format("uniform initial values from {} to {}: they must be finite, and the second at least the "
                    "first",
                    init.low, init.high));
  }
};

/// A tensor of `size` elements, the first `kept` of which are copied from `old`.
Tensor enlarged(Context& context, const Tensor& old, std::int64_t kept, std::int64_t size) {
  Tensor larger(context, {size});
  if (kept > 0) device_of(context).copy(context, ConstMatrix(old.data(), 1, kept), Matrix(larger.data(), 1, kept));
  return larger;
}

struct Draw {
  Random random;
  std::span<float> values;

  void operator()(const Zero&) const { std::fill(values.begin(), values.end(), 0.0f); }
  void operator()(const Normal& init) const {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = init.mean + init.standard_deviation * random.normal(i);
  }
  void operator()(const Uniform& init) const {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = init.low + (init.high - init.low) * random.uniform(i);
  }
};

}  // namespace

void StateVisitor::visit_on_device(std::string_view name, const Context& context, std::span<float> values) {
  MutableHostView view(context, values);
  visit(name, view.span());
  view.store();
}

Parameters::Parameters(Context& context) : block_(std::make_shared<Block>(context)) {}
Parameters::Parameters(Parameters&&) noexcept = default;
Parameters& Parameters::operator=(Parameters&&) noexcept = default;
Parameters::~Parameters() = default;

void Parameters::reserve(std::int64_t count) {
  require_count("count", count, 0);
  Storage& storage = *block_->storage;
  if (storage.size + count <= block_->capacity) return;
  const std::int64_t capacity = storage.size + count;
  storage.value = enlarged(block_->context, storage.value, storage.size, capacity);
  block_->capacity = capacity;  // if there was memory
}

Var Parameters::add(std::string name, const Shape& shape, const Init& init) {
  if (find(name) != nullptr) throw Error(fmt::format("parameter {}: there is one of this name already", name));
  std::visit(CheckInit{}, init);
  Storage& storage = *block_->storage;
  const std::int64_t offset = storage.size, count = shape.size();
  if (offset + count > block_->capacity) reserve(std::max(count, block_->capacity));
  if (storage.has_gradient()) {
    storage.gradient = enlarged(block_->context, storage.gradient, offset, offset + count);
    const auto added = storage.gradient.span().subspan(static_cast<std::size_t>(offset));
    device_of(block_->context).fill(block_->context, added, 0.0f);
  }
  storage.size += count;
  const Random random(block_->context.seed(), RandomStream::init, static_cast<std::uint32_t>(block_->entries.size()));
  MutableHostView initial(block_->context, block_->values().subspan(static_cast<std::size_t>(offset)),
                          HostAccess::write);
  std::visit(Draw{random, initial.span()}, init);
  initial.store();
  Var var(make_node(block_->context, block_->storage, offset, shape, true));
  block_->entries.push_back({std::move(name), var, offset});
  return var;
}

const std::vector<Parameters::Entry>& Parameters::entries() const { return block_->entries; }

const Parameters::Entry* Parameters::find(std::string_view name) const {
  const auto found = std::find_if(block_->entries.begin(), block_->entries.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == block_->entries.end() ? nullptr : &*found;
}

std::int64_t Parameters::size() const { return block_->storage->size; }
namespace {

/// `span`, which the host is going to read or write.
std::span<float> open_to_host(const Context& context, std::span<float> span) {
  if (memory_of(context.device()).is_open_to_host()) return span;
  throw Error("the host cannot read the memory of this device: use values_to_host(), set_values() and to_host()");
}

}  // namespace

std::span<float> Parameters::values() { return open_to_host(block_->context, block_->values()); }
std::span<const float> Parameters::values() const { return open_to_host(block_->context, block_->values()); }

std::span<float> Parameters::gradients() { return open_to_host(block_->context, block_->gradients()); }
std::span<const float> Parameters::gradients() const { return open_to_host(block_->context, block_->gradients()); }

std::vector<float> Parameters::values_to_host() const {
  return to_host(block_->context, {block_->storage->value.data(), {size()}});
}

void Parameters::set_values(std::span<const float> values) {
  if (std::ssize(values) != size()) throw Error(fmt::format("{} values for {} parameters", values.size(), size()));
  memory_of(block_->context.device()).upload(values, block_->storage->value.data());
  updated();
}

std::span<float> values_on_device(const Parameters& parameters) {
  if (parameters.entries().empty()) return {};
  Storage& storage = *parameters.entries().front().var.node()->storage;
  return storage.value.span().first(static_cast<std::size_t>(storage.size));
}

std::span<float> gradients_on_device(const Parameters& parameters) {
  if (parameters.entries().empty()) return {};
  const Node& first = *parameters.entries().front().var.node();
  return Node(first.context, first.storage, 0, {first.storage->size}, true).gradient().span();
}

void Parameters::zero_gradients() {
  Storage& storage = *block_->storage;
  if (storage.has_gradient()) device_of(block_->context).fill(block_->context, storage.gradient.span(), 0.0f);
}

void Parameters::updated() { ++block_->storage->version; }
std::uint64_t Parameters::version() const { return block_->storage->version; }
Context& Parameters::context() const { return block_->context; }

Module::Module(Parameters& parameters, std::string name) : block_(parameters.block_), name_(std::move(name)) {}

std::vector<Parameters::Entry> Module::parameters() const {
  const std::string prefix = path("");
  std::vector<Parameters::Entry> own;
  std::copy_if(block_->entries.begin(), block_->entries.end(), std::back_inserter(own),
               [&](const Parameters::Entry& entry) { return entry.name.starts_with(prefix); });
  return own;
}

std::string Module::path(const std::string& part) const { return name_.empty() ? part : name_ + "." + part; }

Var Module::add(const std::string& part, const Shape& shape, const Init& init) {
  return Parameters(block_).add(path(part), shape, init);
}

std::vector<Var> Module::add(std::span<const ParameterSpec> parts) {
  std::vector<Var> added;
  for (const ParameterSpec& part : parts) {
    const bool is_parameter = part.layout != ParameterSpec::Layout::zeros;
    added.push_back(is_parameter ? add(part.name, part.shape, part.init) : Var());
  }
  return added;
}

Context& Module::context() const { return block_->context; }

}  // namespace unroll
