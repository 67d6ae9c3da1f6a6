#include "tabular/table_ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/atomic_file.h"
#include "base/check.h"
#include "io/safetensors.h"
#include "table/column_form.h"
#include "table/date_form.h"
#include "table/leaks.h"
#include "table/missing_marks.h"
#include "table/number_summary.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

using nlohmann::json;

constexpr const char* format_name = "unroll.table_model";
constexpr const char *oldest_version = "1", *newest_version = "2";
constexpr double clipped_share = 0.005;  // predictions are clipped to these quantiles of the targets

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", path, reason));
}

const std::string& metadata(const SafetensorsFile& file, const std::string& path, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    refuse(path, fmt::format("not a model of unroll table: \"{}\" is missing from its __metadata__", key));
  return found->second;
}

void check_format(const SafetensorsFile& file, const std::string& path) {
  const std::string& format = metadata(file, path, "format");
  if (format != format_name)
    refuse(path, fmt::format("its format is {}; expected \"{}\", as unroll table train writes it", in_quotes(format),
                             format_name));
  const std::string& version = metadata(file, path, "format_version");
  if (version != oldest_version && version != newest_version)
    refuse(path, fmt::format("its format_version is {}, this build reads \"{}\" and \"{}\"; use a newer unroll",
                             in_quotes(version), oldest_version, newest_version));
  if (!file.has_checksum()) refuse(path, "it has no checksum, without which damage cannot be seen; train it again");
}

/// The newest version if a reader of the oldest one, which ignores fields that it does not know, would read tables
/// otherwise or predict other numbers.
const char* version_of(const nlohmann::ordered_json& config) {
  const auto forms = config.find("forms");
  const auto is_usual = [](const auto& form) { return form == name_of(DateForm::ymd); };
  const bool other_forms = forms != config.end() && !std::ranges::all_of(*forms, is_usual);
  const auto linear = config.at("members").find(name_of(MemberKind::linear));
  const bool scaled = linear != config.at("members").end() && linear->contains("scale");
  const bool newer = other_forms || scaled || config.contains("missing_values") || config.contains("unit_line");
  return newer ? newest_version : oldest_version;
}

/// The tensors of one member, under the names that the member gave them.
template <class Element>
std::vector<Stored<Element>> tensors_of(const std::string& member, const std::vector<Stored<Element>>& all) {
  std::vector<Stored<Element>> tensors;
  for (const Stored<Element>& tensor : all) {
    if (!tensor.name.starts_with(member + '.')) continue;
    tensors.push_back(tensor);
    tensors.back().name.erase(0, member.size() + 1);
  }
  return tensors;
}

ColumnUse use_of_columns(const TableView& rows, const TableTarget& task, const EnsembleOptions& learning) {
  ColumnUse use = {.without = learning.without, .hashed = learning.hashed, .masked = {}};
  use.without.push_back(task.target);
  if (!task.id.empty()) use.without.push_back(task.id);
  if (learning.keep_leaks) return use;
  const Column* const target = &rows.table().column(task.target);
  for (const Leak& leak : find_leaks(rows, std::span(&target, 1)))
    (leak.into->kind() == ColumnKind::text ? use.masked : use.without).push_back(leak.into->name());
  return use;
}

[[noreturn]] void refuse_not_finite(const std::string& path, const std::string& name) {
  throw Error(ExitCode::diverged, fmt::format("{}: not written, because {} is not finite; the training has diverged: "
                                              "look for extreme numbers in the table",
                                              path, name));
}

/// A file with numbers that are not finite could not be read again.
void check_finite(const std::string& path, const std::string& name, const nlohmann::ordered_json& config) {
  if (config.is_number_float() && !std::isfinite(config.get<double>())) refuse_not_finite(path, name);
  if (!config.is_structured()) return;
  for (const auto& [key, value] : config.items()) check_finite(path, name + '.' + key, value);
}

void check_finite(const std::string& path, std::span<const StoredTensor> tensors) {
  for (const StoredTensor& tensor : tensors) {
    if (!std::ranges::all_of(tensor.values, [](float x) { return std::isfinite(x); }))
      refuse_not_finite(path, "tensor " + tensor.name);
  }
}

/// The inverse of tensors_of().
template <class Element>
void append_tensors(std::vector<Stored<Element>>& all, const std::string& member,
                    std::vector<Stored<Element>> tensors) {
  for (Stored<Element>& tensor : tensors) {
    tensor.name.insert(0, member + '.');
    all.push_back(std::move(tensor));
  }
}

}  // namespace

TableEnsemble TableEnsemble::fit(const TableView& rows, const TableTarget& task, const EnsembleOptions& learning) {
  UNROLL_CHECK(rows.size() > 0 && !learning.members.empty());
  const Column& target = rows.table().column(task.target);
  std::vector<double> targets = numbers_of(target, NumberPart::value, rows.rows_of(target));
  if (task.logarithm) {
    for (double& y : targets) y = std::log(y);
  }
  TableEnsemble model;
  model.task_ = task;
  const std::vector<double> ascending = sorted_numbers(targets);
  model.low_ = quantile(ascending, clipped_share);
  model.high_ = quantile(ascending, 1 - clipped_share);
  const TableSamples samples = {.rows = rows,
                                .targets = targets,
                                .use = use_of_columns(rows, task, learning),
                                .seed = learning.seed,
                                .threads = learning.threads,
                                .stop_asked = learning.stop_asked};
  for (const MemberKind kind : learning.members) {
    throw_if_stopped(learning.stop_asked);
    model.members_.push_back({name_of(kind), fit_member(kind, samples)});
  }
  model.missing_values_ = rows.table().missing_values();
  model.unit_line_ = rows.table().unit_line();
  for (const TableInput& input : model.inputs()) {
    const ColumnForm& form = rows.table().column(input.name).form();
    if (!form.name.empty()) model.forms_[input.name] = form.name;
    if (input.kind == ColumnKind::number && !form.shows_mark) model.unseen_marks_.insert(input.name);
  }
  return model;
}

std::vector<double> TableEnsemble::predict(const TableView& rows) const {
  constexpr std::size_t rows_at_once = 1024;  // limits the memory for features
  const auto count = static_cast<std::size_t>(rows.size());
  std::vector<double> predictions(count, 0.0);
  for (std::size_t begin = 0; begin < count; begin += rows_at_once) {
    const TableView some = rows.part(begin, std::min(rows_at_once, count - begin));
    for (const Named& named : members_) {
      const std::vector<double> of_member = named.member->predict(some);
      for (std::size_t i = 0; i < of_member.size(); ++i)
        predictions[begin + i] += std::clamp(of_member[i], low_, high_) / static_cast<double>(members_.size());
    }
  }
  if (task_.logarithm) {
    for (double& prediction : predictions) prediction = std::exp(prediction);
  }
  return predictions;
}

std::vector<TableInput> TableEnsemble::inputs() const {
  std::map<std::string, TableInput> inputs;
  for (const Named& named : members_) {
    for (const TableInput& input : named.member->inputs()) inputs.emplace(input.name, input);
  }
  std::vector<TableInput> result;
  result.reserve(inputs.size());
  for (auto& [name, input] : inputs) {
    const auto form = forms_.find(name);
    if (form != forms_.end()) input.form = form->second;
    input.unseen_mark = unseen_marks_.contains(name);
    result.push_back(std::move(input));
  }
  return result;
}

std::vector<std::string> TableEnsemble::missing_values() const {
  std::vector<std::string> names, found;
  for (const TableInput& input : inputs()) names.push_back(input.name);
  for (const std::string& text : missing_values_) {
    const auto column = column_of_missing_value(text, names);
    if (!column || std::ranges::find(names, *column) != names.end()) found.push_back(text);
  }
  return found;
}

nlohmann::ordered_json TableEnsemble::choices() const {
  nlohmann::ordered_json choices;
  for (const Named& named : members_) choices[named.name] = named.member->choices();
  return choices;
}

void TableEnsemble::save(const std::string& path) const {
  nlohmann::ordered_json members;
  std::vector<StoredTensor> tensors;
  std::vector<StoredBytes> bytes;
  for (const Named& named : members_) {
    members[named.name] = named.member->config();
    append_tensors(tensors, named.name, named.member->tensors());
    append_tensors(bytes, named.name, named.member->bytes());
  }
  nlohmann::ordered_json config = {
      {"target", task_.target},       {"id", task_.id}, {"logarithm", task_.logarithm}, {"low", low_}, {"high", high_},
      {"members", std::move(members)}};
  if (!forms_.empty()) config["forms"] = forms_;
  if (!unseen_marks_.empty()) config["unseen_marks"] = unseen_marks_;
  if (!missing_values_.empty()) config["missing_values"] = missing_values_;
  if (unit_line_) config["unit_line"] = true;
  check_finite(path, "config", config);
  check_finite(path, tensors);
  const std::map<std::string, std::string> metadata = {
      {"format", format_name}, {"format_version", version_of(config)}, {"config", config.dump()}};
  write_file_atomically(path, safetensors_bytes(metadata, tensors, bytes));
}

TableEnsemble TableEnsemble::load(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  check_format(file, path);
  TableEnsemble model;
  try {
    const json config = json::parse(metadata(file, path, "config"));
    config.at("target").get_to(model.task_.target);
    config.at("id").get_to(model.task_.id);
    config.at("logarithm").get_to(model.task_.logarithm);
    config.at("low").get_to(model.low_);
    config.at("high").get_to(model.high_);
    if (!(model.low_ <= model.high_)) refuse(path, "its config has a low that is above its high");
    const double largest = model.task_.logarithm ? std::exp(model.high_) : model.high_;
    if (model.low_ < -max_stored_target || largest > max_stored_target)
      refuse(path, fmt::format("its config has a low or a high that is a target beyond {}", max_stored_target));
    for (const auto& [name, member] : config.at("members").items()) {
      auto read = read_member(name, {.file = path,
                                     .config = member,
                                     .tensors = tensors_of(name, file.tensors()),
                                     .bytes = tensors_of(name, file.bytes())});
      if (read == nullptr)
        refuse(path, fmt::format("it has a member {}, which this build does not know", in_quotes(name)));
      model.members_.push_back({name, std::move(read)});
    }
    if (model.members_.empty()) refuse(path, "its config has no members");
    if (config.contains("missing_values")) config.at("missing_values").get_to(model.missing_values_);
    if (config.contains("unit_line")) config.at("unit_line").get_to(model.unit_line_);
    if (config.contains("forms")) config.at("forms").get_to(model.forms_);
    if (config.contains("unseen_marks")) config.at("unseen_marks").get_to(model.unseen_marks_);
    for (const TableInput& input : model.inputs()) {
      if (!input.form.empty() && !is_form(input.kind, input.form))
        refuse(path, fmt::format("its config has the form {} of column {}, which this build does not know",
                                 in_quotes(input.form), in_quotes(input.name)));
    }
  } catch (const json::exception&) {
    refuse(path, "its config is not what unroll table train writes; is the file damaged?");
  }
  return model;
}

}  // namespace unroll
