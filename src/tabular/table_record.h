#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "io/run_log.h"
#include "unroll/table_model.h"

namespace unroll {

/// log.jsonl of a TableTrainingRun (docs/log-file.md). If it cannot be written, `warn` is called once; nothing here
/// throws an Error.
class TableRecord {
 public:
  /// Starts the log in the run directory `folder` and removes the log and the picture of an earlier run. `fields`:
  /// those of the event start.
  TableRecord(const std::string& folder, const nlohmann::ordered_json& fields, GrowingFile::Warn warn);
  TableRecord(const TableRecord&) = delete;
  TableRecord& operator=(const TableRecord&) = delete;
  /// Logs the end of the run: a failure if end() was not called.
  ~TableRecord();

  void fold(const FoldResult& result);
  void end(const char* reason) { stop_reason_ = reason; }  ///< "finished", when everything is saved, or "stopped"

 private:
  RunLog log_;
  const char* stop_reason_ = "failed";
};

}  // namespace unroll
