#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr double live_line_period = 0.25;  // seconds

/// 0, or the errno of the write that failed.
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void write_result(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == EPIPE) throw OutputClosed{};
  if (error != 0) {
    throw Error(ExitCode::io, fmt::format("cannot write to standard output: {}", std::strerror(error)));
  }
}

std::string to_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void say(std::string_view line) { static_cast<void>(write_all(STDERR_FILENO, std::string(line) + "\n")); }

LiveLine::LiveLine() : terminal_(::isatty(STDERR_FILENO) == 1), last_(monotonic_seconds()) {}

bool LiveLine::due() const { return terminal_ && monotonic_seconds() - last_ >= live_line_period; }

void LiveLine::show(std::string_view text) {
  static_cast<void>(write_all(STDERR_FILENO, fmt::format("\r\033[K{}", text)));
  shown_ = true;
  last_ = monotonic_seconds();
}

void LiveLine::clear() {
  if (shown_) static_cast<void>(write_all(STDERR_FILENO, "\r\033[K"));
  shown_ = false;
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace unroll::cli
