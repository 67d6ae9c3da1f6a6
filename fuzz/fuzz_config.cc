#include <string>
#include <vector>

#include "memory_file.h"
#include "refuses.h"
#include "tools/unroll/config_file.h"
#include "unroll/language_run.h"

using namespace unroll;

/// A configuration file is refused, or has values of options, which are legal or not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write({reinterpret_cast<const char*>(data), size});
  std::vector<cli::ConfigEntry> entries;
  if (refuses([&] { entries = cli::read_config_file(file.path()); })) return 0;
  LanguageRunOptions run;
  const std::vector<OptionGroup> groups = describe(run);
  for (const cli::ConfigEntry& entry : entries) {
    const Option* option = find_option(groups, entry.key);
    if (option == nullptr) continue;
    for (const std::string& value : entry.values) {
      try {
        option->assign(value);
      } catch (const IllegalValue&) {
        // as the program reports it
      }
    }
  }
  return 0;
}
