#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/device_memory.h"
#include "base/numerics.h"
#include "io/json_fields.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

using nlohmann::ordered_json;

constexpr const char* format_name = "unroll.checkpoint";
// Version 1 has none of the options that StateVisitor::check() compares, version 2 no losses/ of earlier updates.
constexpr const char* format_version = "3";
constexpr const char* readable_versions[] = {"1", "2", "3"};

/// False for NaN.
template <typename Number>
bool is_in_range(Number value, Number low, Number high) {
  return value >= low && value <= high;
}

template <typename Number>
std::string out_of_range_text(std::string_view name, Number value, Number low, Number high) {
  return fmt::format("its {} is {}; it must lie in [{}, {}]", name, value, low, high);
}

/// Restores the values that a Checkpoint has written.
class Restorer final : public StateVisitor {
 public:
  Restorer(const SafetensorsFile& file, const nlohmann::json& numbers, const std::string& path,
           const std::string& version, std::span<const std::string_view> changed)
      : file_(file), numbers_(numbers), path_(path), version_(version), changed_(changed) {}

  void visit(std::string_view name, std::span<float> values) override {
    if (is_new(name)) return;
    const StoredTensor* stored = file_.find(name);
    if (stored == nullptr) refuse(fmt::format("it has no {}", name));
    if (stored->values.size() != values.size()) {
      refuse(
          fmt::format("its {} has {} elements, that of this training {}", name, stored->values.size(), values.size()));
    }
    std::copy(stored->values.begin(), stored->values.end(), values.begin());
    ++visited_;
  }
  void visit(std::string_view name, std::int64_t& value, std::int64_t low, std::int64_t high) override {
    if (!is_new(name)) value = in_range(name, number<std::int64_t>(name), low, high);
  }
  void visit(std::string_view name, double& value, double low, double high) override {
    if (!is_new(name)) value = in_range(name, number<double>(name), low, high);
  }
  void check(std::string_view name, double option) override {
    if (version_ == "1") return;
    const auto saved = number<double>(name);
    if (saved == option || std::ranges::find(changed_, name) != changed_.end()) return;
    refuse(fmt::format("its {} is {}, that of this training {}", name, saved, option));
  }

  /// Refuses a file with more values than were visited, for example another optimizer's moments.
  void check_complete() const {
    if (visited_ != file_.tensors().size() + numbers_.size()) refuse("it holds more than this training has");
  }

 private:
  /// True for a value that the version of the file does not have; it keeps that of a new training.
  bool is_new(std::string_view name) const {
    return (version_ == "1" || version_ == "2") && name.starts_with(losses_prefix);
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the checkpoint of another training: {}; go on with the same model, optimizer and text",
                            path_, what));
  }

  template <typename Number>
  Number in_range(std::string_view name, Number value, Number low, Number high) const {
    if (!is_in_range(value, low, high)) {
      throw Error(ExitCode::bad_data, fmt::format("{}: {}; the checkpoint is damaged: take another one", path_,
                                                  out_of_range_text(name, value, low, high)));
    }
    return value;
  }

  template <typename Number>
  Number number(std::string_view name) {
    const auto found = numbers_.find(std::string(name));
    if (found == numbers_.end()) refuse(fmt::format("it has no {}", name));
    const bool fits = std::is_integral_v<Number> ? is_signed_integer(*found) : found->is_number();
    if (!fits) refuse(fmt::format("its {} is {}", name, json_in_message(*found)));
    ++visited_;
    return found->template get<Number>();
  }

  const SafetensorsFile& file_;
  const nlohmann::json& numbers_;
  const std::string& path_;
  const std::string& version_;
  std::span<const std::string_view> changed_;
  std::size_t visited_ = 0;
};

void expect(const StoredCheckpoint& checkpoint, const char* key, std::span<const char* const> readable) {
  const std::string& found = checkpoint.metadata(key);
  if (std::ranges::find(readable, found) != readable.end()) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: its {} is {}; this build reads \"{}\": take the unroll that wrote it", checkpoint.path(),
                          key, in_quotes(found), fmt::join(readable, "\" or \"")));
}

}  // namespace

class Checkpoint::Collector final : public StateVisitor {
 public:
  explicit Collector(Checkpoint& checkpoint) : to_(checkpoint) {}

  void visit(std::string_view name, std::span<float> values) override {
    to_.arrays_.push_back({std::string(name), values});
  }
  void visit_on_device(std::string_view name, const Context& context, std::span<float> values) override {
    if (memory_of(context.device()).is_open_to_host()) return visit(name, values);
    visit(name, to_.downloads_.emplace_back(to_host(context, {values.data(), {std::ssize(values)}})));
  }
  void visit(std::string_view name, std::int64_t& value, std::int64_t low, std::int64_t high) override {
    store(name, value, low, high);
  }
  void visit(std::string_view name, double& value, double low, double high) override { store(name, value, low, high); }
  void check(std::string_view name, double option) override { to_.numbers_[std::string(name)] = option; }

 private:
  /// A number that restoring would refuse is not saved.
  template <typename Number>
  void store(std::string_view name, Number value, Number low, Number high) {
    if (!is_in_range(value, low, high)) {
      throw Error(fmt::format("no checkpoint can be saved: {}", out_of_range_text(name, value, low, high)));
    }
    to_.numbers_[std::string(name)] = value;
  }

  Checkpoint& to_;
};

void Checkpoint::collect(Trainer& trainer) {
  arrays_.clear();
  downloads_.clear();
  numbers_ = ordered_json::object();
  Collector collector(*this);
  trainer.visit_state(collector);
  best_parameters_ = trainer.best_parameters();
}

Checkpoint Checkpoint::view_of(Trainer& trainer) {
  Checkpoint checkpoint;
  checkpoint.collect(trainer);
  return checkpoint;
}

void Checkpoint::copy(Trainer& trainer) {
  collect(trainer);
  std::size_t size = 0;
  for (const Array& array : arrays_) size += array.values.size();
  const float* const best = best_parameters_.data();
  const bool is_visited = std::ranges::any_of(arrays_, [&](const Array& array) { return array.values.data() == best; });
  copies_.resize(size + (is_visited ? 0 : best_parameters_.size()));
  float* next = copies_.data();
  for (Array& array : arrays_) {
    // The parameters are contiguous, and so are their copies: the first one's address is that of the block.
    if (array.values.data() == best) best_parameters_ = {next, best_parameters_.size()};
    float* const copy = next;
    next = std::copy(array.values.begin(), array.values.end(), next);
    array.values = {copy, array.values.size()};
  }
  if (is_visited) return;
  std::ranges::copy(best_parameters_, next);
  best_parameters_ = {next, best_parameters_.size()};
}

void Checkpoint::write(const std::string& path, const std::map<std::string, std::string>& metadata,
                       FileSystem& files) const {
  std::map<std::string, std::string> entries = {{"format", format_name},
                                                {"format_version", format_version},
                                                {"numbers", numbers_.dump()},
                                                {"numerics", std::to_string(numerics)},
                                                {"numerics_class", numerics_class()}};
  entries.insert(metadata.begin(), metadata.end());
  std::vector<StoredTensor> tensors;
  for (const Array& array : arrays_) {
    tensors.push_back({array.name, {static_cast<std::int64_t>(array.values.size())}, array.values});
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  write_safetensors(
      path, entries, tensors,
      [&](const WritePiece& write) {
        for (const StoredTensor& tensor : tensors) {
          write({reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes()});
        }
      },
      files);
}

StoredCheckpoint StoredCheckpoint::read(const std::string& path) {
  StoredCheckpoint checkpoint(path, SafetensorsFile::read(path));
  expect(checkpoint, "format", std::span(&format_name, 1));
  expect(checkpoint, "format_version", readable_versions);
  if (!checkpoint.file_.has_checksum()) {
    throw Error(ExitCode::bad_data, fmt::format("{}: it has no checksum, and may be damaged", path));
  }
  constexpr std::size_t max_numbers = 1 << 24;  // bytes; a task may have many numbers
  checkpoint.numbers_ = parse_json_object(checkpoint.metadata("numbers"), max_numbers, 1, path + ": numbers");
  return checkpoint;
}

const std::string& StoredCheckpoint::metadata(const std::string& key) const {
  const auto found = file_.metadata().find(key);
  if (found != file_.metadata().end()) return found->second;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: not a checkpoint of unroll: \"{}\" is missing from its __metadata__", path_, key));
}

bool StoredCheckpoint::has(const std::string& key) const { return file_.metadata().contains(key); }

void StoredCheckpoint::require_same_numerics() const {
  const auto refuse = [&](const std::string& theirs, const std::string& ours, const std::string& remedy) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: was written with numerics {}, here they are {}, and results differ in their last bits: "
                    "resume {}, or start a new run from the model",
                    path_, in_quotes(theirs), in_quotes(ours), remedy));
  };
  constexpr const char* of_first_version = "1";  // which recorded none
  const std::string number = has("numerics") ? metadata("numerics") : of_first_version;
  if (number != std::to_string(numerics)) refuse(number, std::to_string(numerics), "with a program of those numerics");
  const std::string theirs = metadata("numerics_class"), ours = numerics_class();
  if (theirs != ours) refuse(theirs, ours, theirs == "fma" ? "on a processor with AVX2" : "with UNROLL_SIMD=" + theirs);
}

void StoredCheckpoint::restore(Trainer& trainer, std::span<const std::string_view> changed) const {
  require_same_numerics();
  Restorer state(file_, numbers_, path_, metadata("format_version"), changed);
  trainer.visit_state(state);
  state.check_complete();
  trainer.after_restore();
}

}  // namespace unroll
