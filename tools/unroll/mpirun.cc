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

#include "clock.h"
#include "output.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr int signal_base = 128;  // plus the signal: exit code of a process that a signal ended
constexpr double grace = 3;       // seconds for mpirun to end after a rank reported a failure

[[noreturn]] void become(const std::vector<std::string>& command, int errors) {
  std::vector<char*> words(command.size() + 1);  // a null at the end
  std::transform(command.begin(), command.end(), words.begin(),
                 [](const std::string& word) { return const_cast<char*>(word.c_str()); });
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // if this process is killed, the ranks end too
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execvp(words[0], words.data());
  constexpr std::string_view complaint = "unroll: mpirun is missing: install Open MPI (Debian package openmpi-bin)\n";
  static_cast<void>(::write(STDERR_FILENO, complaint.data(), complaint.size()));
  ::_exit(static_cast<int>(ExitCode::no_input));
}

}  // namespace

Mpirun::Mpirun(std::vector<std::string> arguments, Messages messages) : messages_(messages) {
  std::vector<std::string> command = {"mpirun", "--quiet"};
  if (::geteuid() == 0) command.push_back("--allow-run-as-root");
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0 || (process_ = ::fork()) < 0) {
    throw Error(ExitCode::io, fmt::format("no process for mpirun: {}", std::strerror(errno)));
  }
  if (process_ == 0) become(command, pipe[1]);
  ::close(pipe[1]);
  errors_ = pipe[0];
}

Mpirun::~Mpirun() { ::close(errors_); }

void Mpirun::end_line() {
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

int Mpirun::wait(const StopSignals& signals, double seconds) {
  const double began = monotonic_seconds();
  constexpr int pause = 20;    // milliseconds
  constexpr double again = 1;  // seconds between signals: mpirun drops them until its ranks have started
  double last_signal = 0;
  for (int status = 0;;) {
    pollfd readable{.fd = errors_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, pause) > 0 && (readable.revents & POLLIN) != 0 && pass_on()) continue;
    if (::waitpid(process_, &status, WNOHANG) == process_) {
      while (::poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN) != 0 && pass_on()) continue;
      if (!line_.empty()) end_line();
      return WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
    }
    if ((readable.revents & POLLHUP) != 0) ::usleep(pause * 1000);
    const double now = monotonic_seconds();
    if (signals.received() != 0 && now - last_signal > again) {
      ::kill(process_, SIGUSR1);
      last_signal = now;
    }
    if ((reported_at_ && now - *reported_at_ > grace) || now - began > seconds) ::kill(-process_, SIGKILL);
  }
}

}  // namespace unroll::cli
