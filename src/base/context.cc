#include "unroll/context.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/memory_pool.h"
#include "base/simd.h"
#include "base/thread_pool.h"
#include "unroll/error.h"

namespace unroll {

Buffer::Buffer(MemoryPool& pool, std::size_t size)
    : pool_(&pool), data_(static_cast<float*>(pool_->take(size * sizeof(float)))), size_(size) {}

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) pool_->give_back(data_, size_ * sizeof(float));
}

namespace {

/// The cgroup's CPU quota in whole threads, rounded up; a large number if there is no quota.
int cgroup_threads() {
  constexpr int unlimited = 1 << 20;
  const auto threads = [](double quota, double period) {
    return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : unlimited;
  };
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2) {
    std::string quota;
    double period = 0;
    if (v2 >> quota >> period && quota != "max") return threads(std::strtod(quota.c_str(), nullptr), period);
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (v1_quota >> quota && v1_period >> period) return threads(quota, period);
  return unlimited;
}

}  // namespace

int available_threads() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const int allowed = sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  return std::max(1, std::min(allowed, cgroup_threads()));
}

DeviceKind default_device() {
  static const DeviceKind device = [] {
    const char* const name = std::getenv("UNROLL_DEVICE");
    if (name == nullptr || std::string_view(name) == "cpu") return DeviceKind::cpu;
    if (std::string_view(name) == "reference") return DeviceKind::reference;
    if (std::string_view(name) == "guarded") return DeviceKind::guarded;
    throw Error(fmt::format("UNROLL_DEVICE={}: must be cpu, reference or guarded", name));
  }();
  return device;
}

Context::Context(ContextOptions options) : options_(options), pool_(new MemoryPool(host_memory())) {
  if (DeviceMemory& memory = memory_of(options.device); !memory.is_open_to_host()) {
    device_pool_.reset(new MemoryPool(memory));
  }
  constexpr int max_threads = 1024;
  if (options_.threads < 0 || options_.threads > max_threads) {
    throw Error(
        fmt::format("threads = {}: give 1 to {}, or 0 for what this process may use", options_.threads, max_threads));
  }
  if (options_.threads == 0) options_.threads = available_threads();
  threads_ = std::make_unique<ThreadPool>(options_.threads);
  simd_target();  // reports an invalid UNROLL_SIMD now rather than at the first kernel
}

Context::~Context() = default;

void Context::Retire::operator()(MemoryPool* pool) const noexcept { pool->retire(); }

int Context::threads_seen() const { return std::max(1, threads_->threads_seen()); }

Buffer Context::allocate(std::size_t size) { return Buffer(device_pool_ ? *device_pool_ : *pool_, size); }

Buffer Context::allocate_on_host(std::size_t size) { return Buffer(*pool_, size); }

}  // namespace unroll
