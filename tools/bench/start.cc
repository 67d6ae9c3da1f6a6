#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "generation.h"
#include "models.h"
#include "temporary_folder.h"
#include "unroll/error.h"

namespace unroll::bench {

namespace {

constexpr const char* this_program = "/proc/self/exe";
constexpr std::size_t bytes_per_symbol = 3;  // in the synthetic vocabulary

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(ExitCode::io, what + ": " + std::strerror(error) + "; leave the start out with --only");
}

/// A stored model, and runs of this program that continue a text with it.
class Starter {
 public:
  Starter(const Workload& workload, int threads) : model_(folder_.file("model.safetensors")) {
    Context context({.seed = 1, .threads = threads});
    const LanguageModel model(context, synthetic_vocabulary(static_cast<int>(workload.vocabulary)), workload.model);
    model.save(model_);
    prefix_ = model.vocabulary().text(0);
  }

  void run() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe", errno);
    const pid_t child = start(ends[1]);
    ::close(ends[1]);
    std::size_t received = 0;
    std::array<char, 64> piece{};
    while (received < 2 * bytes_per_symbol) {  // the prefix and the first new symbol
      const ssize_t count = ::read(ends[0], piece.data(), piece.size());
      if (count <= 0) break;
      received += static_cast<std::size_t>(count);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (received < 2 * bytes_per_symbol) throw Error(ExitCode::internal, "unroll generate has written no symbol");
  }

 private:
  pid_t start(int output) {
    std::string command = "generate", prefix_flag = "--prefix", length_flag = "--length", length = "1";
    std::string program = "unroll";
    std::array<char*, 8> arguments = {program.data(), command.data(),     model_.data(), prefix_flag.data(),
                                      prefix_.data(), length_flag.data(), length.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t child = 0;
    const int error = ::posix_spawn(&child, this_program, &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail("cannot start the program again", error);
    return child;
  }

  TemporaryFolder folder_;
  std::string model_, prefix_;
};

}  // namespace

std::vector<Benchmark> start_benchmarks() {
  const Workload workload{.model = {.cell = CellType::rnn, .hidden = 256}, .vocabulary = 1027};
  return {{.name = "start/" + short_name(workload.model),
           .size = size_text(workload),
           .model = workload_json(workload),
           .prepare = [workload](int threads) -> Prepared {
             const auto starter = std::make_shared<Starter>(workload, threads);
             return {.run = [starter] { starter->run(); }};
           }}};
}

}  // namespace unroll::bench
