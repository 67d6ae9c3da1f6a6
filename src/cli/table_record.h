#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/table_validation.h"
#include "io/run_log.h"

namespace unroll::cli {

/// log.jsonl of a run of unroll table train (docs/log-file.md). If it cannot be written, a warning is logged;
/// nothing here throws an Error.
class TableRecord {
 public:
  /// Starts the log in the run directory `folder` and removes the log and the picture of an earlier run. `fields`:
  /// those of the event start.
  TableRecord(const std::string& folder, const nlohmann::ordered_json& fields);
  TableRecord(const TableRecord&) = delete;
  TableRecord& operator=(const TableRecord&) = delete;
  /// Logs the end of the run: a failure if finish() was not called.
  ~TableRecord();

  void fold(const FoldResult& result);
  void finish();  ///< call when everything is saved

 private:
  RunLog log_;
  const char* stop_reason_ = "failed";
};

}  // namespace unroll::cli
