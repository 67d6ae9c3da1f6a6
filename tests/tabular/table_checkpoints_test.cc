#include "tabular/table_checkpoints.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "io/error_of.h"
#include "io/safetensors.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string fingerprint_of(const std::string& rows, const std::string& header = "n,c,l,t,d\n") {
  const Table table = Table::from_text(header + rows, {.as = {{"n", ColumnKind::number},
                                                              {"c", ColumnKind::category},
                                                              {"l", ColumnKind::list},
                                                              {"t", ColumnKind::text},
                                                              {"d", ColumnKind::date}}});
  return describe_run(table, {.target = "n"}).at("table");
}

TEST(RunDescription, DiffersForTablesThatDifferInOneCell) {
  const std::string first = "1,x,\"a, b\",one,2020-01-31\n2,y,b,two,2020-02-01\n";
  const std::set<std::string> different = {fingerprint_of(first + "3,y,a,three,2020-01-01\n"),
                                           fingerprint_of(first + "4,y,a,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,x,a,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,,a,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,z,a,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,b,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,,three,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,\"\",three,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,\"a,a\",three,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,a,four,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,a,,2020-01-01\n"),
                                           fingerprint_of(first + "3,y,a,\"\",2020-01-01\n"),
                                           fingerprint_of(first + "3,y,a,three,2020-01-02\n"),
                                           fingerprint_of(first + "3,y,a,three,\n"),
                                           fingerprint_of(first + "3,y,a,three,soon\n"),
                                           fingerprint_of(first + "3,y,a,three,later\n"),
                                           fingerprint_of(first + "word,y,a,three,2020-01-01\n"),
                                           fingerprint_of(first)};
  EXPECT_THAT(different, SizeIs(18));
  EXPECT_EQ(fingerprint_of(first), fingerprint_of(first));
}

TEST(RunDescription, DiffersForOtherNamesAndKinds) {
  const std::string csv = "a,b\n1,2\n";
  const auto of = [](const std::string& text, const TableOptions& options) {
    return describe_run(Table::from_text(text, options), {.target = "a"}).at("table").get<std::string>();
  };
  EXPECT_NE(of(csv, {}), of("a,c\n1,2\n", {}));
  EXPECT_NE(of(csv, {}), of(csv, {.as = {{"b", ColumnKind::category}}}));
  EXPECT_NE(of(csv, {}), of(csv, {.drop = {"b"}}));
}

TEST(TableCheckpointsTest, ReturnTheFoldsWithoutAGap) {
  const TemporaryFolder folder;
  const TableCheckpoints checkpoints(folder.path(""), {{"seed", 1}}, {});
  checkpoints.write_beginning();
  EXPECT_THAT(checkpoints.finished_folds(), SizeIs(0));
  for (const std::size_t number : {1, 2, 4})
    checkpoints.write_fold({.number = number,
                            .training = 0.1,
                            .choices = "{}",
                            .predictions = {{.row = 5, .fold = number, .prediction = 0.3}}});
  const std::vector<FoldResult> folds = checkpoints.finished_folds();
  ASSERT_THAT(folds, SizeIs(2));
  EXPECT_EQ(folds[1].number, 2U);
  EXPECT_EQ(folds[1].training, 0.1);
  EXPECT_EQ(folds[1].predictions[0].row, 5);
  EXPECT_EQ(folds[1].predictions[0].fold, 2U);
  EXPECT_EQ(folds[1].predictions[0].prediction, 0.3);
  checkpoints.remove();
  EXPECT_THAT(folder.names(), SizeIs(0));
}

TEST(TableCheckpointsTest, AreRefusedWithOtherNumerics) {
  const TemporaryFolder folder;
  const TableCheckpoints checkpoints(folder.path(""), {{"seed", 1}}, {});
  checkpoints.write_fold({.number = 1});
  const SafetensorsFile file = SafetensorsFile::read(folder.path("checkpoint-1.safetensors"));
  std::map<std::string, std::string> metadata = file.metadata();
  metadata["numerics"] = "9999";
  folder.file("checkpoint-1.safetensors", safetensors_bytes(metadata, {}));
  EXPECT_THAT(error_of([&] { checkpoints.finished_folds(); }).what(), HasSubstr("was written with numerics \"9999\""));
}

TEST(TableCheckpointsTest, AreRefusedIfTheirFoldIsNotReadable) {
  const TemporaryFolder folder;
  const TableCheckpoints checkpoints(folder.path(""), {{"seed", 1}}, {});
  checkpoints.write_fold({.number = 1});
  const StoredCheckpoint good = TableCheckpoints::newest_in(folder.path(""));
  for (const char* fold : {"", "7", "{}", R"({"number": "one"})"}) {
    Checkpoint().write(folder.path("checkpoint-1.safetensors"),
                       {{"table_run", good.metadata("table_run")}, {"table_fold", fold}});
    const Error error = error_of([&] { checkpoints.finished_folds(); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("remove the file to train the fold again"));
  }
  checkpoints.write_fold({.number = 1, .choices = "{"});
  EXPECT_THAT(error_of([&] { checkpoints.finished_folds(); }).what(), HasSubstr("choices is not valid JSON"));
}

TEST(TableCheckpointsTest, OfAnotherRunNameNoMoreThanIsReadable) {
  const TemporaryFolder folder;
  const TableCheckpoints checkpoints(folder.path(""), {{"seed", 1}}, {});
  const auto refusal_of = [&](const std::string& run) {
    Checkpoint().write(folder.path("checkpoint-0.safetensors"), {{"table_run", run}});
    const Error error = error_of([&] { checkpoints.finished_folds(); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return std::string(error.what());
  };
  EXPECT_THAT(refusal_of(R"({"seed":2})"), HasSubstr("seed is 1, and the run was begun with 2"));
  EXPECT_THAT(refusal_of(R"({"seed":")" + std::string(1000, 'x') + "\"}"), testing::SizeIs(testing::Lt(300U)));
  constexpr std::size_t depth = 200'000;  // printing it by recursion would overflow the stack
  EXPECT_THAT(refusal_of("{\"seed\":" + std::string(depth, '[') + std::string(depth, ']') + "}"),
              HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace unroll
