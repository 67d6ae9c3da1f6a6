#include <utf8.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/safetensors.h"
#include "memory_file.h"
#include "refuses.h"
#include "run/run_numbers.h"
#include "train/checkpoint.h"
#include "unroll/context.h"
#include "unroll/optimizers.h"
#include "unroll/trainer.h"

using namespace unroll;

namespace {

using nlohmann::ordered_json;

constexpr std::int64_t epochs = 3, steps_per_epoch = 4, written_after = 6;

/// Minimises x^2 / 2 in every parameter.
class Quadratic final : public Task {
 public:
  explicit Quadratic(Context& context) : parameters_(context) { parameters_.add("x", {3}, Uniform{1, 2}); }
  Parameters& parameters() override { return parameters_; }
  std::int64_t batches_per_epoch() const override { return steps_per_epoch; }
  void begin_epoch(std::int64_t epoch) override { UNROLL_CHECK(epoch >= 1 && epoch <= epochs); }
  LossSum forward_backward(std::int64_t batch, Shard) override {
    UNROLL_CHECK(batch >= 0 && batch < steps_per_epoch);
    const std::span<const float> x = parameters_.values();
    for (std::size_t i = 0; i < x.size(); ++i) parameters_.gradients()[i] += x[i];
    return loss();
  }
  bool has_validation() const override { return true; }
  LossSum validation_loss(Shard) override { return loss(); }
  void visit_state(StateVisitor&) override {}

 private:
  LossSum loss() const {
    double sum = 0;
    for (const float x : parameters_.values()) sum += 0.5 * static_cast<double>(x) * static_cast<double>(x);
    return {.sum = sum, .count = 1};
  }

  Parameters parameters_;
};

struct Training {
  Context context{{.threads = 1, .device = DeviceKind::reference}};
  Quadratic task{context};
  Adam optimizer{task.parameters()};
  Trainer trainer{task,
                  optimizer,
                  {.epochs = epochs, .schedule = {.kind = ScheduleKind::plateau}, .validate_every = 3, .patience = 5}};
};

struct Stored {
  std::map<std::string, std::string> metadata;
  std::vector<StoredTensor> tensors;  // refer to `file`
  std::optional<SafetensorsFile> file;
};

const Stored& stored() {
  static const Stored stored = [] {
    Training training;
    training.trainer.on_step([&](const StepReport& step) {
      if (step.update == written_after) training.trainer.stop();
    });
    training.trainer.run();
    const std::string path = std::filesystem::temp_directory_path() / ("fuzz-checkpoint-" + std::to_string(::getpid()));
    training.trainer.save_checkpoint(path);
    Stored result;
    result.file = SafetensorsFile::read(path);
    std::filesystem::remove(path);
    result.metadata = result.file->metadata();
    result.metadata["run"] =
        R"({"seconds":1.5,"epoch":1,"loss":0.5,"gradient_norm":1,"learning_rate":0.001,"rollbacks":0,"origin":0})";
    result.tensors.assign(result.file->tensors().begin(), result.file->tensors().end());
    return result;
  }();
  return stored;
}

/// Replaces some numbers: for each a byte that chooses it, one that chooses the type, and the value.
std::string edited(const std::string& json, std::string_view edits) {
  ordered_json numbers = ordered_json::parse(json);
  for (; edits.size() >= 10; edits.remove_prefix(10)) {
    auto number = numbers.begin();
    std::advance(number, static_cast<std::size_t>(static_cast<unsigned char>(edits[0])) % numbers.size());
    std::int64_t integer = 0;
    double real = 0;
    std::memcpy(&integer, edits.data() + 2, sizeof integer);
    std::memcpy(&real, edits.data() + 2, sizeof real);
    switch (static_cast<unsigned char>(edits[1]) % 4) {
      case 0:
        *number = integer;
        break;
      case 1:
        *number = real;
        break;
      case 2:
        *number = integer % 16;
        break;
      default:
        *number = static_cast<std::uint64_t>(integer);
    }
  }
  return numbers.dump();
}

}  // namespace

/// A checkpoint with the right checksum and any numbers is refused, or training ends within the steps that are left
/// and can save a checkpoint.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::map<std::string, std::string> metadata = stored().metadata;
  std::string& numbers = metadata.at("numbers");
  std::string& run = metadata.at("run");
  const bool whole = data[0] % 4 < 2;
  if (whole && !utf8::is_valid(input.begin(), input.end())) return 0;  // the container is of UTF-8
  if (data[0] % 4 == 0) numbers = input;
  if (data[0] % 4 == 1) run = input;
  if (data[0] % 4 == 2) numbers = edited(numbers, input);
  if (data[0] % 4 == 3) run = edited(run, input);
  static const MemoryFile file;
  file.write(safetensors_bytes(metadata, stored().tensors));

  Training training;
  Trainer& trainer = training.trainer;
  const bool refused = refuses([&] {
    const StoredCheckpoint checkpoint = StoredCheckpoint::read(file.path());
    checkpoint.restore(trainer);
    run_numbers_of(checkpoint, trainer);
  });
  if (refused) return 0;
  std::int64_t steps = 0;
  trainer.on_step([&](const StepReport&) { UNROLL_CHECK(++steps <= epochs * steps_per_epoch); });
  try {
    trainer.run();
    UNROLL_CHECK(trainer.finished());
    Checkpoint::view_of(trainer);
  } catch (const Diverged&) {
    // The state may be one that no training reaches.
  }
  return 0;
}
