#include "io/run_log.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;

GrowingFile::Warn never_warn() {
  return [](const std::string& warning) { ADD_FAILURE() << warning; };
}

std::vector<std::string> events_in(const std::string& path) {
  std::vector<std::string> events;
  read_run_log(path, [&](const Json& line) { events.push_back(line["event"].get<std::string>()); });
  return events;
}

TEST(RunLog, ALineByteForByte) {
  const TemporaryFolder folder;
  RunLog log(folder.path("log.jsonl"), never_warn());
  log.append("report", {{"epoch", 2}, {"loss", 0.5}, {"text", "a\n\"雨\""}});
  const std::string line = folder.contents("log.jsonl");
  EXPECT_THAT(line,
              MatchesRegex("\\{\"event\":\"report\",\"time\":\"[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z\","
                           "\"epoch\":2,\"loss\":0\\.5,\"text\":\"a\\\\n\\\\\"雨\\\\\"\"\\}\n"));
}

TEST(RunLog, TimesAreUtc) {
  EXPECT_EQ(time_text(1700000000.25), "2023-11-14T22:13:20.250Z");
  EXPECT_EQ(time_text(0.0625), "1970-01-01T00:00:00.062Z");
}

TEST(RunLog, NumbersThatAreNotFiniteAreWords) {
  const TemporaryFolder folder;
  RunLog log(folder.path("log.jsonl"), never_warn());
  const double infinity = std::numeric_limits<double>::infinity();
  log.append("report", {{"a", std::nan("")}, {"b", infinity}, {"c", -infinity}});
  EXPECT_THAT(folder.contents("log.jsonl"), HasSubstr(R"("a":"nan","b":"inf","c":"-inf"})"));
}

TEST(RunLog, BytesThatAreNoTextAreReplaced) {
  const TemporaryFolder folder;
  RunLog log(folder.path("log.jsonl"), never_warn());
  log.append("sample", {{"text",
                         "a\xFF"
                         "b"}});
  EXPECT_THAT(folder.contents("log.jsonl"), HasSubstr("a\xEF\xBF\xBD"
                                                      "b"));
}

TEST(RunLog, CutsBackToAStep) {
  const TemporaryFolder folder;
  RunLog log(folder.path("log.jsonl"), never_warn());
  log.append("start", {{"epochs", 9}});
  for (const int step : {10, 20, 30}) log.append("report", {{"step", step}});
  log.append("stop", {{"reason", "stopped"}, {"step", 30}});
  const std::string before = folder.contents("log.jsonl");
  log.truncate_after(30);
  EXPECT_EQ(folder.contents("log.jsonl"), before);
  log.truncate_after(20);
  EXPECT_EQ(folder.contents("log.jsonl"),
            before.substr(0, before.find("{\"event\":\"report\"", before.find("\"step\":20"))));
  log.append("resume", {{"step", 20}});
  EXPECT_THAT(events_in(folder.path("log.jsonl")), ElementsAre("start", "report", "report", "resume"));
  EXPECT_THAT(folder.names(), ElementsAre("log.jsonl"));
}

TEST(RunLog, TruncationDropsWhatAPowerCutLeft) {
  const TemporaryFolder folder;
  const std::string whole = R"({"event":"start","time":"t"})"
                            "\n";
  for (const std::string& broken :
       {std::string(R"({"event":"report","time":"t","step":1)"),
        std::string(R"({"event":"report","time":"t","step":1})"), std::string("{\n"), std::string(100, '\0'),
        std::string("[]\n"), std::string("{\"event\":1,\"time\":2}\n"), std::string(100'000, '[')}) {
    folder.file("log.jsonl", whole + broken);
    RunLog(folder.path("log.jsonl"), never_warn()).truncate_after(5);
    EXPECT_EQ(folder.contents("log.jsonl"), whole);
  }
}

TEST(RunLog, NothingToTruncate) {
  const TemporaryFolder folder;
  RunLog(folder.path("log.jsonl"), never_warn()).truncate_after(5);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(RunLog, StartsOver) {
  const TemporaryFolder folder;
  folder.file("log.jsonl", "an old one");
  RunLog log(folder.path("log.jsonl"), never_warn());
  log.start_over();
  log.start_over();
  log.append("start", {});
  EXPECT_THAT(events_in(folder.path("log.jsonl")), ElementsAre("start"));
}

TEST(RunLog, ReadingSaysWhatIsDamaged) {
  const std::string good = R"({"event":"start","time":"t"})"
                           "\n";
  const auto ignore = [](const Json&) {};
  EXPECT_EQ(for_each_event("", ignore).first_line, 0);
  const LogDamage damage = for_each_event(good + "{}\n" + good + "x\n{", ignore);
  EXPECT_EQ(damage.first_line, 2);
  EXPECT_TRUE(damage.torn);
  const LogDamage none = for_each_event(good + good, ignore);
  EXPECT_EQ(none.first_line, 0);
  EXPECT_FALSE(none.torn);
}

TEST(RunLog, ReadingRefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_run_log(folder.path("log.jsonl"), {}); }).code(), ExitCode::no_input);
  EXPECT_EQ(error_of([&] { read_run_log(folder.path(""), {}); }).code(), ExitCode::bad_data);
}

TEST(RunLog, AFolderInItsPlaceIsAWarning) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("log.jsonl"));
  std::vector<std::string> warnings;
  RunLog log(folder.path("log.jsonl"), [&](const std::string& warning) { warnings.push_back(warning); });
  log.start_over();
  log.append("start", {});
  log.append("report", {});
  EXPECT_THAT(warnings, SizeIs(1));
}

// A limit on the file size simulates a full disk. The line that does not fit is removed, so that the next, shorter one
// starts on a new line.
TEST(RunLog, AFullDiskIsOneWarningAndNoHalfLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log.jsonl");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{300, 300};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int warnings = 0;
    RunLog log(path, [&](const std::string& warning) {
      warnings += warning.find("log.jsonl: cannot be written: File too large") != std::string::npos ? 1 : 100;
    });
    log.append("start", {});
    log.append("sample", {{"text", std::string(1000, 'x')}});
    log.append("sample", {{"text", std::string(1000, 'y')}});
    log.append("stop", {});
    ::_exit(warnings);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(events_in(path), ElementsAre("start", "stop"));
  EXPECT_EQ(for_each_event(folder.contents("log.jsonl"), [](const Json&) {}).first_line, 0);
}

}  // namespace
}  // namespace unroll
