#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "tabular/table_encoder.h"
#include "tabular/table_json.h"
#include "unroll/error.h"

namespace unroll {

namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr std::pair<NumberPart, const char*> parts[] = {{NumberPart::value, "value"},
                                                        {NumberPart::items, "items"},
                                                        {NumberPart::month, "month"},
                                                        {NumberPart::year, "year"},
                                                        {NumberPart::time, "time"},
                                                        {NumberPart::weekday, "weekday"},
                                                        {NumberPart::day_of_year, "day_of_year"}};

const char* name_of(NumberPart part) {
  return std::ranges::find(parts, part, [](const auto& entry) { return entry.first; })->second;
}

Json json_of(const NumberFeatures& f) {
  Json result = {{"group", "number"}, {"column", f.column}, {"part", name_of(f.part)}};
  result.update({{"median", f.median}, {"missing", f.missing}, {"values", f.values}, {"scaled", f.scaled}});
  if (f.scaled) {
    result.update({{"logarithm", f.logarithm},
                   {"low", f.low},
                   {"high", f.high},
                   {"mean", f.mean},
                   {"deviation", f.deviation},
                   {"edges", f.edges}});
  }
  return result;
}

Json json_of(const PeriodicFeatures& f) {
  return {{"group", "periodic"}, {"column", f.column}, {"part", name_of(f.part)}};
}

Json json_of(const LevelFeatures& f) {
  return {{"group", "levels"}, {"column", f.column}, {"missing", f.missing}, {"levels", f.levels}, {"pool", f.pool}};
}

Json json_of(const MeanFeature& f) {
  Json result = {{"group", "mean"}, {"deviation", f.deviation}};
  result.update(json_of(f.means));
  return result;
}

Json json_of(const TokenFeatures& f) {
  return {{"group", "tokens"}, {"column", f.column}, {"missing", f.missing}, {"tokens", f.tokens}};
}

Json json_of(const TextFeatures& f) { return {{"group", "text"}, {"column", f.column}, {"masked", f.masked}}; }

struct Broken {
  std::string what;
};

void require(bool condition, const std::string& what) {
  if (!condition) throw Broken{what};
}

/// Features are finite as floats.
void require_near(double number, double mean, double deviation) {
  constexpr double max_deviations = 1e30;
  require(deviation > 0, "a deviation is not above 0");
  require(std::abs(number - mean) <= max_deviations * deviation, "a number is too far from its mean");
}

double scale_from(const json& scales, const char* name) {
  constexpr double max_scale = 1e6;
  const double scale = scales.at(name);
  require(scale > 0 && scale <= max_scale, "a scale is not above 0 and at most 1e6");
  return scale;
}

NumberPart part_from(const json& from) {
  const auto& name = from.at("part").get_ref<const std::string&>();
  const auto* part = std::ranges::find(parts, name, [](const auto& entry) { return std::string_view(entry.second); });
  require(part != std::end(parts), "a part is none of value, items, month, year, time, weekday and day_of_year");
  return part->first;
}

NumberFeatures numbers_from(const json& from) {
  NumberFeatures f;
  f.part = part_from(from);
  from.at("column").get_to(f.column);
  from.at("median").get_to(f.median);
  from.at("missing").get_to(f.missing);
  from.at("values").get_to(f.values);
  from.at("scaled").get_to(f.scaled);
  if (!f.scaled) return f;
  from.at("logarithm").get_to(f.logarithm);
  from.at("low").get_to(f.low);
  from.at("high").get_to(f.high);
  from.at("mean").get_to(f.mean);
  from.at("deviation").get_to(f.deviation);
  from.at("edges").get_to(f.edges);
  require(f.low <= f.high, "low is above high");
  require_near(f.low, f.mean, f.deviation);
  require_near(f.high, f.mean, f.deviation);
  require(std::ranges::adjacent_find(f.edges, std::greater_equal<>()) == f.edges.end(), "edges do not ascend");
  require(f.edges.empty() || std::isfinite(f.edges.back() - f.edges.front()), "edges are too far apart");
  return f;
}

PeriodicFeatures periodic_from(const json& from) {
  PeriodicFeatures f = {.column = from.at("column"), .part = part_from(from)};
  require(f.part == NumberPart::time || f.part == NumberPart::weekday || f.part == NumberPart::day_of_year,
          "a periodic part is none of time, weekday and day_of_year");
  return f;
}

LevelFeatures levels_from(const json& from) {
  return {
      .column = from.at("column"), .missing = from.at("missing"), .levels = from.at("levels"), .pool = from.at("pool")};
}

MeanFeature mean_from(const json& from) {
  MeanFeature f{.column = from.at("column"), .means = target_means_from(from), .deviation = from.at("deviation")};
  require_near(f.means.missing, f.means.mean, f.deviation);
  for (const double mean : f.means.means) require_near(mean, f.means.mean, f.deviation);
  return f;
}

TokenFeatures tokens_from(const json& from) {
  return {.column = from.at("column"), .missing = from.at("missing"), .tokens = from.at("tokens")};
}

TextFeatures text_from(const json& from) { return {.column = from.at("column"), .masked = from.at("masked")}; }

/// True if a column of this kind can have such features.
bool fits(const NumberFeatures& f, ColumnKind kind) {
  const bool of_number = f.part == NumberPart::items;
  const bool of_date = !of_number && f.part != NumberPart::value;
  return (kind == ColumnKind::number && !of_date) || (kind == ColumnKind::date && !of_number);
}
bool fits(const PeriodicFeatures& /*of a date*/, ColumnKind kind) { return kind == ColumnKind::date; }
bool fits(const LevelFeatures& /*of a category*/, ColumnKind kind) { return kind == ColumnKind::category; }
bool fits(const MeanFeature& /*of a category*/, ColumnKind kind) { return kind == ColumnKind::category; }
bool fits(const TokenFeatures& /*of a list*/, ColumnKind kind) { return kind == ColumnKind::list; }
bool fits(const TextFeatures& /*of a text*/, ColumnKind kind) { return kind == ColumnKind::text; }

}  // namespace

Json TableEncoder::to_json() const {
  Json columns = Json::array(), groups = Json::array();
  for (const TableInput& input : inputs_) columns.push_back({{"name", input.name}, {"kind", input.kind}});
  for (const Group& group : groups_) groups.push_back(std::visit([](const auto& g) { return json_of(g); }, group));
  return {{"scales",
           {{"number", scales_.number},
            {"missing", scales_.missing},
            {"value", scales_.value},
            {"level", scales_.level},
            {"bin", scales_.bin}}},
          {"columns", std::move(columns)},
          {"groups", std::move(groups)}};
}

TableEncoder TableEncoder::from_json(const json& from, const std::string& file) {
  TableEncoder encoder;
  try {
    const json& scales = from.at("scales");
    encoder.scales_ = {.number = scale_from(scales, "number"),
                       .missing = scale_from(scales, "missing"),
                       .value = scale_from(scales, "value"),
                       .level = scale_from(scales, "level"),
                       .bin = scale_from(scales, "bin")};
    for (const json& column : from.at("columns")) encoder.inputs_.push_back({column.at("name"), column.at("kind")});
    for (const json& group : from.at("groups")) {
      const auto& name = group.at("group").get_ref<const std::string&>();
      if (name == "number") {
        encoder.groups_.emplace_back(numbers_from(group));
      } else if (name == "periodic") {
        encoder.groups_.emplace_back(periodic_from(group));
      } else if (name == "levels") {
        encoder.groups_.emplace_back(levels_from(group));
      } else if (name == "mean") {
        encoder.groups_.emplace_back(mean_from(group));
      } else if (name == "tokens") {
        encoder.groups_.emplace_back(tokens_from(group));
      } else {
        require(name == "text", "a group is none of number, periodic, levels, mean, tokens and text");
        encoder.groups_.emplace_back(text_from(group));
      }
      const auto check = [&](const auto& g) {
        const auto input = std::ranges::find(encoder.inputs_, g.column, &TableInput::name);
        require(input != encoder.inputs_.end() && fits(g, input->kind), "a group does not fit its column");
      };
      std::visit(check, encoder.groups_.back());
    }
  } catch (const json::exception& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its encoder cannot be read: {}", file, error.what()));
  } catch (const Error& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its encoder cannot be read: {}", file, error.what()));
  } catch (const Broken& broken) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its encoder cannot be read: {}", file, broken.what));
  }
  return encoder;
}

}  // namespace unroll
