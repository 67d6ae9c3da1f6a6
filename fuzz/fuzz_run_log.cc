#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/check.h"
#include "io/run_log.h"
#include "run/add_event.h"

using namespace unroll;

/// Any lines are either events or reported as damage, and the history made of the events is valid.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RunHistory history;
  std::int64_t events = 0;
  const LogDamage damage = for_each_event(text, [&](const nlohmann::ordered_json& event) {
    ++events;
    add_event(history, event);
  });
  UNROLL_CHECK(damage.torn == (size > 0 && text.back() != '\n'));
  UNROLL_CHECK(events + (damage.first_line > 0 ? 1 : 0) <= std::count(text.begin(), text.end(), '\n'));
  UNROLL_CHECK(history.steps_per_epoch >= 0);
  UNROLL_CHECK(!history.best() || std::isfinite(*history.best()));
  UNROLL_CHECK(history.training.empty() || events > 0);
  return 0;
}
