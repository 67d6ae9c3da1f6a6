#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "tabular/stop_asked.h"
#include "tabular/table_encoder.h"
#include "unroll/table_model.h"

namespace unroll {

/// The training data of a member. A member must use no other rows.
struct TableSamples {
  TableView rows;                   ///< at least one
  std::span<const double> targets;  ///< one for each row, finite
  ColumnUse use;
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: as many as the machine allows
  StopAsked stop_asked = {};
};

/// Targets are at most 1e100, so no number in their unit in a model's file is beyond this.
constexpr double max_stored_target = 1e120;

/// A member of a model as stored in the model's file.
struct StoredMember {
  std::string file;  ///< its name in messages
  const nlohmann::json& config;
  std::vector<StoredTensor> tensors;
  std::vector<StoredBytes> bytes;

  /// The tensor of this name. Throws Error(bad_data) if it is missing, has another shape or elements that are not
  /// finite.
  std::span<const float> tensor(const std::string& name, const std::vector<std::int64_t>& shape) const;
  /// The bytes of this name. Throws Error(bad_data) if they are missing.
  std::span<const std::uint8_t> bytes_of(const std::string& name) const;
  /// The whole number of this name in the config, at least 0. Throws Error(bad_data) for any other.
  std::int64_t count(const char* name) const;
  /// The number of this name in the config, in the unit of the targets. Throws Error(bad_data) if it is beyond
  /// max_stored_target.
  double of_targets(const char* name) const;
  /// The same, and it must be above 0.
  double scale_of_targets(const char* name) const;
  /// Throws Error(bad_data), which says what is wrong, unless the condition holds.
  void require(bool condition, const std::string& what) const;
};

/// A trained regressor: predicts a number from a row of a table. A TableEnsemble has one or more members.
class TableMember {
 public:
  virtual ~TableMember() = default;
  /// Columns, with their kinds, that a table must have.
  virtual std::span<const TableInput> inputs() const = 0;
  /// One prediction for each row. Throws Error(bad_data) if an input is missing.
  virtual std::vector<double> predict(const TableView& rows) const = 0;
  /// The settings chosen during training, for reports.
  virtual nlohmann::ordered_json choices() const = 0;
  /// All that read() needs in addition to tensors() and bytes(); includes the numbers of choices().
  virtual nlohmann::ordered_json config() const = 0;
  virtual std::vector<StoredTensor> tensors() const = 0;
  virtual std::vector<StoredBytes> bytes() const { return {}; }
};

/// The name of the kind, such as "linear".
const char* name_of(MemberKind kind);
/// Throws Error if this build or this machine lacks a library that the kind needs.
void require_member(MemberKind kind);
/// Trains a member; the same samples give the same bits on any number of threads. Throws TrainingStopped, after the
/// current step of a net or tree, if `samples.stop_asked` returns true; a lasso is finished first.
std::unique_ptr<TableMember> fit_member(MemberKind kind, const TableSamples& samples);
/// Restores a member; null if no kind has this name. Throws Error(bad_data) and nlohmann::json::exception if `stored`
/// is not what config(), tensors() and bytes() return.
std::unique_ptr<TableMember> read_member(const std::string& name, const StoredMember& stored);

}  // namespace unroll
