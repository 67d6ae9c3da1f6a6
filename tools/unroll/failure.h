#pragma once

#include <exception>
#include <string>

namespace unroll::cli {

/// Exit code and message of the program after an exception.
struct Failure {
  int code = 0;
  std::string line;
};

Failure failure_of(const std::exception_ptr& thrown);

}  // namespace unroll::cli
