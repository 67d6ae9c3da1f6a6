#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <new>
#include <optional>

#include "cli/checkpoint_files.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/rank_session.h"
#include "cli/training.h"
#include "cli/words.h"
#include "model/model_json.h"
#include "train/agreement.h"
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

/// The new model has the cell, the sizes and the line ends of the one that it begins with.
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

void say_how_extended(const TrainOptions& o, const LanguageModel& from, const Vocabulary& vocabulary) {
  const int added = vocabulary.size() - from.vocabulary().size();
  say(fmt::format("weights   {}: those of {} stay, {} that the text has beyond them begin anew", one_line(o.init_from),
                  counted(from.vocabulary().size(), "symbol"), with_commas(added)));
}

/// A training that is ready to run. What is made first goes last.
struct Job {
  std::optional<RunDirectory> directory;
  Texts texts;
  std::optional<Training> training;
  std::optional<std::int64_t> goes_back_to;  ///< an update before the last checkpoint
};

/// The run directory of several ranks is the business of the first one.
Existing existing_for(Communicator& ranks, Existing existing) { return ranks.rank() == 0 ? existing : Existing::go_on; }

void prepare_new(Job& job, TrainOptions& o, const GivenSettings& given, Communicator& ranks) {
  if (o.file.empty()) throw Error("train: FILE is missing; see unroll train --help");
  if (o.extend_epochs > 0) throw Error("--extend-epochs belongs to --resume RUN; see unroll train --help");
  Context context({.threads = 1});
  std::optional<LanguageModel> weights;
  if (!o.init_from.empty()) {
    weights.emplace(LanguageModel::load(context, model_file_of(o.init_from)));
    take_architecture(o, weights->options(), given);
  }
  check_together(o);
  if (o.out.empty()) o.out = default_run_directory(o.file, word_for(cell_words, o.model.cell));
  if (o.file == "-" && ranks.size() > 1) throw Error("FILE -: standard input comes to one rank only; name a file");
  job.directory.emplace(o.out, existing_for(ranks, o.overwrite ? Existing::replace : Existing::refuse));
  job.texts = read_texts(o, o.file, {.begins_with = weights ? &weights->vocabulary() : nullptr});
  complete(o, job.texts.training, ranks.size());
  job.training.emplace(o, given, job.texts, *job.directory, ranks);
  if (!weights) return;
  say_how_extended(o, *weights, job.texts.training.vocabulary());
  job.training->begin_with(*weights);
}

/// The run directory, and the checkpoint where the user named one.
struct PlaceToGoOn {
  std::string folder;
  std::optional<CheckpointFile> checkpoint;
};

PlaceToGoOn place_of(const std::string& argument) {
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

/// The latest checkpoint. Where that cannot be read, the one before it is offered and not just taken: the user may have
/// another copy, and training from there takes the steps between them once more.
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

void check_version(const StoredCheckpoint& checkpoint) {
  const std::string& version = checkpoint.about("unroll_version");
  if (version == UNROLL_VERSION) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: was written by unroll {}, this is {}, whose numbers may differ: go on with that one, or "
                          "begin a new run from its model with --init-from",
                          checkpoint.path(), one_line(version), UNROLL_VERSION));
}

void refuse_beside_resume(const GivenSettings& given) {
  for (const char* name : {"out", "overwrite", "init-from"}) {
    if (given.contains(name)) {
      throw Error(fmt::format("--{} is for a new run: leave it or --resume out; see unroll train --help", name));
    }
  }
}

// Of checkpoints that do not say.
constexpr int slices_of_old_runs = 1;

/// What the run had before these options of the same run.
TrainOptions options_before(const GivenSettings& kept, const TrainOptions& now, const Corpus& corpus) {
  constexpr int one_rank = 1;  // any number, since the settings name the slices
  TrainOptions before;
  assign_settings(settings_of(before), kept, "the checkpoint");
  before.model = now.model;
  before.newlines = now.newlines;
  if (!before.slices) before.slices = slices_of_old_runs;
  complete(before, corpus, one_rank);
  return before;
}

/// Whether training goes elsewhere from here on: another length, other places to return to, another end. What it was
/// given before and what it is by default are the same.
bool leads_elsewhere(const TrainOptions& now, const TrainOptions& before) {
  return *now.epochs != *before.epochs || now.patience != before.patience ||
         now.max_rollbacks != before.max_rollbacks || *now.slices != *before.slices ||
         *now.checkpoint_every != *before.checkpoint_every;
}

void prepare_to_go_on(Job& job, TrainOptions& o, const GivenSettings& given, Communicator& ranks) {
  refuse_beside_resume(given);
  const std::string run = o.resume;
  if (run.empty()) throw Error("--resume needs the name of a run; see unroll train --help");
  const std::int64_t more_epochs = o.extend_epochs;
  const PlaceToGoOn place = place_of(run);
  job.directory.emplace(place.folder, Existing::go_on);
  if (ranks.rank() == 0) job.directory->create();
  auto checkpoint = std::make_unique<const StoredCheckpoint>(
      place.checkpoint ? StoredCheckpoint::read(place.checkpoint->path) : latest_in(place.folder));
  check_version(*checkpoint);
  const GivenSettings kept = settings_from_json(checkpoint->about("settings"), checkpoint->path());
  const GivenSettings settings = settings_to_go_on(kept, given, run);
  o = TrainOptions{};
  assign_settings(settings_of(o), settings, checkpoint->path());
  if (!o.epochs) throw Error(ExitCode::bad_data, fmt::format("{}: its settings have no epochs", checkpoint->path()));
  if (!o.slices) o.slices = slices_of_old_runs;
  *o.epochs += more_epochs;
  const ModelConfig config = config_from_json(checkpoint->about("config"), checkpoint->path());
  const InitScheme init = o.model.init;
  o.model = config.options;
  o.model.init = init;
  o.newlines = o.model.newlines;
  check_together(o);
  if (given.contains("FILE") && o.file == "-") {
    throw Error(fmt::format("--resume {}: standard input cannot be read again; leave the - out", run));
  }
  const Vocabulary vocabulary =
      vocabulary_from_json(checkpoint->about("vocabulary"), config.vocabulary_size, checkpoint->path());
  job.texts = read_texts(o, o.file == "-" ? job.directory->text_path() : o.file, {.exactly = &vocabulary});
  complete(o, job.texts.training, ranks.size());
  Training& training = job.training.emplace(o, settings, job.texts, *job.directory, ranks);
  training.go_on_from(*checkpoint);
  checkpoint.reset();
  const auto rate = static_cast<double>(*o.optimizer.learning_rate);
  const bool other_rate = given.contains("lr") && rate != training.learning_rate();
  if (other_rate || leads_elsewhere(o, options_before(kept, o, job.texts.training))) {
    training.take_another_course(more_epochs > 0);
  }
  if (other_rate) training.set_learning_rate(rate);
  if (place.checkpoint) job.goes_back_to = place.checkpoint->update;
}

void train(TrainOptions& o, const GivenSettings& given, RankSession& session) {
  Communicator& ranks = session.ranks;
  take_common_simd_target(ranks);
  Job job;
  together(ranks, [&] {
    given.contains("resume") ? prepare_to_go_on(job, o, given, ranks) : prepare_new(job, o, given, ranks);
  });
  session.set_timeout(o.rank_timeout);  // a run that goes on has its own
  if (job.goes_back_to && ranks.rank() == 0) remove_checkpoints_after(job.directory->path(), *job.goes_back_to);
  job.training->run();
  write_result(job.training->outcome());
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
