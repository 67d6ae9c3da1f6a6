#include "cli/saver.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fingerprint.h"
#include "cli/checkpoint_files.h"
#include "cli/format.h"
#include "unroll/error.h"

namespace unroll::cli {

Saver::Saver(const LanguageModel& model, Trainer& trainer, Communicator& ranks, SaverOptions options)
    : model_(model), trainer_(trainer), ranks_(ranks), options_(std::move(options)) {}

Saver::~Saver() {
  if (writing_.valid()) writing_.wait();
}

/// Where a training that diverges can return to. With updates these are places that depend on nothing else, whether the
/// training was stopped in between or not.
bool Saver::is_regular(std::int64_t update) const {
  if (update <= options_.origin) return update == options_.origin;
  return options_.every.updates == 0 || update % options_.every.updates == 0;
}

bool Saver::due(std::int64_t update) const {
  if (options_.every.updates > 0) return update % options_.every.updates == 0;
  return any_of(ranks_, leads() && monotonic_seconds() - last_ >= options_.every.seconds);
}

void Saver::prepare() {
  trainer_.gather_state();
  if (leads()) copy_.copy(trainer_);
}

/// Whatever made replicas differ, a checkpoint of one of them would hide it.
void Saver::get_ready() {
  trainer_.check_parameters();
  const std::span<const float> values = model_.parameters().values();
  const std::uint64_t fingerprint =
      ranks_.size() == 1 ? 0 : fingerprint_of({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  const std::vector<std::uint64_t> all = all_of(ranks_, fingerprint);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(ExitCode::internal,
                fmt::format("after update {} the parameters of rank {} ({}) are not those of rank 0 ({}): the hosts "
                            "compute differently; go on from the last checkpoint with hosts of one kind",
                            trainer_.updates(), rank, hex(all[rank]), hex(all[0])));
  }
  trainer_.gather_state();
}

void Saver::step_done() {
  using namespace std::chrono_literals;
  if (writing_.valid() && writing_.wait_for(0s) == std::future_status::ready) collect();
  if (due(trainer_.updates())) start();
}

void Saver::start() {
  get_ready();
  collect();
  update_ = trainer_.updates();
  last_ = monotonic_seconds();
  if (!leads()) return;
  try {
    copy_.copy(trainer_);
    writing_ = std::async(std::launch::async,
                          [this, update = update_, about = options_.about()] { return write(copy_, update, about); });
  } catch (const std::bad_alloc&) {
    note(update_, {.problem = "no memory for a checkpoint"});
  } catch (const std::system_error&) {
    note(update_, {.problem = "no thread to write a checkpoint"});
  }
}

Saver::Written Saver::write_now() {
  get_ready();
  collect();
  last_ = monotonic_seconds();
  if (!leads()) return {};
  return write(Checkpoint::view_of(trainer_), trainer_.updates(), options_.about());
}

void Saver::save() { note(trainer_.updates(), write_now()); }

void Saver::finish() {
  const Written written = write_now();
  if (!written.problem.empty()) throw Error(ExitCode::io, written.problem);
  note(trainer_.updates(), written);
}

/// The model is smaller than a checkpoint and may find room where that does not.
Saver::Written Saver::write(const Checkpoint& checkpoint, std::int64_t update,
                            const std::map<std::string, std::string>& about) const {
  const double began = monotonic_seconds();
  Written written;
  const auto attempt = [&](const auto& save) {
    try {
      save();
    } catch (const Error& error) {
      if (written.problem.empty()) written.problem = error.what();
    } catch (const std::bad_alloc&) {
      written.problem = "out of memory while a checkpoint was written";
    }
  };
  attempt([&] { checkpoint.write(checkpoint_path(options_.folder, update), about); });
  if (update > 0) attempt([&] { model_.save(options_.model_path, checkpoint.outcome()); });
  if (written.problem.empty()) remove_old();
  written.seconds = monotonic_seconds() - began;
  return written;
}

/// All but the newest ones and the one to return to.
void Saver::remove_old() const {
  std::vector<CheckpointFile> files = checkpoints_in(options_.folder);
  const auto regular = std::find_if(files.rbegin(), files.rend(),
                                    [this](const CheckpointFile& file) { return is_regular(file.update); });
  const std::int64_t return_to = regular == files.rend() ? -1 : regular->update;
  const auto kept = static_cast<std::size_t>(options_.keep);
  for (std::size_t i = 0; i + kept < files.size(); ++i) {
    std::error_code ignored;
    if (files[i].update != return_to) std::filesystem::remove(files[i].path, ignored);
  }
}

void Saver::collect() {
  if (writing_.valid()) note(update_, writing_.get());
}

void Saver::note(std::int64_t update, const Written& written) {
  const bool first_problem = problem_.empty();
  problem_ = written.problem;
  if (problem_.empty()) {
    good_ = update;
    if (leads()) options_.on_written(update, written.seconds);
  } else if (first_problem) {
    const std::string last = good_ ? fmt::format("the last good checkpoint is that of update {}", with_commas(*good_))
                                   : std::string("there is no checkpoint yet");
    say(fmt::format("warning   {}; training goes on, and {}", one_line(problem_), last));
  }
}

std::optional<StoredCheckpoint> Saver::roll_back() {
  collect();
  std::optional<StoredCheckpoint> stored;
  if (leads()) stored = restore_newest();
  const std::int64_t update = all_of(ranks_, stored ? trainer_.updates() : std::int64_t{-1}).front();
  if (leads() || update < 0) return stored;
  stored = StoredCheckpoint::read(checkpoint_path(options_.folder, update));
  stored->restore(trainer_);
  return stored;
}

std::optional<StoredCheckpoint> Saver::restore_newest() {
  std::vector<CheckpointFile> files = checkpoints_in(options_.folder);
  for (; !files.empty(); files.pop_back()) {
    const CheckpointFile& file = files.back();
    if (!is_regular(file.update)) continue;
    try {
      StoredCheckpoint stored = StoredCheckpoint::read(file.path);
      remove_checkpoints_after(options_.folder, file.update);
      stored.restore(trainer_);
      return stored;
    } catch (const Error& error) {
      say(fmt::format("warning   {}", one_line(error.what())));
    }
  }
  return std::nullopt;
}

}  // namespace unroll::cli
