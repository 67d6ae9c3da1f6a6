#include "ranks/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <mutex>

#include "base/simd.h"
#include "ranks/thread_ranks.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Error message of work() on each of three ranks; "" if it does not throw.
std::vector<std::string> told(const std::function<void(Communicator&)>& work) {
  std::vector<std::string> lines(3);
  run_on_thread_ranks(3, [&](Communicator& ranks) {
    try {
      work(ranks);
    } catch (const Diverged& error) {
      lines[static_cast<std::size_t>(ranks.rank())] = std::string("diverged: ") + error.what();
    } catch (const Error& error) {
      lines[static_cast<std::size_t>(ranks.rank())] = error.what();
    }
  });
  return lines;
}

TEST(RunCollectively, AllAreToldOfTheFirstThatFailed) {
  const auto lines = told([](Communicator& ranks) {
    run_collectively(ranks, [&] {
      if (ranks.rank() > 0) throw Error(ExitCode::no_input, "no file " + std::to_string(ranks.rank()));
    });
  });
  EXPECT_THAT(lines, Each("rank 1 on " + host_name() + ": no file 1"));
}

TEST(RunCollectively, WhatAllSayIsSaidAsItIs) {
  EXPECT_THAT(
      told([](Communicator& ranks) { run_collectively(ranks, [] { throw Diverged(1, 2, "the loss is nan"); }); }),
      Each(StartsWith("diverged: training diverged in epoch 1, step 2")));
  EXPECT_THAT(told([](Communicator& ranks) { run_collectively(ranks, [] {}); }), Each(""));
}

TEST(RequireSame, NamesWhatDiffersAndWhere) {
  const auto lines = told([](Communicator& ranks) {
    const std::array facts = {Fact{"version", "1"}, Fact{"text", ranks.rank() == 2 ? "b" : "a"}};
    require_same(ranks, facts);
  });
  EXPECT_THAT(lines, Each(AllOf(HasSubstr("rank 2"), HasSubstr("another text than rank 0"), HasSubstr("b and a"))));
}

TEST(SimdTarget, IsTheLowestThatARankWouldRunOn) {
  // Ranks on threads share one target, so only the case of equal targets can be tested.
  const std::string before = simd_target();
  run_on_thread_ranks(3, [](Communicator& ranks) { use_common_simd_target(ranks); });
  EXPECT_EQ(simd_target(), before);
}

}  // namespace
}  // namespace unroll
