#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "support/threads.h"
#include "unroll/context.h"

namespace unroll {
namespace {

TEST(ParallelFor, RunsEveryItemExactlyOnce) {
  for (int threads : {1, 2, 3, 8}) {
    Context context({.threads = threads});
    for (std::int64_t count : {0, 1, 2, 7, 8, 9, 1000}) {
      for (std::int64_t grain : {0, 1, 3, 5000}) {
        std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
        parallel_for(context, count, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++runs[static_cast<std::size_t>(i)];
        });
        for (const auto& run : runs) ASSERT_EQ(run, 1);
      }
    }
  }
}

TEST(ParallelFor, ManyShortJobsInARowNeitherLoseNorRepeatParts) {
  Context context({.threads = 8});
  std::atomic<std::int64_t> total{0};
  for (int job = 1; job <= 20'000; ++job) {
    std::atomic<std::int64_t> of_job{0};
    parallel_for(context, 8, 1, [&](std::int64_t begin, std::int64_t end) { of_job += end - begin; });
    ASSERT_EQ(of_job, 8) << "job " << job;  // all parts are done when the call returns
    total += of_job;
  }
  EXPECT_EQ(total, 160'000);
}

TEST(ParallelFor, EightThreadsTakePartEvenOnFewerCores) {
  Context context({.threads = 8});
  EXPECT_EQ(context.threads_seen(), 1);
  EXPECT_TRUE(test::all_threads_take_part(context));
  EXPECT_EQ(context.threads_seen(), 8);
}

TEST(ParallelFor, FlushesDenormalsInsideAndRestoresTheCallersSettingAfter) {
  Context context({.threads = 2});
  volatile float smallest = std::numeric_limits<float>::min();
  for (std::int64_t items : {1, 2}) {  // on the calling thread only, and with helper threads
    std::atomic<int> flushed{0};
    parallel_for(context, items, 1, [&](std::int64_t, std::int64_t) { flushed += smallest * 0.5f == 0.0f ? 1 : 0; });
    EXPECT_EQ(flushed, items);
    EXPECT_GT(smallest * 0.5f, 0.0f);
  }
}

TEST(ParallelForEach, RunsAllAndThrowsWhatTheFirstThatFailsThrows) {
  for (const int threads : {1, 3}) {
    Context context({.threads = threads});
    std::atomic<int> runs{0};
    try {
      parallel_for_each(context, 7, [&](std::int64_t i) {
        ++runs;
        if (i == 2 || i == 5) throw i;
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::int64_t i) {
      EXPECT_EQ(i, 2);
    }
    EXPECT_EQ(runs, 7);
  }
}

TEST(Context, RefusesImpossibleThreadCounts) {
  EXPECT_ANY_THROW(Context({.threads = -1}));
  EXPECT_ANY_THROW(Context({.threads = 100'000}));
  EXPECT_GE(Context({.threads = 0}).threads(), 1);
}

}  // namespace
}  // namespace unroll
