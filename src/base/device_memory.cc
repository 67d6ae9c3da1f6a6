#include "base/device_memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/guarded_memory.h"

namespace unroll {
namespace {

class HostMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override {
    constexpr std::size_t alignment = 64;
    void* block = std::aligned_alloc(alignment, bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void release(void* block, std::size_t) noexcept override { std::free(block); }
  bool is_open_to_host() const override { return true; }
  void upload(std::span<const float> from, float* to) override { std::ranges::copy(from, to); }
  void download(const float* from, std::span<float> to) override { std::copy_n(from, to.size(), to.begin()); }
};

}  // namespace

DeviceMemory& host_memory() {
  static HostMemory memory;
  return memory;
}

DeviceMemory& memory_of(DeviceKind device) { return device == DeviceKind::guarded ? guarded_memory() : host_memory(); }

HostView::HostView(DeviceKind device, std::span<const float> values) : values_(values) {
  DeviceMemory& memory = memory_of(device);
  if (memory.is_open_to_host()) return;
  copy_.resize(values.size());
  memory.download(values.data(), copy_);
  values_ = copy_;
}

MutableHostView::MutableHostView(const Context& context, std::span<float> values, HostAccess access)
    : memory_(memory_of(context.device())), device_(values.data()), values_(values) {
  if (memory_.is_open_to_host()) return;
  copy_.resize(values.size());
  if (access == HostAccess::read_write) memory_.download(values.data(), copy_);
  values_ = copy_;
}

void MutableHostView::store() {
  if (!memory_.is_open_to_host()) memory_.upload(copy_, device_);
}

}  // namespace unroll
