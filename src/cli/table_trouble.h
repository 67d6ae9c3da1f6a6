#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/table.h"

namespace unroll::cli {

/// What may spoil a model that is trained on a table.
struct Trouble {
  std::string kind;                ///< a word for programs, as docs/cli.md lists them
  std::string column;              ///< where it is
  std::string text;                ///< what it is, and what may be done
  std::vector<std::int64_t> rows;  ///< where; none where it is about the whole column
};

/// What costs most, first. `target` is the column that is to be predicted, numbers; may be null.
std::vector<Trouble> suspected_trouble(const Table& table, const Column* target);

/// -0.25, 1974, 12,345, 1.897e+15
std::string number_text(double number);

}  // namespace unroll::cli
