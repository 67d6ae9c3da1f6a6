#include "run/checkpoint_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "base/device_memory.h"
#include "base/fingerprint.h"
#include "nn/parameter_memory.h"
#include "run/checkpoint_files.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

CheckpointWriter::CheckpointWriter(Trainer& trainer, Communicator& ranks, CheckpointWriterOptions options)
    : trainer_(trainer), ranks_(ranks), options_(std::move(options)) {}

CheckpointWriter::~CheckpointWriter() {
  if (writing_.valid()) writing_.wait();
}

/// True for a rollback target: the origin, and later multiples of an interval in updates, so that the target is the
/// same whether or not the run was interrupted. With an interval in seconds every later checkpoint is one.
bool CheckpointWriter::is_regular(std::int64_t update) const {
  if (update <= options_.origin) return update == options_.origin;
  return options_.every.updates == 0 || update % options_.every.updates == 0;
}

bool CheckpointWriter::due(std::int64_t update) const {
  if (options_.every.updates > 0) return update % options_.every.updates == 0;
  return all_reduce_or(ranks_, is_root() && monotonic_seconds() - last_ >= options_.every.seconds);
}

void CheckpointWriter::prepare() {
  trainer_.gather_state();
  if (is_root()) copy_.copy(trainer_);
}

/// Throws Error if the ranks' parameters differ: a checkpoint of rank 0 alone would hide that.
void CheckpointWriter::verify_replicas() {
  trainer_.check_parameters();
  const Parameters& parameters = trainer_.parameters();
  const HostView view(parameters.context(), values_on_device(parameters));
  const std::span<const float> values = view.span();
  const std::uint64_t fingerprint =
      ranks_.size() == 1 ? 0 : fingerprint_of({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  const std::vector<std::uint64_t> all = all_gather(ranks_, fingerprint);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(ExitCode::internal,
                fmt::format("after update {} the parameters of rank {} ({}) are not those of rank 0 ({}): the hosts "
                            "compute differently; go on from the last checkpoint with hosts of one kind",
                            trainer_.updates(), rank, hex(all[rank]), hex(all[0])));
  }
  trainer_.gather_state();
}

void CheckpointWriter::step_done() {
  using namespace std::chrono_literals;
  if (writing_.valid() && writing_.wait_for(0s) == std::future_status::ready) collect();
  if (due(trainer_.updates())) start();
}

void CheckpointWriter::start() {
  verify_replicas();
  collect();
  update_ = trainer_.updates();
  last_ = monotonic_seconds();
  if (!is_root()) return;
  try {
    copy_.copy(trainer_);
    writing_ = std::async(std::launch::async, [this, update = update_, metadata = options_.metadata()] {
      return write(copy_, update, metadata);
    });
  } catch (const std::bad_alloc&) {
    record(update_, {.problem = "no memory for a checkpoint"});
  } catch (const std::system_error&) {
    record(update_, {.problem = "no thread to write a checkpoint"});
  }
}

CheckpointWriter::Written CheckpointWriter::write_now() {
  verify_replicas();
  collect();
  last_ = monotonic_seconds();
  if (!is_root()) return {};
  return write(Checkpoint::view_of(trainer_), trainer_.updates(), options_.metadata());
}

void CheckpointWriter::save() { record(trainer_.updates(), write_now()); }

void CheckpointWriter::finish() {
  const Written written = write_now();
  if (!written.problem.empty()) throw Error(ExitCode::io, written.problem);
  record(trainer_.updates(), written);
}

/// Writes the model even if the checkpoint failed: it is smaller and may still fit on the disk.
CheckpointWriter::Written CheckpointWriter::write(const Checkpoint& checkpoint, std::int64_t update,
                                                  const std::map<std::string, std::string>& metadata) const {
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
  attempt([&] { checkpoint.write(checkpoint_path(options_.folder, update), metadata); });
  if (update > 0) attempt([&] { options_.write_model(options_.model_path, checkpoint.best_parameters()); });
  if (written.problem.empty()) remove_old();
  written.seconds = monotonic_seconds() - began;
  return written;
}

/// Removes all checkpoints but the newest ones and the rollback target.
void CheckpointWriter::remove_old() const {
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

void CheckpointWriter::collect() {
  if (writing_.valid()) record(update_, writing_.get());
}

void CheckpointWriter::record(std::int64_t update, const Written& written) {
  const bool first_problem = problem_.empty();
  problem_ = written.problem;
  if (problem_.empty()) {
    good_ = update;
    if (is_root()) options_.on_written(update, written.seconds);
  } else if (first_problem) {
    const std::string last = good_ ? fmt::format("the last good checkpoint is that of update {}", with_commas(*good_))
                                   : std::string("there is no checkpoint yet");
    options_.warn(fmt::format("{}; training goes on, and {}", problem_, last));
  }
}

std::optional<StoredCheckpoint> CheckpointWriter::roll_back() {
  collect();
  std::optional<StoredCheckpoint> stored;
  if (is_root()) stored = restore_newest();
  const std::int64_t update = all_gather(ranks_, stored ? trainer_.updates() : std::int64_t{-1}).front();
  if (is_root() || update < 0) return stored;
  stored = StoredCheckpoint::read(checkpoint_path(options_.folder, update));
  stored->restore(trainer_, options_.may_change);
  return stored;
}

std::optional<StoredCheckpoint> CheckpointWriter::restore_newest() {
  std::vector<CheckpointFile> files = checkpoints_in(options_.folder);
  for (; !files.empty(); files.pop_back()) {
    const CheckpointFile& file = files.back();
    if (!is_regular(file.update)) continue;
    try {
      StoredCheckpoint stored = StoredCheckpoint::read(file.path);
      remove_checkpoints_after(options_.folder, file.update);
      stored.restore(trainer_, options_.may_change);
      return stored;
    } catch (const Error& error) {
      options_.warn(error.what());
    }
  }
  return std::nullopt;
}

}  // namespace unroll
