#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "io/growing_file.h"

namespace unroll {

/// log.jsonl, the diary of a training run: one flat JSON object a line, as docs/log-file.md describes it. Never throws:
/// see GrowingFile.
class RunLog {
 public:
  /// Goes on with the log at `path` where there is one.
  RunLog(std::string path, GrowingFile::Warn warn) : file_(std::move(path), std::move(warn)) {}

  /// Adds the line {"event": event, "time": now, fields...} and returns it. Numbers that are not finite become the
  /// strings "nan", "inf" and "-inf".
  nlohmann::ordered_json append(std::string_view event, const nlohmann::ordered_json& fields);
  /// Before training begins anew: an old log goes away.
  void start_over();
  /// Before training goes on after global step `step`: lines of later steps go away, and so do lines that are no
  /// events, such as one that a power cut left half written, and those of step `step` whose event is
  /// in `again`, because they are to be written again. The file is replaced whole or not at all.
  void cut_back(std::int64_t step, std::initializer_list<std::string_view> again = {});

 private:
  GrowingFile file_;
};

/// Lines of a log that are no events.
struct LogDamage {
  std::int64_t first_line = 0;  ///< the first such line, counted from 1; 0: none
  bool torn = false;            ///< the last line has no end: its writer was stopped
};

/// Calls visit(line) for each event of the log's text.
LogDamage for_each_event(std::string_view text, const std::function<void(const nlohmann::ordered_json&)>& visit);

/// The same for a file. Throws Error: no_input where it cannot be opened, bad_data where it is no log, being no regular
/// file or beyond a gigabyte.
LogDamage read_run_log(const std::string& path, const std::function<void(const nlohmann::ordered_json&)>& visit);

/// A time in seconds since 1970 as RFC 3339 says it, UTC: 2026-11-23T09:12:33.123Z.
std::string time_text(double seconds);

}  // namespace unroll
