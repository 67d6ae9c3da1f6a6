#include "mpirun.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "clock.h"
#include "launch_channel.h"
#include "output.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr int signal_base = 128;  // plus the signal: exit code of a process that a signal ended
constexpr int pause = 20;         // milliseconds
constexpr double grace = 3;   // seconds for mpirun to end after a rank reported a failure, or all its children ended
constexpr double look = 0.5;  // seconds between two looks at mpirun's children
constexpr double start = 5;   // seconds for the ranks to start after a request to stop
constexpr double lone = 2;    // seconds for the ranks to end after mpirun: they notice that it is gone
constexpr double resistance = 8;  // seconds after which ranks that cannot be killed are left behind

[[noreturn]] void become(const std::vector<std::string>& command, int requests, int errors) {
  std::vector<char*> words(command.size() + 1);  // a null at the end
  std::transform(command.begin(), command.end(), words.begin(),
                 [](const std::string& word) { return const_cast<char*>(word.c_str()); });
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // if this process is killed, the ranks end too
  // Its plugin for OpenCL loads LLVM, which replaces the signal handlers of mpirun.
  ::setenv("HWLOC_COMPONENTS", "-opencl", 0);
  ::dup2(requests, STDIN_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execvp(words[0], words.data());
  constexpr std::string_view complaint = "unroll: mpirun is missing: install Open MPI (Debian package openmpi-bin)\n";
  static_cast<void>(::write(STDERR_FILENO, complaint.data(), complaint.size()));
  ::_exit(static_cast<int>(ExitCode::no_input));
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> all;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", parent), ignored)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) all.push_back(child);
  }
  return all;
}

/// False for a process that has ended, even if its parent has not waited for it.
bool is_alive(pid_t process) {
  std::error_code error;  // an ended process has no executable
  return std::filesystem::exists(fmt::format("/proc/{}/exe", process), error) && !error;
}

/// The children of this process that run this program: ranks that mpirun has left behind.
std::vector<pid_t> orphaned_ranks() {
  std::vector<pid_t> ranks = children_of(::getpid());
  std::erase_if(ranks, [](pid_t child) {
    std::error_code ignored;
    return !std::filesystem::equivalent("/proc/self/exe", fmt::format("/proc/{}/exe", child), ignored);
  });
  return ranks;
}

void wait_for_orphaned_ranks() {
  const double began = monotonic_seconds();
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    const std::vector<pid_t> ranks = orphaned_ranks();
    const double passed = monotonic_seconds() - began;
    if (ranks.empty() || passed > resistance) return;
    if (passed > lone) {
      for (const pid_t rank : ranks) ::kill(rank, SIGKILL);
    }
    ::usleep(pause * 1000);
  }
}

}  // namespace

Mpirun::Mpirun(std::vector<std::string> arguments, Messages messages) : messages_(messages) {
  std::vector<std::string> command = {"mpirun", "--quiet"};
  if (::geteuid() == 0) command.push_back("--allow-run-as-root");
  command.insert(command.end(), arguments.begin(), arguments.end());
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // ranks that outlive mpirun become children of this process
  std::array<int, 2> requests{}, errors{};
  if (::pipe2(requests.data(), O_CLOEXEC) != 0 || ::pipe2(errors.data(), O_CLOEXEC) != 0 || (process_ = ::fork()) < 0) {
    throw Error(ExitCode::io, fmt::format("no process for mpirun: {}", std::strerror(errno)));
  }
  if (process_ == 0) become(command, requests[0], errors[1]);
  ::close(requests[0]);
  ::close(errors[1]);
  requests_ = requests[1];
  errors_ = errors[0];
}

Mpirun::~Mpirun() {
  ::close(requests_);
  ::close(errors_);
}

void Mpirun::end_line() {
  has_started_ = true;
  if (messages_ == Messages::passed_on) log_message(line_);
  if (line_.starts_with("unroll: ") && !reported_at_) reported_at_ = monotonic_seconds();
  line_.clear();
}

/// Passes on the complete lines of the available output. False at its end.
bool Mpirun::pass_on() {
  std::array<char, 4096> piece{};
  const ssize_t size = ::read(errors_, piece.data(), piece.size());
  for (ssize_t i = 0; i < size; ++i) {
    if (piece[static_cast<std::size_t>(i)] != '\n') {
      line_ += piece[static_cast<std::size_t>(i)];
      continue;
    }
    end_line();
  }
  return size > 0;
}

/// mpirun's children are the ranks on this host and the connections to other hosts. Once all of them have ended it can
/// only end too, but it sometimes waits for a lock for ever.
void Mpirun::look_at_children() {
  const double now = monotonic_seconds();
  if (now - looked_at_ < look) return;
  looked_at_ = now;
  const std::vector<pid_t> children = children_of(process_);
  if (std::ranges::any_of(children, is_alive)) {
    had_children_ = true;
    childless_since_.reset();
  } else if (had_children_ && !childless_since_) {
    childless_since_ = now;
  }
}

bool Mpirun::must_be_killed(const StopSignals& signals, OnStop on_stop) const {
  const double now = monotonic_seconds();
  if (signals.repeated() || (signals.received() != 0 && on_stop == OnStop::kill)) return true;
  if (requested_at_ && !has_started_ && now - *requested_at_ > start) return true;
  if (childless_since_ && now - *childless_since_ > grace) return true;
  return reported_at_ && now - *reported_at_ > grace;
}

int Mpirun::wait(const StopSignals& signals, OnStop on_stop, double seconds) {
  const double began = monotonic_seconds();
  for (int status = 0;;) {
    pollfd readable{.fd = errors_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, pause) > 0 && (readable.revents & POLLIN) != 0 && pass_on()) continue;
    if (::waitpid(process_, &status, WNOHANG) == process_) {
      wait_for_orphaned_ranks();
      while (::poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN) != 0 && pass_on()) continue;
      if (!line_.empty()) end_line();
      return WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
    }
    if ((readable.revents & POLLHUP) != 0) ::usleep(pause * 1000);
    if (signals.received() != 0 && !requested_at_) {
      requested_at_ = monotonic_seconds();
      request_stop(requests_, signals.received());
    }
    look_at_children();
    if (must_be_killed(signals, on_stop) || monotonic_seconds() - began > seconds) ::kill(-process_, SIGKILL);
  }
}

}  // namespace unroll::cli
