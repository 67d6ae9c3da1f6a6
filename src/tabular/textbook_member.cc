#include "tabular/textbook_member.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>

#include "table/number_summary.h"
#include "tabular/regression_task.h"
#include "tabular/table_json.h"
#include "unroll/layers.h"
#include "unroll/optimizers.h"

namespace unroll {
namespace {

constexpr std::int64_t epochs = 100, textbook_batch = 64;
constexpr double learning_rate = 5;

bool is_encoded(ColumnKind kind) {
  return kind == ColumnKind::number || kind == ColumnKind::date || kind == ColumnKind::category;
}

}  // namespace

std::unique_ptr<TableMember> TextbookMember::fit(const TableSamples& samples) {
  auto member = std::make_unique<TextbookMember>();
  for (const Column& column : samples.rows.table().columns()) {
    if (!is_encoded(column.kind()) || samples.use.excludes(column)) continue;
    Scale scale;
    std::vector<double> numbers;
    std::set<std::string> levels;
    for (const std::int64_t row : samples.rows.rows_of(column)) {
      const auto place = static_cast<std::size_t>(row);
      if (column.kind() != ColumnKind::category) {
        if (!std::isnan(column.numbers()[place])) numbers.push_back(column.numbers()[place]);
      } else if (!column.is_missing(row)) {
        levels.emplace(column.levels()[column.codes()[place]]);
      }
    }
    scale.levels.assign(levels.begin(), levels.end());
    if (!numbers.empty()) {
      scale.mean = mean_of(numbers);
      const double deviation = standard_deviation(numbers, scale.mean);
      if (!std::isfinite(deviation)) {  // overflow: scale all but absurd numbers to 0
        scale.mean = 0;
        scale.deviation = std::numeric_limits<double>::max();
      } else if (deviation > 0) {
        scale.deviation = deviation;
      }
    }
    member->inputs_.push_back({column.name(), column.kind()});
    member->scales_.push_back(std::move(scale));
  }

  Examples examples{.features = member->encode(samples.rows), .width = 0, .targets = {}};
  for (std::size_t i = 0; i < member->inputs_.size(); ++i) examples.width += member->features_of(i);
  for (const double target : samples.targets) examples.targets.push_back(static_cast<float>(target));
  Context context({.seed = samples.seed, .threads = 1});
  Parameters parameters(context);
  const Uniform init = uniform_for_fan(static_cast<int>(std::max<std::int64_t>(examples.width, 1)));
  const Linear net(parameters, "linear", static_cast<int>(examples.width), 1, init, init);
  RegressionTask task(
      parameters, [&](const Var& x, const Random* /*no dropout*/) { return net(x); }, examples,
      all_rows(samples.rows.size()), {}, textbook_batch);
  Adam adam(parameters, {.learning_rate = learning_rate});
  Trainer trainer(task, adam, {.epochs = epochs});
  trainer.on_step([&](const StepReport&) { throw_if_stopped(samples.stop_asked); });
  trainer.run();
  const std::span<const float> weights = net.weight.value().span();
  member->weights_.assign(weights.begin(), weights.end());
  member->bias_ = net.bias.value()[0];
  return member;
}

std::int64_t TextbookMember::features_of(std::size_t input) const {
  return inputs_[input].kind == ColumnKind::category ? static_cast<std::int64_t>(scales_[input].levels.size()) + 1 : 1;
}

std::vector<float> TextbookMember::encode(const TableView& rows) const {
  std::int64_t width = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) width += features_of(i);
  std::vector<float> features(static_cast<std::size_t>(rows.size() * width), 0.0f);
  float* first = features.data();
  for (std::size_t i = 0; i < inputs_.size(); first += features_of(i++)) {
    const Column& column = column_for(inputs_[i], rows.table());
    const Scale& scale = scales_[i];
    float* to = first;
    for (const std::int64_t row : rows.rows_of(column)) {
      const auto place = static_cast<std::size_t>(row);
      if (column.kind() != ColumnKind::category) {
        const double number = column.numbers()[place];
        constexpr double largest = 1e30;  // so that it is finite as a float
        const double scaled = (number - scale.mean) / scale.deviation;
        if (!std::isnan(number)) *to = static_cast<float>(std::clamp(scaled, -largest, largest));
      } else if (column.is_missing(row)) {
        to[scale.levels.size()] = 1;
      } else {
        const std::string_view level = column.levels()[column.codes()[place]];
        const auto found = std::ranges::lower_bound(scale.levels, level);
        if (found != scale.levels.end() && *found == level) to[found - scale.levels.begin()] = 1;
      }
      to += width;
    }
  }
  return features;
}

std::vector<double> TextbookMember::predict(const TableView& rows) const {
  const std::vector<float> features = encode(rows);
  std::vector<double> predictions;
  auto feature = features.begin();
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    predictions.push_back(std::inner_product(weights_.begin(), weights_.end(), feature, static_cast<double>(bias_)));
    feature += static_cast<std::ptrdiff_t>(weights_.size());
  }
  return predictions;
}

nlohmann::ordered_json TextbookMember::config() const {
  nlohmann::ordered_json columns = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    columns.push_back({{"name", inputs_[i].name},
                       {"kind", inputs_[i].kind},
                       {"mean", scales_[i].mean},
                       {"deviation", scales_[i].deviation},
                       {"levels", scales_[i].levels}});
  }
  return {{"bias", bias_}, {"columns", std::move(columns)}};
}

std::vector<StoredTensor> TextbookMember::tensors() const {
  return {{.name = "weight", .shape = {static_cast<std::int64_t>(weights_.size())}, .values = weights_}};
}

std::unique_ptr<TableMember> TextbookMember::read(const StoredMember& stored) {
  auto member = std::make_unique<TextbookMember>();
  const double bias = stored.config.at("bias");
  stored.require(std::abs(bias) <= std::numeric_limits<float>::max(), "the bias is beyond the range of floats");
  member->bias_ = static_cast<float>(bias);
  std::int64_t width = 0;
  for (const nlohmann::json& column : stored.config.at("columns")) {
    member->inputs_.push_back({column.at("name"), column.at("kind")});
    member->scales_.push_back(
        {.mean = column.at("mean"), .deviation = column.at("deviation"), .levels = column.at("levels")});
    const Scale& scale = member->scales_.back();
    stored.require(is_encoded(member->inputs_.back().kind), "a column is none of number, date and category");
    stored.require(scale.deviation > 0, "a deviation is not above 0");
    stored.require(std::ranges::adjacent_find(scale.levels, std::greater_equal<>()) == scale.levels.end(),
                   "levels do not ascend");
    width += member->features_of(member->inputs_.size() - 1);
  }
  const std::span<const float> weights = stored.tensor("weight", {width});
  member->weights_.assign(weights.begin(), weights.end());
  return member;
}

}  // namespace unroll
