#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "run/run_directory.h"
#include "run/run_paths.h"
#include "run/run_settings.h"
#include "unroll/error.h"
#include "unroll/table_run.h"

namespace unroll {

std::vector<OptionGroup> describe(TableFileRunOptions& o) {
  using enum OnResume;
  using options::optional_argument;
  using options::text;
  using options::toggle;
  std::vector<OptionGroup> groups = describe(o.model);
  std::vector<Option>& columns = groups.front().options;
  std::vector<Option> reading = describe(o.table);
  columns.insert(columns.begin(),
                 optional_argument("FILE", o.file, "CSV with a header or xlsx: plain, gzip or zip; - is standard input")
                     .with(may_change));
  columns.insert(std::ranges::find(columns, "hash", &Option::name), reading.begin(), reading.end());
  groups.push_back(
      {"Saving and result",
       {text("out", "DIR", o.out, "runs/NAME-MODEL", "run directory").with(not_kept),
        toggle("overwrite", o.overwrite, "replace the model that the run directory holds").with(not_kept),
        text("resume", "RUN", o.resume, "", "go on with a run that was stopped, with its flags").with(not_kept)}});
  return groups;
}

namespace {

/// Calls work(). A refused run directory becomes an Error that names the options that help.
template <typename Work>
auto naming_options(const Work& work) {
  try {
    return work();
  } catch (const DirectoryRefused& refusal) {
    refuse_with_options(refusal, "unroll table train");
  }
}

/// The options that each checkpoint keeps.
OptionValues options_to_keep(TableFileRunOptions o) {
  if (o.file != "-") o.file = absolute_path(o.file);
  return values_to_keep(describe(o));
}

/// The options of the run to be resumed, with those given now that may change.
OptionValues options_of_run(const std::string& run, const OptionValues& given) {
  for (const char* name : {"out", "overwrite"}) {
    if (!given.contains(name)) continue;
    throw OptionError(fmt::format("{} is for a new run: leave it or {} out", option_name(name), option_name("resume")));
  }
  const OptionValues kept = settings_from_json(TableTrainingRun::metadata_in(run, "settings"), run);
  const auto describe_run = [](TableFileRunOptions& options) { return describe(options); };
  return resumed_values(new_options<TableFileRunOptions>(describe_run), kept, given, {.name = run, .checkpoint = run});
}

TableFileRunOptions resumed_options(const std::string& run, const OptionValues& given) {
  if (run.empty()) throw OptionError(fmt::format("{} needs the name of a run", option_name("resume")));
  TableFileRunOptions o;
  assign_values(describe(o), options_of_run(run, given), run);
  if (o.file.empty()) throw Error(ExitCode::bad_data, fmt::format("{}: its settings name no table", run));
  if (o.file == "-")
    throw Error(fmt::format("{} {}: standard input cannot be read again; name a file that holds the same table",
                            option_name("resume"), run));
  o.resume = run;
  return o;
}

TableFileRunOptions options_from(const OptionValues& given) {
  TableFileRunOptions o;
  assign_values(describe(o), given);
  if (given.contains("resume")) return resumed_options(o.resume, given);
  if (o.file.empty()) throw OptionError("table train: FILE is required");
  check_conflicts(o.model);
  return o;
}

std::string directory_of(const TableFileRunOptions& o) {
  if (!o.resume.empty()) return o.resume;
  return o.out.empty() ? default_run_directory(o.file, model_name(o.model.members)) : o.out;
}

TableRunOptions run_options(TableFileRunOptions o, const std::string& directory, const OptionValues& kept) {
  return {.directory = directory,
          .replace = o.overwrite,
          .resume = o.resume.empty() ? Resume::never : Resume::required,
          .log_fields = nlohmann::ordered_json{{"version", UNROLL_VERSION}}.dump(),
          .metadata = {{"settings", settings_json(describe(o), kept)}, {"unroll_version", UNROLL_VERSION}}};
}

}  // namespace

/// A directory that is refused is refused before the table is read.
TableFileRun::TableFileRun(TableFileRunOptions options, std::string directory, const OptionValues& kept)
    : options_(std::move(options)),
      directory_(std::move(directory)),
      run_(options_.model, run_options(options_, directory_, kept)),
      table_(Table::read(options_.file, reading_options(options_.model, options_.table))) {}

std::unique_ptr<TableFileRun> TableFileRun::create_from_values(const OptionValues& given) {
  return naming_options([&] {
    const TableFileRunOptions options = options_from(given);
    return std::unique_ptr<TableFileRun>(new TableFileRun(options, directory_of(options), options_to_keep(options)));
  });
}

std::unique_ptr<TableFileRun> TableFileRun::create(TableFileRunOptions options) {
  TableFileRunOptions defaults;
  return create_from_values(changed_values(describe(options), describe(defaults)));
}

std::optional<TableRunResult> TableFileRun::train() {
  return naming_options([this] { return run_.train(table_); });
}

}  // namespace unroll
