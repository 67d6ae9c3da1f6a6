#include "ranks/agreement.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <set>
#include <sstream>
#include <vector>

#include "base/simd.h"
#include "unroll/error.h"

namespace unroll {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown host";
}

void run_collectively(Communicator& ranks, const std::function<void()>& stage) {
  if (ranks.size() == 1) return stage();
  std::exception_ptr thrown;
  int code = 0;
  std::string line;
  try {
    stage();
  } catch (const Error& error) {
    thrown = std::current_exception();
    code = static_cast<int>(error.code());
    line = error.what();
  }
  const std::vector<int> codes = all_gather(ranks, code);
  const auto bad = std::find_if(codes.begin(), codes.end(), [](int other) { return other != 0; });
  if (bad == codes.end()) return;
  if (std::find(codes.begin(), codes.end(), 0) == codes.end()) std::rethrow_exception(thrown);
  const std::vector<std::string> lines = all_gather(ranks, line);
  const std::vector<std::string> hosts = all_gather(ranks, host_name());
  const auto rank = static_cast<std::size_t>(bad - codes.begin());
  throw Error(static_cast<ExitCode>(*bad), fmt::format("rank {} on {}: {}", rank, hosts[rank], lines[rank]));
}

namespace {

/// The lines of `lines` that are not in `others`, separated by commas; "nothing" if there are none.
std::string lines_not_in(const std::string& others, const std::string& lines) {
  std::istringstream all(others);
  std::set<std::string> known;
  for (std::string line; std::getline(all, line);) known.insert(line);
  std::string beyond;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    if (!known.contains(line)) beyond += (beyond.empty() ? "" : ", ") + line;
  }
  return beyond.empty() ? "nothing" : beyond;
}

}  // namespace

void require_same(Communicator& ranks, std::span<const Fact> facts) {
  if (ranks.size() == 1) return;
  const std::vector<std::string> hosts = all_gather(ranks, host_name());
  for (const Fact& fact : facts) {
    const std::vector<std::string> values = all_gather(ranks, fact.value);
    for (std::size_t rank = 1; rank < values.size(); ++rank) {
      if (values[rank] == values[0]) continue;
      throw Error(ExitCode::bad_data,
                  fmt::format("rank {} on {} has another {} than rank 0 on {}: {} and {}; start "
                              "all ranks alike",
                              rank, hosts[rank], fact.name, hosts[0], lines_not_in(values[0], values[rank]),
                              lines_not_in(values[rank], values[0])));
    }
  }
}

void use_common_simd_target(Communicator& ranks) {
  if (ranks.size() == 1) return;
  const std::vector<std::string> own = simd_targets();  // best first
  std::size_t common = 0;
  for (const std::string& target : all_gather(ranks, simd_target())) {
    const auto found = std::find(own.begin(), own.end(), target);
    // A target that this machine does not support is better than all that it supports.
    if (found != own.end()) common = std::max(common, static_cast<std::size_t>(found - own.begin()));
  }
  force_simd_target(own[common]);
}

}  // namespace unroll
