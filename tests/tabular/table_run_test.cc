#include "unroll/table_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/error_of.h"
#include "io/run_log.h"
#include "io/temporary_folder.h"
#include "tabular/houses.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct Events : TableRunObserver {
  void on_leak(const TargetLeak& leak) override { leaks.push_back(leak.column); }
  void on_resume(std::size_t finished, std::size_t count) override {
    resumed.push_back(fmt::format("{} of {}", finished, count));
  }
  void on_fold(const FoldResult& fold, std::size_t count) override {
    folds.push_back(fmt::format("{} of {}", fold.number, count));
  }
  void on_warning(const std::string& what) override { warnings.push_back(what); }

  std::vector<std::string> leaks, resumed, folds, warnings;
};

class TableRun : public testing::Test {
 protected:
  TableRunOptions in_run(bool replace = false) const {
    return {.directory = folder_.path("run"), .replace = replace, .log_fields = R"({"version": "1.2.3"})"};
  }
  TableRunResult train(int rows, bool replace = false) const {
    return TableTrainingRun(linear, in_run(replace)).train(houses(rows)).value();
  }
  std::vector<nlohmann::ordered_json> log() const {
    std::vector<nlohmann::ordered_json> events;
    read_run_log(folder_.path("run/log.jsonl"), [&](const auto& event) { events.push_back(event); });
    return events;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path("run")))
      names.push_back(entry.path().filename().string());
    return names;
  }

  const TemporaryFolder folder_;
};

TEST_F(TableRun, LeavesTheModelAndItsValidation) {
  TableTrainingRun run(linear, in_run());
  const auto events = std::make_shared<Events>();
  run.add_observer(events);
  const Table table = houses(90);
  const TableRunResult result = run.train(table).value();
  EXPECT_THAT(events->folds, ElementsAre("1 of 3", "2 of 3", "3 of 3"));
  EXPECT_THAT(events->leaks, ElementsAre());
  EXPECT_THAT(events->warnings, ElementsAre());
  EXPECT_EQ(result.oof_path, folder_.path("run/oof.csv"));
  EXPECT_EQ(result.model.predict(table), TableModel::train(table, linear).predict(table));
  EXPECT_EQ(result.validation.validation.mean, TableModel::validate(table, linear).validation.mean);
  EXPECT_EQ(TableModel::load(result.model_path).predict(table), result.model.predict(table));
  const Table oof = Table::read(result.oof_path, {.as = {{"Id", ColumnKind::category}}});
  ASSERT_EQ(oof.rows(), 90);
  EXPECT_EQ(oof.columns()[0].levels()[7], "h7");
  for (std::size_t row = 0; row < 90; ++row) {
    EXPECT_EQ(oof.column("prediction").numbers()[row], result.validation.predictions[row].prediction);
    EXPECT_EQ(oof.column("price").numbers()[row], table.column("price").numbers()[row]);
  }
}

TEST_F(TableRun, IsLogged) {
  const TableRunResult result = train(90);
  const auto events = log();
  ASSERT_THAT(events, SizeIs(5));
  std::vector<std::string> keys;
  for (const auto& [key, value] : events[0].items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("event", "time", "version", "table", "rows", "columns", "target", "id", "model",
                                "metric", "folds", "time_order", "folds_from", "seed"));
  EXPECT_EQ(events[0]["version"], "1.2.3");
  EXPECT_EQ(events[0]["model"], "linear");
  EXPECT_EQ(events[2]["fold"], 2);
  EXPECT_EQ(events[2]["validation"], result.validation.folds[1].validation);
  EXPECT_EQ(events[4]["reason"], "finished");
}

TEST_F(TableRun, ReportsLeaks) {
  std::string csv = "remark,price\n";
  for (int i = 0; i < 60; ++i) csv += fmt::format("sold for ${0} {1},{0}\n", 100'000 + 7'919 * i, i);
  const TableModelOptions options = {.target = "price", .members = {MemberKind::linear}, .folds = 2};
  TableTrainingRun run(options, in_run());
  const auto events = std::make_shared<Events>();
  run.add_observer(events);
  run.train(Table::from_text(csv, reading_options(options)));
  EXPECT_THAT(events->leaks, ElementsAre("remark"));
}

TEST_F(TableRun, ThatFailsLeavesNoModel) {
  std::filesystem::create_directories(folder_.path("run/oof.csv"));
  EXPECT_EQ(error_of([&] { train(30); }).code(), ExitCode::io);
  EXPECT_EQ(log().back()["reason"], "failed");
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run/model.safetensors")));
}

TEST_F(TableRun, MakesNoFolderForATableThatIsRefused) {
  EXPECT_THAT(error_of([&] { train(2); }).what(), HasSubstr("2 rows cannot be validated"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run")));
}

TEST_F(TableRun, RefusesADirectoryWithAModel) {
  train(30);
  EXPECT_THAT(error_of([&] { TableTrainingRun(linear, in_run()); }).what(), HasSubstr("holds a model already"));
  std::ofstream(folder_.path("run/explain.svg")) << "a picture of the earlier model";
  train(40, true);
  EXPECT_THAT(log(), SizeIs(5));
  EXPECT_THAT(files(), UnorderedElementsAre("importance.csv", "log.jsonl", "model.safetensors", "oof.csv"));
}

TEST_F(TableRun, RefusesOptionsBeforeATableIsRead) {
  const auto problem = [&](const std::string& target, const std::string& id) {
    return std::string(error_of([&] {
                         TableTrainingRun({.target = target, .id = id, .members = {MemberKind::linear}}, in_run());
                       }).what());
  };
  EXPECT_EQ(problem("", ""), "target COLUMN is missing: what is to be predicted");
  for (const char* name : {"fold", "prediction", "row"})
    EXPECT_EQ(problem(name, ""),
              fmt::format("column \"{}\" has the name of another column of oof.csv; rename it", name));
  EXPECT_EQ(problem("price", "fold"), "column \"fold\" has the name of another column of oof.csv; rename it");
}

class StoppedRun : public TableRun {
 protected:
  /// Stops the run in directory `name` while fold `fold` is trained.
  void stop_in_fold(const std::string& name, std::size_t fold, const TableModelOptions& model = linear) const {
    struct Stop final : TableRunObserver {
      Stop(TableTrainingRun& training, std::size_t last) : run(training), last_fold(last) {}
      void on_fold(const FoldResult& result, std::size_t) override {
        if (result.number == last_fold) run.stop();
      }
      TableTrainingRun& run;
      std::size_t last_fold;
    };
    TableTrainingRun run(model, {.directory = folder_.path(name)});
    run.add_observer(std::make_shared<Stop>(run, fold - 1));
    if (fold == 1) run.stop();
    EXPECT_FALSE(run.train(table_).has_value());
  }
  std::string bytes_in(const std::string& name) const {
    std::string bytes;
    for (const char* file : {"model.safetensors", oof_name, importance_name})
      bytes += folder_.contents(name + "/" + file);
    return bytes;
  }
  Error refusal(const TableModelOptions& model, const Table& table) const {
    return error_of([&] { TableTrainingRun(model, {.directory = folder_.path("run")}).train(table); });
  }

  const Table table_ = houses(90);
};

TEST_F(StoppedRun, IsResumedToTheSameBytes) {
  TableTrainingRun(linear, {.directory = folder_.path("whole")}).train(table_);
  for (std::size_t fold = 1; fold <= 4; ++fold) {  // 4: while the model of all rows is trained
    stop_in_fold("run", fold);
    EXPECT_EQ(log().back()["reason"], "stopped");
    EXPECT_FALSE(std::filesystem::exists(folder_.path("run/model.safetensors")));
    TableTrainingRun run(linear, {.directory = folder_.path("run"), .resume = Resume::required});
    const auto events = std::make_shared<Events>();
    run.add_observer(events);
    const TableRunResult result = run.train(table_).value();
    EXPECT_THAT(events->resumed, ElementsAre(fmt::format("{} of 3", fold - 1)));
    EXPECT_THAT(events->folds, SizeIs(4 - fold));
    EXPECT_EQ(bytes_in("run"), bytes_in("whole"));
    EXPECT_EQ(result.validation.folds[0].choices, TableModel::validate(table_, linear).folds[0].choices);
    EXPECT_THAT(log(), SizeIs(5));
    EXPECT_THAT(files(), UnorderedElementsAre("importance.csv", "lock", "log.jsonl", "model.safetensors", "oof.csv"));
    std::filesystem::remove_all(folder_.path("run"));
  }
}

TEST_F(StoppedRun, StopsWithinANet) {
  TableModelOptions nets = linear;
  nets.members = {MemberKind::mlp};
  nets.threads = 2;
  TableTrainingRun run(nets, {.directory = folder_.path("run")});
  std::atomic<int> asked = 0;
  run.stop_when([&] { return ++asked > 20; });
  EXPECT_FALSE(run.train(table_).has_value());
  EXPECT_LT(asked, 40);
  EXPECT_THAT(log(), SizeIs(2));
}

TEST_F(StoppedRun, KeepsNumbersThatAreNotFinite) {
  TableModelOptions r2 = linear;
  r2.metric = TableMetric::r2;
  r2.folds_from = "zone";
  const std::string csv = "Id,area,zone,price\na,1,x,5\nb,2,x,5\nc,3,y,5\nd,4,y,6\n";
  const Table table = Table::from_text(csv, reading_options(r2));
  const auto stop = [&](const std::string& name, bool stops) {
    TableTrainingRun run(r2, {.directory = folder_.path(name)});
    struct Stop final : TableRunObserver {
      explicit Stop(TableTrainingRun& training) : run(training) {}
      void on_fold(const FoldResult&, std::size_t) override { run.stop(); }
      TableTrainingRun& run;
    };
    if (stops) run.add_observer(std::make_shared<Stop>(run));
    return run.train(table);
  };
  EXPECT_TRUE(std::isnan(stop("whole", false).value().validation.folds[0].validation));
  EXPECT_FALSE(stop("run", true).has_value());
  EXPECT_TRUE(std::isnan(stop("run", false).value().validation.folds[0].validation));
  EXPECT_EQ(bytes_in("run"), bytes_in("whole"));
}

TEST_F(StoppedRun, IsNotResumedWithAnotherTableOrOtherOptions) {
  stop_in_fold("run", 2);
  TableModelOptions other = linear;
  other.seed = 7;
  EXPECT_THAT(refusal(other, table_).what(), HasSubstr("seed is 7, and the run was begun with 0"));
  other = linear;
  other.metric = TableMetric::mae;
  EXPECT_THAT(refusal(other, table_).what(), HasSubstr(R"(metric is "mae", and the run was begun with "log-rmse")"));
  const Error error = refusal(linear, houses(89));
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), HasSubstr("the table is not the one that the run was begun with"));
  std::string csv = houses_csv(90);
  csv[csv.find(",a,") + 1] = 'b';
  EXPECT_THAT(refusal(linear, Table::from_text(csv, reading_options(linear))).what(), HasSubstr("the table is not"));
  other = linear;
  other.threads = 3;
  EXPECT_TRUE(TableTrainingRun(other, {.directory = folder_.path("run")}).train(table_).has_value());
}

TEST_F(StoppedRun, IsNotResumedFromADamagedCheckpoint) {
  stop_in_fold("run", 2);
  const std::string name = "run/checkpoint-1.safetensors";
  std::string bytes = folder_.contents(name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  folder_.file(name, bytes);
  EXPECT_EQ(refusal(linear, table_).code(), ExitCode::bad_data);
  std::filesystem::remove(folder_.path(name));
  EXPECT_TRUE(TableTrainingRun(linear, {.directory = folder_.path("run")}).train(table_).has_value());
}

TEST_F(StoppedRun, IsNotResumedFromACheckpointOfAnotherFold) {
  stop_in_fold("run", 3);
  folder_.file("run/checkpoint-2.safetensors", folder_.contents("run/checkpoint-1.safetensors"));
  const Error refused = refusal(linear, table_);
  EXPECT_EQ(refused.code(), ExitCode::bad_data);
  EXPECT_THAT(refused.what(), HasSubstr("holds fold 1; remove the file to train fold 2 again"));
}

TEST_F(StoppedRun, IsReplacedOrRefusedOnRequest) {
  stop_in_fold("run", 3);
  const auto begin = [&](Resume resume, bool replace) {
    TableTrainingRun run(linear, {.directory = folder_.path("run"), .replace = replace, .resume = resume});
    const auto events = std::make_shared<Events>();
    run.add_observer(events);
    run.train(table_);
    return events->folds.size();
  };
  EXPECT_THAT(error_of([&] { begin(Resume::never, false); }).what(), HasSubstr("a training that was not finished"));
  EXPECT_EQ(begin(Resume::never, true), 3U);
  EXPECT_EQ(error_of([&] { begin(Resume::required, false); }).code(), ExitCode::no_input);
}

TEST_F(StoppedRun, HasTheMetadataOfItsBeginning) {
  EXPECT_EQ(error_of([&] { TableTrainingRun::metadata_in(folder_.path("run"), "note"); }).code(), ExitCode::no_input);
  TableTrainingRun run(linear, {.directory = folder_.path("run"), .metadata = {{"note", "by hand"}}});
  run.stop();
  run.train(table_);
  EXPECT_EQ(TableTrainingRun::metadata_in(folder_.path("run"), "note"), "by hand");
  EXPECT_EQ(error_of([&] { TableTrainingRun::metadata_in(folder_.path("run"), "gone"); }).code(), ExitCode::bad_data);
}

class Results : public TableRun {
 protected:
  Results() : result_(train(90)) {}

  TableResults read() const { return read_table_results(folder_.path("run"), result_.model); }
  /// The refusal of a file with `old` replaced by `now`.
  Error refusal(const std::string& name, const std::string& old, const std::string& now) const {
    const std::string good = folder_.contents("run/" + name);
    std::string bad = good;
    bad.replace(bad.find(old), old.size(), now);
    folder_.file("run/" + name, bad);
    Error error = error_of([this] { read(); });
    folder_.file("run/" + name, good);
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("run/" + name + ": "));
    return error;
  }

  const TableRunResult result_;
};

TEST_F(Results, AreThoseOfTheValidation) {
  const TableResults results = read();
  EXPECT_EQ(results.metric, TableMetric::log_rmse);
  EXPECT_EQ(results.row_header, "Id");
  EXPECT_DOUBLE_EQ(results.validation.mean, result_.validation.validation.mean);
  EXPECT_DOUBLE_EQ(results.validation.deviation, result_.validation.validation.deviation);
  ASSERT_THAT(results.importances, SizeIs(2));
  EXPECT_EQ(results.importances[0].increase.mean, result_.validation.importances[0].increase.mean);
  ASSERT_THAT(results.rows, SizeIs(90));
  double last = INFINITY;
  for (const ValidatedRow& row : results.rows) {
    EXPECT_EQ(row.error, std::log(row.prediction / row.target));
    EXPECT_LE(std::abs(row.error), last);
    last = std::abs(row.error);
  }
}

TEST_F(Results, ThatAreDamagedAreRefused) {
  EXPECT_THAT(refusal("importance.csv", "log-rmse", "luck").what(), HasSubstr("line 2: there is no such metric"));
  EXPECT_THAT(refusal("oof.csv", "fold", "part").what(), HasSubstr("\"fold\""));
  EXPECT_THAT(refusal("oof.csv", "\nh2,", "\nx,1,-5,3\nh2,").what(), HasSubstr("line 4: log-rmse takes numbers"));
  EXPECT_THAT(refusal("oof.csv", "\nh2,", "\nx,1e300,5,5\nh2,").what(), HasSubstr("line 4: there is no such fold"));
  EXPECT_THAT(refusal("oof.csv", "\nh2,", "\nx,1,dear,5\nh2,").what(), HasSubstr("line 4: price is no number"));
}

TEST_F(Results, ThatAreMissingAreNamed) {
  for (const char* name : {oof_name, importance_name}) {
    std::filesystem::remove(folder_.path(std::string("run/") + name));
    const Error error = error_of([this] { read(); });
    EXPECT_EQ(error.code(), ExitCode::no_input);
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("there is no {} beside the model", name)));
    EXPECT_THAT(error.what(), HasSubstr("with out " + folder_.path("run") + " overwrite"));
  }
}

}  // namespace
}  // namespace unroll
