#include "gnuplot.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "clock.h"
#include "format.h"
#include "output.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr double max_run = 60;  // seconds

[[noreturn]] void fail(const std::string& reason) {
  throw Error(ExitCode::io, fmt::format("cannot draw curves: {}", reason));
}

/// An anonymous file in memory: unlike with a pipe, reading and writing never block.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = "") : descriptor_(::memfd_create("unroll", MFD_CLOEXEC)) {
    bool failed = descriptor_ < 0;
    while (!failed && !content.empty()) {
      const ssize_t written = ::write(descriptor_, content.data(), content.size());
      failed = written < 0 && errno != EINTR;
      if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (failed || ::lseek(descriptor_, 0, SEEK_SET) != 0) fail(std::strerror(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }
  std::string content() const {
    std::string bytes;
    std::array<char, 1 << 14> part{};
    for (;;) {
      const ssize_t got = ::pread(descriptor_, part.data(), part.size(), static_cast<off_t>(bytes.size()));
      if (got <= 0) return bytes;
      bytes.append(part.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_;
};

/// Starts gnuplot with these as its standard streams, in a process group that the terminal's Ctrl-C does not reach, and
/// at low priority.
pid_t start(const MemoryFile& input, const MemoryFile& output, const MemoryFile& errors) {
  posix_spawn_file_actions_t streams;
  ::posix_spawn_file_actions_init(&streams);
  ::posix_spawn_file_actions_adddup2(&streams, input.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&streams, output.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&streams, errors.descriptor(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::array<char, 8> name = {"gnuplot"};
  std::array<char, 3> no_startup_files = {"-d"};
  std::array<char, 2> standard_input = {"-"};
  std::array<char*, 4> words = {name.data(), no_startup_files.data(), standard_input.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, name.data(), &streams, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&streams);
  if (error == ENOENT) fail("gnuplot is not installed; install it (Debian package gnuplot-nox)");
  if (error != 0) fail(fmt::format("gnuplot cannot be started: {}", std::strerror(error)));
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(child), 10);
  return child;
}

/// Waits for `child` and returns its waitpid() status. Kills it and throws Error after `max_run` seconds.
int wait_for(pid_t child) {
  const double latest = monotonic_seconds() + max_run;
  int status = 0;
  bool late = false;
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, late ? 0 : WNOHANG);
    if (ended == child && !late) return status;
    if (ended == child) fail(fmt::format("gnuplot took more than {} s", max_run));
    if (ended < 0 && errno != EINTR) fail(fmt::format("gnuplot was lost: {}", std::strerror(errno)));
    late = monotonic_seconds() > latest;
    if (late) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

std::string run_gnuplot(const std::string& script) {
  const MemoryFile input(script), output, errors;
  const int status = wait_for(start(input, output, errors));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string said = errors.content();
    fail(fmt::format("gnuplot failed: {}", said.empty() ? "it did not say why" : one_line(said)));
  }
  return output.content();
}

std::string picture_settings(std::size_t width, std::size_t height) {
  return fmt::format(R"(set encoding utf8
set terminal svg noenhanced size {},{} font 'Helvetica,Arial,sans-serif,15' background '#ffffff'
set tics nomirror scale 0.5
set border 3 linecolor rgb '#606060'
set grid linetype 1 linewidth 1 linecolor rgb '#E3E3E3'
)",
                     width, height);
}

std::string gnuplot_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : one_line(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte == ' ' || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    quoted += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return quoted + "\"";
}

}  // namespace unroll::cli
