#include "hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>

#include "format.h"
#include "options.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

/// False for what mpirun would take for an option, for several hosts or for a number of slots, and for bytes that no
/// name has. An IPv6 address is in brackets.
bool is_host_name(std::string_view name) {
  const bool has_brackets = name.starts_with('[') && name.ends_with(']');
  const auto is_allowed = [=](char byte) {
    return byte > ' ' && byte <= '~' && byte != ',' && (byte != ':' || has_brackets);
  };
  return !name.starts_with('-') && std::ranges::all_of(name, is_allowed);
}

int parse_slots(const std::string& text, const std::string& file, int line) {
  constexpr std::string_view key = "slots=";
  constexpr int most = 100'000;
  try {
    if (text.starts_with(key)) return static_cast<int>(parse_whole_number(text.substr(key.size()), 1, most));
  } catch (const IllegalValue&) {
    // reported below
  }
  throw Error(ExitCode::bad_data,
              fmt::format("{}: line {}: '{}' is not slots=N with N from 1 to {}", file, line, one_line(text), most));
}

}  // namespace

std::vector<Host> read_hosts(const std::string& file) {
  constexpr std::uint64_t max_size = 1 << 20;
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  std::string text = read_file(file, max_size);
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  std::istringstream stream(text);
  std::vector<Host> hosts;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    if (!(words >> host.name)) continue;
    if (!is_host_name(host.name)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: line {}: '{}' is no name of a host; write NAME slots=N, one host a line", file,
                              number, one_line(host.name)));
    }
    for (std::string word; words >> word;) host.slots = parse_slots(word, file, number);
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
