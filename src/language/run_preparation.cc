#include "language/run_preparation.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "io/file.h"
#include "language/model_json.h"
#include "language/resume_options.h"
#include "language/run_defaults.h"
#include "run/checkpoint_files.h"
#include "run/run_paths.h"
#include "run/run_settings.h"
#include "unroll/error.h"

namespace unroll {

namespace {

/// Takes cell, sizes, unit and line ends from the model to start with. Throws Error if a given option differs.
void take_architecture(LanguageRunOptions& o, const LanguageModel& origin, const OptionValues& given) {
  const auto refuse = [&](const std::string& name) {
    throw Error(fmt::format("{} differs from the model that {} {} names ({}, unit {}): leave it out", option_name(name),
                            option_name("init-from"), o.init_from, description(origin.options()),
                            name_of(origin.vocabulary().unit())));
  };
  LanguageModelOptions model = origin.options();
  LanguageModelOptions asked = o.model;
  const std::vector<Option> ours = describe(asked), theirs = describe(model);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::string& name = ours[i].name;
    if (name == "dropout" || name == "init" || !given.contains(name) || ours[i].values() == theirs[i].values())
      continue;
    refuse(name);
  }
  if (given.contains("unit") && o.unit != origin.vocabulary().unit()) refuse("unit");
  o.unit = origin.vocabulary().unit();
  if (given.contains("dropout")) model.dropout = asked.dropout;
  model.init = asked.init;
  o.model = model;
}

void refuse_directory(const DirectoryRefused& refusal) { refuse_with_options(refusal, "unroll train"); }

/// Only rank 0 checks and replaces the contents of the run directory.
Existing existing_for(Communicator& ranks, Existing existing) {
  return ranks.rank() == 0 ? existing : Existing::resume;
}

/// A text in memory is used as it is: it has its unit, and what acts on reading a file has no effect.
void take_unit(LanguageRunOptions& o, const Corpus& text, const LanguageModel* origin, const OptionValues& given) {
  for (const char* name : {"limit", "newlines", "encoding"}) {
    if (!given.contains(name)) continue;
    throw OptionError(fmt::format("{} acts when a file is read: a text in memory is used as it is", option_name(name)));
  }
  const TokenUnit unit = text.vocabulary().unit();
  if (given.contains("unit") && o.unit != unit) {
    throw OptionError(fmt::format("{} {}: the text in memory is of the unit {}", option_name("unit"), name_of(o.unit),
                                  name_of(unit)));
  }
  if (origin != nullptr && origin->vocabulary().unit() != unit) {
    throw OptionError(fmt::format("{} {}: its model is of the unit {}, the text in memory of {}",
                                  option_name("init-from"), o.init_from, name_of(origin->vocabulary().unit()),
                                  name_of(unit)));
  }
  o.unit = unit;
  require_readable_copy(text);
}

void prepare_new(PreparedRun& run, const OptionValues& given, std::optional<Corpus> text, Communicator& ranks) {
  LanguageRunOptions& o = run.options;
  if (o.extend_epochs > 0) {
    throw OptionError(fmt::format("{} belongs to {} RUN", option_name("extend-epochs"), option_name("resume")));
  }
  if (!o.init_from.empty()) {
    run.origin_context = std::make_unique<Context>(ContextOptions{.threads = 1});
    run.origin =
        std::make_unique<const LanguageModel>(LanguageModel::load(*run.origin_context, model_file_of(o.init_from)));
    take_architecture(o, *run.origin, given);
  }
  if (text) take_unit(o, *text, run.origin.get(), given);
  if (!text && o.text.empty()) throw OptionError("FILE is missing");
  check_conflicts(o);
  if (o.directory.empty())
    o.directory = default_run_directory(can_be_read_again(o.text) ? o.text : "-", o.model.cell.name());
  const bool kept_in_run = !text && !can_be_read_again(o.text);
  if (kept_in_run && ranks.size() > 1) {
    throw Error(fmt::format("FILE {}: {} comes to one rank only; name a file", o.text,
                            o.text == "-" ? "standard input" : "what can be read once"));
  }
  run.directory = std::make_unique<RunDirectory>(
      o.directory, existing_for(ranks, o.overwrite ? Existing::replace : Existing::refuse), refuse_directory);
  run.texts = read_texts(o, o.text, {.begins_with = run.origin ? &run.origin->vocabulary() : nullptr}, std::move(text));
  if (kept_in_run) o.text = std::string("-");  // from here on, the copy in the run directory
  const LanguageRunOptions asked = o;
  fill_defaults(o, run.texts.training, ranks.size());
  run.kept = options_to_keep(asked, o);
}

/// Run directory to resume, and the checkpoint if the user named one.
struct ResumeTarget {
  std::string folder;
  std::optional<CheckpointFile> checkpoint;
};

ResumeTarget target_of(const std::string& argument) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) return {argument, std::nullopt};
  if (!fs::exists(argument, ignored)) {
    throw Error(ExitCode::no_input,
                fmt::format("there is no run directory or checkpoint {}: unroll runs lists the runs", argument));
  }
  const fs::path parent = fs::path(argument).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  for (const CheckpointFile& file : checkpoints_in(folder)) {
    if (fs::equivalent(file.path, argument, ignored)) return {folder, file};
  }
  throw Error(fmt::format("{} {}: neither a run directory nor a checkpoint in one", option_name("resume"), argument));
}

/// The latest checkpoint. If it cannot be read, the Error names the latest readable one instead of using it: the user
/// may have another copy, and resuming there repeats the updates in between.
StoredCheckpoint latest_in(const std::string& folder) {
  std::vector<CheckpointFile> files = checkpoints_in(folder);
  if (files.empty()) {
    std::error_code ignored;
    const bool has_model = std::filesystem::exists(RunDirectory::model_path_in(folder), ignored);
    const std::string advice =
        has_model ? fmt::format("{} {} begins with the weights of its model", option_name("init-from"), folder)
                  : std::string("begin the run again");
    throw Error(ExitCode::no_input, fmt::format("{}: holds no checkpoint to go on from; {}", folder, advice));
  }
  try {
    return StoredCheckpoint::read(files.back().path);
  } catch (const Error& error) {
    for (files.pop_back(); !files.empty(); files.pop_back()) {
      try {
        static_cast<void>(StoredCheckpoint::read(files.back().path));
      } catch (const Error&) {
        continue;
      }
      throw Error(error.code(), fmt::format("{}; the one before it is whole: unroll train {} {} goes on from there",
                                            error.what(), option_name("resume"), files.back().path));
    }
    throw;
  }
}

/// Refuses a checkpoint that cannot be continued here, before its settings are read.
void check_origin(const StoredCheckpoint& checkpoint) {
  if (checkpoint.has("table_run")) {
    throw Error(fmt::format("{}: belongs to a run of unroll table train, which resumes it with its {}",
                            checkpoint.path(), option_name("resume")));
  }
  if (checkpoint.has("settings")) return checkpoint.require_same_numerics();
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: has no settings, since a program that uses the library has written it and not unroll train: "
                  "resume it with that program",
                  checkpoint.path()));
}

void refuse_beside_resume(const OptionValues& given) {
  for (const char* name : {"out", "overwrite", "init-from"}) {
    if (!given.contains(name)) continue;
    throw OptionError(fmt::format("{} is for a new run: leave it or {} out", option_name(name), option_name("resume")));
  }
}

// For checkpoints that do not store it.
constexpr int shards_of_old_runs = 1;

/// The complete options of the run before it was resumed with the options `now`.
LanguageRunOptions options_before(const OptionValues& kept, const LanguageRunOptions& now, const Corpus& corpus) {
  constexpr int one_rank = 1;  // any number, since the number of shards is set
  LanguageRunOptions before;
  assign_values(describe(before), kept, "the checkpoint");
  before.model = now.model;
  if (!before.shards) before.shards = shards_of_old_runs;
  fill_defaults(before, corpus, one_rank);
  return before;
}

/// The options of the checkpoint and those given now; not complete.
LanguageRunOptions resumed_options(const PreparedRun& run, const LanguageModelOptions& model, const OptionValues& kept,
                                   const OptionValues& given) {
  const std::string place = run.checkpoint->path();
  LanguageRunOptions o;
  assign_values(describe(o), resume_options(kept, given, run.options.resume, place), place);
  if (!o.epochs) throw Error(ExitCode::bad_data, fmt::format("{}: its settings have no epochs", place));
  if (o.text.empty()) throw Error(ExitCode::bad_data, fmt::format("{}: its settings have no FILE", place));
  if (!o.shards) o.shards = shards_of_old_runs;
  *o.epochs += o.extend_epochs;
  const InitScheme init = o.model.init;
  o.model = model;
  o.model.init = init;
  o.directory = run.directory->path();
  check_values(describe(o));  // the sum of the epochs
  check_conflicts(o);
  return o;
}

void prepare_resume(PreparedRun& run, const OptionValues& given, std::optional<Corpus> text, Communicator& ranks) {
  refuse_beside_resume(given);
  const std::string resume = run.options.resume;
  if (resume.empty()) throw OptionError(fmt::format("{} needs the name of a run", option_name("resume")));
  const ResumeTarget target = target_of(resume);
  run.directory = std::make_unique<RunDirectory>(target.folder, Existing::resume, refuse_directory);
  if (ranks.rank() == 0) run.directory->create();
  run.checkpoint = std::make_unique<const StoredCheckpoint>(
      target.checkpoint ? StoredCheckpoint::read(target.checkpoint->path) : latest_in(target.folder));
  check_origin(*run.checkpoint);
  const std::string place = run.checkpoint->path();
  const OptionValues kept = settings_from_json(run.checkpoint->metadata("settings"), place);
  const ModelConfig config = config_from_json(run.checkpoint->metadata("config"), place);
  LanguageRunOptions& o = run.options = resumed_options(run, config.options, kept, given);
  if (given.contains("FILE") && !can_be_read_again(o.text)) {
    throw Error(fmt::format("{} {}: {} cannot be read again; leave it out", option_name("resume"), resume,
                            source_name(o.text)));
  }
  const Tokenizer vocabulary =
      Tokenizer::from_json(run.checkpoint->metadata("vocabulary"), place + ": vocabulary", config.vocabulary_size);
  o.unit = vocabulary.unit();
  run.texts =
      read_texts(o, o.text == "-" ? run.directory->text_path() : o.text, {.exactly = &vocabulary}, std::move(text));
  const LanguageRunOptions asked = o;
  fill_defaults(o, run.texts.training, ranks.size());
  run.kept = options_to_keep(asked, o);
  run.rate_given = given.contains("lr");
  run.changes_updates = changes_updates(o, options_before(kept, o, run.texts.training));
  if (target.checkpoint) run.truncate_after_update = target.checkpoint->update;
}

}  // namespace

PreparedRun prepare_run(LanguageRunOptions options, const OptionValues& given, std::optional<Corpus> text,
                        Communicator& ranks) {
  PreparedRun run{.options = std::move(options)};
  given.contains("resume") ? prepare_resume(run, given, std::move(text), ranks)
                           : prepare_new(run, given, std::move(text), ranks);
  return run;
}

}  // namespace unroll
