#pragma once

#include <mutex>
#include <vector>

#include "base/device_memory.h"

namespace unroll {

/// Memory that stands for that of a device that is not the host. Its addresses belong to pages that nobody may read or
/// write, so an access by the host is a segmentation fault; the values are elsewhere, in as many other pages.
class GuardedMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override;
  void release(void* block, std::size_t bytes) noexcept override;
  bool is_open_to_host() const override { return false; }
  void upload(std::span<const float> from, float* to) override;
  void download(const float* from, std::span<float> to) override;

  bool contains(const void* address) const;
  /// Where the value of an address is. The address must be one of this memory.
  float* place_of(const float* address) const;

 private:
  friend GuardedMemory& guarded_memory();
  GuardedMemory();

  struct FreeBlock {
    std::size_t bytes;
    char* address;
  };

  std::mutex mutex_;
  char* begin_ = nullptr;   // of the addresses
  char* values_ = nullptr;  // of the values
  char* end_ = nullptr;     // of the blocks
  std::vector<FreeBlock> free_;
};

GuardedMemory& guarded_memory();

}  // namespace unroll
