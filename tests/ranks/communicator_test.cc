#include "unroll/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "ranks/thread_ranks.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using ::testing::ElementsAre;

TEST(Communicator, AloneThereIsNobodyToTalkTo) {
  EXPECT_EQ(single_process().rank(), 0);
  EXPECT_EQ(single_process().size(), 1);
  EXPECT_THAT(all_gather(single_process(), 7), ElementsAre(7));
  EXPECT_THAT(all_gather(single_process(), std::string("one")), ElementsAre("one"));
  std::vector<float> values = {1, 2};
  broadcast(single_process(), values);
  EXPECT_THAT(values, ElementsAre(1, 2));
  EXPECT_TRUE(all_reduce_or(single_process(), true));
  EXPECT_FALSE(all_reduce_or(single_process(), false));
}

TEST(ThreadRanks, EachHearsWhatTheOthersSay) {
  for (const int size : {1, 2, 3, 8}) {
    std::atomic<int> done = 0;
    run_on_thread_ranks(size, [&](Communicator& ranks) {
      ASSERT_EQ(ranks.size(), size);
      std::vector<int> expected(static_cast<std::size_t>(size));
      std::iota(expected.begin(), expected.end(), 10);
      for (int again = 0; again < 100; ++again) {
        EXPECT_EQ(all_gather(ranks, 10 + ranks.rank()), expected);
        std::vector<float> values(5, static_cast<float>(ranks.rank() + again));
        broadcast(ranks, values);
        EXPECT_THAT(values, ::testing::Each(static_cast<float>(again)));
        EXPECT_EQ(all_reduce_or(ranks, ranks.rank() == again), again < size);
      }
      const std::vector<std::string> texts =
          all_gather(ranks, std::string(static_cast<std::size_t>(ranks.rank()), 'x'));
      for (std::size_t r = 0; r < texts.size(); ++r) EXPECT_EQ(texts[r], std::string(r, 'x'));
      ++done;
    });
    EXPECT_EQ(done, size);
  }
}

TEST(ThreadRanks, NobodyWaitsForOneThatFailed) {
  for (const int bad : {0, 2}) {
    try {
      run_on_thread_ranks(3, [&](Communicator& ranks) {
        if (ranks.rank() == bad) throw Error("rank " + std::to_string(bad) + " is ill");
        all_gather(ranks, 1);
        FAIL() << "there is nothing to receive";
      });
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), "rank " + std::to_string(bad) + " is ill");
    }
  }
}

}  // namespace
}  // namespace unroll
