#include "tabular/table_encoder.h"

#include <utility>

namespace unroll {

TableEncoder TableEncoder::fit(const TableView& view, std::span<const double> targets, const ColumnUse& use,
                               const FeatureScales& scales) {
  TableEncoder encoder;
  encoder.scales_ = scales;
  for (const Column& column : view.table().columns()) {
    if (use.excludes(column)) continue;
    const Rows rows = view.rows_of(column);
    const std::size_t before = encoder.groups_.size();
    const auto add = [&](auto group) {
      if (group) encoder.groups_.push_back(*std::move(group));
    };
    switch (column.kind()) {
      case ColumnKind::number:
      case ColumnKind::date:
        for (const NumberPart part : parts_of(column, rows)) {
          add(NumberFeatures::fit(column, part, rows));
          add(PeriodicFeatures::fit(column, part));
        }
        break;
      case ColumnKind::category: {
        std::optional<MeanFeature> mean = MeanFeature::fit(column, rows, targets);
        // One feature for each of many levels that hardly differ is mostly noise: with three uninformative columns of
        // 210 levels, the errors of lasso and nets were 4 and 8 % larger.
        if (!mean || levels_differ(column, rows, targets)) add(LevelFeatures::fit(column, rows));
        add(std::move(mean));
        break;
      }
      case ColumnKind::list:
        add(TokenFeatures::fit(column, rows));
        break;
      case ColumnKind::text:
        add(TextFeatures::fit(column, use));
        break;
    }
    if (encoder.groups_.size() > before) encoder.inputs_.push_back({column.name(), column.kind()});
  }
  return encoder;
}

std::int64_t TableEncoder::width() const {
  std::int64_t width = 0;
  for (const Group& group : groups_) width += std::visit([](const auto& g) { return g.width(); }, group);
  return width;
}

std::vector<double> TableEncoder::encode(const TableView& rows) const {
  for (const TableInput& input : inputs_) column_for(input, rows.table());
  const std::int64_t stride = width();
  std::vector<double> features(static_cast<std::size_t>(rows.size() * stride));
  std::int64_t place = 0;
  for (const Group& group : groups_) {
    std::visit(
        [&](const auto& g) {
          const Column& column = rows.table().column(g.column);
          g.encode(column, rows.rows_of(column), scales_, features.data() + place, stride);
          place += g.width();
        },
        group);
  }
  return features;
}

std::vector<double> TableEncoder::encode_training(const TableView& rows, std::span<const double> targets,
                                                  std::uint64_t seed) const {
  std::vector<double> features = encode(rows);
  const auto stride = static_cast<std::size_t>(width());
  std::size_t place = 0;
  for (const Group& group : groups_) {
    if (const auto* feature = std::get_if<MeanFeature>(&group)) {
      const Column& column = rows.table().column(feature->column);
      double* to = features.data() + place;
      for (const double mean : TargetMeans::out_of_fold(column, rows.rows_of(column), targets, seed)) {
        *to = feature->standardised(mean, scales_);
        to += stride;
      }
    }
    place += static_cast<std::size_t>(std::visit([](const auto& g) { return g.width(); }, group));
  }
  return features;
}

}  // namespace unroll
