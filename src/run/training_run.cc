#include "unroll/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/device_memory.h"
#include "base/require.h"
#include "nn/parameter_memory.h"
#include "ranks/agreement.h"
#include "run/checkpoint_files.h"
#include "run/checkpoint_writer.h"
#include "run/rank_timings.h"
#include "run/run_directory.h"
#include "run/run_numbers.h"
#include "run/run_record.h"
#include "train/checkpoint.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

namespace {

using Json = nlohmann::ordered_json;

/// Refuses a checkpoint that is named after another update: files are kept and removed by their names.
void check_name(const StoredCheckpoint& checkpoint, std::int64_t updates) {
  const std::optional<std::int64_t> named = update_of_checkpoint(checkpoint.path());
  if (!named || *named == updates) return;
  throw Error(ExitCode::bad_data, fmt::format("{}: it is named after update {}, but its epoch and step are those of "
                                              "update {}; the checkpoint is damaged: take another one",
                                              checkpoint.path(), *named, updates));
}

}  // namespace

struct TrainingRun::Impl {
  Impl(std::shared_ptr<Task> task, std::shared_ptr<Optimizer> optimizer, const TrainerOptions& trainer,
       TrainingRunOptions options, ModelWriter write_model, Communicator& ranks);

  StopReason train(Resume resume_or_begin);
  void restore(const StoredCheckpoint& checkpoint, OtherShards other_shards);
  void branch_here(bool reset_patience);
  RunRecord& record() const;
  std::string model_path() const { return RunDirectory::model_path_in(options_.directory); }

  bool is_root() const { return ranks_.rank() == 0; }
  void check_equal() const;
  void open_directory(Resume resume);
  void restore_newest(Resume resume);
  void connect();
  void begin();
  void resume();
  void step_done(const StepReport& report);
  void validated(const ValidationReport& report);
  void epoch_done(const EpochReport& report);
  void record_report();
  StopReason train_with_rollbacks();
  void roll_back(const Diverged& divergence);
  void end(StopReason reason);
  void restore_status(const StoredCheckpoint& checkpoint);
  void make_records();
  StopReason begin_and_train();
  std::map<std::string, std::string> metadata() const;
  template <class Event>
  void notify(const Event& event);
  void warn(const std::string& what);

  std::shared_ptr<Task> task_;
  std::shared_ptr<Optimizer> optimizer_;
  TrainerOptions trainer_options_;
  TrainingRunOptions options_;
  ModelWriter write_model_;
  Communicator& ranks_;
  std::vector<std::shared_ptr<RunObserver>> observers_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<RunDirectory> own_directory_;
  RunDirectory* directory_ = nullptr;
  std::unique_ptr<RunRecord> record_;  // on rank 0 only
  std::unique_ptr<RankTimings> timings_;
  std::unique_ptr<CheckpointWriter> checkpoints_;
  std::atomic<bool> stop_requested_ = false;
  std::function<int()> stop_asked_;
  int own_stop_cause_ = 0;  // of this rank, the first one
  int stop_cause_ = 0;
  RunStatus status_;
  EpochReport last_epoch_;
  double seconds_ = 0;
  std::int64_t rollbacks_ = 0;
  std::int64_t origin_ = 0;  // earliest update that a rollback may return to
  bool resumed_ = false, branches_ = false;
  std::vector<std::string_view> may_change_;  // options that may differ from a checkpoint's
};

TrainingRun::Impl::Impl(std::shared_ptr<Task> task, std::shared_ptr<Optimizer> optimizer, const TrainerOptions& trainer,
                        TrainingRunOptions options, ModelWriter write_model, Communicator& ranks)
    : task_(std::move(task)),
      optimizer_(std::move(optimizer)),
      trainer_options_(trainer),
      options_(std::move(options)),
      write_model_(std::move(write_model)),
      ranks_(ranks),
      trainer_(std::make_unique<Trainer>(*task_, *optimizer_, trainer, ranks)) {
  require_count("keep", options_.keep, 1);
  require_count("report_every", options_.report_every, 1);
  require_count("max_rollbacks", options_.max_rollbacks, 0);
  if (options_.directory.empty()) throw Error("directory is empty: name the folder that keeps the run");
  if (!write_model_) throw Error("write_model is empty: give a function that saves the model");
  const CheckpointInterval every = options_.checkpoint_every;
  if (!(every.updates > 0 || (every.updates == 0 && every.seconds > 0 && std::isfinite(every.seconds)))) {
    throw Error(
        fmt::format("checkpoint_every is {} updates, {} s; one of them must be above 0", every.updates, every.seconds));
  }
  if (!Json::parse(options_.log_fields, nullptr, false).is_object()) throw Error("log_fields is no JSON object");
  connect();
}

RunRecord& TrainingRun::Impl::record() const {
  if (record_ == nullptr) throw Error("the log of a run exists from train() on, and on rank 0 only");
  return *record_;
}

template <class Event>
void TrainingRun::Impl::notify(const Event& event) {
  for (const std::shared_ptr<RunObserver>& observer : observers_) event(*observer);
}

void TrainingRun::Impl::warn(const std::string& what) {
  notify([&](RunObserver& observer) { observer.on_warning(what); });
}

void TrainingRun::Impl::connect() {
  trainer_->stop_when([this] {
    if (stop_asked_ && own_stop_cause_ == 0) own_stop_cause_ = stop_asked_();
    return stop_requested_.load() || own_stop_cause_ != 0;
  });
  trainer_->on_step([this](const StepReport& report) {
    if (is_root()) step_done(report);
    checkpoints_->step_done();
  });
  if (!is_root()) return;
  trainer_->on_validation([this](const ValidationReport& report) { validated(report); });
  trainer_->on_epoch([this](const EpochReport& report) { epoch_done(report); });
}

void TrainingRun::Impl::step_done(const StepReport& report) {
  status_ = {.epoch = report.epoch,
             .update = report.update,
             .loss = report.epoch_loss,
             .gradient_norm = report.gradient_norm,
             .learning_rate = shortest_float(report.learning_rate),
             .symbols_per_second = report.epoch_symbols_per_second,
             .seconds = seconds_ + report.epoch_seconds};
  notify([&](RunObserver& observer) { observer.on_step(report); });
  if (report.step_in_epoch < trainer_->steps_per_epoch() && record_->due(false)) record_report();
}

void TrainingRun::Impl::validated(const ValidationReport& report) {
  record_->validation(report, task_->validation_metrics(report.loss));
  notify([&](RunObserver& observer) { observer.on_validation(report); });
}

void TrainingRun::Impl::epoch_done(const EpochReport& report) {
  last_epoch_ = report;
  seconds_ += report.seconds;
  status_.loss = report.loss;
  status_.symbols_per_second = report.symbols_per_second;
  status_.seconds = seconds_;
  const bool reported = report.epoch % options_.report_every == 0 || report.epoch == trainer_options_.epochs;
  if (reported || record_->due(true)) record_report();
  notify([&](RunObserver& observer) { observer.on_epoch(report, reported); });
}

void TrainingRun::Impl::record_report() {
  record_->report(status_, task_->metrics(status_.loss));
  timings_->report(*record_, status_.epoch, status_.update, trainer_->timings());
  notify([&](RunObserver& observer) { observer.on_report(status_); });
}

/// Throws if the ranks would work on different problems.
void TrainingRun::Impl::check_equal() const {
  std::vector<Fact> facts;
  for (const auto& [name, value] : options_.equal_on_all_ranks) facts.push_back({name, value});
  facts.push_back({"checkpoint", fmt::format("that of update {}", trainer_->updates())});
  require_same(ranks_, facts);
}

void TrainingRun::Impl::restore(const StoredCheckpoint& checkpoint, OtherShards other_shards) {
  if (other_shards == OtherShards::allow) may_change_ = {"shards"};
  checkpoint.restore(*trainer_, may_change_);
  check_name(checkpoint, trainer_->updates());
  restore_status(checkpoint);
  if (!resumed_) {
    const RunNumbers run = run_numbers_of(checkpoint, *trainer_);
    rollbacks_ = run.rollbacks;
    origin_ = run.origin;
  }
  resumed_ = true;
}

void TrainingRun::Impl::restore_status(const StoredCheckpoint& checkpoint) {
  const RunNumbers run = run_numbers_of(checkpoint, *trainer_);
  const std::int64_t updates = trainer_->updates(), steps = trainer_->steps_per_epoch();
  seconds_ = run.seconds;
  last_epoch_ = {};
  last_epoch_.epoch = run.epoch;
  last_epoch_.loss = run.loss;
  last_epoch_.perplexity = std::exp(last_epoch_.loss);
  status_.epoch = (updates + steps - 1) / steps;
  status_.update = updates;
  status_.loss = last_epoch_.loss;
  status_.gradient_norm = run.gradient_norm;
  status_.learning_rate = run.learning_rate;
}

std::map<std::string, std::string> TrainingRun::Impl::metadata() const {
  std::map<std::string, std::string> all = options_.metadata;
  const Json run = {{"seconds", seconds_},
                    {"epoch", last_epoch_.epoch},
                    {"loss", last_epoch_.epoch > 0 ? last_epoch_.loss : status_.loss},
                    {"gradient_norm", status_.gradient_norm},
                    {"learning_rate", status_.learning_rate},
                    {"rollbacks", rollbacks_},
                    {"origin", origin_}};
  all["run"] = run.dump();
  return all;
}

void TrainingRun::Impl::branch_here(bool reset_patience) {
  origin_ = trainer_->updates();
  branches_ = true;
  if (reset_patience) trainer_->reset_patience();
}

/// Restores the newest checkpoint of the directory on all ranks, if `resume` asks for it. The directory is locked.
void TrainingRun::Impl::restore_newest(Resume resume) {
  if (resume == Resume::never || resumed_) return;
  std::int64_t newest = -1;
  if (is_root()) {
    const std::vector<CheckpointFile> files = checkpoints_in(options_.directory);
    if (!files.empty()) newest = files.back().update;
  }
  newest = all_gather(ranks_, newest).front();
  if (newest < 0) return;
  run_collectively(ranks_, [&] {
    restore(StoredCheckpoint::read(checkpoint_path(options_.directory, newest)), OtherShards::refuse);
  });
}

void TrainingRun::Impl::open_directory(Resume resume) {
  run_collectively(ranks_, [&] {
    if (!is_root()) return;
    if (directory_ == nullptr) {
      if (resume == Resume::required && !resumed_ && checkpoints_in(options_.directory).empty()) {
        throw Error(ExitCode::no_input, fmt::format("{}: holds no checkpoint to resume from", options_.directory));
      }
      const bool continues = resumed_ || (resume != Resume::never && !checkpoints_in(options_.directory).empty());
      own_directory_ = std::make_unique<RunDirectory>(options_.directory, continues          ? Existing::resume
                                                                          : options_.replace ? Existing::replace
                                                                                             : Existing::refuse);
      directory_ = own_directory_.get();
    }
    directory_->create();
  });
  require_shared(options_.directory, ranks_);
}

void TrainingRun::Impl::begin() {
  // Initial weights come from logarithms and cosines, whose results may differ between hosts.
  Parameters& parameters = task_->parameters();
  MutableHostView values(parameters.context(), values_on_device(parameters));
  broadcast(ranks_, values.span());
  values.store();
  parameters.updated();
  if (is_root()) {
    Json fields = Json::parse(options_.log_fields);
    fields["epochs"] = trainer_options_.epochs;
    fields["steps_per_epoch"] = trainer_->steps_per_epoch();
    record_->start(fields);
    notify([](RunObserver& observer) { observer.on_begin(); });
  }
  checkpoints_->save();
}

void TrainingRun::Impl::resume() {
  if (is_root()) {
    record_->resume(trainer_->epoch(), trainer_->updates(), trainer_->has_pending_report(), trainer_options_.epochs,
                    shortest_float(trainer_->learning_rate()));
    notify([](RunObserver& observer) { observer.on_resume(); });
  }
  if (branches_) checkpoints_->save();  // without it, a killed process would lose the branch
}

StopReason TrainingRun::Impl::train(Resume resume_or_begin) {
  /// Releases the directory and takes back a request to stop, however train() ends.
  struct Release {
    Impl& run;
    ~Release() {
      run.checkpoints_.reset();
      run.stop_requested_ = false;
      run.own_stop_cause_ = 0;
      if (run.own_directory_ == nullptr) return;
      run.own_directory_.reset();
      run.directory_ = nullptr;
    }
  } release{*this};
  resumed_ = resumed_ || trainer_->updates() > 0;
  check_equal();
  open_directory(resume_or_begin);
  restore_newest(resume_or_begin);
  make_records();
  const StopReason reason = begin_and_train();
  end(reason);
  // Every rank returns after the end of the last one, so that the caller's signal handlers are in place until then.
  stop_cause_ = std::ranges::max(all_gather(ranks_, own_stop_cause_));
  return reason;
}

void TrainingRun::Impl::make_records() {
  if (is_root()) {
    record_ = std::make_unique<RunRecord>(options_.directory, [this](const std::string& what) { warn(what); });
  }
  timings_ = std::make_unique<RankTimings>(ranks_, trainer_->timings(), [this](const SlowRank& slow) {
    notify([&](RunObserver& observer) { observer.on_slow_rank(slow); });
  });
  checkpoints_ = std::make_unique<CheckpointWriter>(
      *trainer_, ranks_,
      CheckpointWriterOptions{.folder = options_.directory,
                              .model_path = model_path(),
                              .write_model = write_model_,
                              .every = options_.checkpoint_every,
                              .keep = options_.keep,
                              .origin = origin_,
                              .may_change = may_change_,
                              .metadata = [this] { return metadata(); },
                              .on_written =
                                  [this](std::int64_t update, double seconds) {
                                    const std::int64_t steps = trainer_->steps_per_epoch();
                                    record_->checkpoint((update + steps - 1) / steps, update, seconds);
                                  },
                              .warn = [this](const std::string& what) { warn(what); }});
  const CheckpointInterval every = options_.checkpoint_every;
  if (every.updates == 0 || every.updates < trainer_options_.epochs * trainer_->steps_per_epoch()) {
    checkpoints_->prepare();
  }
}

/// Records the end of a run that fails, and passes its exception on.
StopReason TrainingRun::Impl::begin_and_train() {
  StopReason failure = StopReason::failed;
  std::exception_ptr thrown;
  try {
    resumed_ ? resume() : begin();
    return train_with_rollbacks();
  } catch (const Diverged&) {
    failure = StopReason::diverged;
    thrown = std::current_exception();
  } catch (...) {
    thrown = std::current_exception();
  }
  try {
    end(failure);
  } catch (...) {
    // An observer that throws here must not hide why the run failed.
  }
  std::rethrow_exception(thrown);
}

void TrainingRun::Impl::end(StopReason reason) {
  checkpoints_.reset();  // waits for a write in progress
  if (!is_root()) return;
  if (reason == StopReason::diverged) {
    record_->stop(reason, trainer_->epoch(), trainer_->updates());
  } else {
    record_->stop(reason, status_.epoch, status_.update);
  }
  notify([&](RunObserver& observer) { observer.on_end(reason); });
}

StopReason TrainingRun::Impl::train_with_rollbacks() {
  for (;;) {
    try {
      trainer_->run();
      run_collectively(ranks_, [this] { checkpoints_->finish(); });
      return trainer_->finished() ? StopReason::finished : StopReason::stopped;
    } catch (const Diverged& divergence) {
      roll_back(divergence);
    }
  }
}

void TrainingRun::Impl::roll_back(const Diverged& divergence) {
  std::optional<StoredCheckpoint> good;
  if (rollbacks_ < options_.max_rollbacks) good = checkpoints_->roll_back();
  if (!good) throw divergence;
  ++rollbacks_;
  restore_status(*good);
  trainer_->set_learning_rate(trainer_->learning_rate() / 2);
  if (is_root()) {
    const Rollback rollback = {.cause = divergence.where(),
                               .update = trainer_->updates(),
                               .learning_rate = trainer_->learning_rate(),
                               .attempt = static_cast<int>(rollbacks_)};
    record_->rollback(rollback, trainer_->epoch(), trainer_->has_pending_report());
    notify([&](RunObserver& observer) { observer.on_rollback(rollback); });
  }
  checkpoints_->save();  // so that it has the number of rollbacks and the new learning rate
}

TrainingRun::TrainingRun(std::shared_ptr<Task> task, std::shared_ptr<Optimizer> optimizer,
                         const TrainerOptions& trainer, TrainingRunOptions options, ModelWriter write_model,
                         Communicator& ranks)
    : impl_(std::make_unique<Impl>(std::move(task), std::move(optimizer), trainer, std::move(options),
                                   std::move(write_model), ranks)) {}

TrainingRun::~TrainingRun() = default;

void TrainingRun::add_observer(std::shared_ptr<RunObserver> observer) {
  impl_->observers_.push_back(std::move(observer));
}

StopReason TrainingRun::train(Resume resume) { return impl_->train(resume); }
void TrainingRun::stop() noexcept { impl_->stop_requested_ = true; }
void TrainingRun::stop_when(std::function<int()> asked) { impl_->stop_asked_ = std::move(asked); }
int TrainingRun::stop_cause() const { return impl_->stop_cause_; }

const RunStatus& TrainingRun::status() const { return impl_->status_; }
const EpochReport& TrainingRun::last_epoch() const { return impl_->last_epoch_; }
double TrainingRun::seconds() const { return impl_->seconds_; }
std::int64_t TrainingRun::rollbacks() const { return impl_->rollbacks_; }
std::string TrainingRun::directory() const { return impl_->options_.directory; }
std::string TrainingRun::model_path() const { return impl_->model_path(); }
const RunHistory& TrainingRun::history() const { return impl_->record().history(); }

void TrainingRun::log_event(std::string_view event, const std::string& fields) {
  Json all = {{"epoch", impl_->status_.epoch}, {"step", impl_->status_.update}};
  all.update(Json::parse(fields));
  impl_->record().event(event, all);
}

Trainer& TrainingRun::trainer() { return *impl_->trainer_; }
const Trainer& TrainingRun::trainer() const { return *impl_->trainer_; }

void TrainingRun::use_directory(RunDirectory& directory) { impl_->directory_ = &directory; }
void TrainingRun::restore(const StoredCheckpoint& checkpoint, OtherShards other_shards) {
  impl_->restore(checkpoint, other_shards);
}
bool TrainingRun::resumed() const { return impl_->resumed_; }
void TrainingRun::branch_here(bool reset_patience) { impl_->branch_here(reset_patience); }

}  // namespace unroll
