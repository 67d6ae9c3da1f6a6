#include "tabular/tree_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace unroll {
namespace {

constexpr double largest = 1e30;  // so that it is finite as a float

bool is_constant(std::span<const double> numbers) {
  const bool none = std::isnan(numbers.front());
  return std::ranges::all_of(numbers, [&](double x) { return none ? std::isnan(x) : x == numbers.front(); });
}

/// True if the levels are so numerous that a typical level has too few rows for its mean to be independent of a single
/// row.
bool has_many_levels(const TargetMeans& means, Rows rows) {
  constexpr std::int64_t few_rows = 50;
  return few_rows * std::ssize(means.levels) > std::ssize(rows);
}

}  // namespace

TreeEncoder TreeEncoder::fit(const TableView& view, std::span<const double> targets, const ColumnUse& use) {
  TreeEncoder encoder;
  for (const Column& column : view.table().columns()) {
    if (use.excludes(column)) continue;
    const Rows rows = view.rows_of(column);
    for (const NumberPart part : parts_of(column, rows)) {
      if (!is_constant(numbers_of(column, part, rows)))
        encoder.numbers_.push_back({column.name(), column.kind(), part});
    }
    if (column.kind() == ColumnKind::category) {
      if (auto means = TargetMeans::fit(column, rows, targets)) encoder.means_.push_back(*std::move(means));
    } else if (column.kind() == ColumnKind::list) {
      if (auto tokens = TokenFeatures::fit(column, rows)) encoder.tokens_.push_back(*std::move(tokens));
    } else if (column.kind() == ColumnKind::text) {
      if (auto words = TextFeatures::fit(column, use)) encoder.texts_.push_back(*std::move(words));
    }
  }
  encoder.list_inputs();
  return encoder;
}

void TreeEncoder::list_inputs() {
  inputs_.clear();
  for (const RawNumber& number : numbers_) {
    if (inputs_.empty() || inputs_.back().name != number.column) inputs_.push_back({number.column, number.kind});
  }
  for (const TargetMeans& means : means_) inputs_.push_back({means.column, ColumnKind::category});
  for (const TokenFeatures& tokens : tokens_) inputs_.push_back({tokens.column, ColumnKind::list});
  for (const TextFeatures& words : texts_) inputs_.push_back({words.column, ColumnKind::text});
}

std::int64_t TreeEncoder::width() const {
  std::int64_t width = std::ssize(numbers_) + std::ssize(means_);
  for (const TokenFeatures& tokens : tokens_) width += tokens.width();
  for (const TextFeatures& words : texts_) width += words.width();
  return width;
}

/// [rows, width()], row-major: NaN for missing numbers, 0 for absent tokens and words.
std::vector<double> TreeEncoder::encode_dense(const TableView& rows) const {
  const std::int64_t stride = width();
  std::vector<double> dense(static_cast<std::size_t>(rows.size() * stride));
  double* to = dense.data();
  const auto column_of = [&](const auto& group) -> const Column& { return rows.table().column(group.column); };
  for (const RawNumber& number : numbers_) {
    const Column& column = column_of(number);
    double* place = to++;
    for (const double x : numbers_of(column, number.part, rows.rows_of(column))) {
      *place = std::clamp(x, -largest, largest);
      place += stride;
    }
  }
  for (const TargetMeans& means : means_) {
    const Column& column = column_of(means);
    means.encode(column, rows.rows_of(column), to++, stride);
  }
  const auto encode_group = [&](const auto& group) {
    const Column& column = column_of(group);
    group.encode(column, rows.rows_of(column), {.missing = 1, .level = 1}, to, stride);
    to += group.width();
  };
  std::ranges::for_each(tokens_, encode_group);
  std::ranges::for_each(texts_, encode_group);
  return dense;
}

SparseRows TreeEncoder::encode(const TableView& rows) const {
  constexpr std::size_t rows_at_once = 1024;  // limits the memory for dense rows
  for (const TableInput& input : inputs_) column_for(input, rows.table());
  const auto count = static_cast<std::size_t>(rows.size()), stride = static_cast<std::size_t>(width());
  const std::size_t first_token = numbers_.size() + means_.size();
  SparseRows sparse;
  sparse.width = width();
  for (std::size_t begin = 0; begin < count; begin += rows_at_once) {
    const std::size_t end = std::min(begin + rows_at_once, count);
    const std::vector<double> dense = encode_dense(rows.part(begin, end - begin));
    for (std::size_t row = 0; row < end - begin; ++row) {
      for (std::size_t place = 0; place < stride; ++place) {
        const double x = dense[row * stride + place];
        if (place < first_token ? std::isnan(x) : x == 0) continue;
        sparse.places.push_back(static_cast<std::uint32_t>(place));
        sparse.values.push_back(static_cast<float>(x));
      }
      sparse.begins.push_back(sparse.values.size());
    }
  }
  return sparse;
}

SparseRows TreeEncoder::encode_training(const TableView& rows, std::span<const double> targets,
                                        std::uint64_t seed) const {
  SparseRows sparse = encode(rows);
  auto place = static_cast<std::uint32_t>(numbers_.size());
  for (const TargetMeans& means : means_) {
    const Column& column = rows.table().column(means.column);
    const Rows places = rows.rows_of(column);
    if (has_many_levels(means, places) && !levels_differ(column, places, targets)) {
      const std::vector<double> encoded = TargetMeans::out_of_fold(column, places, targets, seed);
      for (std::size_t row = 0; row < encoded.size(); ++row)
        sparse.value(row, place) = static_cast<float>(encoded[row]);
    }
    ++place;
  }
  return sparse;
}

}  // namespace unroll
