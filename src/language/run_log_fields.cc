#include "language/run_log_fields.h"

#include <nlohmann/json.hpp>

#include "base/simd.h"
#include "unroll/format.h"

namespace unroll {

std::string run_log_fields(const LanguageRunOptions& o, std::int64_t symbols, const LanguageModel& model, int ranks) {
  nlohmann::ordered_json fields;
  fields["version"] = UNROLL_VERSION;
  fields["simd"] = simd_target();
  fields["threads"] = model.context().threads();
  fields["ranks"] = ranks;
  fields["gradient_slices"] = *o.shards;
  fields["text"] = o.text;
  fields["unit"] = name_of(model.vocabulary().unit());
  fields["symbols"] = symbols;
  fields["vocabulary"] = model.vocabulary().size();
  fields["validation"] = o.validation;
  fields["cell"] = o.model.cell.name();
  fields["hidden"] = o.model.hidden;
  fields["layers"] = o.model.layers;
  fields["embedding"] = o.model.embedding;
  fields["tied"] = o.model.tied;
  fields["dropout"] = shortest_float(o.model.dropout);
  fields["parameters"] = model.parameters().size();
  fields["init_from"] = o.init_from;
  fields["windows"] = name_of(o.task.windows);
  fields["batch"] = o.task.batch;
  fields["steps"] = o.task.window;
  fields["accumulate"] = o.accumulate;
  fields["optimizer"] = name_of(o.optimizer.kind);
  fields["learning_rate"] = shortest_float(*o.optimizer.learning_rate);
  fields["schedule"] = name_of(o.optimizer.schedule);
  fields["clip"] = shortest_float(*o.optimizer.clip);
  fields["clip_value"] = shortest_float(o.optimizer.clip_value);
  fields["seed"] = o.seed;
  return fields.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace unroll
