#include "tabular/training_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "io/error_of.h"
#include "unroll/options.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TableModelOptions options_for(const std::string& target) {
  return {.target = target, .members = {MemberKind::linear}, .folds = 2};
}

std::string conflict(const std::function<void(TableModelOptions&)>& change) {
  TableModelOptions options = options_for("price");
  change(options);
  const Error error = error_of([&] { check_conflicts(options); });
  EXPECT_EQ(error.code(), ExitCode::usage);
  return error.what();
}

TEST(Conflicts, AreNamed) {
  EXPECT_EQ(conflict([](auto& o) { o.target = ""; }), "target COLUMN is missing: what is to be predicted");
  EXPECT_EQ(conflict([](auto& o) { o.id = "price"; }), "id and target are the same column");
  EXPECT_EQ(conflict([](auto& o) {
              o.time_order = "year";
              o.folds_from = "zone";
            }),
            "time-order and folds-from exclude each other: both make the folds");
  EXPECT_EQ(conflict([](auto& o) { o.folds = 1; }), "folds 1 is for time-order: folds by chance are 2 or more");
  EXPECT_EQ(conflict([](auto& o) {
              o.members = {MemberKind::textbook};
              o.hash = {"remark"};
            }),
            "hash makes features of texts, which the textbook's model has not");
  EXPECT_EQ(conflict([](auto& o) { o.members = {}; }), "model has no members");
  EXPECT_EQ(conflict([](auto& o) {
              o.members = {MemberKind::mlp, MemberKind::linear, MemberKind::mlp};
            }),
            "model has the member mlp twice");
}

TEST(Conflicts, NameFlagsInTheProgram) {
  set_option_style(OptionStyle::flag);
  const std::string message = conflict([](auto& o) { o.id = "price"; });
  set_option_style(OptionStyle::plain);
  EXPECT_EQ(message, "--id and --target are the same column");
}

TEST(Conflicts, OptionsOutOfRangeAreNamed) {
  TableModelOptions options = options_for("price");
  options.time_order = "x";
  check_options(options);
  options.folds = -3;
  EXPECT_THAT(error_of([&] { check_options(options); }).what(), HasSubstr("folds is -3; it must be at least 1"));
  options.folds = 3;
  options.metric = static_cast<TableMetric>(9);
  EXPECT_THAT(error_of([&] { check_options(options); }).what(), HasSubstr("metric is 9"));
}

TEST(Conflicts, AreNone) {
  TableModelOptions options = options_for("price");
  check_conflicts(options);
  options.folds = 1;
  options.time_order = "year";
  check_conflicts(options);
  options = {.target = "price", .members = {MemberKind::linear, MemberKind::textbook}, .hash = {"remark"}};
  check_conflicts(options);
}

TEST(ModelName, IsThatOfItsMembers) {
  EXPECT_EQ(model_name(std::vector{MemberKind::linear, MemberKind::mlp}), "linear+mlp");
  EXPECT_EQ(model_name(std::vector{MemberKind::textbook}), "textbook");
  EXPECT_EQ(model_name(std::vector{MemberKind::linear, MemberKind::mlp, MemberKind::trees}), "ensemble");
}

Error refusal(const std::string& csv, const TableModelOptions& options, const TableOptions& as = {}) {
  const Table table = Table::from_text(csv, as, "a.csv");
  return error_of([&] { const TrainingTable training(table, options); });
}

/// The refusal of a table whose second price is `cell`.
std::string refusal_of_target(const std::string& cell, TableMetric metric = TableMetric::log_rmse) {
  TableModelOptions options = options_for("price");
  options.metric = metric;
  options.missing_target = MissingTarget::refuse;
  const std::string csv = "x,price\n1,100\n\"2\n3\"," + cell + "\n5,5\n6,6\n7,7\n";
  const Error error = refusal(csv, options, reading_options(options));
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  return error.what();
}

TEST(Targets, AreRefusedWithTheLine) {
  EXPECT_EQ(refusal_of_target(""),
            "a.csv: line 3: the target \"price\" is missing; leave out the rows without, as "
            "missing-target leave-out does");
  EXPECT_EQ(
      refusal_of_target("cheap"),
      R"(a.csv: line 3: the target "price" is "cheap", and a target is a number; correct the row or leave it out)");
  EXPECT_EQ(
      refusal_of_target("1e200"),
      R"(a.csv: line 3: the target "price" is 1e+200, and no target is beyond 1e100; correct the row or leave it )"
      "out");
  EXPECT_EQ(refusal_of_target("-1e200", TableMetric::rmse),
            R"(a.csv: line 3: the target "price" is -1e+200, and no target is beyond 1e100; correct the row or leave )"
            "it out");
  EXPECT_EQ(refusal_of_target("0"),
            R"(a.csv: line 3: the target "price" is 0, and log-rmse takes numbers above 0; take another metric)");
}

TEST(Targets, AreAnyNumbersIfTheMetricAllows) {
  TableModelOptions options = options_for("price");
  options.metric = TableMetric::mae;
  const Table table = Table::from_text("x,price\n1,0\n2,-5\n3,1e100\n");
  EXPECT_THAT(TrainingTable(table, options).targets(), ElementsAre(0, -5, 1e100));
}

TEST(Targets, AreNotAllTooSmallForSquares) {
  const std::string csv = "x,price\n1,1e-300\n2,-3e-290\n3,0\n";
  TableModelOptions options = options_for("price");
  options.metric = TableMetric::rmse;
  EXPECT_EQ(std::string(refusal(csv, options, {}).what()),
            R"(a.csv: line 3: -3e-290 is the largest target "price" in size, and squares of numbers below 1e-100 are )"
            "lost; multiply all by a power of ten");
  for (const char* more : {"4,2e-100\n", "4,7\n"})
    EXPECT_EQ(TrainingTable(Table::from_text(csv + more), options).targets().size(), 4U);
  EXPECT_EQ(TrainingTable(Table::from_text("x,price\n1,0\n2,0\n3,0\n"), options).targets().size(), 3U);
  options.members = {MemberKind::textbook};
  EXPECT_THAT(refusal("x,price\n1,1e-20\n2,1e-20\n", options, {}).what(), HasSubstr("below 1e-18"));
  options = options_for("price");
  options.metric = TableMetric::log_rmse;
  EXPECT_EQ(TrainingTable(Table::from_text("x,price\n1,1e-300\n2,3e-290\n3,1e-301\n"), options).targets().size(), 3U);
}

TEST(Targets, OfTheTextbookAreFloatsWhoseSquaresAreFinite) {
  TableModelOptions options = options_for("price");
  options.metric = TableMetric::mae;
  options.members = {MemberKind::textbook};
  EXPECT_THAT(refusal("x,price\n1,1e18\n2,-2e18\n", options).what(),
              HasSubstr("a.csv: line 3: the target \"price\" is -2e+18, and no target of the textbook's model is "
                        "beyond 1e18"));
}

TEST(Targets, AreNumbers) {
  const Error error = refusal("x,price\n1,low\n2,high\n", options_for("price"));
  EXPECT_EQ(error.code(), ExitCode::usage);
  EXPECT_STREQ(
      error.what(),
      R"(target "price": the column is of kind category, and a target is numbers; read it as numbers, with as )"
      R"("price=number")");
  EXPECT_EQ(refusal("x,price\n1,2\n", options_for("gone")).code(), ExitCode::usage);
}

TEST(Hashed, AreTexts) {
  TableModelOptions options = options_for("price");
  options.hash = {"zone"};
  EXPECT_STREQ(refusal("zone,price\na,1\nb,2\n", options).what(),
               "hash zone: the column is a category, and texts have words; as zone=text makes it one");
  options.hash = {"gone"};
  EXPECT_EQ(refusal("zone,price\na,1\nb,2\n", options).code(), ExitCode::usage);
}

TEST(RowNamesTest, AreIdsOrNumbers) {
  const Table table =
      Table::from_text("a,b,c,d,e\n7,x,007,\"say \"\"hi\"\", she said\",2020-01-31\n8.5,y,2,z,2020-01-31\n",
                       {.as = {{"c", ColumnKind::category}, {"d", ColumnKind::text}}});
  EXPECT_EQ(RowNames(table, "").header(), "row");
  EXPECT_EQ(RowNames(table, "")[1], "2");
  EXPECT_EQ(RowNames(table, "a")[0], "7");
  EXPECT_EQ(RowNames(table, "a")[1], "8.5");
  EXPECT_EQ(RowNames(table, "b")[1], "y");
  EXPECT_EQ(RowNames(table, "c")[0], "007");
  EXPECT_EQ(RowNames(table, "d")[0], R"("say ""hi"", she said")");
  EXPECT_STREQ(error_of([&] { RowNames(table, "e"); }).what(),
               R"(id "e": the column holds dates or lists; read it as categories, with as "e=category")");
}

TEST(RowNamesTest, AreMissingInNoRow) {
  const Table table = Table::from_text("Id,x\na,1\n,2\n", {}, "a.csv");
  const Error error = error_of([&] { RowNames(table, "Id"); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_STREQ(error.what(), R"(a.csv: line 3: the id "Id" is missing; give the row one)");
}

TEST(RowNamesTest, OfAnUnparsedNumberAreTheCell) {
  const Table table = Table::from_text("Id,x\n1,1\nA2,2\n3,3\n", {.as = {{"Id", ColumnKind::number}}});
  EXPECT_EQ(RowNames(table, "Id")[1], "A2");
}

class FoldsOfATable : public testing::Test {
 protected:
  std::vector<Fold> folds() const { return TrainingTable(table_, options_).folds(); }
  std::string problem() const {
    return error_of([this] { folds(); }).what();
  }

  const Table table_ = Table::from_text("Id,year,zone,price\n3,1990,a,5\n2,1980,b,6\n1,1970,a,7\n4,,b,8\n",
                                        {.as = {{"Id", ColumnKind::category}}}, "a.csv");
  TableModelOptions options_ = options_for("price");
};

TEST_F(FoldsOfATable, AreRandomOnes) {
  options_.seed = 4;
  const std::vector<Fold> expected = shuffled_folds(4, 2, 4);
  ASSERT_EQ(folds().size(), 2U);
  EXPECT_EQ(folds()[0].validation, expected[0].validation);
  options_.folds = 5;
  EXPECT_EQ(problem(), "a.csv: 4 rows cannot be validated in 5 folds; take fewer folds or more rows");
}

TEST_F(FoldsOfATable, FollowTimes) {
  options_.time_order = "Id";  // read as categories, parsed as numbers
  options_.folds = 1;
  EXPECT_THAT(folds()[0].training, ElementsAre(1, 2));
  EXPECT_THAT(folds()[0].validation, ElementsAre(0, 3));
  options_.time_order = "zone";
  EXPECT_EQ(problem(), R"(a.csv: line 2: "zone", which time-order names, is no number and no date)");
  options_.time_order = "year";
  EXPECT_EQ(problem(), R"(a.csv: line 5: "year", which time-order names, is no number and no date)");
}

TEST_F(FoldsOfATable, FollowNoTexts) {
  const Table table = Table::from_text("remark,price\nx,5\ny,6\n", {.as = {{"remark", ColumnKind::text}}});
  options_.time_order = "remark";
  EXPECT_STREQ(error_of([&] { TrainingTable(table, options_).folds(); }).what(),
               R"(time-order "remark": the column has no numbers and no dates)");
}

TEST_F(FoldsOfATable, ComeFromTheValuesOfAColumn) {
  options_.folds_from = "zone";
  ASSERT_EQ(folds().size(), 2U);
  EXPECT_THAT(folds()[0].validation, ElementsAre(0, 2));
}

/// The price in a third of the remarks.
Table with_leak(ColumnKind kind) {
  std::string csv = "remark,price\n";
  for (int i = 0; i < 60; ++i) {
    const int price = 100'000 + 7'919 * i;
    csv += fmt::format("\"{}\",{}\n", i % 3 == 0 ? fmt::format("sold for ${}", price) : "a house", price);
  }
  return Table::from_text(csv, {.as = {{"remark", kind}}});
}

TEST(TargetLeaks, SayHowTheyAreTreated) {
  const auto treatment = [](ColumnKind kind, const std::function<void(TableModelOptions&)>& change) {
    TableModelOptions options = options_for("price");
    change(options);
    const std::vector<TargetLeak> leaks = find_target_leaks(with_leak(kind), options);
    EXPECT_EQ(leaks.size(), 1U);
    EXPECT_EQ(leaks.at(0).column, "remark");
    EXPECT_EQ(leaks.at(0).rows, 20);
    return leaks.at(0).treatment;
  };
  const auto hash = [](auto& o) { o.hash = {"remark"}; };
  EXPECT_EQ(treatment(ColumnKind::category, [](auto&) {}), LeakTreatment::left_out);
  EXPECT_EQ(treatment(ColumnKind::text, [](auto&) {}), LeakTreatment::no_feature);
  EXPECT_EQ(treatment(ColumnKind::text, hash), LeakTreatment::masked);
  EXPECT_EQ(treatment(ColumnKind::category, [](auto& o) { o.keep_leaks = true; }), LeakTreatment::kept);
}

TEST(TargetLeaks, AreNotThoseOfTheId) {
  TableModelOptions options = options_for("price");
  options.id = "remark";
  EXPECT_TRUE(find_target_leaks(with_leak(ColumnKind::category), options).empty());
}

}  // namespace
}  // namespace unroll
