#include <string>
#include <vector>

#include "base/check.h"
#include "memory_file.h"
#include "refuses.h"
#include "tools/unroll/hosts.h"

using namespace unroll;

/// A file of hosts is refused, or names at least one host with at least one rank each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write({reinterpret_cast<const char*>(data), size});
  std::vector<cli::Host> hosts;
  if (refuses([&] { hosts = cli::read_hosts(file.path()); })) return 0;
  UNROLL_CHECK(!hosts.empty());
  for (const cli::Host& host : hosts) UNROLL_CHECK(!host.name.empty() && host.slots >= 1);
  return 0;
}
