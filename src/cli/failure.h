#pragma once

#include <exception>
#include <string>

namespace unroll::cli {

/// What the program ends with where something was thrown.
struct Failure {
  int code = 0;
  std::string line;
};

Failure failure_of(const std::exception_ptr& thrown);

}  // namespace unroll::cli
