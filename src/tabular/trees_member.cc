#include "tabular/trees_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "table/number_summary.h"
#include "unroll/context.h"
#include "unroll/table.h"

namespace unroll {
namespace {

constexpr std::size_t run_count = 3;
constexpr std::int64_t tree_folds = 5;
constexpr double more_rounds = 1.1;  // times the best rounds on an inner split, which has fewer rows

/// The results body(run) of all runs, computed in parallel.
template <class Body>
auto map_runs(Context& context, const Body& body) {
  using Result = decltype(body(std::size_t{0}));
  std::vector<std::optional<Result>> results(run_count);
  parallel_for_each(context, run_count, [&](std::int64_t i) {
    const auto run = static_cast<std::size_t>(i);
    results[run].emplace(body(run));
  });
  std::vector<Result> all;
  all.reserve(run_count);
  for (std::optional<Result>& result : results) all.push_back(*std::move(result));
  return all;
}

std::uint32_t seed_of(std::size_t run, std::uint64_t seed) { return Random(seed, RandomStream::trees).bits(run); }

std::vector<float> as_floats(std::span<const double> numbers) { return {numbers.begin(), numbers.end()}; }

SparseSamples training_samples(const TreeEncoder& encoder, const TableSamples& samples) {
  return {.rows = encoder.encode_training(samples.rows, samples.targets, samples.seed),
          .targets = as_floats(samples.targets)};
}

/// The encoder, too, is fitted to the split's training rows only.
std::int64_t best_rounds(const TableSamples& samples, const Fold& split, std::uint32_t seed) {
  const Table& table = samples.rows.table();
  const std::vector<std::int64_t> training_rows = take(samples.rows.rows(), split.training);
  const std::vector<std::int64_t> validation_rows = take(samples.rows.rows(), split.validation);
  const std::vector<double> training_targets = take(samples.targets, split.training);
  const std::vector<double> validation_targets = take(samples.targets, split.validation);
  TableSamples training = samples;
  training.rows = {table, training_rows};
  training.targets = training_targets;
  const TreeEncoder encoder = TreeEncoder::fit(training.rows, training.targets, training.use);
  if (encoder.width() == 0) return 0;
  return BoostedTrees::best_rounds(
      training_samples(encoder, training),
      {.rows = encoder.encode({table, validation_rows}), .targets = as_floats(validation_targets)}, seed,
      samples.stop_asked);
}

std::int64_t rounds_for(const TableSamples& samples, Context& context) {
  const std::int64_t count = samples.rows.size();
  if (count < 2) return 0;
  const std::vector<Fold> splits = shuffled_folds(count, static_cast<int>(std::min(tree_folds, count)), samples.seed);
  const std::vector<std::int64_t> best = map_runs(context, [&](std::size_t run) {
    return best_rounds(samples, splits[run % splits.size()], seed_of(run, samples.seed));
  });
  const auto sum = static_cast<double>(std::accumulate(best.begin(), best.end(), std::int64_t{0}));
  return std::llround(more_rounds * sum / run_count);
}

/// The mean absolute value; 1 if all numbers are 0.
double mean_size_of(std::span<const double> numbers) {
  const auto add = [](double sum, double x) { return sum + std::abs(x); };
  const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0, add);
  return sum > 0 ? sum / static_cast<double>(numbers.size()) : 1;
}

std::string tensor_name(std::size_t run) { return fmt::format("booster.{}", run); }

}  // namespace

std::unique_ptr<TableMember> TreesMember::fit(const TableSamples& samples) {
  auto member = std::make_unique<TreesMember>();
  std::vector<double> targets(samples.targets.begin(), samples.targets.end());
  member->mean_ = mean_of(targets);
  for (double& target : targets) target -= member->mean_;
  member->scale_ = mean_size_of(targets);
  for (double& target : targets) target /= member->scale_;
  TableSamples scaled = samples;
  scaled.targets = targets;

  Context context({.threads = samples.threads});
  member->encoder_ = TreeEncoder::fit(scaled.rows, targets, scaled.use);
  member->rounds_ = member->encoder_.width() > 0 ? rounds_for(scaled, context) : 0;
  if (member->rounds_ == 0) return member;
  const SparseSamples all = training_samples(member->encoder_, scaled);
  member->runs_ = map_runs(context, [&](std::size_t run) {
    return BoostedTrees::fit(all, member->rounds_, seed_of(run, scaled.seed), scaled.stop_asked);
  });
  return member;
}

std::vector<double> TreesMember::predict(const TableView& rows) const {
  const SparseRows features = encoder_.encode(rows);
  std::vector<double> predictions(static_cast<std::size_t>(rows.size()), mean_);
  for (const BoostedTrees& run : runs_) {
    const std::vector<float> of_run = run.predict(features);
    for (std::size_t i = 0; i < predictions.size(); ++i)
      predictions[i] += scale_ * of_run[i] / static_cast<double>(runs_.size());
  }
  return predictions;
}

nlohmann::ordered_json TreesMember::choices() const { return {{"features", encoder_.width()}, {"rounds", rounds_}}; }

nlohmann::ordered_json TreesMember::config() const {
  return {
      {"rounds", rounds_}, {"runs", runs_.size()}, {"mean", mean_}, {"scale", scale_}, {"encoder", encoder_.to_json()}};
}

std::vector<StoredBytes> TreesMember::bytes() const {
  std::vector<StoredBytes> bytes;
  for (std::size_t run = 0; run < runs_.size(); ++run)
    bytes.push_back(
        {.name = tensor_name(run), .shape = {std::ssize(runs_[run].bytes())}, .values = runs_[run].bytes()});
  return bytes;
}

std::unique_ptr<TableMember> TreesMember::read(const StoredMember& stored) {
  auto member = std::make_unique<TreesMember>();
  member->rounds_ = stored.count("rounds");
  member->mean_ = stored.of_targets("mean");
  member->scale_ = stored.scale_of_targets("scale");
  member->encoder_ = TreeEncoder::from_json(stored.config.at("encoder"), stored.file);
  const auto runs = static_cast<std::size_t>(stored.count("runs"));
  stored.require((runs > 0) == (member->rounds_ > 0), "only one of runs and rounds is 0");
  stored.require(runs >= stored.bytes.size(), "runs is less than there are");
  for (std::size_t run = 0; run < runs; ++run) {
    const std::span<const std::uint8_t> bytes = stored.bytes_of(tensor_name(run));
    member->runs_.push_back(
        BoostedTrees::from_bytes({bytes.begin(), bytes.end()}, member->encoder_.width(), stored.file));
  }
  return member;
}

}  // namespace unroll
