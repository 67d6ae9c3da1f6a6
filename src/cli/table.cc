#include "cli/commands.h"

namespace unroll::cli {

namespace {

constexpr const char* details = R"(A table is a CSV file: plain, gzip or zip, with commas, semicolons or tabs.

Examples:
  unroll table inspect train.csv
  unroll table inspect train.csv --target "Sold Price" --as Zip=category)";

}  // namespace

Command table_command() {
  return {"table", "Examine tables: houses and their prices, say.", details, {}, {}, {table_inspect_command()}};
}

}  // namespace unroll::cli
