#include "hosts.h"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>
#include <string_view>

#include "format.h"
#include "options.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

int parse_slots(const std::string& text, const std::string& file) {
  constexpr std::string_view key = "slots=";
  constexpr int most = 100'000;
  try {
    if (text.starts_with(key)) return static_cast<int>(parse_whole_number(text.substr(key.size()), 1, most));
  } catch (const IllegalValue&) {
    // reported below
  }
  throw Error(ExitCode::bad_data, fmt::format("{}: '{}' is not slots=N with N from 1 to {}", file, text, most));
}

}  // namespace

std::vector<Host> read_hosts(const std::string& file) {
  constexpr std::uint64_t max_size = 1 << 20;
  std::istringstream stream(read_file(file, max_size));
  std::vector<Host> hosts;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    if (!(words >> host.name)) continue;
    // mpirun would take the name for an option, or for several hosts.
    if (host.name.starts_with('-') || host.name.find(',') != std::string::npos) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: line {}: '{}' is no name of a host; write NAME slots=N, one host a line", file,
                              number, one_line(host.name)));
    }
    for (std::string word; words >> word;) host.slots = parse_slots(word, file);
    hosts.push_back(host);
  }
  if (hosts.empty()) throw Error(ExitCode::bad_data, fmt::format("{}: names no host", file));
  return hosts;
}

std::string list_of(const std::vector<Host>& hosts) {
  std::vector<std::string> parts(hosts.size());
  for (std::size_t i = 0; i < hosts.size(); ++i) parts[i] = fmt::format("{}:{}", hosts[i].name, hosts[i].slots);
  return join(parts, ",");
}

std::int64_t slots_of(const std::vector<Host>& hosts) {
  std::int64_t slots = 0;
  for (const Host& host : hosts) slots += host.slots;
  return slots;
}

}  // namespace unroll::cli
