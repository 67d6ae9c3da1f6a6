#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "failure.h"
#include "launch.h"
#include "output.h"
#include "rank_session.h"
#include "stop_signals.h"
#include "unroll/error.h"
#include "unroll/launched_ranks.h"
#include "unroll/options.h"

namespace unroll::cli {

namespace {

constexpr const char* closing_names = R"(
`unroll COMMAND --help` shows the flags of a command, with examples.
Results go to standard output, progress and messages to standard error.

Examples:
  unroll train novel.txt                              learn, and save runs/novel-gru
  unroll generate runs/novel-gru --length 200         write on
  unroll evaluate runs/novel-gru sequel.txt           perplexity of another text
  unroll inspect runs/novel-gru                       parameters and vocabulary
  unroll launch --ranks 4 -- train novel.txt          learn in four processes
  unroll runs                                         every run, its state and its score
  unroll plot runs/novel-gru runs/novel-lstm          their learning curves in one picture
  unroll bench                                        how much of this machine is used
  unroll table inspect train.csv --target Price       what the columns of a table hold, and what looks like trouble
  unroll table train train.csv --target Price         learn to predict a column, and save runs/train-linear+mlp
  unroll table predict runs/train-linear+mlp test.csv predict it for other rows
  unroll table explain runs/train-linear+mlp test.csv what it learned from, and where it is wrong

Exit codes: 0 fine, 2 a flag or argument that cannot be used, 65 data that make no sense, 66 no such input,
70 a defect or out of memory, 74 reading or writing failed, 75 training diverged, 76 a rank was lost,
129, 130, 138, 143 training was stopped by a hang-up, Ctrl-C, SIGUSR1 or SIGTERM, after saving where it stood
)";

std::vector<Command> all_commands() {
  return {train_command(), generate_command(), evaluate_command(), inspect_command(), runs_command(),
          plot_command(),  bench_command(),    table_command(),    launch_command()};
}

std::string help() {
  return "unroll trains recurrent neural networks on text, lets them write, examines tables and predicts their "
         "columns.\n"
         "Usage: unroll COMMAND ...\n\nCommands:\n" +
         list_of(all_commands()) + closing_names;
}

std::string help_of_group(const Command& group) {
  return fmt::format("{}\nUsage: unroll {} COMMAND ...\n\nCommands:\n{}\n{}\n", group.summary, group.name,
                     list_of(group.members), group.details);
}

bool asks_for_help(const std::string& word) { return word == "--help" || word == "-h"; }

std::string first_of(const std::vector<std::string>& arguments) { return arguments.empty() ? "" : arguments.front(); }

std::vector<std::string> after_first(const std::vector<std::string>& arguments) {
  return {arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end()};
}

/// `arguments`: those after the command's name.
void run(const Command& command, const std::vector<std::string>& arguments) {
  if (!command.members.empty()) {
    const std::string word = first_of(arguments);
    if (asks_for_help(word)) return write_result(help_of_group(command));
    return run(find_command(command.members, word, "unroll " + command.name), after_first(arguments));
  }
  OptionValues given;
  std::optional<std::string> command_help;
  try {
    command_help = read_options(command, arguments, given);
  } catch (const Error&) {
    if (command.shared) fail_on_all_ranks(std::current_exception());
    throw;
  }
  command_help ? write_result(*command_help) : command.run(given);
}

void run(const std::vector<std::string>& arguments) {
  const std::string word = first_of(arguments);
  if (word == "--version") return write_result("unroll " UNROLL_VERSION "\n");
  if (asks_for_help(word)) return write_result(help());
  const std::vector<Command> commands = all_commands();
  run(find_command(commands, word, "unroll"), after_first(arguments));
}

/// Opens /dev/null for each standard stream that the caller has closed: a file opened later would get its number, and
/// messages would go into it. The wrong direction makes reading and writing fail as before. False if there is no
/// standard output.
bool occupy_standard_streams() {
  bool has_output = true;
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (stream == STDOUT_FILENO) has_output = false;
  }
  return has_output;
}

int guarded_main(int count, char** arguments) {
  // A closed pipe or a file at its size limit is reported by the write that fails.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  const bool has_output = occupy_standard_streams();
  set_option_style(OptionStyle::flag);
  const bool quiet = launched().rank > 0;
  if (quiet) set_quiet();
  try {
    if (!has_output && !quiet) {  // said now, since the results of a long training would come last
      throw Error(ExitCode::io, "standard output is closed, and results go there; direct it to a file or /dev/null");
    }
    run({arguments + 1, arguments + count});
    return static_cast<int>(ExitCode::ok);
  } catch (const OutputClosed&) {
    return static_cast<int>(ExitCode::ok);
  } catch (const StoppedBySignal& stopped) {
    return stopped.exit_code();
  } catch (const LaunchedEnded& ended) {
    return ended.exit_code;
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    log_message("unroll: " + failure.line);
    return failure.code;
  }
}

}  // namespace
}  // namespace unroll::cli

int main(int count, char** arguments) { return unroll::cli::guarded_main(count, arguments); }
