#include "unroll/options.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "io/temporary_folder.h"
#include "language/resume_options.h"
#include "run/run_settings.h"
#include "tools/unroll/launch_options.h"
#include "tools/unroll/options.h"
#include "unroll/error.h"
#include "unroll/language_run.h"
#include "unroll/session.h"
#include "unroll/table_run.h"

namespace unroll {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

std::vector<OptionGroup> groups_of(LanguageRunOptions& options) { return describe(options); }
std::vector<OptionGroup> groups_of(LanguageModelOptions& options) { return {{"Model", describe(options)}}; }
std::vector<OptionGroup> groups_of(OptimizerOptions& options) { return {{"Optimizer", describe(options)}}; }
std::vector<OptionGroup> groups_of(TableFileRunOptions& options) { return describe(options); }
std::vector<OptionGroup> groups_of(TableModelOptions& options) { return describe(options); }
std::vector<OptionGroup> groups_of(TableOptions& options) { return {{"Table", describe(options)}}; }
/// Without the command to launch, which every call needs.
std::vector<OptionGroup> groups_of(cli::LaunchOptions& options) {
  std::vector<OptionGroup> groups = cli::describe(options);
  std::erase_if(groups.front().options, [](const Option& option) { return option.name == "ARGUMENT"; });
  return groups;
}
std::vector<OptionGroup> groups_of(GenerateOptions& options) { return {{"Generation", describe(options)}}; }

/// Options with their description.
template <typename Options>
struct Described {
  Options options = {};
  std::vector<OptionGroup> groups = groups_of(options);
  Described() = default;
  explicit Described(const Options& copied) : options(copied) {}
  Described(const Described&) = delete;

  const Option& operator[](const std::string& name) const { return *find_option(groups, name); }
  OptionValues values() const {
    OptionValues all;
    for (const OptionGroup& group : groups) {
      for (const Option& option : group.options) all[option.name] = option.values();
    }
    return all;
  }
};

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  } catch (const IllegalValue& illegal) {
    return "must be " + illegal.legal;
  }
  return "no error";
}

/// The description of the option's legal values; empty if any text is legal.
std::string legal_values(const Option& option) {
  try {
    option.assign("\x01");
  } catch (const IllegalValue& illegal) {
    return illegal.legal;
  }
  return {};
}

std::vector<std::string> words_of(const Option& option) {
  std::vector<std::string> words;
  std::istringstream text(option.value_name);
  for (std::string word; std::getline(text, word, '|');) words.push_back(word);
  return words;
}

/// A legal value other than the current one.
template <typename Options>
std::string other_value(const Option& option) {
  if (option.name == "init") return "normal:0.25";
  if (option.name == "checkpoint-every") return "30s";
  if (option.name == "encoding") return "GB18030";
  if (option.name == "as") return "Year=category";
  const Described<Options> scratch;
  const std::string legal = legal_values(scratch[option.name]);
  if (legal.empty()) return "some text";
  std::vector<std::string> candidates = {"0", "0.25", "0.5", "1", "2", "true", "false"};
  for (const std::string& word : words_of(option)) candidates.push_back(word);
  for (const std::string& candidate : candidates) {
    if (option.values() == std::vector{candidate}) continue;
    try {
      scratch[option.name].assign(candidate);
      return candidate;
    } catch (const IllegalValue&) {
    }
  }
  ADD_FAILURE() << option.name << " has no other legal value among the candidates";
  return {};
}

/// The first illegal value below and above the legal ones.
std::vector<std::string> illegal_values(const std::string& legal) {
  std::smatch match;
  if (std::regex_match(legal, match, std::regex("a whole number from (\\d+) to (\\d+)"))) {
    const std::string high = match[2] == "18446744073709551615" ? std::string("18446744073709551616")
                                                                : std::to_string(std::stoll(match[2]) + 1);
    return {std::to_string(std::stoll(match[1]) - 1), high};
  }
  if (std::regex_match(legal, match,
                       std::regex("a number (of at least|above) (\\S+)(?: and (at most|below) (\\S+))?"))) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr float infinity_of_float = std::numeric_limits<float>::infinity();
    const double low = std::stod(match[2]);
    std::vector<std::string> values = {fmt::format("{}", match[1] == "above" ? low : std::nextafter(low, -infinity)),
                                       "inf", "nan"};
    if (match[3] == "below") values.push_back(match[4]);
    if (match[3] == "at most")
      values.push_back(fmt::format("{}", std::nextafter(std::stof(match[4]), infinity_of_float)));
    return values;
  }
  return {"", "no-such-value"};
}

template <typename Options>
class DescribedOptions : public ::testing::Test {
 public:
  cli::Command command(const Described<Options>& described) const {
    return {.name = "test", .summary = "", .details = "", .groups = described.groups, .run = {}};
  }
  /// Reads command-line arguments, as the program does.
  OptionValues read(const Described<Options>& described, const std::vector<std::string>& arguments) const {
    OptionValues given;
    cli::read_options(command(described), arguments, given);
    return given;
  }
  std::string flag(const Option& option, const std::string& value) const {
    if (!option.is_flag()) return value;
    return option.form == Option::Form::toggle ? "--" + option.name : fmt::format("--{}={}", option.name, value);
  }
  std::string toml_file(const Option& option, const std::string& value) const {
    const std::string path = folder_.path("options.toml");
    const bool quoted = option.type == Option::Type::text || value.empty() || value == "no-such-value";
    std::ofstream(path) << option.name << " = " << (quoted ? "\"" + value + "\"" : value) << "\n";
    return path;
  }
  TemporaryFolder folder_;
};
using Descriptions = ::testing::Types<LanguageRunOptions, LanguageModelOptions, OptimizerOptions, GenerateOptions,
                                      TableFileRunOptions, TableModelOptions, TableOptions, cli::LaunchOptions>;
TYPED_TEST_SUITE(DescribedOptions, Descriptions);

TYPED_TEST(DescribedOptions, EveryValueIsReadBackFromFlagTomlJsonAndCopy) {
  const Described<TypeParam> defaults;
  for (const auto& entry : defaults.values()) {
    const std::string& name = entry.first;
    const std::string value = other_value<TypeParam>(defaults[name]);
    OptionValues expected = defaults.values();
    expected[name] = {value};
    SCOPED_TRACE(name + " " + value);

    Described<TypeParam> by_flag;
    if (!(by_flag[name].form == Option::Form::toggle && value == "false")) {
      const OptionValues given = this->read(by_flag, {this->flag(by_flag[name], value)});
      EXPECT_EQ(by_flag.values(), expected);
      EXPECT_EQ(given.size(), 1u);
    }
    if (defaults[name].is_flag()) {
      const Described<TypeParam> by_toml;
      this->read(by_toml, {"--config", this->toml_file(by_toml[name], value)});
      EXPECT_EQ(by_toml.values(), expected);
    }
    const Described<TypeParam> source, by_json;
    source[name].assign(value);
    const std::string json = options_json(source.groups, {{name, source[name].values()}});
    assign_values(by_json.groups, values_from_json(json, "the text"), "the text");
    EXPECT_EQ(by_json.values(), expected) << json;

    const Described<TypeParam> by_copy(source.options);
    EXPECT_EQ(by_copy.values(), expected);
  }
}

TYPED_TEST(DescribedOptions, TheFirstIllegalValueOnEachSideIsRefusedInOneWording) {
  const Described<TypeParam> defaults;
  for (const auto& entry : defaults.values()) {
    const std::string& name = entry.first;
    const std::string legal = legal_values(Described<TypeParam>()[name]);
    if (legal.empty()) continue;  // any text
    for (const std::string& value : illegal_values(legal)) {
      SCOPED_TRACE(name + " '" + value + "'");
      const Described<TypeParam> refused;
      const std::string problem = fmt::format("{} '{}': must be {}", name, value, legal_values(refused[name]));
      const Described<TypeParam> fresh;
      if (fresh[name].form != Option::Form::toggle) {
        EXPECT_EQ(error_of([&] { this->read(fresh, {this->flag(fresh[name], value)}); }),
                  fmt::format("--{}; see unroll test --help", problem));
      }
      if (value != "nan" && value != "inf" && value != "18446744073709551616") {  // TOML has its own words
        const std::string file = this->toml_file(fresh[name], value);
        EXPECT_EQ(error_of([&] {
                    this->read(fresh, {"--config", file});
                  }),
                  fmt::format("{}:1: {}; see unroll test --help", file, problem));
      }
      EXPECT_EQ(error_of([&] {
                  assign_values(fresh.groups, {{name, {value}}}, "run/checkpoint");
                }),
                "run/checkpoint: " + problem);
      EXPECT_EQ(error_of([&] { assign_values(fresh.groups, {{name, {value}}}); }), problem);
      EXPECT_EQ(fresh.values(), defaults.values()) << "a refused value must not be assigned";
    }
  }
}

TYPED_TEST(DescribedOptions, NamesAreUnique) {
  const Described<TypeParam> described;
  std::set<std::string> names;
  for (const OptionGroup& group : described.groups) {
    for (const Option& option : group.options) EXPECT_TRUE(names.insert(option.name).second) << option.name;
  }
}

/// Members with illegal values, set in C++.
TEST(Options, MembersAreCheckedWithTheSameWords) {
  const auto run = [](auto change) {
    LanguageRunOptions options;
    change(options);
    return error_of([&] { LanguageRun::create(options); });
  };
  EXPECT_EQ(run([](auto& o) { o.model.hidden = 0; }), "hidden '0': must be a whole number from 1 to 65536");
  EXPECT_EQ(run([](auto& o) { o.model.layers = 257; }), "layers '257': must be a whole number from 1 to 256");
  EXPECT_EQ(run([](auto& o) { o.model.dropout = 1; }), "dropout '1': must be a number of at least 0 and below 1");
  EXPECT_EQ(run([](auto& o) { o.task.batch = 0; }), "batch '0': must be a whole number from 1 to 1000000");
  EXPECT_EQ(run([](auto& o) { o.patience = -1; }), "patience '-1': must be a whole number from 0 to 1000000000");
  EXPECT_EQ(run([](auto& o) { o.optimizer.learning_rate = 0; }), "lr '0': must be a number above 0");
  EXPECT_EQ(run([](auto& o) { o.optimizer.momentum = 1; }), "momentum '1': must be a number of at least 0 and below 1");
  EXPECT_EQ(run([](auto& o) { o.checkpoint_every = CheckpointInterval{.updates = -1}; }),
            "checkpoint-every '-1': must be a number of updates from 1 on, or a time such as 30s, 5m or 2h");
  EXPECT_EQ(run([](auto& o) { o.model.init.standard_deviation = -1; }),
            "init 'normal:-1': must be uniform, or normal:SD with SD a number above 0");
}

TEST(Options, MessagesNameThemInTheStyleOfTheProgram) {
  LanguageRunOptions options{.text = "novel.txt", .patience = 3};
  EXPECT_EQ(error_of([&] { check_conflicts(options); }), "patience belongs to validation SHARE or FILE");
  set_option_style(OptionStyle::flag);
  const std::string with_flags = error_of([&] { check_conflicts(options); });
  set_option_style(OptionStyle::plain);
  EXPECT_EQ(with_flags, "--patience belongs to --validation SHARE or FILE");
}

TEST(Options, AFileNameThatIsNotUtf8IsKeptAsBytes) {
  const Described<LanguageRunOptions> source, restored;
  source["FILE"].assign("caf\xe9.txt");
  const std::string json = options_json(source.groups, values_to_keep(source.groups));
  EXPECT_THAT(json, HasSubstr("[99,97,102,233,46,116,120,116]"));
  assign_values(restored.groups, values_from_json(json, "the text"), "the text");
  EXPECT_EQ(restored.options.text, "caf\xe9.txt");
}

/// The options of a run of a model with 64 units, as its checkpoints keep them.
OptionValues kept_options() {
  LanguageRunOptions asked{.text = "novel.txt"};
  asked.model.hidden = 64;
  LanguageRunOptions complete = asked;
  complete.epochs = 12;
  complete.shards = 1;
  complete.checkpoint_every = CheckpointInterval{.updates = 1000};
  return options_to_keep(asked, complete);
}

TEST(ResumeOptions, EveryRuleOfTheDescriptionHolds) {
  const OptionValues kept = kept_options();
  Described<LanguageRunOptions> of_the_run;
  assign_values(of_the_run.groups, kept);
  for (const OptionGroup& group : of_the_run.groups) {
    for (const Option& option : group.options) {
      const std::string value = other_value<LanguageRunOptions>(option);
      SCOPED_TRACE(option.name + " " + value);
      const auto resume = [&] { return resume_options(kept, {{option.name, {value}}}, "run", "run/checkpoint"); };
      if (value == option.initial && !kept.contains(option.name)) {
        EXPECT_EQ(error_of(resume), "no error") << "the default, given explicitly";
      } else if (option.on_resume == OnResume::fixed || option.on_resume == OnResume::may_change_if_given) {
        EXPECT_THAT(error_of(resume), HasSubstr(option.name + (option.form == Option::Form::toggle ? "" : " " + value) +
                                                ": run was begun with"));
        // The value of the run is no other value.
        if (kept.contains(option.name)) {
          EXPECT_EQ(resume_options(kept, {{option.name, kept.at(option.name)}}, "run", "run/checkpoint"), kept);
        }
      } else {
        EXPECT_EQ(resume()[option.name], std::vector{value});
        if (option.on_resume == OnResume::not_kept) {
          EXPECT_FALSE(kept.contains(option.name));
          OptionValues forged = kept;
          forged[option.name] = {value};
          EXPECT_THAT(error_of([&] { resume_options(forged, {}, "run", "run/checkpoint"); }),
                      HasSubstr("run/checkpoint: its settings have no place for '" + option.name));
        }
      }
    }
  }
}

/// Checkpoints of the first format have values as they were typed.
TEST(ResumeOptions, ValuesAreComparedAndNotTheirTexts) {
  const auto resume = [](const OptionValues& kept, const OptionValues& given) {
    return error_of([&] { resume_options(kept, given, "run", "run/checkpoint"); });
  };
  EXPECT_EQ(resume({{"init", {"normal:1e-2"}}}, {{"init", {"normal:0.01"}}}), "no error");
  EXPECT_EQ(resume({{"init", {"normal:1e-2"}}}, {{"init", {"normal:1e-2"}}}), "no error");
  EXPECT_EQ(resume({{"momentum", {"0.1000"}}}, {{"momentum", {"1e-1"}}}), "no error");
  EXPECT_EQ(resume({{"hidden", {"064"}}}, {{"hidden", {"64"}}}), "no error");
  EXPECT_THAT(resume({{"seed", {"18446744073709551615"}}}, {{"seed", {"18446744073709551614"}}}),
              HasSubstr("seed 18446744073709551614: run was begun with 18446744073709551615"));
  EXPECT_THAT(resume({{"hidden", {"many"}}}, {}), HasSubstr("run/checkpoint: hidden 'many': must be a whole number"));
  EXPECT_THAT(resume({}, {{"nesterov", {"true"}}}), HasSubstr("nesterov: run was begun without it"));
  EXPECT_EQ(resume({}, {{"validation", {""}}}), "no error") << "as without it";
  EXPECT_EQ(resume({}, {{"lr-decay", {"0.1"}}}), "no error") << "the default";
  EXPECT_THAT(resume({}, {{"lr-decay", {"0.2"}}}), HasSubstr("lr-decay 0.2: run was begun with 0.1"));
  EXPECT_THAT(resume({}, {{"validation", {"0.1"}}}), HasSubstr("validation 0.1: run was begun without it"));
}

TEST(ResumeOptions, HostileSettingsAreRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& json : {R"({"format":2,"options":{"FILE":)" + deep + "}}", R"({"format":)" + deep + "}",
                                  R"({"FILE":)" + deep + "}", R"({"format":2})"s, R"({"format":2,"options":3})"s}) {
    const std::string error = error_of([&] { settings_from_json(json, "run/checkpoint"); });
    EXPECT_THAT(error, HasSubstr("run/checkpoint: ")) << json.substr(0, 50);
    EXPECT_LT(error.size(), 200u);
  }
}

TEST(ResumeOptions, OnlyOptionsThatChangeUpdatesEndTheSameTrajectory) {
  const OptionValues kept = kept_options();
  const auto with = [&](const std::string& name, const std::string& value) {
    Described<LanguageRunOptions> described;
    assign_values(described.groups, kept);
    if (!name.empty()) described[name].assign(value);
    return described.options;
  };
  std::set<std::string> changing;
  const LanguageRunOptions before = with("", "");
  const Described<LanguageRunOptions> described(before);
  for (const auto& [name, values] : described.values()) {
    if (changes_updates(with(name, other_value<LanguageRunOptions>(described[name])), before)) changing.insert(name);
  }
  EXPECT_EQ(changing,
            (std::set<std::string>{"checkpoint-every", "epochs", "gradient-slices", "max-rollbacks", "patience"}));
}

TEST(ResumeOptions, SettingsOfEveryFormatAreRead) {
  const Described<LanguageRunOptions> described;
  const OptionValues kept = kept_options();
  EXPECT_EQ(settings_from_json(settings_json(described.groups, kept), "run"), kept);
  const OptionValues first =
      settings_from_json(R"({"FILE":["/no/such/novel.txt"],"lr":["0.1"],"prefix":["a","b"]})", "run");
  EXPECT_EQ(first, (OptionValues{{"FILE", {"/no/such/novel.txt"}}, {"lr", {"0.1"}}, {"prefix", {"a", "b"}}}));
  EXPECT_EQ(error_of([] { settings_from_json(R"({"format":3,"options":{}})", "run/c.safetensors"); }),
            "run/c.safetensors: its settings have format 3, this program reads 1 and 2: use the program that wrote it");
  EXPECT_EQ(error_of([] { settings_from_json("[", "run/c.safetensors"); }),
            "run/c.safetensors: settings is not valid JSON; is the file damaged?");
  EXPECT_EQ(error_of([] { settings_from_json(R"({"format":2,"options":{"hidden":{}}})", "run/c.safetensors"); }),
            "run/c.safetensors: its setting hidden is not readable");
}

}  // namespace
}  // namespace unroll
