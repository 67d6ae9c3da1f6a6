#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/growing_file.h"

namespace unroll {

/// Prefix of the names of event files.
constexpr std::string_view event_file_prefix = "events.out.tfevents.";

/// Writes curves for TensorBoard to a new file of event records, events.out.tfevents.TIME.HOST.PID.N, whose name sorts
/// after those of the existing event files in the folder. Source of the format: tensorboard/compat/proto/event.proto
/// and summary.proto, and the records of tensorboard/summary/writer/record_writer.py
/// (https://github.com/tensorflow/tensorboard). Never throws: see GrowingFile.
class EventFile {
 public:
  /// Training continues after global step `step`: readers ignore later steps in earlier files of the folder. 0: from
  /// the beginning.
  EventFile(const std::string& folder, std::int64_t step, GrowingFile::Warn warn);

  /// Adds one point of the curve `tag`, such as train/loss, at a global step. `wall_seconds` since 1970 UTC. Buffered
  /// until flush(). TensorBoard stores values as float.
  void scalar(std::string_view tag, std::int64_t step, double wall_seconds, double value);
  /// Appends the buffered points to the file, so that TensorBoard can see them.
  void flush();
  const std::string& path() const { return file_.path(); }

 private:
  GrowingFile file_;
  std::string opening_;  // first records of the file, until they are written
  std::string kept_;
};

/// One record: u64 length, masked CRC-32C of these eight bytes, `data`, its masked CRC-32C; all little-endian.
std::string event_record(std::string_view data);

/// The current time in seconds since 1970 UTC.
double seconds_since_1970();

}  // namespace unroll
