#include "tabular/mlp_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/parallel.h"
#include "table/number_summary.h"
#include "tabular/lasso.h"
#include "tabular/regression_task.h"
#include "tabular/table_net.h"
#include "unroll/optimizers.h"
#include "unroll/table.h"

namespace unroll {
namespace {

constexpr int nets = 4;
constexpr std::int64_t batch = 128;
constexpr std::int64_t max_epochs = 40;
constexpr std::int64_t warmup_part = 10;  // warm-up lasts 1 / warmup_part of the updates
constexpr AdamWOptions adam = {.learning_rate = 2e-3, .weight_decay = 0.1};

// Pilot nets find the number of epochs: each is validated on another of `pilot_parts` parts of the rows.
constexpr int pilot_nets = 2, pilot_parts = 8;
constexpr std::int64_t patience = 10;
constexpr std::int64_t min_rows_for_pilot_nets = 160;

std::vector<std::int64_t> extents_of(const Shape& shape) {
  std::vector<std::int64_t> extents(static_cast<std::size_t>(shape.rank()));
  for (int d = 0; d < shape.rank(); ++d) extents[static_cast<std::size_t>(d)] = shape[d];
  return extents;
}

/// The seed of net `number`.
std::uint64_t seed_of(std::uint64_t seed, std::int64_t number) {
  return Random(seed, RandomStream::init).bits(static_cast<std::uint64_t>(2 * number)) +
         (std::uint64_t{Random(seed, RandomStream::init).bits(static_cast<std::uint64_t>(2 * number + 1))} << 32);
}

}  // namespace

/// One net. Nets are small, so each is trained by one thread, several at once.
struct MlpMember::Net {
  Net(std::uint64_t seed, std::int64_t features)
      : context({.seed = seed, .threads = 1}), parameters(context), net(parameters, static_cast<int>(features)) {}

  RegressionTask::Net function() const {
    return [this](const Var& x, const Random* training_dropout) { return net(x, training_dropout); };
  }
  /// Trains for `epochs` of the schedule's max_epochs; stops early if there are validation rows. Returns the best
  /// epoch, or `epochs` without validation rows.
  std::int64_t train(const Examples& examples, Fold rows, std::int64_t epochs, const StopAsked& stop_asked) {
    const bool validating = !rows.validation.empty();
    RegressionTask task(parameters, function(), examples, std::move(rows.training), std::move(rows.validation), batch);
    AdamW optimizer(parameters, adam);
    Trainer trainer(
        task, optimizer,
        {.epochs = max_epochs,
         .schedule = {.kind = ScheduleKind::cosine, .warmup = max_epochs * task.batches_per_epoch() / warmup_part},
         .patience = validating ? patience : 0});
    trainer.on_epoch([&](const EpochReport& report) {
      if (report.epoch == epochs) trainer.stop();
    });
    trainer.on_step([&](const StepReport&) { throw_if_stopped(stop_asked); });
    trainer.run();
    return validating ? trainer.best()->epoch : epochs;
  }

  Context context;
  Parameters parameters;
  TableNet net;
};

std::unique_ptr<TableMember> MlpMember::fit(const TableSamples& samples) {
  auto member = std::make_unique<MlpMember>();
  member->encoder_ = TableEncoder::fit(samples.rows, samples.targets, samples.use);
  const std::int64_t width = member->encoder_.width(), rows = samples.rows.size();
  const auto count = static_cast<double>(rows);
  member->mean_ = mean_of(samples.targets);
  if (width == 0) return member;

  Examples examples;
  std::vector<std::int64_t> kept;
  {
    const std::vector<double> features = member->encoder_.encode_training(samples.rows, samples.targets, samples.seed);
    kept = rows_without_outliers({.features = features, .width = width, .targets = samples.targets});
    std::vector<double> sums(static_cast<std::size_t>(width), 0.0);
    for (std::size_t i = 0; i < features.size(); ++i) sums[i % sums.size()] += features[i];
    for (const double sum : sums) member->centre_.push_back(static_cast<float>(sum / count));
    examples = {.features = member->centred(features), .width = width, .targets = {}};
  }
  member->left_out_ = rows - static_cast<std::int64_t>(kept.size());
  const double deviation = standard_deviation(samples.targets, member->mean_);
  if (deviation > 0) member->deviation_ = deviation;
  for (const double y : samples.targets)
    examples.targets.push_back(static_cast<float>((y - member->mean_) / member->deviation_));

  Context context({.threads = samples.threads});
  member->epochs_ = max_epochs;
  if (rows >= min_rows_for_pilot_nets) {
    const std::vector<Fold> folds = shuffled_folds(static_cast<std::int64_t>(kept.size()), pilot_parts, samples.seed);
    std::int64_t best[pilot_nets];
    parallel_for_each(context, pilot_nets, [&](std::int64_t i) {
      const Fold& fold = folds[static_cast<std::size_t>(i)];
      best[i] = Net(seed_of(samples.seed, nets + i), width)
                    .train(examples, {take(kept, fold.training), take(kept, fold.validation)}, max_epochs,
                           samples.stop_asked);
    });
    member->epochs_ = (std::accumulate(best, best + pilot_nets, std::int64_t{0}) + pilot_nets - 1) / pilot_nets;
  }
  member->nets_.resize(nets);
  parallel_for_each(context, nets, [&](std::int64_t i) {
    auto net = std::make_shared<Net>(seed_of(samples.seed, i), width);
    net->train(examples, {kept, {}}, member->epochs_, samples.stop_asked);
    member->nets_[static_cast<std::size_t>(i)] = std::move(net);
  });
  return member;
}

std::vector<float> MlpMember::centred(std::span<const double> features) const {
  std::vector<float> result(features.size());
  for (std::size_t i = 0; i < features.size(); ++i)
    result[i] = static_cast<float>(features[i]) - centre_[i % centre_.size()];
  return result;
}

std::vector<double> MlpMember::predict(const TableView& rows) const {
  std::vector<double> predictions(static_cast<std::size_t>(rows.size()), 0.0);
  const std::vector<float> features = centred(encoder_.encode(rows));
  for (const auto& net : nets_) {
    const std::vector<float> outputs = outputs_of(net->function(), net->context, features, encoder_.width());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      predictions[i] += static_cast<double>(outputs[i]) / static_cast<double>(nets_.size());
  }
  for (double& prediction : predictions) prediction = mean_ + deviation_ * prediction;
  return predictions;
}

nlohmann::ordered_json MlpMember::choices() const {
  return {{"features", encoder_.width()}, {"epochs", epochs_}, {"left_out", left_out_}};
}

nlohmann::ordered_json MlpMember::config() const {
  return {{"nets", nets_.size()}, {"epochs", epochs_},       {"left_out", left_out_},
          {"mean", mean_},        {"deviation", deviation_}, {"encoder", encoder_.to_json()}};
}

std::vector<StoredTensor> MlpMember::tensors() const {
  if (nets_.empty()) return {};
  std::vector<StoredTensor> tensors = {
      {.name = "centre", .shape = {static_cast<std::int64_t>(centre_.size())}, .values = centre_}};
  for (std::size_t i = 0; i < nets_.size(); ++i) {
    for (const Parameters::Entry& entry : nets_[i]->parameters.entries()) {
      const ConstView value = entry.var.value();
      StoredTensor& tensor = tensors.emplace_back();
      tensor.name = fmt::format("net{}.{}", i, entry.name);
      tensor.shape = extents_of(value.shape);
      tensor.values = value.span();
    }
  }
  return tensors;
}

std::unique_ptr<TableMember> MlpMember::read(const StoredMember& stored) {
  auto member = std::make_unique<MlpMember>();
  member->epochs_ = stored.count("epochs");
  member->left_out_ = stored.count("left_out");
  member->mean_ = stored.of_targets("mean");
  member->deviation_ = stored.scale_of_targets("deviation");
  member->encoder_ = TableEncoder::from_json(stored.config.at("encoder"), stored.file);
  const std::int64_t width = member->encoder_.width();
  const std::int64_t count = stored.count("nets");
  stored.require((count > 0) == (width > 0), "there are nets without features, or features without nets");
  if (count == 0) return member;
  const std::span<const float> centre = stored.tensor("centre", {width});
  member->centre_.assign(centre.begin(), centre.end());
  std::size_t used = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    auto net = std::make_shared<Net>(0, width);
    for (const Parameters::Entry& entry : net->parameters.entries()) {
      const std::span<const float> values =
          stored.tensor(fmt::format("net{}.{}", i, entry.name), extents_of(entry.var.shape()));
      std::ranges::copy(values, net->parameters.values().begin() + entry.offset);
      ++used;
    }
    net->parameters.updated();
    member->nets_.push_back(std::move(net));
  }
  stored.require(used == stored.tensors.size(), "nets is less than there are");
  return member;
}

}  // namespace unroll
