#include "output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>

#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr std::string_view clear_line = "\r\033[K";

// Global, since standard error is shared by the whole process.
std::mutex standard_error;
bool live_line_shown = false;
std::atomic<bool> silent = false;

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

void set_quiet() { silent = true; }

void write_result(std::string_view text) {
  if (silent) return;
  const int error = write_all(STDOUT_FILENO, text);
  if (error == EPIPE) throw OutputClosed{};
  if (error != 0) {
    throw Error(ExitCode::io, fmt::format("cannot write to standard output: {}", std::strerror(error)));
  }
}

std::string to_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void log_message(std::string_view line) {
  if (!silent) log_message_always(line);
}

void log_message_always(std::string_view line) {
  const std::lock_guard lock(standard_error);
  const std::string_view first = live_line_shown ? clear_line : "";
  static_cast<void>(write_all(STDERR_FILENO, fmt::format("{}{}\n", first, line)));
  live_line_shown = false;
}

void show_live_line(std::string_view text) {
  if (silent) return;
  const std::lock_guard lock(standard_error);
  static_cast<void>(write_all(STDERR_FILENO, fmt::format("{}{}", clear_line, text)));
  live_line_shown = true;
}

void clear_live_line() {
  const std::lock_guard lock(standard_error);
  if (live_line_shown) static_cast<void>(write_all(STDERR_FILENO, clear_line));
  live_line_shown = false;
}

}  // namespace unroll::cli
