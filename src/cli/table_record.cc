#include "cli/table_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/output.h"
#include "cli/table_results.h"
#include "run/run_history.h"

namespace unroll::cli {

TableRecord::TableRecord(const std::string& folder, const nlohmann::ordered_json& fields)
    : log_((std::filesystem::path(folder) / log_name).string(),
           [](const std::string& what) { log_message("warning   " + what + "; training goes on without"); }) {
  log_.start_over();
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(folder) / picture_name, ignored);
  log_.append("start", fields);
}

TableRecord::~TableRecord() { log_.append("stop", {{"reason", stop_reason_}}); }

void TableRecord::fold(const FoldResult& result) {
  log_.append("fold", {{"fold", result.number},
                       {"training_rows", result.training_rows},
                       {"validation_rows", result.validation_rows},
                       {"training", result.training},
                       {"validation", result.validation}});
}

void TableRecord::finish() { stop_reason_ = "finished"; }

}  // namespace unroll::cli
