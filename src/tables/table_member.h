#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/table_encoder.h"
#include "io/safetensors.h"

namespace unroll {

enum class MemberKind { linear, mlp, trees, textbook };

/// What a member learns from, and all that it learns from.
struct TableSamples {
  TableView rows;                   ///< at least one
  std::span<const double> targets;  ///< of each row, finite
  ColumnUse use;
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: what the machine allows
};

/// A member of a model as it stands in the model's file.
struct StoredMember {
  std::string file;  ///< in messages
  const nlohmann::json& config;
  std::vector<StoredTensor> tensors;
  std::vector<StoredBytes> bytes;

  /// Throws Error(bad_data) unless there is such a tensor of this shape with finite elements.
  std::span<const float> tensor(const std::string& name, const std::vector<std::int64_t>& shape) const;
  /// Throws Error(bad_data) unless there are such bytes.
  std::span<const std::uint8_t> bytes_of(const std::string& name) const;
};

/// Something that has learned to predict a number from a row of a table. A TableModel has one of these or several.
class TableMember {
 public:
  virtual ~TableMember() = default;
  /// Columns that a table must have, as these kinds.
  virtual std::span<const TableInput> inputs() const = 0;
  /// One number for each row. Throws Error(bad_data) where an input is not there.
  virtual std::vector<double> predict(const TableView& rows) const = 0;
  /// What was chosen while it learned, for reports.
  virtual nlohmann::ordered_json choices() const = 0;
  /// With tensors() and bytes() all that read() needs; the numbers of choices() too.
  virtual nlohmann::ordered_json config() const = 0;
  virtual std::vector<StoredTensor> tensors() const = 0;
  virtual std::vector<StoredBytes> bytes() const { return {}; }
};

/// "linear", for example.
const char* name_of(MemberKind kind);
/// Throws Error where this build or this machine lacks a library that the kind needs.
void require_member(MemberKind kind);
/// Learns; the same samples give the same bits on any number of threads.
std::unique_ptr<TableMember> fit_member(MemberKind kind, const TableSamples& samples);
/// Null for a name that no kind has. Throws Error(bad_data) and nlohmann::json::exception for what config() and
/// tensors() do not give.
std::unique_ptr<TableMember> read_member(const std::string& name, const StoredMember& stored);

}  // namespace unroll
