#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <new>
#include <optional>

#include "cli/commands.h"
#include "cli/enum_names.h"
#include "cli/format.h"
#include "cli/language_training.h"
#include "cli/output.h"
#include "cli/rank_session.h"
#include "cli/run_paths.h"
#include "language/model_json.h"
#include "ranks/agreement.h"
#include "run/checkpoint_files.h"
#include "run/checkpoint_numerics.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr const char* details =
    R"(FILE is UTF-8 text, plain, gzip or zip (its only member, or archive.zip:member), or - for standard input.
The model goes to DIR/model.safetensors, with --validation the best one; what happened goes to log.jsonl,
events.out.tfevents.* (TensorBoard) and curve.svg beside it, progress to standard error, the result to standard output.
The same seed gives the same model, bit for bit, with any number of threads, and stopped and resumed anywhere.
Ctrl-C, SIGTERM or SIGHUP saves and stops, a second one stops at once. --resume takes all settings from the run; beside
it only --lr, --extend-epochs, --patience, --checkpoint-every, --keep, --max-rollbacks, --threads and what belongs to
reports may be given.

Examples:
  unroll train novel.txt
  unroll train novel.txt --validation 0.1 --patience 5
  unroll train --resume runs/novel-gru
  unroll train lyrics.txt.zip --limit 10000 --newlines space --prefix 分开 --prefix 不分开
  unroll train novel.txt --cell gru --hidden 512 --layers 2 --dropout 0.3 --out runs/big
  unroll train lyrics.txt.zip --config recipes/lstm.toml --seed 2)";

/// Takes cell, sizes and line ends from the model that --init-from names. Throws Error if a given flag differs.
void take_architecture(TrainOptions& o, LanguageModelOptions model, const GivenSettings& given) {
  const LanguageModelOptions& asked = o.model;
  const struct {
    const char* name;
    bool differs;
  } parts[] = {{"cell", asked.cell != model.cell},       {"hidden", asked.hidden != model.hidden},
               {"layers", asked.layers != model.layers}, {"embedding", asked.embedding != model.embedding},
               {"tied", asked.tied != model.tied},       {"activation", asked.activation != model.activation},
               {"biases", asked.biases != model.biases}, {"newlines", o.newlines != model.newlines}};
  for (const auto& part : parts) {
    if (!part.differs || !given.contains(part.name)) continue;
    throw Error(fmt::format("--{} differs from the model that --init-from {} names ({}): leave it out", part.name,
                            o.init_from, description(model)));
  }
  if (given.contains("dropout")) model.dropout = asked.dropout;
  model.init = asked.init;
  o.newlines = model.newlines;
  o.model = model;
}

void log_vocabulary_extension(const TrainOptions& o, const LanguageModel& from, const Vocabulary& vocabulary) {
  const int added = vocabulary.size() - from.vocabulary().size();
  log_message(fmt::format("weights   {}: those of {} stay, {} that the text has beyond them begin anew",
                          one_line(o.init_from), counted(from.vocabulary().size(), "symbol"), with_commas(added)));
}

/// A training that is ready to run. Later members refer to earlier ones.
struct PreparedRun {
  std::optional<RunDirectory> directory;
  TrainingTexts texts;
  std::optional<LanguageTraining> training;
  std::optional<std::int64_t> truncate_after_update;  ///< update of the checkpoint that --resume names
};

/// Only rank 0 checks and replaces the contents of the run directory.
Existing existing_for(Communicator& ranks, Existing existing) {
  return ranks.rank() == 0 ? existing : Existing::resume;
}

void prepare_new(PreparedRun& prepared, TrainOptions& o, const GivenSettings& given, Communicator& ranks) {
  if (o.file.empty()) throw Error("train: FILE is missing; see unroll train --help");
  if (o.extend_epochs > 0) throw Error("--extend-epochs belongs to --resume RUN; see unroll train --help");
  Context context({.threads = 1});
  std::optional<LanguageModel> weights;
  if (!o.init_from.empty()) {
    weights.emplace(LanguageModel::load(context, model_file_of(o.init_from)));
    take_architecture(o, weights->options(), given);
  }
  check_conflicts(o);
  if (o.out.empty()) o.out = default_run_directory(o.file, name_of(cell_names, o.model.cell));
  if (o.file == "-" && ranks.size() > 1) throw Error("FILE -: standard input comes to one rank only; name a file");
  prepared.directory.emplace(o.out, existing_for(ranks, o.overwrite ? Existing::replace : Existing::refuse),
                             refuse_with_flags);
  prepared.texts = read_texts(o, o.file, {.begins_with = weights ? &weights->vocabulary() : nullptr});
  fill_defaults(o, prepared.texts.training, ranks.size());
  prepared.training.emplace(o, given, prepared.texts, *prepared.directory, ranks);
  if (!weights) return;
  log_vocabulary_extension(o, *weights, prepared.texts.training.vocabulary());
  prepared.training->begin_with(*weights);
}

/// Run directory to resume, and the checkpoint if the user named one.
struct ResumeTarget {
  std::string folder;
  std::optional<CheckpointFile> checkpoint;
};

ResumeTarget place_of(const std::string& argument) {
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
  throw Error(fmt::format("--resume {}: neither a run directory nor a checkpoint in one", argument));
}

/// The latest checkpoint. If it cannot be read, the Error names the latest readable one instead of using it: the user
/// may have another copy, and resuming there repeats the updates in between.
StoredCheckpoint latest_in(const std::string& folder) {
  std::vector<CheckpointFile> files = checkpoints_in(folder);
  if (files.empty()) {
    throw Error(
        ExitCode::no_input,
        fmt::format("{}: holds no checkpoint to go on from; --init-from {} begins with the weights of its model",
                    folder, folder));
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
      throw Error(error.code(),
                  fmt::format("{}; the one before it is whole: unroll train --resume {} goes on from there",
                              error.what(), files.back().path));
    }
    throw;
  }
}

/// Refuses a checkpoint that this program cannot continue, before its settings are read.
void check_origin(const StoredCheckpoint& checkpoint) {
  require_same_numerics(checkpoint);
  if (checkpoint.has("settings")) return;
  throw Error(
      ExitCode::bad_data,
      fmt::format("{}: has no settings, since a program that uses the library has written it and not unroll train: "
                  "resume it with that program",
                  checkpoint.path()));
}

void refuse_beside_resume(const GivenSettings& given) {
  for (const char* name : {"out", "overwrite", "init-from"}) {
    if (given.contains(name)) {
      throw Error(fmt::format("--{} is for a new run: leave it or --resume out; see unroll train --help", name));
    }
  }
}

// For checkpoints that do not store it.
constexpr int shards_of_old_runs = 1;

/// The options of the run before it was resumed with the options `now`.
TrainOptions options_before(const GivenSettings& kept, const TrainOptions& now, const Corpus& corpus) {
  constexpr int one_rank = 1;  // any number, since the number of shards is set
  TrainOptions before;
  assign_settings(settings_of(before), kept, "the checkpoint");
  before.model = now.model;
  before.newlines = now.newlines;
  if (!before.shards) before.shards = shards_of_old_runs;
  fill_defaults(before, corpus, one_rank);
  return before;
}

/// True if the resumed run no longer follows the original: another length, patience, number of rollbacks or of shards,
/// or other rollback targets. A default value and the same value given explicitly are equal.
bool changes_trajectory(const TrainOptions& now, const TrainOptions& before) {
  return *now.epochs != *before.epochs || now.patience != before.patience ||
         now.max_rollbacks != before.max_rollbacks || *now.shards != *before.shards ||
         *now.checkpoint_every != *before.checkpoint_every;
}

void prepare_resume(PreparedRun& prepared, TrainOptions& o, const GivenSettings& given, Communicator& ranks) {
  refuse_beside_resume(given);
  const std::string run = o.resume;
  if (run.empty()) throw Error("--resume needs the name of a run; see unroll train --help");
  const std::int64_t more_epochs = o.extend_epochs;
  const ResumeTarget place = place_of(run);
  prepared.directory.emplace(place.folder, Existing::resume, refuse_with_flags);
  if (ranks.rank() == 0) prepared.directory->create();
  auto checkpoint = std::make_unique<const StoredCheckpoint>(
      place.checkpoint ? StoredCheckpoint::read(place.checkpoint->path) : latest_in(place.folder));
  check_origin(*checkpoint);
  const GivenSettings kept = settings_from_json(checkpoint->metadata("settings"), checkpoint->path());
  const GivenSettings settings = resume_settings(kept, given, run);
  o = TrainOptions{};
  assign_settings(settings_of(o), settings, checkpoint->path());
  if (!o.epochs) throw Error(ExitCode::bad_data, fmt::format("{}: its settings have no epochs", checkpoint->path()));
  if (!o.shards) o.shards = shards_of_old_runs;
  *o.epochs += more_epochs;
  const ModelConfig config = config_from_json(checkpoint->metadata("config"), checkpoint->path());
  const InitScheme init = o.model.init;
  o.model = config.options;
  o.model.init = init;
  o.newlines = o.model.newlines;
  check_conflicts(o);
  if (given.contains("FILE") && o.file == "-") {
    throw Error(fmt::format("--resume {}: standard input cannot be read again; leave the - out", run));
  }
  const Vocabulary vocabulary =
      vocabulary_from_json(checkpoint->metadata("vocabulary"), config.vocabulary_size, checkpoint->path());
  prepared.texts = read_texts(o, o.file == "-" ? prepared.directory->text_path() : o.file, {.exactly = &vocabulary});
  fill_defaults(o, prepared.texts.training, ranks.size());
  LanguageTraining& training = prepared.training.emplace(o, settings, prepared.texts, *prepared.directory, ranks);
  training.run().restore(*checkpoint, TrainingRun::OtherShards::allow);
  checkpoint.reset();
  const auto rate = static_cast<double>(*o.optimizer.learning_rate);
  const bool other_rate = given.contains("lr") && rate != training.run().trainer().learning_rate();
  if (other_rate || changes_trajectory(o, options_before(kept, o, prepared.texts.training))) {
    training.run().branch_here(more_epochs > 0);
  }
  if (other_rate) training.run().trainer().set_learning_rate(rate);
  if (place.checkpoint) prepared.truncate_after_update = place.checkpoint->update;
}

void train(TrainOptions& o, const GivenSettings& given, RankSession& session) {
  Communicator& ranks = session.ranks;
  use_common_simd_target(ranks);
  PreparedRun prepared;
  run_collectively(ranks, [&] {
    given.contains("resume") ? prepare_resume(prepared, o, given, ranks) : prepare_new(prepared, o, given, ranks);
  });
  session.set_timeout(o.rank_timeout);  // a resumed run has its own
  if (prepared.truncate_after_update && ranks.rank() == 0)
    remove_checkpoints_after(prepared.directory->path(), *prepared.truncate_after_update);
  prepared.training->train();
  write_result(prepared.training->result_text());
}

}  // namespace

Command train_command() {
  auto options = std::make_shared<TrainOptions>();
  return {.name = "train",
          .summary = "Train a model on a text, and save it.",
          .details = details,
          .groups = settings_of(*options),
          .run =
              [options](const GivenSettings& given) {
                on_all_ranks(options->rank_timeout, [&](RankSession& session) { train(*options, given, session); });
              },
          .shared = true};
}

}  // namespace unroll::cli
