#include "tabular/linear_member.h"

#include <numeric>

namespace unroll {

std::unique_ptr<TableMember> LinearMember::fit(const TableSamples& samples) {
  auto member = std::make_unique<LinearMember>();
  member->encoder_ = TableEncoder::fit(samples.rows, samples.targets, samples.use);
  const std::vector<double> features = member->encoder_.encode_training(samples.rows, samples.targets, samples.seed);
  const LassoFit fit =
      fit_lasso({.features = features, .width = member->encoder_.width(), .targets = samples.targets}, samples.seed);
  member->weights_.assign(fit.function.weights.begin(), fit.function.weights.end());
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
    predictions.push_back(std::inner_product(weights_.begin(), weights_.end(), feature, intercept_));
    feature += encoder_.width();
  }
  return predictions;
}

nlohmann::ordered_json LinearMember::choices() const {
  return {{"features", encoder_.width()}, {"penalty", penalty_}, {"left_out", left_out_}};
}

nlohmann::ordered_json LinearMember::config() const {
  return {{"penalty", penalty_}, {"left_out", left_out_}, {"intercept", intercept_}, {"encoder", encoder_.to_json()}};
}

std::vector<StoredTensor> LinearMember::tensors() const {
  return {{.name = "weight", .shape = {static_cast<std::int64_t>(weights_.size())}, .values = weights_}};
}

std::unique_ptr<TableMember> LinearMember::read(const StoredMember& stored) {
  auto member = std::make_unique<LinearMember>();
  stored.config.at("penalty").get_to(member->penalty_);
  stored.config.at("left_out").get_to(member->left_out_);
  stored.config.at("intercept").get_to(member->intercept_);
  member->encoder_ = TableEncoder::from_json(stored.config.at("encoder"), stored.file);
  const std::span<const float> weights = stored.tensor("weight", {member->encoder_.width()});
  member->weights_.assign(weights.begin(), weights.end());
  return member;
}

}  // namespace unroll
