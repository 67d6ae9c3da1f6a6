#include <fmt/format.h>

#include <algorithm>

#include "language/model_options.h"
#include "run/checkpoint_interval.h"
#include "unroll/language_run.h"

namespace unroll {

namespace {

constexpr std::int64_t max_rows = 1'000'000;  // of a batch; also the maximum number of symbols of a window
constexpr std::int64_t max_symbols = 1'000'000'000'000;
constexpr std::int64_t max_updates = 1'000'000'000'000;
constexpr std::int64_t max_epochs = 1'000'000'000;
constexpr int max_checkpoints = 1'000'000;
constexpr int max_threads = 1024;

/// Takes the option of this name out of the list.
Option take(std::vector<Option>& options, std::string_view name) {
  const auto found = std::ranges::find(options, name, &Option::name);
  Option option = std::move(*found);
  options.erase(found);
  return option;
}

std::vector<Option> training_options(LanguageRunOptions& o) {
  using options::choice;
  using options::seed;
  using options::whole_number;
  using enum OnResume;
  return {choice("windows", o.task.windows, "how the text is cut into batches"),
          whole_number("batch", o.task.batch, 1, max_rows, "windows side by side"),
          whole_number("steps", o.task.window, 1, max_rows, "symbols per window"),
          choice("epoch-state", o.task.epoch_state, "of consecutive windows, when a new epoch begins"),
          whole_number("epochs", o.epochs, 1, max_epochs, "by length",
                       "passes over the text; default: about 1.5 million symbols, 3 to 150 passes"),
          whole_number("accumulate", o.accumulate, 1, max_rows, "batches whose gradients are averaged for an update"),
          whole_number("gradient-slices", o.shards, 1, max_rows, "the number of ranks",
                       "parts of a batch that ranks share: the same bits for any number of them")
              .with(changes_updates),
          whole_number("validate-every", o.validate_every, 0, max_updates, "updates between validations; 0: an epoch"),
          whole_number("patience", o.patience, 0, max_epochs,
                       "validations in a row without a new best one that end the training; 0: never")
              .with(changes_updates),
          seed(o.seed, "of initial weights, windows and dropout"),
          whole_number("threads", o.threads, 1, max_threads, "what is allowed and pays", "threads to use, of each rank")
              .with(may_change),
          whole_number("rank-timeout", o.rank_timeout, 1, 86'400,
                       "seconds without a sign of life from a rank that end the training")
              .with(may_change)};
}

std::vector<Option> saving_options(LanguageRunOptions& o) {
  using options::text;
  using options::toggle;
  using options::whole_number;
  using enum OnResume;
  return {
      text("out", "DIR", o.directory, "runs/NAME-CELL", "run directory").with(not_kept),
      toggle("overwrite", o.overwrite, "replace the model and the checkpoints that the run directory holds")
          .with(not_kept),
      checkpoint_every_option(o.checkpoint_every),
      whole_number("keep", o.keep, 1, max_checkpoints, "checkpoints that are kept, the newest ones").with(may_change),
      whole_number("max-rollbacks", o.max_rollbacks, 0, 1000,
                   "returns to the last checkpoint, with half the rate, where training diverges")
          .with(changes_updates),
      text("resume", "RUN", o.resume, "none", "go on with this run, or from this checkpoint of a run").with(not_kept),
      whole_number("extend-epochs", o.extend_epochs, 0, max_epochs,
                   fmt::format("with {}: epochs more than the run had planned", option_name("resume")))
          .with(not_kept)};
}

std::vector<Option> report_options(LanguageRunOptions& o) {
  using options::texts;
  using options::whole_number;
  using enum OnResume;
  return {
      texts("prefix", "TEXT", o.prefixes, "how the text begins", "what reports continue; may be repeated")
          .with(may_change),
      whole_number("report-every", o.report_every, 1, max_epochs, "a tenth of all", "epochs from report to report")
          .with(may_change),
      whole_number("sample-length", o.sample_length, 0, 1'000'000, "new symbols of a continuation").with(may_change)};
}

}  // namespace

std::vector<OptionGroup> describe(LanguageRunOptions& o) {
  using options::choice;
  using options::optional_argument;
  using options::text;
  using options::whole_number;
  using enum OnResume;
  std::vector<Option> model = describe(o.model);
  Option newlines = take(model, "newlines");
  model.push_back(
      text("init-from", "RUN", o.init_from, "none", "begin with the weights, cell and sizes of this run or model file")
          .with(not_kept));
  return {
      {"Text",
       {optional_argument("FILE", o.text, "the text to learn from").with(may_change),
        choice("unit", o.unit, "what a symbol is"),
        whole_number("limit", o.limit, 0, max_symbols, "read this many symbols only; 0: all"), std::move(newlines),
        options::encoding(o.encoding),
        text("validation", "SHARE|FILE", o.validation, "none",
             "text to measure on: the last part of FILE, such as 0.1, or another file")
            .with(may_change_if_given),
        choice("unknown", o.unknown, "symbols of the validation file that FILE lacks; skip: left out and counted")}},
      {"Model", std::move(model)},
      {"Training", training_options(o)},
      {"Optimizer", describe(o.optimizer)},
      {"Saving and going on", saving_options(o)},
      {"Reports and result", report_options(o)}};
}

void check_conflicts(const LanguageRunOptions& o) {
  if (o.unit == TokenUnit::byte && o.model.newlines == Newlines::space) {
    throw OptionError(
        fmt::format("{} space needs characters or words: a text in bytes is read as it is", option_name("newlines")));
  }
  if (o.unit == TokenUnit::byte && !o.encoding.empty()) {
    throw OptionError(fmt::format("{} {} needs characters or words: a text in bytes is read as it is",
                                  option_name("encoding"), o.encoding));
  }
  if (o.model.dropout > 0 && o.model.layers == 1) {
    throw OptionError(
        fmt::format("{} acts between layers: it needs {} 2 or more", option_name("dropout"), option_name("layers")));
  }
  check_options(o.model);
  if (o.model.activation != Activation::tanh && o.model.cell != CellType::rnn) {
    throw OptionError(fmt::format("{} belongs to {} rnn: the {} has its own", option_name("activation"),
                                  option_name("cell"), o.model.cell.name()));
  }
  if (o.task.epoch_state == EpochState::carry && o.task.windows == WindowKind::random) {
    throw OptionError(fmt::format("{} carry needs {} consecutive: random windows begin with zeros",
                                  option_name("epoch-state"), option_name("windows")));
  }
  const struct {
    bool given;
    const char* option;
    const char* value;
  } of_validation[] = {{o.validate_every > 0, "validate-every", ""},
                       {o.patience > 0, "patience", ""},
                       {o.unknown == Unknown::skip, "unknown", " skip"}};
  for (const auto& rule : of_validation) {
    if (!rule.given || !o.validation.empty()) continue;
    throw OptionError(fmt::format("{}{} belongs to {} SHARE or FILE", option_name(rule.option), rule.value,
                                  option_name("validation")));
  }
  check_conflicts(o.optimizer);
}

}  // namespace unroll
