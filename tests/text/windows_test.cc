#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>

#include "io/error_of.h"
#include "unroll/corpus.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

using Row = std::vector<std::int32_t>;

Row counting(std::int64_t length) {
  Row ids(static_cast<std::size_t>(length));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::vector<Row> rows_of(const Ids& ids) {
  std::vector<Row> rows(static_cast<std::size_t>(ids.batch()));
  for (int t = 0; t < ids.steps(); ++t) {
    for (std::size_t b = 0; b < rows.size(); ++b) rows[b].push_back(ids[t][b]);
  }
  return rows;
}

std::vector<Row> rows_of_epoch(const Windows& windows) {
  std::vector<Row> rows;
  for (const Batch& batch : windows) {
    for (Row& row : rows_of(batch.ids)) rows.push_back(std::move(row));
  }
  return rows;
}

TEST(Windows, ConsecutiveOnesAreThoseOfTheChapter) {
  const Row ids = counting(30);
  const Windows windows(WindowKind::consecutive, ids, 2, 6);
  ASSERT_EQ(windows.batches(), 2);
  const Batch first = windows.batch(0), second = windows.batch(1);
  EXPECT_THAT(rows_of(first.ids), ElementsAre(Row{0, 1, 2, 3, 4, 5}, Row{15, 16, 17, 18, 19, 20}));
  EXPECT_THAT(rows_of(first.targets), ElementsAre(Row{1, 2, 3, 4, 5, 6}, Row{16, 17, 18, 19, 20, 21}));
  EXPECT_THAT(rows_of(second.ids), ElementsAre(Row{6, 7, 8, 9, 10, 11}, Row{21, 22, 23, 24, 25, 26}));
  EXPECT_THAT(rows_of(second.targets), ElementsAre(Row{7, 8, 9, 10, 11, 12}, Row{22, 23, 24, 25, 26, 27}));
  EXPECT_FALSE(first.carries_state);
  EXPECT_TRUE(second.carries_state);
}

TEST(Windows, AreReadIntoTheMemoryOfABatchBefore) {
  const Row ids = counting(30);
  const Windows consecutive(WindowKind::consecutive, ids, 2, 6), others(WindowKind::random, ids, 2, 5);
  Batch batch;
  for (const auto& [windows, index] : {std::pair(&consecutive, 0), {&consecutive, 1}, {&others, 0}, {&others, 1}}) {
    const std::int32_t* memory = batch.ids.flat().data();
    const bool same_extents = batch.ids.size() == (windows == &consecutive ? 12 : 10);
    windows->read(index, {.first = 0, .count = 2}, batch);
    const Batch expected = windows->batch(index);
    EXPECT_EQ(batch.ids, expected.ids);
    EXPECT_EQ(batch.targets, expected.targets);
    EXPECT_EQ(batch.carries_state, expected.carries_state);
    EXPECT_TRUE(batch.ids.flat().data() == memory || !same_extents);
  }
}

TEST(Windows, SomeRowsAreThoseOfTheWholeBatch) {
  const Row ids = counting(60);
  for (const WindowKind kind : {WindowKind::consecutive, WindowKind::random}) {
    const Windows windows(kind, ids, 3, 6);
    const Batch whole = windows.batch(1);
    Batch batch;
    windows.read(1, {.first = 1, .count = 2}, batch);
    EXPECT_THAT(rows_of(batch.ids), ElementsAre(rows_of(whole.ids)[1], rows_of(whole.ids)[2]));
    EXPECT_THAT(rows_of(batch.targets), ElementsAre(rows_of(whole.targets)[1], rows_of(whole.targets)[2]));
    EXPECT_EQ(batch.carries_state, whole.carries_state);
  }
}

TEST(Windows, RandomOnesAreThoseOfTheChapter) {
  const Row ids = counting(30);
  const Windows windows(WindowKind::random, ids, 2, 6, 1);
  ASSERT_EQ(windows.batches(), 2);
  EXPECT_THAT(rows_of_epoch(windows), UnorderedElementsAre(Row{0, 1, 2, 3, 4, 5}, Row{6, 7, 8, 9, 10, 11},
                                                           Row{12, 13, 14, 15, 16, 17}, Row{18, 19, 20, 21, 22, 23}));
  for (const Batch& batch : windows) {
    EXPECT_FALSE(batch.carries_state);
    for (std::size_t i = 0; i < batch.ids.flat().size(); ++i)
      EXPECT_EQ(batch.targets.flat()[i], batch.ids.flat()[i] + 1);
  }
}

TEST(Windows, OrderDependsOnSeedAndEpochAlone) {
  const Row ids = counting(1000);
  Windows windows(WindowKind::random, ids, 4, 5, 7);
  const auto first = rows_of_epoch(windows);
  windows.begin_epoch(2);
  EXPECT_NE(rows_of_epoch(windows), first);
  windows.begin_epoch(3);
  const auto third = rows_of_epoch(windows);
  EXPECT_NE(first, rows_of_epoch(Windows(WindowKind::random, ids, 4, 5, 8)));
  windows.begin_epoch(1);
  EXPECT_EQ(rows_of_epoch(windows), first);
  Windows resumed(WindowKind::random, ids, 4, 5, 7);
  resumed.begin_epoch(3);
  EXPECT_EQ(rows_of_epoch(resumed), third);
}

// Each window should come first equally often; the standard deviation of a count over 6000 draws is 29.
TEST(Windows, ShufflesEvenly) {
  const Row ids = counting(7);
  Windows windows(WindowKind::random, ids, 1, 1, 3);
  std::vector<int> first(6), last(6);
  for (int epoch = 0; epoch < 6000; ++epoch) {
    windows.begin_epoch(epoch);
    ++first[static_cast<std::size_t>(windows.batch(0).ids[0][0])];
    ++last[static_cast<std::size_t>(windows.batch(5).ids[0][0])];
  }
  EXPECT_THAT(first, testing::Each(AllOf(testing::Gt(850), testing::Lt(1150))));
  EXPECT_THAT(last, testing::Each(AllOf(testing::Gt(850), testing::Lt(1150))));
}

struct Problem {
  WindowKind kind;
  std::int64_t needed;
};

TEST(Windows, SaysHowLongTheTextMustBe) {
  for (const auto& [kind, needed] :
       {Problem{WindowKind::random, 3 * 5 + 1}, Problem{WindowKind::consecutive, 3 * (5 + 1)}}) {
    const Row enough = counting(needed), too_short = counting(needed - 1);
    EXPECT_EQ(Windows(kind, enough, 3, 5).batches(), 1);
    const Error error = error_of([&, k = kind] { Windows(k, too_short, 3, 5); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the text has " + std::to_string(needed - 1) + " symbols"),
                                    HasSubstr("batch 3 and 5 steps need " + std::to_string(needed) + " or more")));
  }
}

TEST(Windows, NeedsNoOverflowToRefuse) {
  const int most = std::numeric_limits<int>::max();
  const Row ids = counting(9);
  EXPECT_THAT(error_of([&] { Windows(WindowKind::consecutive, ids, most, most); }).what(),
              HasSubstr("4611686016279904256 or more"));
}

TEST(Windows, RefusesBatchesAndRowsThatDoNotExist) {
  const Row ids = counting(25);
  const Windows windows(WindowKind::consecutive, ids, 2, 3);
  const auto error = [&](std::int64_t index, Range rows) {
    Batch batch;
    return std::string(error_of([&] { windows.read(index, rows, batch); }).what());
  };
  ASSERT_EQ(windows.batches(), 3);
  EXPECT_THAT(std::string(error_of([&] { windows.batch(3); }).what()), HasSubstr("no batch 3; they are 0 to 2"));
  EXPECT_THAT(error(-1, {0, 2}), HasSubstr("no batch -1"));
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  for (const Range rows : {Range{0, 3}, Range{1, 2}, Range{-1, 2}, Range{0, -1}, Range{largest, 1}, Range{1, largest}})
    EXPECT_THAT(error(0, rows), HasSubstr("a batch has 2"));
  EXPECT_THAT(std::string(error_of([&] { Windows(static_cast<WindowKind>(7), ids, 2, 3); }).what()),
              HasSubstr("windows is 7"));
}

TEST(Windows, RefusesNothingPerBatch) {
  const Row ids = counting(9);
  EXPECT_EQ(error_of([&] { Windows(WindowKind::random, ids, 0, 1); }).code(), ExitCode::usage);
  EXPECT_EQ(error_of([&] { Windows(WindowKind::random, ids, 1, 0); }).code(), ExitCode::usage);
}

TEST(Windows, HaveNamesOfTheirOwn) {
  const Corpus corpus = Corpus::from_text("abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(rows_of_epoch(ConsecutiveWindows(corpus, 2, 3)),
            rows_of_epoch(Windows(WindowKind::consecutive, corpus.ids(), 2, 3)));
  EXPECT_EQ(rows_of_epoch(RandomWindows(corpus, 2, 3, 9)),
            rows_of_epoch(Windows(WindowKind::random, corpus.ids(), 2, 3, 9)));
}

RC_GTEST_PROP(Windows, CoverEachPositionAtMostOnce, ()) {
  const auto kind = *rc::gen::element(WindowKind::random, WindowKind::consecutive);
  const int batch = *rc::gen::inRange(1, 6), steps = *rc::gen::inRange(1, 8);
  const std::int64_t length = batch * (steps + 1) + *rc::gen::inRange(0, 200);
  const Row ids = counting(length);
  Windows windows(kind, ids, batch, steps, *rc::gen::arbitrary<std::uint64_t>());
  windows.begin_epoch(*rc::gen::inRange(1, 9));

  std::set<std::int32_t> seen;
  std::vector<Row> before;
  std::int64_t batches = 0;
  for (const Batch& b : windows) {
    RC_ASSERT(b.ids.steps() == steps && b.ids.batch() == batch);
    for (std::size_t i = 0; i < b.ids.flat().size(); ++i) {
      RC_ASSERT(seen.insert(b.ids.flat()[i]).second);
      RC_ASSERT(b.targets.flat()[i] == b.ids.flat()[i] + 1);
    }
    const std::vector<Row> rows = rows_of(b.ids);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t t = 1; t < rows[r].size(); ++t) RC_ASSERT(rows[r][t] == rows[r][t - 1] + 1);
      if (b.carries_state) RC_ASSERT(rows[r].front() == before[r].back() + 1);
    }
    RC_ASSERT(b.carries_state == (kind == WindowKind::consecutive && batches > 0));
    before = rows;
    ++batches;
  }
  const std::int64_t expected =
      kind == WindowKind::random ? (length - 1) / steps / batch : (length / batch - 1) / steps;
  RC_ASSERT(batches == expected && windows.batches() == expected);
}

}  // namespace
}  // namespace unroll
