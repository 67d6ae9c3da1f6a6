#include "tabular/table_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "unroll/run_history.h"
#include "unroll/table_run.h"

namespace unroll {

TableRecord::TableRecord(const std::string& folder, const nlohmann::ordered_json& fields, GrowingFile::Warn warn)
    : log_((std::filesystem::path(folder) / log_name).string(), std::move(warn)) {
  log_.start_over();
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(folder) / picture_name, ignored);
  log_.append("start", fields);
}

TableRecord::~TableRecord() {
  try {
    log_.append("stop", {{"reason", stop_reason_}});
  } catch (...) {
    // An observer that throws at the warning must not end the program.
  }
}

void TableRecord::fold(const FoldResult& result) {
  log_.append("fold", {{"fold", result.number},
                       {"training_rows", result.training_rows},
                       {"validation_rows", result.validation_rows},
                       {"training", result.training},
                       {"validation", result.validation}});
}

}  // namespace unroll
