#include "run/run_numbers.h"

#include <limits>

#include "base/require.h"
#include "io/json_fields.h"
#include "unroll/options.h"

namespace unroll {

RunNumbers run_numbers_of(const StoredCheckpoint& checkpoint, const Trainer& trainer) {
  using options::number;
  using options::whole_number;
  constexpr std::size_t max_size = 65536;  // bytes; those of unroll have about 150
  constexpr double largest = std::numeric_limits<double>::max();
  const std::string what = checkpoint.path() + ": run";
  const JsonFields fields(parse_json_object(checkpoint.metadata("run"), max_size, 1, what), what);
  RunNumbers run;
  for (const Option& field :
       {number("seconds", run.seconds, {}, ""), number("loss", run.loss, {.low = -largest}, ""),
        number("gradient_norm", run.gradient_norm, {}, ""), number("learning_rate", run.learning_rate, {}, ""),
        whole_number("epoch", run.epoch, 0, trainer.epoch(), ""),
        whole_number("rollbacks", run.rollbacks, 0, max_count, ""),
        whole_number("origin", run.origin, 0, trainer.updates(), "")}) {
    if (fields.contains(field.name)) fields.assign_to(field);
  }
  return run;
}

}  // namespace unroll
