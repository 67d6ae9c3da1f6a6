#include "base/memory_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

namespace unroll {
namespace {

TEST(MemoryPool, GivesBlocksOfASizeAgainAndNoOthers) {
  Context context({.threads = 1});
  MemoryPool& pool = context.memory_pool();
  void* small = pool.take(100);
  void* large = pool.take(1000);
  pool.give_back(small, 100);
  pool.give_back(large, 1000);
  EXPECT_EQ(pool.take(1000), large);
  EXPECT_EQ(pool.take(101), small) << "the same number of cache lines";
  void* another = pool.take(100);
  EXPECT_NE(another, small);
  for (void* block : {small, another}) pool.give_back(block, 100);
  pool.give_back(large, 1000);
}

TEST(MemoryPool, AlignsEvenWhatIsEmpty) {
  Context context({.threads = 1});
  MemoryPool& pool = context.memory_pool();
  for (const std::size_t bytes : {0u, 1u, 63u, 64u, 65u}) {
    void* block = pool.take(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u) << bytes;
    pool.give_back(block, bytes);
  }
}

TEST(MemoryPool, ContainersKeepTheirPoolWhenTheyAreMovedFrom) {
  Context context({.threads = 1});
  PooledVector<int> from(3, 7, context);
  const PooledVector<int> to = std::move(from);
  from.assign(5, 1);
  EXPECT_EQ(std::accumulate(from.begin(), from.end(), 0), 5);
  EXPECT_EQ(std::accumulate(to.begin(), to.end(), 0), 21);
}

TEST(MemoryPool, OutlivesItsContextWithWhatLiesInIt) {
  std::shared_ptr<int> number;
  Buffer buffer;
  {
    Context context({.threads = 1});
    number = make_pooled<int>(context, 42);
    buffer = context.allocate(1000);
  }
  buffer.data()[999] = 1;
  EXPECT_EQ(*number, 42);
}

}  // namespace
}  // namespace unroll
