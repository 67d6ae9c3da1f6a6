#include "unroll/parameters.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>

#include "nn/support.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(ParametersTest, LieInOneBlockInOrder) {
  Context context;
  Parameters p(context);
  const Var a = p.add("a", {2, 3}, Normal{}), b = p.add("b", {4});
  EXPECT_EQ(p.size(), 10);
  EXPECT_EQ(a.value().data, values_on_device(p).data());
  EXPECT_EQ(b.value().data, values_on_device(p).data() + 6);
  ASSERT_EQ(p.entries().size(), 2u);
  EXPECT_EQ(p.entries()[1].name, "b");
  EXPECT_EQ(p.entries()[1].offset, 6);
  EXPECT_EQ(p.find("b"), &p.entries()[1]);
  EXPECT_EQ(p.find("c"), nullptr);
  EXPECT_THAT(to_vector(b.value()), Each(0.0f));
}

TEST(ParametersTest, ViewsFollowTheBlockWhenItGrows) {
  Context context;
  Parameters p(context);
  const Var a = p.add("a", {3}, Uniform{1, 2});
  const Var part = slice(a, 1, 3), cut = a.detach();
  const std::vector<float> before = to_vector(a.value());
  sum(a * a).backward();
  const std::vector<float> gradient = to_vector(a.gradient());
  const Var b = p.add("b", {1000}, Normal{});
  EXPECT_EQ(to_vector(a.value()), before);
  EXPECT_EQ(to_vector(a.gradient()), gradient);
  EXPECT_THAT(to_vector(b.gradient()), Each(0.0f));
  edit_values(p, [](std::span<float> values) { values[1] = 42; });
  EXPECT_THAT(on_host(part.value())[0], 42);
  EXPECT_THAT(on_host(cut.value())[1], 42);
  EXPECT_EQ(gradients_on_device(p).size(), 1003u);
}

TEST(ParametersTest, ReserveKeepsThePlace) {
  Context context;
  Parameters p(context);
  p.reserve(100);
  const float* place = p.add("a", {10}).value().data;
  EXPECT_EQ(p.add("b", {90}).value().data, place + 10);
  EXPECT_EQ(p.find("a")->var.value().data, place);
  EXPECT_EQ(p.size(), 100);
}

TEST(ParametersTest, BackwardAddsIntoTheFlatBlock) {
  Context context;
  Parameters p(context);
  const Var a = p.add("a", {2}, Uniform{1, 2}), b = p.add("b", {2}, Uniform{1, 2});
  (sum(a) + 2.0f * sum(b)).backward();
  EXPECT_THAT(gradients_on_host(p), ElementsAre(1, 1, 2, 2));
  sum(a).backward();
  EXPECT_THAT(gradients_on_host(p), ElementsAre(2, 2, 2, 2));
  p.zero_gradients();
  EXPECT_THAT(gradients_on_host(p), Each(0.0f));
}

TEST(ParametersTest, DrawsDependOnSeedIndexAndElementOnly) {
  Context one({.seed = 1, .threads = 1}), same({.seed = 1, .threads = 2}), other({.seed = 2, .threads = 1});
  const auto draw = [](Context& context, bool reserve) {
    Parameters p(context);
    if (reserve) p.reserve(1000);
    p.add("a", {7}, Normal{});
    return to_vector(p.add("b", {100}, Uniform{}).value());
  };
  EXPECT_EQ(draw(one, false), draw(same, true));
  EXPECT_NE(draw(one, false), draw(other, false));
  Parameters p(one);
  EXPECT_NE(to_vector(p.add("x", {5}, Normal{}).value()), to_vector(p.add("y", {5}, Normal{}).value()));
}

/// The tolerance is four standard errors of the mean and of the deviation.
TEST(ParametersTest, DrawsHaveTheMomentsAskedFor) {
  Context context;
  Parameters p(context);
  constexpr int count = 40'000;
  const auto moments = [](const Var& var) {
    double sum = 0, squares = 0;
    for (const float value : on_host(var.value())) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    return std::pair(sum / count, std::sqrt(squares / count - sum / count * sum / count));
  };
  const auto [normal_mean, normal_deviation] = moments(p.add("n", {count}, Normal{0.5f, 0.01f}));
  EXPECT_NEAR(normal_mean, 0.5, 4 * 0.01 / std::sqrt(count));
  EXPECT_NEAR(normal_deviation, 0.01, 4 * 0.01 / std::sqrt(2.0 * count));
  const auto [uniform_mean, uniform_deviation] = moments(p.add("u", {count}, Uniform{-1, 3}));
  EXPECT_NEAR(uniform_mean, 1, 4 * 4 / std::sqrt(12.0 * count));
  EXPECT_NEAR(uniform_deviation, 4 / std::sqrt(12.0), 4 * 4 / std::sqrt(12.0 * count));
  const HostCopy all = on_host(p.find("u")->var.value());
  EXPECT_GE(*std::min_element(all.begin(), all.end()), -1);
  EXPECT_LT(*std::max_element(all.begin(), all.end()), 3);
}

TEST(ParametersTest, TakenNameIsRefused) {
  Context context;
  Parameters p(context);
  p.add("a", {1});
  EXPECT_THAT([&] { p.add("a", {2}); }, ThrowsMessage<Error>(HasSubstr("parameter a")));
  EXPECT_EQ(p.size(), 1);
}

TEST(ParametersTest, IllegalInitialValuesAndCountsAreRefused) {
  Context context;
  Parameters p(context);
  const float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
  const auto refused = [&](const Init& init, const char* text) {
    EXPECT_THAT([&] { p.add("a", {2}, init); }, ThrowsMessage<Error>(HasSubstr(text)));
  };
  refused(Uniform{1, 0}, "from 1 to 0");
  refused(Uniform{0, infinity}, "from 0 to inf");
  refused(Uniform{-largest, largest}, "they must be finite");
  refused(Normal{0, -1}, "standard deviation -1");
  refused(Normal{std::nanf(""), 1}, "mean nan");
  EXPECT_THAT([&] { p.reserve(-1); }, ThrowsMessage<Error>(HasSubstr("count is -1")));
  EXPECT_EQ(p.size(), 0);
  p.add("a", {2}, Uniform{1, 1});
  p.add("b", {2}, Normal{1, 0});
  EXPECT_THAT(values_on_host(p), Each(1));
}

TEST(ShapeTest, RefusesWhatItCannotHold) {
  const auto refused = [](const auto& make, const char* text) {
    EXPECT_THAT([&] { make(); }, ThrowsMessage<Error>(HasSubstr(text)));
  };
  constexpr std::int64_t many = std::int64_t{1} << 32;
  refused([] { Shape{many, many}; }, "more than 2^60 elements");
  refused([] { Shape{many, many, 0}; }, "more than 2^60 elements");
  refused([] { (void)Shape{many, 1}.with(1, many); }, "more than 2^60 elements");
  refused([] { (void)Shape{2, 3}.with(0, -1); }, "extents are at least 0");
  for (const int dimension : {2, 5, -3}) {
    refused([&] { (void)Shape{2, 3}[dimension]; }, "[2, 3]: there is no dimension");
    refused([&] { (void)Shape{2, 3}.with(dimension, 1); }, "[2, 3]: there is no dimension");
  }
  refused([&] { (void)Shape{2, 3}.without(2); }, "[2, 3]: there is no dimension");
  refused([&] { (void)Shape{2, 3}.inserted(3, 1); }, "[2, 3]: no dimension 3 can be inserted");
  refused([&] { (void)Shape{1, 2, 3, 4}.inserted(0, 1); }, "at most 4");
  refused([&] { (void)Shape{2, 3}.inserted(0, -1); }, "extents are at least 0");
  EXPECT_EQ((Shape{2, 3, 4}.without(-2)), (Shape{2, 4}));
  EXPECT_EQ((Shape{5}.without(0)), Shape{});
  EXPECT_EQ((Shape{2, 3}.inserted(0, 4)), (Shape{4, 2, 3}));
  EXPECT_EQ((Shape{2, 3}.inserted(2, 4)), (Shape{2, 3, 4}));
  EXPECT_EQ((Shape{2, 0}.size()), 0);
  EXPECT_EQ((Shape{2, 3}[-2]), 2);
}

TEST(ParametersTest, StayUsableWhenMoved) {
  Context context;
  Parameters p(context);
  const Var a = p.add("a", {2}, Uniform{1, 2});
  Parameters moved(std::move(p));
  EXPECT_EQ(a.value().data, values_on_device(moved).data());
  const std::uint64_t version = moved.version();
  moved.updated();
  EXPECT_EQ(moved.version(), version + 1);
}

}  // namespace
}  // namespace unroll
