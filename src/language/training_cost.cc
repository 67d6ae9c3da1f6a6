#include "language/training_cost.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "language/language_model_spec.h"

namespace unroll {

namespace {

constexpr double operations_per_thread = 2e6;
constexpr double symbols_to_read = 1.5e6;
constexpr std::int64_t min_epochs = 3;
constexpr std::int64_t max_trained_epochs = 150;

ModelSpec spec_of(const Workload& workload) {
  return LanguageModelSpec(workload.model, static_cast<int>(workload.vocabulary)).layers();
}

}  // namespace

std::int64_t parameter_count(const Workload& workload) { return parameter_count(spec_of(workload)); }

double forward_operations(const Workload& workload) {
  return forward_operations(spec_of(workload)) * static_cast<double>(workload.batch * workload.steps);
}

int worthwhile_threads(const std::string& model_file, double symbols) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(model_file, error);
  // One multiply-add per stored number.
  return worthwhile_threads(error ? 0 : 2 * symbols * static_cast<double>(bytes) / sizeof(float));
}

int worthwhile_threads(double operations) {
  const double worthwhile = std::clamp(operations / operations_per_thread, 1.0, 1024.0);
  return std::min(available_threads(), static_cast<int>(worthwhile));
}

MemoryPlan memory_plan(const Workload& workload, int moments, bool validates, std::int64_t symbols,
                       const Sharing& sharing) {
  const double block = sizeof(float) * static_cast<double>(parameter_count(workload));
  const std::int64_t rows = (workload.batch + sharing.shards - 1) / sharing.shards;  // processed at once
  const double positions = static_cast<double>(rows * workload.steps);
  MemoryPlan plan;
  plan.parameters = (validates ? 2 : 1) * block;
  // Buffers for a shard, for the left halves of the summation tree, and for other ranks.
  const int own = (sharing.shards + sharing.ranks - 1) / sharing.ranks;
  plan.gradients = block * (1 + std::ceil(std::log2(own)) + (sharing.ranks > 1 ? 1 : 0));
  plan.moments = moments * block;
  plan.packed = block;
  plan.activations = sizeof(float) * positions * activations(spec_of(workload));
  plan.saving = plan.parameters + plan.moments;
  plan.text = 12.0 * static_cast<double>(symbols);
  plan.program = 8e6;
  return plan;
}

std::int64_t default_epochs(std::int64_t symbols) {
  const double wanted = symbols_to_read / static_cast<double>(std::max<std::int64_t>(symbols, 1));
  return std::clamp<std::int64_t>(std::llround(wanted), min_epochs, max_trained_epochs);
}

}  // namespace unroll
