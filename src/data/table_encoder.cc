#include "data/table_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/in_quotes.h"
#include "unroll/error.h"

namespace unroll {

TableEncoder TableEncoder::fit(const Table& table, Rows rows, const std::vector<std::string>& without,
                               const FeatureScales& scales) {
  TableEncoder encoder;
  encoder.scales_ = scales;
  for (const Column& column : table.columns()) {
    if (std::ranges::find(without, column.name()) != without.end()) continue;
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
        break;
      case ColumnKind::list:
        add(TokenFeatures::fit(column, rows));
        break;
      case ColumnKind::text:
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

std::vector<double> TableEncoder::encode(const Table& table, Rows rows) const {
  for (const Input& input : inputs_) {
    const Column* column = table.find(input.name);
    if (column == nullptr)
      throw Error(ExitCode::bad_data, fmt::format("{}: has no column {}, of which the model has learned; add it",
                                                  table.name(), in_quotes(input.name)));
    if (column->kind() != input.kind)
      throw Error(ExitCode::bad_data, fmt::format("{}: column {} is of another kind than when the model learned of it",
                                                  table.name(), in_quotes(input.name)));
  }
  const std::int64_t stride = width();
  std::vector<double> features(rows.size() * static_cast<std::size_t>(stride));
  std::int64_t place = 0;
  for (const Group& group : groups_) {
    std::visit(
        [&](const auto& g) {
          g.encode(*table.find(g.column), rows, scales_, features.data() + place, stride);
          place += g.width();
        },
        group);
  }
  return features;
}

}  // namespace unroll
