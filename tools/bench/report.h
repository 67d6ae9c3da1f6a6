#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "measure.h"

namespace unroll::bench {

/// The heading of the result table.
std::string table_heading();
/// One line of the result table.
std::string table_row(const Benchmark& benchmark, const Result& result);

/// Name, size, threads and minimal work of a benchmark.
nlohmann::ordered_json description_json(const Benchmark& benchmark, int threads);
/// The description with the measured result.
nlohmann::ordered_json result_json(const Benchmark& benchmark, const Result& result, int threads);

}  // namespace unroll::bench
