#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "unroll/context.h"

namespace unroll {

/// The memory of a kind of device. Tensors are addresses in it, with which the host may calculate, but which only the
/// operations of the device and these transfers may read or write.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  /// A block aligned to 64 bytes. Throws std::bad_alloc.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* block, std::size_t bytes) noexcept = 0;
  /// True if the host may read and write it without transfers.
  virtual bool is_open_to_host() const = 0;
  virtual void upload(std::span<const float> from, float* to) = 0;
  virtual void download(const float* from, std::span<float> to) = 0;
};

DeviceMemory& host_memory();
DeviceMemory& memory_of(DeviceKind device);

/// Values in the memory of a context's device as the host may read them: themselves where that is possible, else a
/// copy.
class HostView {
 public:
  HostView(DeviceKind device, std::span<const float> values);
  HostView(const Context& context, std::span<const float> values) : HostView(context.device(), values) {}
  HostView(HostView&&) = default;

  std::span<const float> span() const { return values_; }
  float operator[](std::size_t i) const { return values_[i]; }

 private:
  std::vector<float> copy_;
  std::span<const float> values_;
};

enum class HostAccess {
  read_write,
  write,  ///< the values so far are not needed
};

/// The same for writing. What was written is in the memory of the device after store().
class MutableHostView {
 public:
  MutableHostView(const Context& context, std::span<float> values, HostAccess access = HostAccess::read_write);
  MutableHostView(MutableHostView&&) = default;

  std::span<float> span() { return values_; }
  void store();

 private:
  DeviceMemory& memory_;
  float* device_;
  std::vector<float> copy_;
  std::span<float> values_;
};

}  // namespace unroll
