#include "commands.h"

namespace unroll::cli {

namespace {

constexpr const char* table_details = R"(A table is a CSV file: plain, gzip or zip, with commas, semicolons or tabs.

Examples:
  unroll table inspect train.csv
  unroll table inspect train.csv --target "Sold Price" --as Zip=category
  unroll table train train.csv --target SalePrice --id Id
  unroll table predict runs/train-linear+mlp test.csv -o submission.csv
  unroll table explain runs/train-linear+mlp test.csv)";

}  // namespace

Command table_command() {
  return {"table",
          "Examine tables and predict a column: houses and their prices, say.",
          table_details,
          {},
          {},
          {table_inspect_command(), table_train_command(), table_predict_command(), table_explain_command()}};
}

}  // namespace unroll::cli
