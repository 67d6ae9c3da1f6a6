#include "data/table_encoder.h"

#include <utility>

namespace unroll {

TableEncoder TableEncoder::fit(const TableView& view, std::span<const double> targets, const ColumnUse& use,
                               const FeatureScales& scales) {
  TableEncoder encoder;
  encoder.scales_ = scales;
  for (const Column& column : view.table().columns()) {
    if (use.leaves_out(column)) continue;
    const Rows rows = view.rows_of(column);
    const std::size_t before = encoder.groups_.size();
    const auto add = [&](auto group) {
      if (group) encoder.groups_.push_back(*std::move(group));
    };
    switch (column.kind()) {
      case ColumnKind::number:
        add(NumberFeatures::fit(column, NumberPart::value, rows));
        add(NumberFeatures::fit(column, NumberPart::items, rows));
        break;
      case ColumnKind::date:
        for (const NumberPart part : {NumberPart::value, NumberPart::month, NumberPart::year})
          add(NumberFeatures::fit(column, part, rows));
        break;
      case ColumnKind::category:
        add(LevelFeatures::fit(column, rows));
        add(MeanFeature::fit(column, rows, targets));
        break;
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

}  // namespace unroll
