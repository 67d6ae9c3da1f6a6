#include "tabular/linear_member.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unroll {

namespace {

/// Weights are proportional to the targets, which may be 1e100.
double scale_for_floats(std::span<const double> weights) {
  constexpr double small = 1e-30, large = 1e30;  // floats in between, and their sums, have their full precision
  double largest = 0;
  for (const double weight : weights) largest = std::max(largest, std::abs(weight));
  return largest == 0 || (largest >= small && largest <= large) ? 1 : std::exp2(std::ilogb(largest));
}

}  // namespace

std::unique_ptr<TableMember> LinearMember::fit(const TableSamples& samples) {
  auto member = std::make_unique<LinearMember>();
  member->encoder_ = TableEncoder::fit(samples.rows, samples.targets, samples.use);
  const std::vector<double> features = member->encoder_.encode_training(samples.rows, samples.targets, samples.seed);
  const LassoFit fit =
      fit_lasso({.features = features, .width = member->encoder_.width(), .targets = samples.targets}, samples.seed);
  member->scale_ = scale_for_floats(fit.function.weights);
  for (const double weight : fit.function.weights)
    member->weights_.push_back(static_cast<float>(weight / member->scale_));
  member->intercept_ = fit.function.intercept;
  member->penalty_ = fit.penalty;
  member->left_out_ = fit.left_out;
  return member;
}

std::vector<double> LinearMember::predict(const TableView& rows) const {
  const std::vector<double> features = encoder_.encode(rows);
  std::vector<double> predictions;
  predictions.reserve(static_cast<std::size_t>(rows.size()));
  auto feature = features.begin();
  for (std::int64_t row = 0; row < rows.size(); ++row) {
    predictions.push_back(scale_ * std::inner_product(weights_.begin(), weights_.end(), feature, intercept_ / scale_));
    feature += encoder_.width();
  }
  return predictions;
}

nlohmann::ordered_json LinearMember::choices() const {
  return {{"features", encoder_.width()}, {"penalty", penalty_}, {"left_out", left_out_}};
}

nlohmann::ordered_json LinearMember::config() const {
  nlohmann::ordered_json config = {
      {"penalty", penalty_}, {"left_out", left_out_}, {"intercept", intercept_}, {"encoder", encoder_.to_json()}};
  if (scale_ != 1) config["scale"] = scale_;
  return config;
}

std::vector<StoredTensor> LinearMember::tensors() const {
  return {{.name = "weight", .shape = {static_cast<std::int64_t>(weights_.size())}, .values = weights_}};
}

std::unique_ptr<TableMember> LinearMember::read(const StoredMember& stored) {
  auto member = std::make_unique<LinearMember>();
  stored.config.at("penalty").get_to(member->penalty_);
  member->left_out_ = stored.count("left_out");
  member->intercept_ = stored.of_targets("intercept");
  if (stored.config.contains("scale")) member->scale_ = stored.scale_of_targets("scale");
  member->encoder_ = TableEncoder::from_json(stored.config.at("encoder"), stored.file);
  const std::span<const float> weights = stored.tensor("weight", {member->encoder_.width()});
  member->weights_.assign(weights.begin(), weights.end());
  return member;
}

}  // namespace unroll
