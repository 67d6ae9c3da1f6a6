#include "model/table_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "data/number_summary.h"
#include "io/in_quotes.h"
#include "io/safetensors.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using nlohmann::json;

constexpr const char* format_name = "unroll.table_model";
constexpr const char* format_version = "1";
constexpr const char* weights_name = "linear.weight";
constexpr double tail = 0.005;  // share of the targets on each side beyond which nothing is predicted

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
  if (version != format_version)
    refuse(path, fmt::format("its format_version is {}, this build reads \"{}\"; use a newer unroll",
                             in_quotes(version), format_version));
  if (!file.has_checksum()) refuse(path, "it has no checksum, without which damage cannot be seen; train it again");
}

}  // namespace

TableModel TableModel::fit(const Table& table, Rows rows, const TableTask& task, std::vector<std::string> without,
                           std::uint64_t seed) {
  UNROLL_CHECK(!rows.empty());
  without.push_back(task.target);
  if (!task.id.empty()) without.push_back(task.id);
  TableModel model;
  model.task_ = task;
  model.encoder_ = TableEncoder::fit(table, rows, without);
  std::vector<double> targets = numbers_of(table.column(task.target), NumberPart::value, rows);
  if (task.logarithm) {
    for (double& target : targets) target = std::log(target);
  }
  const std::vector<double> features = model.encoder_.encode(table, rows);
  LassoFit fit = fit_lasso({.features = features, .width = model.encoder_.width(), .targets = targets}, seed);
  for (double& weight : fit.function.weights) weight = static_cast<float>(weight);
  model.function_ = std::move(fit.function);
  model.penalty_ = fit.penalty;
  model.left_out_ = fit.left_out;
  const std::vector<double> ascending = sorted_numbers(targets);
  model.low_ = quantile(ascending, tail);
  model.high_ = quantile(ascending, 1 - tail);
  return model;
}

std::vector<double> TableModel::predict(const Table& table, Rows rows) const {
  constexpr std::size_t rows_at_once = 1024;
  const auto width = static_cast<std::size_t>(encoder_.width());
  std::vector<double> predictions;
  predictions.reserve(rows.size());
  for (std::size_t begin = 0; begin < rows.size(); begin += rows_at_once) {
    const Rows some = rows.subspan(begin, std::min(rows_at_once, rows.size() - begin));
    const std::vector<double> features = encoder_.encode(table, some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const double value = std::clamp(function_(std::span(features).subspan(i * width, width)), low_, high_);
      predictions.push_back(task_.logarithm ? std::exp(value) : value);
    }
  }
  return predictions;
}

void TableModel::save(const std::string& path) const {
  const std::vector<float> weights(function_.weights.begin(), function_.weights.end());
  const nlohmann::ordered_json config = {
      {"target", task_.target}, {"id", task_.id},        {"logarithm", task_.logarithm},     {"model", "linear"},
      {"penalty", penalty_},    {"left_out", left_out_}, {"intercept", function_.intercept}, {"low", low_},
      {"high", high_}};
  const std::map<std::string, std::string> about = {{"format", format_name},
                                                    {"format_version", format_version},
                                                    {"config", config.dump()},
                                                    {"encoder", encoder_.to_json().dump()}};
  const StoredTensor outline = {
      .name = weights_name, .shape = {static_cast<std::int64_t>(weights.size())}, .values = {}};
  write_safetensors(path, about, std::span(&outline, 1), [&](const WritePiece& write) {
    write({reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float)});
  });
}

TableModel TableModel::load(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  check_format(file, path);
  TableModel model;
  try {
    const json config = json::parse(metadata(file, path, "config"));
    config.at("target").get_to(model.task_.target);
    config.at("id").get_to(model.task_.id);
    config.at("logarithm").get_to(model.task_.logarithm);
    if (const std::string kind = config.at("model"); kind != "linear")
      refuse(path, fmt::format("its model is {}; this build reads \"linear\"", in_quotes(kind)));
    config.at("penalty").get_to(model.penalty_);
    config.at("left_out").get_to(model.left_out_);
    config.at("intercept").get_to(model.function_.intercept);
    config.at("low").get_to(model.low_);
    config.at("high").get_to(model.high_);
    if (!(model.low_ <= model.high_)) refuse(path, "its config has a low that is above its high");
    model.encoder_ = TableEncoder::from_json(json::parse(metadata(file, path, "encoder")), path);
  } catch (const json::exception&) {
    refuse(path, "its config or encoder is not what unroll table train writes; is the file damaged?");
  }
  const StoredTensor* weights = file.find(weights_name);
  if (weights == nullptr || weights->shape != std::vector{model.encoder_.width()})
    refuse(path, fmt::format("float32 tensor {} of [{}] is missing", weights_name, model.encoder_.width()));
  if (!std::ranges::all_of(weights->values, [](float weight) { return std::isfinite(weight); }))
    refuse(path, fmt::format("tensor {} has numbers that are not finite", weights_name));
  model.function_.weights.assign(weights->values.begin(), weights->values.end());
  return model;
}

}  // namespace unroll
