#include "table/table_view.h"

#include <gmock/gmock.h>

#include <numeric>

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EvenlySpaced, TakesAllOrSome) {
  const std::vector<std::int64_t> rows = {10, 11, 12, 13, 14, 15, 16};
  EXPECT_EQ(evenly_spaced(rows, 7), rows);
  EXPECT_EQ(evenly_spaced(rows, 100), rows);
  EXPECT_THAT(evenly_spaced(rows, 3), ElementsAre(10, 12, 14));
  EXPECT_THAT(evenly_spaced(rows, 1), ElementsAre(10));
  EXPECT_THAT(evenly_spaced({}, 3), IsEmpty());
}

}  // namespace
}  // namespace unroll
