#include "unroll/launched_ranks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "ranks/agreement.h"
#include "ranks/process_ranks.h"
#include "ranks/rank_watch.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using ::testing::ExitedWithCode;

LaunchedRanksOptions options_with(double timeout) {
  return {.plugin = "no-such-plugin.so",
          .timeout = timeout,
          .advice = "; start it again",
          .report = [](const std::string& line) { std::fprintf(stderr, "reported: %s\n", line.c_str()); }};
}

void sleep_seconds(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

/// Two ranks, the other of which gathers the same values as this one and sends the heartbeats of the test.
class TwoRanks final : public ProcessRanks {
 public:
  explicit TwoRanks(int rank) : rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return 2; }
  void all_to_all(std::span<const Message> out, std::span<const Memory> in) override {
    const auto other = static_cast<std::size_t>(1 - rank_);
    std::ranges::copy(out[other], in[other].begin());
  }
  void send(int, const Heartbeat&) override { ++sent_; }
  std::optional<Heartbeat> next_heartbeat() override {
    if (silent_ || read_.exchange(true)) {
      read_ = false;
      return std::nullopt;
    }
    return next_;
  }

  Heartbeat next_;
  std::atomic<bool> silent_ = false, read_ = false;
  std::atomic<int> sent_ = 0;

 private:
  int rank_;
};

struct LaunchedRanksTest : ::testing::Test {
  LaunchedRanksTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LaunchedRanksTest, WithoutALauncherThisProcessIsAlone) {
  LaunchedRanks ranks(options_with(1));
  ranks.set_timeout(1);
  ranks.wait();
  EXPECT_EQ(ranks.communicator().size(), 1);
  EXPECT_EQ(ranks.communicator().rank(), 0);
}

TEST_F(LaunchedRanksTest, AFailureAloneIsReportedWithItsCode) {
  EXPECT_EXIT(LaunchedRanks(options_with(1)).fail({65, "no text"}), ExitedWithCode(65), "reported: no text");
}

TEST_F(LaunchedRanksTest, SeveralRanksNeedThePlugin) {
  const auto start = [] {
    ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    ::setenv("OMPI_COMM_WORLD_SIZE", "3", 1);
    LaunchedRanks ranks(options_with(1));
  };
  EXPECT_EXIT(
      start(), ExitedWithCode(2),
      "reported: this process is one of 3 that were started together, and there is no MPI plugin no-such-plugin.so");
}

TEST_F(LaunchedRanksTest, AReportThatFailsDoesNotKeepTheProcess) {
  LaunchedRanksOptions none = options_with(1), throwing = options_with(1);
  none.report = {};
  throwing.report = [](const std::string&) { throw Error("no report"); };
  EXPECT_EXIT(LaunchedRanks(none).fail({65, "no text"}), ExitedWithCode(65), "");
  EXPECT_EXIT(LaunchedRanks(throwing).fail({65, "no text"}), ExitedWithCode(65), "");
}

TEST_F(LaunchedRanksTest, RefusesATimeoutOutOfRange) {
  for (const double timeout : {0.0, -1.0, std::nan("")}) EXPECT_THROW(LaunchedRanks(options_with(timeout)), Error);
}

TEST_F(LaunchedRanksTest, ASilentRankIsLost) {
  const auto watch = [] {
    TwoRanks ranks(0);
    ranks.silent_ = true;
    const LaunchedRanksOptions options = options_with(0.6);
    RankWatch watching(ranks, options);
    sleep_seconds(20);
  };
  EXPECT_EXIT(watch(), ExitedWithCode(static_cast<int>(ExitCode::rank_lost)),
              "reported: rank 1 on " + host_name() + " has not been heard of .*; start it again");
}

TEST_F(LaunchedRanksTest, RanksThatSendHeartbeatsAreNotLost) {
  TwoRanks ranks(0);
  ranks.next_ = {.from = 1};
  const LaunchedRanksOptions options = options_with(0.6);
  RankWatch watching(ranks, options);
  sleep_seconds(1.5);
  EXPECT_GE(ranks.sent_, 2);
}

TEST_F(LaunchedRanksTest, AFailureOfRankZeroEndsTheOthersInSilence) {
  const auto watch = [] {
    TwoRanks ranks(1);
    ranks.next_ = {.kind = Heartbeat::Kind::failed, .from = 0, .code = 74};
    const LaunchedRanksOptions options = options_with(5);
    RankWatch watching(ranks, options);
    sleep_seconds(20);
  };
  EXPECT_EXIT(watch(), ExitedWithCode(74), "^$");
}

TEST_F(LaunchedRanksTest, RankZeroReportsTheFailureOfAnother) {
  const auto watch = [] {
    TwoRanks ranks(0);
    ranks.next_ = {.kind = Heartbeat::Kind::failed, .from = 1, .code = 66};
    std::string("rank 1: no text").copy(ranks.next_.text.data(), ranks.next_.text.size() - 1);
    const LaunchedRanksOptions options = options_with(5);
    RankWatch watching(ranks, options);
    sleep_seconds(20);
  };
  EXPECT_EXIT(watch(), ExitedWithCode(66), "reported: rank 1: no text");
}

}  // namespace
}  // namespace unroll
