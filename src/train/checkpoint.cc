#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "io/in_quotes.h"
#include "io/safetensors.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using nlohmann::ordered_json;

constexpr const char* format_name = "unroll.checkpoint";
constexpr const char* format_version = "1";

/// Keeps the numbers, and where the arrays are.
class Collector final : public StateVisitor {
 public:
  void visit(std::string_view name, std::span<float> values) override {
    arrays_.push_back({std::string(name), {static_cast<std::int64_t>(values.size())}, values});
  }
  void visit(std::string_view name, std::int64_t& value) override { numbers_[std::string(name)] = value; }
  void visit(std::string_view name, double& value) override { numbers_[std::string(name)] = value; }

  std::vector<StoredTensor> arrays_by_name() {
    std::sort(arrays_.begin(), arrays_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return arrays_;
  }
  const ordered_json& numbers() const { return numbers_; }

 private:
  std::vector<StoredTensor> arrays_;
  ordered_json numbers_ = ordered_json::object();
};

/// Puts back what a Collector has found.
class Restorer final : public StateVisitor {
 public:
  Restorer(const SafetensorsFile& file, const ordered_json& numbers, const std::string& path)
      : file_(file), numbers_(numbers), path_(path) {}

  void visit(std::string_view name, std::span<float> values) override {
    const StoredTensor* stored = file_.find(name);
    if (stored == nullptr) refuse(fmt::format("it has no {}", name));
    if (stored->values.size() != values.size()) {
      refuse(
          fmt::format("its {} has {} elements, that of this training {}", name, stored->values.size(), values.size()));
    }
    std::copy(stored->values.begin(), stored->values.end(), values.begin());
    ++visited_;
  }
  void visit(std::string_view name, std::int64_t& value) override { value = number<std::int64_t>(name); }
  void visit(std::string_view name, double& value) override { value = number<double>(name); }

  /// Refuses a file with more than was asked for: another optimizer's moments, say.
  void check_complete() const {
    if (visited_ != file_.tensors().size() + numbers_.size()) refuse("it holds more than this training has");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the checkpoint of another training: {}; go on with the same model, optimizer and text",
                            path_, what));
  }

  template <typename Number>
  Number number(std::string_view name) {
    const auto found = numbers_.find(std::string(name));
    if (found == numbers_.end()) refuse(fmt::format("it has no {}", name));
    if (!found->is_number() || (std::is_integral_v<Number> && !found->is_number_integer())) {
      refuse(fmt::format("its {} is {}", name, found->dump()));
    }
    ++visited_;
    return found->template get<Number>();
  }

  const SafetensorsFile& file_;
  const ordered_json& numbers_;
  const std::string& path_;
  std::size_t visited_ = 0;
};

const std::string& metadata(const SafetensorsFile& file, const std::string& path, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found != file.metadata().end()) return found->second;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: not a checkpoint of unroll: \"{}\" is missing from its __metadata__", path, key));
}

ordered_json numbers_of(const SafetensorsFile& file, const std::string& path) {
  const auto expect = [&](const char* key, const char* value) {
    const std::string& found = metadata(file, path, key);
    if (found == value) return;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: its {} is {}; this build reads \"{}\": take the unroll that wrote it", path, key,
                            in_quotes(found), value));
  };
  expect("format", format_name);
  expect("format_version", format_version);
  if (!file.has_checksum()) {
    throw Error(ExitCode::bad_data, fmt::format("{}: it has no checksum, and may be damaged", path));
  }
  ordered_json numbers = ordered_json::parse(metadata(file, path, "numbers"), nullptr, false);
  if (numbers.is_object()) return numbers;
  throw Error(ExitCode::bad_data, fmt::format("{}: the \"numbers\" of its __metadata__ are no JSON object", path));
}

}  // namespace

void write_checkpoint(Trainer& trainer, const std::string& path, FileSystem& files) {
  Collector state;
  trainer.visit_state(state);
  const std::vector<StoredTensor> arrays = state.arrays_by_name();
  write_safetensors(
      path, {{"format", format_name}, {"format_version", format_version}, {"numbers", state.numbers().dump()}}, arrays,
      [&](const WritePiece& write) {
        for (const StoredTensor& array : arrays) {
          write({reinterpret_cast<const char*>(array.values.data()), array.values.size_bytes()});
        }
      },
      files);
}

void read_checkpoint(Trainer& trainer, const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const ordered_json numbers = numbers_of(file, path);
  Restorer state(file, numbers, path);
  trainer.visit_state(state);
  state.check_complete();
}

}  // namespace unroll
