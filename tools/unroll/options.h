#pragma once

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/options.h"

namespace unroll::cli {

using options::alternatives;
using options::argument;
using options::arguments;
using options::choice;
using options::encoding;
using options::number;
using options::optional_argument;
using options::parse_whole_number;
using options::seed;
using options::text;
using options::texts;
using options::toggle;
using options::whole_number;

/// A sub-command of the program, or a group of sub-commands.
struct Command {
  std::string name;  ///< including its group: "train", "table", "table inspect"
  std::string summary;
  std::string details;  ///< end of its help: notes and examples
  std::vector<OptionGroup> groups;
  std::function<void(const OptionValues&)> run;  ///< gets the values that were given
  std::vector<Command> members = {};             ///< sub-commands of a group, which has neither options nor run
  bool shared = false;  ///< run collectively by all processes started together (on_all_ranks())
};

/// The list of commands in a help text: the last word of each name, and its summary.
std::string list_of(const std::vector<Command>& commands);

/// The command whose name ends in the word `word`. Throws Error(usage) with a list of the commands if there is none.
/// `group`: what they are the commands of, "unroll" or "unroll table".
const Command& find_command(const std::vector<Command>& commands, const std::string& word, const std::string& group);

/// Assigns the options given by `arguments` (after the command's name) and by the file that --config names, and adds
/// them to `given`; the command line has precedence. If help is requested, returns its text and assigns nothing. Throws
/// Error(usage) naming the flag, its legal values and the help.
std::optional<std::string> read_options(const Command& command, const std::vector<std::string>& arguments,
                                        OptionValues& given);

/// Calls work(). An OptionError that it throws becomes an Error that names the command's help.
template <typename Work>
auto with_help(const char* command, const Work& work) {
  try {
    return work();
  } catch (const OptionError& error) {
    throw Error(fmt::format("{}; see unroll {} --help", error.what(), command));
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace unroll::cli
