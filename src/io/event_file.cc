#include "io/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <concepts>
#include <filesystem>
#include <system_error>

#include "io/crc32c.h"

namespace unroll {
namespace {

template <std::unsigned_integral Number>
void append_little_endian(std::string& bytes, Number number) {
  for (unsigned shift = 0; shift < 8 * sizeof number; shift += 8) bytes += static_cast<char>(number >> shift & 0xFF);
}

// The encoding of protocol buffers, https://protobuf.dev/programming-guides/encoding/: a field is its tag
// (number << 3 | wire type) and its value.
enum WireType : unsigned { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

void append_varint(std::string& message, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) message += static_cast<char>((number & 0x7F) | 0x80);
  message += static_cast<char>(number);
}

void append_tag(std::string& message, unsigned field, WireType type) { append_varint(message, field << 3 | type); }

void append_integer(std::string& message, unsigned field, std::int64_t value) {
  append_tag(message, field, varint);
  append_varint(message, static_cast<std::uint64_t>(value));
}

void append_double(std::string& message, unsigned field, double value) {
  append_tag(message, field, fixed64);
  append_little_endian(message, std::bit_cast<std::uint64_t>(value));
}

void append_float(std::string& message, unsigned field, float value) {
  append_tag(message, field, fixed32);
  append_little_endian(message, std::bit_cast<std::uint32_t>(value));
}

/// A string or a nested message.
void append_bytes(std::string& message, unsigned field, std::string_view bytes) {
  append_tag(message, field, length_delimited);
  append_varint(message, bytes.size());
  message += bytes;
}

namespace event {
constexpr unsigned wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace summary {
constexpr unsigned value = 1;
}
namespace value {
constexpr unsigned tag = 1, simple_value = 2;
}
namespace session_log {
constexpr unsigned status = 1;
constexpr std::int64_t start = 1;
}  // namespace session_log

std::string event_at(double wall_time, std::int64_t step) {
  std::string message;
  append_double(message, event::wall_time, wall_time);
  if (step != 0) append_integer(message, event::step, step);
  return message;
}

std::string opening_records(std::int64_t step) {
  const double now = seconds_since_1970();
  std::string version = event_at(now, 0);
  append_bytes(version, event::file_version, "brain.Event:2");
  std::string records = event_record(version);
  if (step > 0) {
    // A session start makes readers discard the steps from this one on.
    std::string session;
    append_integer(session, session_log::status, session_log::start);
    std::string start = event_at(now, step + 1);
    append_bytes(start, event::session_log, session);
    records += event_record(start);
  }
  return records;
}

/// The time in the new file's name: the current time, but after that of every existing file. TensorBoard reads the
/// files of a folder in the order of their names, which must not depend on a clock that was set back.
std::int64_t time_for_name(const std::string& folder) {
  auto time = static_cast<std::int64_t>(seconds_since_1970());
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::int64_t other = 0;
    if (name.starts_with(event_file_prefix))
      std::from_chars(name.data() + event_file_prefix.size(), name.data() + name.size(), other);
    if (other < 9'999'999'999) time = std::max(time, other + 1);  // ten digits
  }
  return time;
}

std::string path_in(const std::string& folder) {
  static std::atomic<unsigned> serial = 0;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {'h', 'o', 's', 't'};
  return fmt::format("{}/{}{:010}.{}.{}.{}", folder, event_file_prefix, time_for_name(folder), host.data(), ::getpid(),
                     serial++);
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8; }

}  // namespace

std::string event_record(std::string_view data) {
  std::string record;
  record.reserve(data.size() + 16);
  append_little_endian(record, static_cast<std::uint64_t>(data.size()));
  append_little_endian(record, masked(crc32c(record)));
  record += data;
  append_little_endian(record, masked(crc32c(data)));
  return record;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

EventFile::EventFile(const std::string& folder, std::int64_t step, GrowingFile::Warn warn)
    : file_(path_in(folder), std::move(warn)), opening_(opening_records(step)) {}

void EventFile::scalar(std::string_view tag, std::int64_t step, double wall_seconds, double value) {
  std::string point;
  append_bytes(point, value::tag, tag);
  append_float(point, value::simple_value, static_cast<float>(value));
  std::string points;
  append_bytes(points, summary::value, point);
  std::string event = event_at(wall_seconds, step);
  append_bytes(event, event::summary, points);
  kept_ += event_record(event);
}

void EventFile::flush() {
  if (kept_.empty()) return;
  if (file_.append(opening_ + kept_)) opening_.clear();
  kept_.clear();
}

}  // namespace unroll
