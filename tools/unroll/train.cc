#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.h"
#include "format.h"
#include "output.h"
#include "progress.h"
#include "rank_session.h"
#include "stop_signals.h"
#include "training_plan.h"
#include "unroll/language_run.h"

namespace unroll::cli {

namespace {

constexpr const char* train_details =
    R"(FILE is UTF-8 text (with --unit byte any file), plain, gzip or zip (its only member, or archive.zip:member), or - for
standard input.
The model goes to DIR/model.safetensors, with --validation the best one; what happened goes to log.jsonl,
events.out.tfevents.* (TensorBoard) and curve.svg beside it, progress to standard error, the result to standard output.
The same seed gives the same model, bit for bit, with any number of threads, and stopped and resumed anywhere.
Ctrl-C, SIGTERM or SIGHUP saves and stops, a second one stops at once. --resume takes all settings from the run; beside
it only FILE, --validation, --lr, --extend-epochs, --patience, --checkpoint-every, --keep, --max-rollbacks, --threads,
--gradient-slices, --rank-timeout and what belongs to reports may be given.

Examples:
  unroll train novel.txt
  unroll train novel.txt --validation 0.1 --patience 5
  unroll train --resume runs/novel-gru
  unroll train lyrics.txt.zip --limit 10000 --newlines space --prefix 分开 --prefix 不分开
  unroll train novel.txt --cell gru --hidden 512 --layers 2 --dropout 0.3 --out runs/big
  unroll train lyrics.txt.zip --config recipes/lstm.toml --seed 2)";

struct TrainOptions {
  LanguageRunOptions run;
  bool json = false;  ///< print the result as JSON
};

std::vector<OptionGroup> options_of(TrainOptions& o) {
  std::vector<OptionGroup> groups = describe(o.run);
  groups.back().options.push_back(toggle("json", o.json, "print the result as one JSON object"));
  return groups;
}

void log_notes(const std::string& source, const Corpus& text) {
  for (const std::string& note : text.notes()) log_message(fmt::format("note      {}: {}", one_line(source), note));
}

void log_oddities(const LanguageRun& run) {
  log_notes(run.text_source(), run.text());
  log_notes(run.options().validation, run.validation_text());
  for (const std::string& warning : run.warnings()) log_message("warning   " + warning);
  if (run.symbols_of_origin() == 0) return;
  const int added = run.model().vocabulary().size() - run.symbols_of_origin();
  log_message(fmt::format("weights   {}: those of {} stay, {} that the text has beyond them begin anew",
                          one_line(run.options().init_from), counted(run.symbols_of_origin(), "symbol"),
                          with_commas(added)));
}

/// Trains with reports on standard error. Throws StoppedBySignal after the last checkpoint was written.
void train_with_signals(LanguageRun& run) {
  const StopSignals signals;
  run.run().stop_when([&] { return signals.received(); });
  run.run().add_observer(std::make_shared<Progress>(run, [&] { return signals.received() != 0; }));
  const StopReason reason = run.train();
  const Trainer& trainer = run.run().trainer();
  if (reason == StopReason::stopped) {
    const int signal = run.run().stop_cause();
    log_message(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}",
                            signal_name(signal), with_commas(trainer.updates()), for_shell(run.run().directory())));
    throw StoppedBySignal{signal};
  }
  if (trainer.out_of_patience()) {
    log_message(fmt::format("stopped   {} without a better one; the best is that of update {}",
                            counted(run.options().patience, "validation"), with_commas(trainer.best()->update)));
  }
}

std::string result_text(const LanguageRun& run, bool as_json) {
  const TrainingRun& training = run.run();
  const std::int64_t epochs = training.last_epoch().epoch;
  // Of the last complete epoch or, if there is none, of the steps that were made.
  const double loss = epochs > 0 ? training.last_epoch().loss : training.status().loss;
  const std::optional<ValidationReport> best = training.trainer().best();
  const std::vector<Metric> metrics = best ? run.task().validation_metrics(best->loss) : std::vector<Metric>{};
  if (!as_json) {
    if (!best) return fmt::format("model {}, perplexity {}\n", training.model_path(), four_digits(std::exp(loss)));
    return fmt::format("model {}, validation perplexity {}, {:.4g} bits per symbol, after update {}\n",
                       training.model_path(), four_digits(value_of(metrics, "perplexity")),
                       value_of(metrics, "bits_per_symbol"), with_commas(best->update));
  }
  nlohmann::ordered_json result;
  result["model"] = training.model_path();
  result["epochs"] = epochs;
  result["loss"] = loss;
  result["perplexity"] = std::exp(loss);
  if (best) {
    result["validation"] = {{"epoch", best->epoch}, {"update", best->update}, {"loss", best->loss}};
    for (const Metric& metric : metrics) result["validation"][metric.name] = metric.value;
  }
  result["rollbacks"] = training.rollbacks();
  result["seconds"] = training.seconds();
  result["symbols"] = run.text().size();
  result["vocabulary"] = run.model().vocabulary().size();
  result["parameters"] = run.model().parameters().size();
  result["threads"] = run.model().context().threads();
  result["ranks"] = run.ranks();
  return to_text(result);
}

void train(const TrainOptions& o, OptionValues given, LaunchedRanks& ranks) {
  given.erase("json");
  const std::unique_ptr<LanguageRun> run =
      with_help("train", [&] { return LanguageRun::create_from_values(given, ranks.communicator()); });
  ranks.set_timeout(run->options().rank_timeout);  // a resumed run has its own
  log_oddities(*run);
  train_with_signals(*run);
  write_result(result_text(*run, o.json));
}

}  // namespace

Command train_command() {
  auto options = std::make_shared<TrainOptions>();
  return {.name = "train",
          .summary = "Train a model on a text, and save it.",
          .details = train_details,
          .groups = options_of(*options),
          .run =
              [options](const OptionValues& given) {
                on_all_ranks(options->run.rank_timeout, [&](LaunchedRanks& ranks) { train(*options, given, ranks); });
              },
          .shared = true};
}

}  // namespace unroll::cli
