#include <string>
#include <vector>

#include "base/check.h"
#include "refuses.h"
#include "run/run_settings.h"
#include "unroll/language_run.h"

using namespace unroll;

/// The settings of a checkpoint are refused, or are values of options that are written and read again as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  OptionValues values;
  if (refuses([&] { values = settings_from_json(text, "file"); })) return 0;
  LanguageRunOptions run, again;
  const std::vector<OptionGroup> groups = describe(run);
  if (refuses([&] { assign_values(groups, values, "file"); })) return 0;
  const OptionValues kept = values_to_keep(groups);
  const std::string written = settings_json(groups, kept);
  const std::vector<OptionGroup> others = describe(again);
  assign_values(others, settings_from_json(written, "written"), "written");
  UNROLL_CHECK(values_to_keep(others) == kept);
  return 0;
}
