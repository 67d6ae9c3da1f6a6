#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/growing_file.h"

namespace unroll {

/// How the names of event files begin.
constexpr std::string_view event_file_prefix = "events.out.tfevents.";

/// Curves for TensorBoard: a file of event records, events.out.tfevents.TIME.HOST.PID.N, that sorts behind those which
/// the folder holds already. Source of the format: tensorboard/compat/proto/event.proto and summary.proto, and the
/// records of tensorboard/summary/writer/record_writer.py (https://github.com/tensorflow/tensorboard). Never throws:
/// see GrowingFile.
class EventFile {
 public:
  /// Training goes on after global step `step`: of what earlier files of the folder say, the steps after it do not
  /// count. 0: from the beginning.
  EventFile(const std::string& folder, std::int64_t step, GrowingFile::Warn warn);

  /// One point of the curve `tag`, such as train/loss, at a global step. `wall_seconds` since 1970 UTC. Kept until
  /// flush(). TensorBoard holds values as float.
  void scalar(std::string_view tag, std::int64_t step, double wall_seconds, double value);
  /// Hands what is kept to the system in one write, where TensorBoard can see it.
  void flush();
  const std::string& path() const { return file_.path(); }

 private:
  GrowingFile file_;
  std::string opening_;  // what the file begins with, until it is written
  std::string kept_;
};

/// A record: u64 length, masked CRC-32C of these eight bytes, `data`, its masked CRC-32C; all little-endian.
std::string event_record(std::string_view data);

/// The time now, in seconds since 1970 UTC.
double seconds_since_1970();

}  // namespace unroll
