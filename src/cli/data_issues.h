#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/table.h"

namespace unroll::cli {

/// A suspected problem of a table that may spoil a model trained on it.
struct DataIssue {
  std::string kind;                ///< name for programs; docs/cli.md lists them
  std::string column;              ///< name of the affected column
  std::string text;                ///< description and advice
  std::vector<std::int64_t> rows;  ///< affected rows; empty if it concerns the whole column
};

/// The suspected problems of a table, the most harmful kinds first. `target`: the number column to predict, or null.
std::vector<DataIssue> find_data_issues(const Table& table, const Column* target);

/// -0.25, 1974, 12,345, 1.897e+15
std::string number_text(double number);

}  // namespace unroll::cli
