#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// The heading of the table, and a line of it.
std::string table_heading();
std::string table_row(const Benchmark& benchmark, const Result& result);

/// What is measured, and that with what came out.
nlohmann::ordered_json description_json(const Benchmark& benchmark, int threads);
nlohmann::ordered_json result_json(const Benchmark& benchmark, const Result& result, int threads);

}  // namespace unroll::cli
