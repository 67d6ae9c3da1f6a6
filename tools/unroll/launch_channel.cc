#include "launch_channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>

#include "unroll/launched_ranks.h"

namespace unroll::cli {

namespace {

constexpr const char* variable = "UNROLL_STOP_REQUESTS";
constexpr const char* standard_input = "stdin";

}  // namespace

std::vector<std::string> channel_arguments() { return {"-x", std::string(variable) + "=" + standard_input}; }

void request_stop(int pipe, int signal) {
  const char number = static_cast<char>(signal);
  static_cast<void>(!::write(pipe, &number, 1));
}

StopRequests::StopRequests() {
  const char* const value = std::getenv(variable);
  connected_ = value != nullptr && std::string_view(value) == standard_input && launched().rank == 0;
  if (connected_) ::fcntl(STDIN_FILENO, F_SETFL, ::fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
}

int StopRequests::received() const {
  if (!connected_) return 0;
  char number = 0;
  const ssize_t size = ::read(STDIN_FILENO, &number, 1);
  if (size == 0) return SIGHUP;
  return size == 1 ? number : 0;
}

}  // namespace unroll::cli
