#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "io/growing_file.h"

namespace unroll {

/// Writes log.jsonl, the log of a training run: one flat JSON object per line, see docs/log-file.md. Never throws: see
/// GrowingFile.
class RunLog {
 public:
  /// Appends to the log at `path` if it exists.
  RunLog(std::string path, GrowingFile::Warn warn) : file_(std::move(path), std::move(warn)) {}

  /// Appends the line {"event": event, "time": now, fields...} and returns it. Numbers that are not finite become the
  /// strings "nan", "inf" and "-inf".
  nlohmann::ordered_json append(std::string_view event, const nlohmann::ordered_json& fields);
  /// Removes an old log, before training starts from the beginning.
  void start_over();
  /// Before training resumes after global step `step`: removes lines of later steps, lines of step `step` whose event
  /// is in `again`, because they will be written again, and lines that are not events, such as one that a power failure
  /// left incomplete. The file is replaced whole or not at all.
  void truncate_after(std::int64_t step, std::initializer_list<std::string_view> again = {});

 private:
  GrowingFile file_;
};

/// Damage found in a log: lines that are not events.
struct LogDamage {
  std::int64_t first_line = 0;  ///< 1-based number of the first such line; 0: none
  bool torn = false;            ///< the last line is incomplete: its writer was stopped
};

/// Calls visit(line) for each event of the log's text.
LogDamage for_each_event(std::string_view text, const std::function<void(const nlohmann::ordered_json&)>& visit);

/// Calls visit(line) for each event of a log file. Throws Error: no_input if it cannot be opened, bad_data if it is not
/// a regular file or has more than 10^9 bytes.
LogDamage read_run_log(const std::string& path, const std::function<void(const nlohmann::ordered_json&)>& visit);

/// Formats a time in seconds since 1970 as RFC 3339 in UTC: 2026-11-23T09:12:33.123Z.
std::string time_text(double seconds);

}  // namespace unroll
