#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "tabular/tree_encoder.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

struct NumberName {
  const char* word;
  ColumnKind kind;
  NumberPart part;
};

constexpr NumberName number_words[] = {
    {"number", ColumnKind::number, NumberPart::value},  {"items", ColumnKind::number, NumberPart::items},
    {"days", ColumnKind::date, NumberPart::value},      {"month", ColumnKind::date, NumberPart::month},
    {"year", ColumnKind::date, NumberPart::year},       {"time", ColumnKind::date, NumberPart::time},
    {"weekday", ColumnKind::date, NumberPart::weekday}, {"day_of_year", ColumnKind::date, NumberPart::day_of_year}};

const char* name_of(ColumnKind kind, NumberPart part) {
  const auto is_it = [&](const NumberName& entry) { return entry.kind == kind && entry.part == part; };
  return std::ranges::find_if(number_words, is_it)->word;
}

[[noreturn]] void refuse_encoder(const std::string& file, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: its encoder cannot be read: {}", file, reason));
}

}  // namespace

Json TreeEncoder::to_json() const {
  Json numbers = Json::array(), means = Json::array(), tokens = Json::array(), texts = Json::array();
  for (const RawNumber& f : numbers_) numbers.push_back({{"column", f.column}, {"what", name_of(f.kind, f.part)}});
  for (const TargetMeans& f : means_) means.push_back(json_of(f));
  for (const TokenFeatures& f : tokens_)
    tokens.push_back({{"column", f.column}, {"missing", f.missing}, {"tokens", f.tokens}});
  for (const TextFeatures& f : texts_) texts.push_back({{"column", f.column}, {"masked", f.masked}});
  return {{"numbers", std::move(numbers)},
          {"means", std::move(means)},
          {"tokens", std::move(tokens)},
          {"texts", std::move(texts)}};
}

TreeEncoder TreeEncoder::from_json(const json& from, const std::string& file) {
  TreeEncoder encoder;
  try {
    for (const json& f : from.at("numbers")) {
      const auto& word = f.at("what").get_ref<const std::string&>();
      const auto* const entry =
          std::ranges::find(number_words, word, [](const NumberName& known) { return std::string_view(known.word); });
      if (entry == std::end(number_words))
        throw Error(ExitCode::bad_data,
                    "a number is none of number, items, days, month, year, time, weekday and day_of_year");
      encoder.numbers_.push_back({f.at("column"), entry->kind, entry->part});
    }
    for (const json& f : from.at("means")) {
      const TargetMeans& means = encoder.means_.emplace_back(target_means_from(f));
      constexpr double largest = 1e30;  // finite as a float; trees learn from targets whose mean size is 1
      const auto fits = [&](double x) { return std::abs(x) <= largest; };
      if (!fits(means.mean) || !fits(means.missing) || !std::ranges::all_of(means.means, fits))
        throw Error(ExitCode::bad_data, "a mean target is beyond 1e30");
    }
    for (const json& f : from.at("tokens"))
      encoder.tokens_.push_back({.column = f.at("column"), .missing = f.at("missing"), .tokens = f.at("tokens")});
    for (const json& f : from.at("texts"))
      encoder.texts_.push_back({.column = f.at("column"), .masked = f.at("masked")});
  } catch (const json::exception& error) {
    refuse_encoder(file, error.what());
  } catch (const Error& error) {
    refuse_encoder(file, error.what());
  }
  encoder.list_inputs();
  return encoder;
}

}  // namespace unroll
