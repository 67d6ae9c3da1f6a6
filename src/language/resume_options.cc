#include "language/resume_options.h"

#include <fmt/format.h>

#include <utility>

#include "language/run_texts.h"
#include "run/run_settings.h"

namespace unroll {

OptionValues options_to_keep(LanguageRunOptions asked, const LanguageRunOptions& complete) {
  if (asked.text != "-") asked.text = absolute_path(asked.text);
  if (!asked.validation.empty() && !share_of(asked.validation)) asked.validation = absolute_path(asked.validation);
  asked.epochs = complete.epochs;
  asked.shards = complete.shards;
  if (asked.optimizer.schedule == ScheduleKind::step) asked.optimizer.decay_every = complete.optimizer.decay_every;
  if (complete.checkpoint_every->updates > 0) asked.checkpoint_every = complete.checkpoint_every;
  return values_to_keep(describe(asked));
}

OptionValues resume_options(const OptionValues& kept, const OptionValues& given, const std::string& run,
                            const std::string& checkpoint) {
  const auto describe_run = [](LanguageRunOptions& options) { return describe(options); };
  return resumed_values(new_options<LanguageRunOptions>(describe_run), kept, given,
                        {.name = run,
                         .checkpoint = checkpoint,
                         .how_to_begin = fmt::format(", as with {} {}", option_name("init-from"), run)});
}

bool changes_updates(LanguageRunOptions now, LanguageRunOptions before) {
  if (now.epochs != before.epochs) return true;
  const std::vector<OptionGroup> ones = describe(now), others = describe(before);
  for (const OptionGroup& group : ones) {
    for (const Option& option : group.options) {
      if (option.on_resume != OnResume::changes_updates || option.name == "lr") continue;
      if (option.values() != find_option(others, option.name)->values()) return true;
    }
  }
  return false;
}

}  // namespace unroll
