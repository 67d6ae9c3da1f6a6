#include "tabular/boosted_trees.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "tabular/xgboost_library.h"
#include "unroll/error.h"

namespace unroll {
namespace {

constexpr std::int64_t rounds_of_patience = 60;  // rounds without improvement
constexpr std::int64_t max_rounds = 3000;

constexpr std::pair<const char*, const char*> parameters[] = {{"objective", "reg:squarederror"},
                                                              {"base_score", "0"},
                                                              {"tree_method", "hist"},
                                                              {"max_depth", "4"},
                                                              {"eta", "0.05"},
                                                              {"subsample", "0.5"},
                                                              {"colsample_bynode", "0.2"},
                                                              {"nthread", "1"}};

/// XGBoost's last error message, without its stack trace.
std::string last_error() {
  const std::string_view message = xgboost().last_error();
  return std::string(message.substr(0, message.find('\n')));
}

void check(int status) {
  if (status != 0) throw Error(ExitCode::internal, fmt::format("XGBoost failed: {}", last_error()));
}

struct FreeMatrix {
  void operator()(void* matrix) const { xgboost().free_matrix(matrix); }
};
using DataMatrix = std::unique_ptr<void, FreeMatrix>;

struct FreeBooster {
  void operator()(void* booster) const { xgboost().free_booster(booster); }
};
using Booster = std::unique_ptr<void, FreeBooster>;

/// The elements as XGBoost's functions take them: NumPy's array interface as JSON.
template <class Element>
std::string described(const std::vector<Element>& elements, const char* type) {
  return fmt::format(R"({{"data":[{},true],"shape":[{}],"typestr":"{}","version":3}})",
                     reinterpret_cast<std::uintptr_t>(elements.data()), elements.size(), type);
}

DataMatrix matrix_of(const SparseRows& rows) {
  void* matrix = nullptr;
  check(xgboost().create_matrix(described(rows.begins, "<u8").c_str(), described(rows.places, "<u4").c_str(),
                                described(rows.values, "<f4").c_str(), static_cast<std::uint64_t>(rows.width),
                                R"({"missing":NaN,"nthread":1})", &matrix));
  return DataMatrix(matrix);
}

DataMatrix matrix_of(const SparseSamples& samples) {
  DataMatrix matrix = matrix_of(samples.rows);
  check(xgboost().set_floats(matrix.get(), "label", samples.targets.data(), samples.targets.size()));
  return matrix;
}

/// XGBoost caches predictions for `matrices` and updates them with every tree.
Booster new_booster(std::initializer_list<void*> matrices, std::uint32_t seed) {
  void* handle = nullptr;
  check(xgboost().create_booster(matrices.begin(), matrices.size(), &handle));
  Booster booster(handle);
  for (const auto& [name, value] : parameters) check(xgboost().set_parameter(handle, name, value));
  check(xgboost().set_parameter(handle, "seed", std::to_string(seed).c_str()));
  return booster;
}

/// The result is valid until the next call on this thread.
std::span<const float> predictions(void* booster, void* matrix) {
  constexpr const char* config =
      R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true})";
  const std::uint64_t* shape = nullptr;
  std::uint64_t rank = 0;
  const float* values = nullptr;
  check(xgboost().predict(booster, matrix, config, &shape, &rank, &values));
  return {values, rank == 0 ? 0 : shape[0]};
}

/// Stops XGBoost from printing messages about data and parameters; the setting is per thread.
void set_quiet() { check(xgboost().set_global_config(R"({"verbosity":0})")); }

}  // namespace

BoostedTrees BoostedTrees::fit(const SparseSamples& samples, std::int64_t rounds, std::uint32_t seed,
                               const StopAsked& stop_asked) {
  UNROLL_CHECK(rounds > 0);
  set_quiet();
  const DataMatrix matrix = matrix_of(samples);
  const Booster booster = new_booster({matrix.get()}, seed);
  for (int round = 0; round < rounds; ++round) {
    throw_if_stopped(stop_asked);
    check(xgboost().update(booster.get(), round, matrix.get()));
  }
  std::uint64_t size = 0;
  const char* bytes = nullptr;
  check(xgboost().save(booster.get(), R"({"format":"ubj"})", &size, &bytes));
  return from_bytes({bytes, bytes + size}, samples.rows.width, "new trees");
}

std::int64_t BoostedTrees::best_rounds(const SparseSamples& training, const SparseSamples& validation,
                                       std::uint32_t seed, const StopAsked& stop_asked) {
  set_quiet();
  const DataMatrix matrix = matrix_of(training), other = matrix_of(validation);
  const Booster booster = new_booster({matrix.get(), other.get()}, seed);
  double least = 0;
  for (const double target : validation.targets) least += target * target;
  std::int64_t best = 0;
  for (int round = 0; round < std::min(best + rounds_of_patience, max_rounds); ++round) {
    throw_if_stopped(stop_asked);
    check(xgboost().update(booster.get(), round, matrix.get()));
    const std::span<const float> predicted = predictions(booster.get(), other.get());
    double squares = 0;
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      const double error = predicted[i] - validation.targets[i];
      squares += error * error;
    }
    if (squares < least) {
      least = squares;
      best = round + 1;
    }
  }
  return best;
}

BoostedTrees BoostedTrees::from_bytes(std::vector<std::uint8_t> bytes, std::int64_t width, const std::string& file) {
  const auto refuse = [&](const std::string& reason) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its trees cannot be read: {}; train them again", file, reason));
  };
  try {
    require_boosted_trees();
  } catch (const Error& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", file, error.what()));
  }
  set_quiet();
  BoostedTrees trees;
  trees.bytes_ = std::move(bytes);
  void* handle = nullptr;
  check(xgboost().create_booster(nullptr, 0, &handle));
  trees.booster_.reset(handle);
  // XGBoost reads past the end of truncated UBJSON, and takes other first bytes for JSON or an old format.
  if (!std::string_view(reinterpret_cast<const char*>(trees.bytes_.data()), trees.bytes_.size()).starts_with("{L") ||
      nlohmann::json::from_ubjson(trees.bytes_, /*strict=*/true, /*allow_exceptions=*/false).is_discarded())
    refuse("they are not in XGBoost's UBJSON, or cut short");
  if (xgboost().load(handle, trees.bytes_.data(), trees.bytes_.size()) != 0) refuse(last_error());
  check(xgboost().set_parameter(handle, "nthread", "1"));
  std::uint64_t features = 0;
  check(xgboost().count_features(handle, &features));
  if (features != static_cast<std::uint64_t>(width))
    refuse(fmt::format("they are for {} features, and there are {}", features, width));
  return trees;
}

std::vector<float> BoostedTrees::predict(const SparseRows& rows) const {
  set_quiet();
  const DataMatrix matrix = matrix_of(rows);
  const std::span<const float> predicted = predictions(booster_.get(), matrix.get());
  return {predicted.begin(), predicted.end()};
}

void BoostedTrees::Free::operator()(void* booster) const { xgboost().free_booster(booster); }

void require_boosted_trees() { xgboost(); }

}  // namespace unroll
