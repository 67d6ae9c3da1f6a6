#include "unroll/language_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/fingerprint.h"
#include "device/device.h"
#include "language/model_json.h"
#include "language/run_defaults.h"
#include "language/run_log_fields.h"
#include "language/run_preparation.h"
#include "language/training_cost.h"
#include "ranks/agreement.h"
#include "run/checkpoint_files.h"
#include "run/memory_limit.h"
#include "run/run_settings.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/launched_ranks.h"

namespace unroll {

namespace {

std::string fingerprint_text(std::span<const std::int32_t> ids) {
  return hex(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
}

/// The options that must be equal on all ranks: paths and numbers of threads may differ between hosts.
std::string shared_options(OptionValues values) {
  for (const char* own : {"FILE", "validation", "threads"}) values.erase(own);
  std::string text;
  for (const auto& [name, texts] : values) text += fmt::format("{} {}\n", option_name(name), fmt::join(texts, " "));
  return text;
}

TrainerOptions trainer_options(const LanguageRunOptions& o, const LanguageTask& task) {
  const std::int64_t batches = task.batches_per_epoch();
  if (o.accumulate > batches) {
    throw Error(fmt::format("{} {}: an epoch has only {} batches; lower it", option_name("accumulate"), o.accumulate,
                            with_commas(batches)));
  }
  check_length(o.optimizer,
               {.epochs = *o.epochs, .updates_per_epoch = Trainer::steps_per_epoch(batches, o.accumulate)});
  return {.epochs = *o.epochs,
          .accumulate = o.accumulate,
          .shards = *o.shards,
          .clip_norm = *o.optimizer.clip,
          .clip_value = o.optimizer.clip_value,
          .schedule = o.optimizer.schedule_options(),
          .validate_every = o.validate_every,
          .patience = o.patience};
}

/// True if a checkpoint is written during training. Those at its start and end need no copy.
bool saves_underway(const LanguageRunOptions& o, const TrainingTexts& texts) {
  const std::int64_t symbols_per_update = o.accumulate * o.task.batch * o.task.window;
  const std::int64_t updates = updates_of({*o.epochs, texts.training.size() / symbols_per_update + 1});
  return o.checkpoint_every->updates == 0 || o.checkpoint_every->updates < updates;
}

MemoryPlan memory_plan_of(const LanguageRunOptions& o, const TrainingTexts& texts, int ranks) {
  const std::int64_t symbols = texts.training.size() + texts.validation.size();
  MemoryPlan plan = memory_plan(workload_of(o, texts.training.vocabulary().size()), o.optimizer.moments(),
                                texts.validation.size() > 0, symbols, {.shards = *o.shards, .ranks = ranks});
  if (!saves_underway(o, texts)) plan.saving = 0;
  return plan;
}

/// Throws Error(internal), with both numbers, if the run needs more memory than this process may use.
void require_memory(const LanguageRunOptions& o, const TrainingTexts& texts, int ranks) {
  const double needed = memory_plan_of(o, texts, ranks).total(),
               allowed = memory_limit(*o.threads, launched().ranks_on_host);
  if (needed <= allowed) return;
  if (allowed == 0) {
    throw Error(ExitCode::internal,
                fmt::format("out of memory: this training takes about {}, and this process has taken all that it may "
                            "use; raise its limit (ulimit -v, -d)",
                            byte_count(needed)));
  }
  std::vector<std::string> names;
  for (const char* name : {"hidden", "layers", "batch", "steps", "threads"}) names.push_back(option_name(name));
  throw Error(ExitCode::internal,
              fmt::format("out of memory: this training takes about {}, and this process may use {}; lower {}",
                          byte_count(needed), byte_count(allowed), options::alternatives(names)));
}

const PreparedRun& require_memory(const PreparedRun& prepared, int ranks) {
  require_memory(prepared.options, prepared.texts, ranks);
  return prepared;
}

}  // namespace

/// Later members refer to earlier ones.
struct LanguageRun::Parts {
  Parts(PreparedRun&& prepared_run, Communicator& communicator)
      : ranks(communicator),
        prepared(std::move(prepared_run)),
        context({.seed = require_memory(prepared, ranks.size()).options.seed, .threads = *prepared.options.threads}),
        model(context, prepared.texts.training.vocabulary(), prepared.options.model),
        task(std::make_shared<LanguageTask>(model, prepared.texts.training, prepared.options.task,
                                            prepared.texts.validation.ids())),
        run(
            task, prepared.options.optimizer.make(model.parameters()), trainer_options(prepared.options, *task),
            run_options(),
            [this](const std::string& path, std::span<const float> parameters) { model.save(path, parameters); },
            ranks) {
    run.use_directory(*prepared.directory);
    if (prepared.origin) {
      symbols_of_origin = prepared.origin->vocabulary().size();
      model.copy_weights_from(*prepared.origin);
      prepared.origin.reset();
      prepared.origin_context.reset();
    }
    if (prepared.checkpoint) restore();
  }

  TrainingRunOptions run_options() const {
    const LanguageRunOptions& o = prepared.options;
    LanguageRunOptions described;
    const std::string vocabulary = model.vocabulary().to_json();
    return {.directory = prepared.directory->path(),
            .checkpoint_every = *o.checkpoint_every,
            .keep = o.keep,
            .max_rollbacks = o.max_rollbacks,
            .report_every = *o.report_every,
            .log_fields = run_log_fields(o, prepared.texts.training.size(), model, ranks.size()),
            .metadata = {{"settings", settings_json(describe(described), prepared.kept)},
                         {"unroll_version", UNROLL_VERSION},
                         {"config",
                          config_json({.options = model.options(), .vocabulary_size = model.vocabulary().size()})},
                         {"vocabulary", vocabulary}},
            .equal_on_all_ranks = {{"text", fingerprint_text(prepared.texts.training.ids())},
                                   {"vocabulary", hex(fingerprint_of(vocabulary))},
                                   {"validation text", fingerprint_text(prepared.texts.validation.ids())},
                                   {"setting", shared_options(prepared.kept)}}};
  }

  /// Restores the checkpoint. The learning rate of a resumed run is that of its checkpoint, which rollbacks may have
  /// lowered, unless another one is given.
  void restore() {
    const LanguageRunOptions& o = prepared.options;
    run.restore(*prepared.checkpoint, TrainingRun::OtherShards::allow);
    prepared.checkpoint.reset();
    const auto rate = static_cast<double>(*o.optimizer.learning_rate);
    const bool other_rate = prepared.rate_given && rate != run.trainer().learning_rate();
    if (other_rate || prepared.changes_updates) run.branch_here(o.extend_epochs > 0);
    if (other_rate) run.trainer().set_learning_rate(rate);
  }

  /// A resumed run reads the text again. (Standard input comes to a single rank only.)
  void keep_text_of_memory() {
    if (prepared.options.text != "-" || run.resumed() || ranks.rank() != 0) return;
    prepared.directory->create();
    keep_text(prepared.texts, prepared.directory->text_path());
  }

  Communicator& ranks;
  PreparedRun prepared;
  Context context;
  LanguageModel model;
  std::shared_ptr<LanguageTask> task;
  TrainingRun run;
  int symbols_of_origin = 0;
};

LanguageRun::LanguageRun(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LanguageRun::~LanguageRun() = default;

namespace {

OptionValues values_that_differ(LanguageRunOptions options) {
  LanguageRunOptions defaults;
  return changed_values(describe(options), describe(defaults));
}

}  // namespace

std::unique_ptr<LanguageRun> LanguageRun::prepare(LanguageRunOptions options, OptionValues given,
                                                  std::optional<Corpus> text, Communicator& ranks) {
  if (!options.model.cell.is_built_in()) {
    throw Error(
        fmt::format("the cell {} is not built in, so a LanguageRun can neither plan its memory nor keep its options; "
                    "train it with a TrainingRun over a LanguageTask",
                    options.model.cell.name()));
  }
  use_common_simd_target(ranks);
  std::unique_ptr<LanguageRun> run;
  run_collectively(ranks, [&] {
    run.reset(new LanguageRun(
        std::make_unique<Parts>(prepare_run(std::move(options), given, std::move(text), ranks), ranks)));
  });
  return run;
}

namespace {

/// Names the run in the directory in options.resume, if it is to be resumed. What belongs to a new run is left out.
void resume_from_directory(LanguageRunOptions& options, Resume resume) {
  if (resume == Resume::never || !options.resume.empty()) return;
  if (options.directory.empty()) throw Error("a run that is resumed if it is present needs the name of its directory");
  if (resume == Resume::if_present && checkpoints_in(options.directory).empty()) return;
  options.resume = std::exchange(options.directory, {});
  options.overwrite = false;
  options.init_from.clear();
}

}  // namespace

std::unique_ptr<LanguageRun> LanguageRun::create(LanguageRunOptions options, Resume resume, Communicator& ranks) {
  resume_from_directory(options, resume);
  OptionValues given = values_that_differ(options);
  return prepare(std::move(options), std::move(given), std::nullopt, ranks);
}

std::unique_ptr<LanguageRun> LanguageRun::create(LanguageRunOptions options, Corpus text, Resume resume,
                                                 Communicator& ranks) {
  resume_from_directory(options, resume);
  options.text.clear();
  OptionValues given = values_that_differ(options);
  if (options.resume.empty()) options.text = std::string("-");
  return prepare(std::move(options), std::move(given), std::move(text), ranks);
}

std::unique_ptr<LanguageRun> LanguageRun::create_from_values(const OptionValues& given, Communicator& ranks) {
  LanguageRunOptions options;
  assign_values(describe(options), given);
  return prepare(std::move(options), given, std::nullopt, ranks);
}

StopReason LanguageRun::train() {
  /// So that the run can be resumed as soon as train() has returned.
  struct Release {
    RunDirectory& directory;
    ~Release() { directory.release(); }
  } release{*parts_->prepared.directory};
  if (parts_->prepared.truncate_after_update && parts_->ranks.rank() == 0) {
    remove_checkpoints_after(parts_->prepared.directory->path(), *parts_->prepared.truncate_after_update);
    parts_->prepared.truncate_after_update.reset();
  }
  parts_->keep_text_of_memory();
  return parts_->run.train(Resume::never);  // a checkpoint to resume from was restored before
}

const LanguageRunOptions& LanguageRun::options() const { return parts_->prepared.options; }
LanguageModel& LanguageRun::model() { return parts_->model; }
const LanguageModel& LanguageRun::model() const { return parts_->model; }
const LanguageTask& LanguageRun::task() const { return *parts_->task; }
TrainingRun& LanguageRun::run() { return parts_->run; }
const TrainingRun& LanguageRun::run() const { return parts_->run; }
const Corpus& LanguageRun::text() const { return parts_->prepared.texts.training; }
const std::string& LanguageRun::text_source() const { return parts_->prepared.texts.source; }
const Corpus& LanguageRun::validation_text() const { return parts_->prepared.texts.validation; }
MemoryPlan LanguageRun::memory() const {
  return memory_plan_of(parts_->prepared.options, parts_->prepared.texts, parts_->ranks.size());
}
int LanguageRun::ranks() const { return parts_->ranks.size(); }
std::string LanguageRun::device() const { return device_of(parts_->context).name(); }
std::optional<double> LanguageRun::validation_share() const { return share_of(options().validation); }
int LanguageRun::symbols_of_origin() const { return parts_->symbols_of_origin; }
const std::vector<std::string>& LanguageRun::warnings() const { return parts_->prepared.texts.warnings; }

}  // namespace unroll
