#include "tabular/table_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tabular/boosted_trees.h"
#include "tabular/linear_member.h"
#include "tabular/mlp_member.h"
#include "tabular/textbook_member.h"
#include "tabular/trees_member.h"
#include "unroll/error.h"

namespace unroll {
namespace {

struct Kind {
  MemberKind kind;
  const char* name;
  std::unique_ptr<TableMember> (*fit)(const TableSamples&);
  std::unique_ptr<TableMember> (*read)(const StoredMember&);
  void (*require)() = nullptr;
};

constexpr Kind kinds[] = {{MemberKind::linear, "linear", LinearMember::fit, LinearMember::read},
                          {MemberKind::mlp, "mlp", MlpMember::fit, MlpMember::read},
                          {MemberKind::trees, "trees", TreesMember::fit, TreesMember::read, require_boosted_trees},
                          {MemberKind::textbook, "textbook", TextbookMember::fit, TextbookMember::read}};

const Kind& entry_of(MemberKind kind) { return *std::ranges::find(kinds, kind, &Kind::kind); }

}  // namespace

std::span<const float> StoredMember::tensor(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const auto found = std::ranges::find(tensors, name, &StoredTensor::name);
  if (found == tensors.end() || found->shape != shape)
    throw Error(ExitCode::bad_data,
                fmt::format("{}: float32 tensor {} of [{}] is missing", file, name, fmt::join(shape, ", ")));
  if (!std::ranges::all_of(found->values, [](float x) { return std::isfinite(x); }))
    throw Error(ExitCode::bad_data, fmt::format("{}: tensor {} has numbers that are not finite", file, name));
  return found->values;
}

std::span<const std::uint8_t> StoredMember::bytes_of(const std::string& name) const {
  const auto found = std::ranges::find(bytes, name, &StoredBytes::name);
  if (found == bytes.end())
    throw Error(ExitCode::bad_data, fmt::format("{}: tensor {} of bytes is missing", file, name));
  return found->values;
}

std::int64_t StoredMember::count(const char* name) const {
  const nlohmann::json& number = config.at(name);
  require(number.is_number_integer() && number.get<std::int64_t>() >= 0,
          fmt::format("{} is not a whole number from 0 on", name));
  return number;
}

double StoredMember::of_targets(const char* name) const {
  const double number = config.at(name);
  require(std::abs(number) <= max_stored_target, fmt::format("{} is beyond {}", name, max_stored_target));
  return number;
}

double StoredMember::scale_of_targets(const char* name) const {
  const double number = of_targets(name);
  require(number > 0, fmt::format("{} is not above 0", name));
  return number;
}

void StoredMember::require(bool condition, const std::string& what) const {
  if (!condition) throw Error(ExitCode::bad_data, fmt::format("{}: its config cannot be used: {}", file, what));
}

const char* name_of(MemberKind kind) { return entry_of(kind).name; }

void require_member(MemberKind kind) {
  if (entry_of(kind).require != nullptr) entry_of(kind).require();
}

std::unique_ptr<TableMember> fit_member(MemberKind kind, const TableSamples& samples) {
  return entry_of(kind).fit(samples);
}

std::unique_ptr<TableMember> read_member(const std::string& name, const StoredMember& stored) {
  const auto* const found =
      std::ranges::find(kinds, name, [](const Kind& kind) { return std::string_view(kind.name); });
  return found == std::end(kinds) ? nullptr : found->read(stored);
}

}  // namespace unroll
