#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/table_validation.h"
#include "io/run_log.h"

namespace unroll::cli {

/// log.jsonl of a run of unroll table train (docs/log-file.md). What cannot be written is a warning on standard error;
/// nothing here throws an Error.
class TableRecord {
 public:
  /// A run begins in its run directory `folder`, where the log and the picture of an old one go away. `fields`: those
  /// of the event start.
  TableRecord(const std::string& folder, const nlohmann::ordered_json& fields);
  TableRecord(const TableRecord&) = delete;
  TableRecord& operator=(const TableRecord&) = delete;
  /// A run that has not finished has failed.
  ~TableRecord();

  void fold(const FoldResult& result);
  void finish();  ///< everything is saved

 private:
  RunLog log_;
  const char* outcome_ = "failed";
};

}  // namespace unroll::cli
