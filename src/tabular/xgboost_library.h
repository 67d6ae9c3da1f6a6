#pragma once

#include <cstdint>

namespace unroll {

/// The functions of XGBoost's C interface in use, documented in its xgboost/c_api.h. All but last_error() return 0 on
/// success. The library is loaded on first use: linking it would add 3 ms to every start of the program.
struct XgboostLibrary {
  const char* (*last_error)() = nullptr;
  int (*set_global_config)(const char* json) = nullptr;

  int (*create_matrix)(const char* begins, const char* places, const char* values, std::uint64_t width,
                       const char* json, void** matrix) = nullptr;
  int (*set_floats)(void* matrix, const char* field, const float* values, std::uint64_t count) = nullptr;
  int (*free_matrix)(void* matrix) = nullptr;

  int (*create_booster)(void* const* matrices, std::uint64_t count, void** booster) = nullptr;
  int (*free_booster)(void* booster) = nullptr;
  int (*set_parameter)(void* booster, const char* name, const char* value) = nullptr;
  int (*update)(void* booster, int round, void* matrix) = nullptr;
  int (*predict)(void* booster, void* matrix, const char* json, const std::uint64_t** shape, std::uint64_t* rank,
                 const float** values) = nullptr;
  int (*save)(void* booster, const char* json, std::uint64_t* size, const char** bytes) = nullptr;
  int (*load)(void* booster, const void* bytes, std::uint64_t size) = nullptr;
  int (*count_features)(void* booster, std::uint64_t* count) = nullptr;
};

/// The loaded library. Throws Error if it is not available in this build or on this machine.
const XgboostLibrary& xgboost();

}  // namespace unroll
