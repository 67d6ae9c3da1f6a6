#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/simd.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/optimizer_options.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/run_directory.h"
#include "cli/run_record.h"
#include "cli/words.h"
#include "data/utf8.h"
#include "tensor/device.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll::cli {

namespace {

struct TrainOptions {
  std::string file;                               ///< the text
  Newlines newlines = Newlines::keep;             ///< of the text, and later of prefixes
  std::int64_t limit = 0;                         ///< symbols to read; 0: all
  LanguageModelOptions model{.cell = Cell::gru};  ///< its field newlines comes from the one above
  LanguageTaskOptions task;                       ///< how the text is cut into windows
  std::optional<std::int64_t> epochs;             ///< else default_epochs()
  OptimizerOptions optimizer;                     ///< how gradients become updates
  std::uint64_t seed = 1;                         ///< of weights, windows and dropout
  std::optional<int> threads;                     ///< else worthwhile_threads()
  std::vector<std::string> prefixes;              ///< else the beginning of the text
  std::optional<std::int64_t> report_every;       ///< epochs; else a tenth of all
  int sample_length = 50;                         ///< new symbols of each continuation
  std::string out;                                ///< else runs/NAME-CELL
  bool overwrite = false;                         ///< replace the model in `out`
  bool json = false;                              ///< the result as JSON
};

constexpr const char* details =
    R"(FILE is UTF-8 text, plain, gzip or zip (its only member, or archive.zip:member), or - for standard input.
The model goes to DIR/model.safetensors, what happened to log.jsonl, events.out.tfevents.* (TensorBoard) and curve.svg
beside it. Progress goes to standard error, the result to standard output.
The same seed gives the same model, bit for bit, with any number of threads.

Examples:
  unroll train novel.txt
  unroll train lyrics.txt.zip --limit 10000 --newlines space --prefix 分开 --prefix 不分开
  unroll train novel.txt --cell gru --hidden 512 --layers 2 --dropout 0.3 --out runs/big
  unroll train lyrics.txt.zip --config recipes/lstm.toml --seed 2)";

Setting init_setting(InitScheme& field) {
  return {Setting::Form::flag,
          "init",
          "uniform|normal:SD",
          "uniform",
          "initial weights: uniform in 1/sqrt(fan), or normal with standard deviation SD",
          [&field](const std::string& value) {
            constexpr std::string_view normal = "normal:";
            if (value == "uniform") {
              field.standard_deviation = 0;
            } else if (value.starts_with(normal)) {
              try {
                field.standard_deviation =
                    parse_number<float>(value.substr(normal.size()), {.low = 0, .low_included = false});
              } catch (const IllegalValue& illegal) {
                throw IllegalValue{"uniform, or normal:SD with SD " + illegal.legal};
              }
            } else {
              throw IllegalValue{"uniform or normal:SD, such as normal:0.01"};
            }
          }};
}

constexpr std::int64_t most_rows = 1'000'000;  // of a batch, and steps of a window
constexpr std::int64_t most_symbols = 1'000'000'000'000;

std::vector<SettingGroup> settings_of(TrainOptions& o) {
  return {
      {"Text",
       {argument("FILE", o.file, "the text to learn from"),
        whole_number("limit", o.limit, 0, most_symbols, "read this many symbols only; 0: all"),
        choice("newlines", o.newlines, newlines_words, "space: line ends become spaces")}},
      {"Model",
       {choice("cell", o.model.cell, cell_words, "kind of recurrent cell"),
        whole_number("hidden", o.model.hidden, 1, 65536, "hidden units per layer"),
        whole_number("layers", o.model.layers, 1, 256, "recurrent layers, one upon the other"),
        whole_number("embedding", o.model.embedding, 0, 65536, "width of the symbol embedding; 0: one-hot input"),
        toggle("tied", o.model.tied,
               "one weight for embedding and output layer: needs --embedding as wide as --hidden"),
        number("dropout", o.model.dropout, {.low = 0, .high = 1, .high_included = false}, "0",
               "share of units dropped between layers"),
        choice("activation", o.model.activation, activation_words, "of the rnn cell"),
        choice("biases", o.model.biases, biases_words, "biases per gate"), init_setting(o.model.init)}},
      {"Training",
       {choice("windows", o.task.windows, windows_words, "how the text is cut into batches"),
        whole_number("batch", o.task.batch, 1, most_rows, "windows side by side"),
        whole_number("steps", o.task.steps, 1, most_rows, "symbols per window"),
        choice("epoch-state", o.task.epoch_state, epoch_state_words, "of consecutive windows, when a new epoch begins"),
        whole_number("epochs", o.epochs, 1, most_epochs, "by length",
                     "passes over the text; default: about 1.5 million symbols, 3 to 150 passes"),
        seed(o.seed, "of initial weights, windows and dropout"),
        whole_number("threads", o.threads, 1, most_threads, "what is allowed and pays", "threads to use")}},
      optimizer_settings(o.optimizer),
      {"Reports and result",
       {texts("prefix", "TEXT", o.prefixes, "how the text begins", "what reports continue; may be repeated"),
        whole_number("report-every", o.report_every, 1, most_epochs, "a tenth of all", "epochs from report to report"),
        whole_number("sample-length", o.sample_length, 0, 1'000'000, "new symbols of a continuation"),
        text("out", "DIR", o.out, "runs/NAME-CELL", "run directory"),
        toggle("overwrite", o.overwrite, "replace the model that the run directory holds"),
        toggle("json", o.json, "print the result as one JSON object")}}};
}

/// Settings that would have no effect are mistakes.
void check_together(const TrainOptions& o) {
  if (o.model.dropout > 0 && o.model.layers == 1) {
    throw Error("--dropout acts between layers: it needs --layers 2 or more; see unroll train --help");
  }
  if (o.model.tied && o.model.embedding != o.model.hidden) {
    throw Error(
        fmt::format("--tied makes one weight of embedding and output layer: it needs --embedding {0}, as --hidden; "
                    "see unroll train --help",
                    o.model.hidden));
  }
  if (o.model.activation != Activation::tanh && o.model.cell != Cell::rnn) {
    throw Error(fmt::format("--activation belongs to --cell rnn: the {} has its own; see unroll train --help",
                            word_for(cell_words, o.model.cell)));
  }
  if (o.task.epoch_state == EpochState::carry && o.task.windows == WindowKind::random) {
    throw Error(
        "--epoch-state carry needs --windows consecutive: random windows begin with zeros; see unroll train --help");
  }
  check_together(o.optimizer);
}

/// The first symbols of the text, up to the end of a line or a word: a prefix that every model of the text can read.
std::string beginning_of(const Corpus& corpus) {
  constexpr std::int64_t most = 12;
  std::string begin = corpus.text(0, std::min(most, corpus.size()));
  begin.erase(0, std::min(begin.find_first_not_of(" \n"), begin.size()));
  begin = begin.substr(0, begin.find('\n'));
  if (const std::size_t space = begin.find_last_of(' '); space != std::string::npos) begin.resize(space);
  return begin;
}

void check_prefixes(const TrainOptions& o, const Vocabulary& vocabulary) {
  for (const std::string& prefix : o.prefixes) {
    for_each_symbol(prefix, "--prefix", {.newlines = o.newlines}, [&](char32_t symbol) {
      if (vocabulary.find(symbol) >= 0) return;
      throw Error(ExitCode::bad_data,
                  fmt::format("--prefix {}: the text has no {}; take a prefix from the symbols of the text", prefix,
                              described(symbol)));
    });
  }
}

/// What the settings leave open, once the text is known.
void complete(TrainOptions& o, const Corpus& corpus) {
  check_prefixes(o, corpus.vocabulary());
  o.model.newlines = o.newlines;
  if (o.prefixes.empty()) o.prefixes.push_back(beginning_of(corpus));
  if (!o.epochs) o.epochs = default_epochs(corpus.size());
  if (!o.report_every) o.report_every = std::max<std::int64_t>(1, *o.epochs / 10);
  complete(o.optimizer, *o.epochs);
}

Workload workload_of(const TrainOptions& o, const Corpus& corpus) {
  return {.model = o.model, .vocabulary = corpus.vocabulary().size(), .batch = o.task.batch, .steps = o.task.steps};
}

void say_plan(const TrainOptions& o, const Corpus& corpus, const LanguageTask& task, const Context& context) {
  const Workload workload = workload_of(o, corpus);
  const float deviation = o.model.init.standard_deviation;
  const std::string init = deviation > 0 ? fmt::format("normal weights, deviation {}", deviation) : "uniform weights";
  const char* windows = o.task.windows == WindowKind::random      ? "random"
                        : o.task.epoch_state == EpochState::carry ? "consecutive, state carried across epochs"
                                                                  : "consecutive";
  say(fmt::format("text      {}: {}, {} distinct", o.file == "-" ? "standard input" : o.file,
                  counted(corpus.size(), "symbol"), with_commas(corpus.vocabulary().size())));
  say(fmt::format("model     {}: {}, {}", counted(parameter_count(workload), "parameter"), description(o.model), init));
  say(fmt::format("training  {} of {}: {} windows of {}, {}; {}; seed {}", counted(*o.epochs, "epoch"),
                  counted(task.steps_per_epoch(), "step"), o.task.batch, counted(o.task.steps, "symbol"), windows,
                  description(o.optimizer), o.seed));
  say(fmt::format("machine   {}, {}, about {} of memory", device_of(context).name(),
                  counted(context.threads(), "thread"),
                  byte_count(training_bytes(workload, moments_of(o.optimizer), corpus.size()))));
}

void write_outcome(const TrainOptions& o, const std::string& path, const LanguageModel& model, const Progress& progress,
                   std::int64_t symbols) {
  const Report& last = progress.last();
  if (!o.json) {
    write_result(fmt::format("model {}, perplexity {}\n", path, four_digits(last.perplexity)));
    return;
  }
  nlohmann::ordered_json outcome;
  outcome["model"] = path;
  outcome["epochs"] = last.epoch;
  outcome["loss"] = last.loss;
  outcome["perplexity"] = last.perplexity;
  outcome["seconds"] = progress.seconds();
  outcome["symbols"] = symbols;
  outcome["vocabulary"] = model.vocabulary().size();
  outcome["parameters"] = model.parameters().size();
  outcome["threads"] = model.context().threads();
  write_result(to_text(outcome));
}

/// As the user wrote it, where a double of it would say 0.004999999888241291.
double as_written(double number) { return std::stod(fmt::format("{}", static_cast<float>(number))); }

/// The fields of the log's first line.
nlohmann::ordered_json start_fields(const TrainOptions& o, const Corpus& corpus, const LanguageTask& task,
                                    const LanguageModel& model) {
  nlohmann::ordered_json fields;
  fields["version"] = UNROLL_VERSION;
  fields["simd"] = simd_target();
  fields["threads"] = model.context().threads();
  fields["text"] = o.file;
  fields["symbols"] = corpus.size();
  fields["vocabulary"] = corpus.vocabulary().size();
  fields["cell"] = word_for(cell_words, o.model.cell);
  fields["hidden"] = o.model.hidden;
  fields["layers"] = o.model.layers;
  fields["embedding"] = o.model.embedding;
  fields["tied"] = o.model.tied;
  fields["dropout"] = as_written(o.model.dropout);
  fields["parameters"] = model.parameters().size();
  fields["windows"] = word_for(windows_words, o.task.windows);
  fields["batch"] = o.task.batch;
  fields["steps"] = o.task.steps;
  fields["optimizer"] = word_for(optimizer_words, o.optimizer.kind);
  fields["learning_rate"] = as_written(*o.optimizer.learning_rate);
  fields["schedule"] = word_for(schedule_words, o.optimizer.schedule);
  fields["clip"] = as_written(*o.optimizer.clip);
  fields["clip_value"] = as_written(o.optimizer.clip_value);
  fields["seed"] = o.seed;
  fields["epochs"] = *o.epochs;
  fields["steps_per_epoch"] = task.steps_per_epoch();
  return fields;
}

/// Trains, with what a person sees of it and what the run directory keeps of it.
void run(Trainer& trainer, Progress& progress, RunRecord& record, std::int64_t steps_per_epoch,
         const Optimizer& optimizer) {
  trainer.on_step([&](std::int64_t epoch, std::int64_t step, double loss, double gradient_norm) {
    progress.step_done(epoch, step, loss, gradient_norm, as_written(optimizer.learning_rate()));
    if (step < steps_per_epoch && record.due(false)) record.report(progress.status());
  });
  trainer.on_epoch([&](const Report& report) {
    const bool shown = progress.epoch_done(report);
    if (shown || record.due(true)) record.report(progress.status());
    if (shown) progress.say_continuations();
  });
  try {
    progress.begin();
    trainer.run();
  } catch (const Error& error) {
    const TrainingStatus last = progress.status();
    if (error.code() == ExitCode::diverged) record.stop(StopReason::diverged, last.epoch, last.step);
    throw;
  }
}

void train_on(const TrainOptions& o, const Corpus& corpus, RunDirectory& directory) {
  constexpr double backward = 2;  // of a forward pass
  const int threads =
      o.threads.value_or(worthwhile_threads((1 + backward) * forward_operations(workload_of(o, corpus))));
  Context context({.seed = o.seed, .threads = threads});
  LanguageModel model(context, corpus.vocabulary(), o.model);
  LanguageTask task(model, corpus, o.task);
  check_length(o.optimizer, {.epochs = *o.epochs, .updates_per_epoch = task.steps_per_epoch()});
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(o.optimizer, model.parameters());
  directory.create();
  say_plan(o, corpus, task, context);

  RunRecord record(directory.path());
  record.start(start_fields(o, corpus, task, model));
  Progress progress(model,
                    {.epochs = *o.epochs,
                     .steps_per_epoch = task.steps_per_epoch(),
                     .symbols_per_step = std::int64_t{o.task.batch} * o.task.steps,
                     .report_every = *o.report_every,
                     .prefixes = o.prefixes,
                     .sample_length = o.sample_length,
                     .seed = o.seed,
                     .on_sample = [&](const TrainingStatus& now, const std::string& prefix, const std::string& text) {
                       record.sample(now.epoch, now.step, prefix, text);
                     }});
  Trainer trainer(task, *optimizer,
                  {.epochs = *o.epochs,
                   .clip_norm = *o.optimizer.clip,
                   .clip_value = o.optimizer.clip_value,
                   .schedule = schedule_of(o.optimizer)});
  run(trainer, progress, record, task.steps_per_epoch(), *optimizer);
  model.save(directory.model_path());
  const TrainingStatus last = progress.status();
  record.stop(StopReason::finished, last.epoch, last.step);
  write_outcome(o, directory.model_path(), model, progress, corpus.size());
}

void train(TrainOptions& o) {
  check_together(o);
  if (o.out.empty()) o.out = default_run_directory(o.file, word_for(cell_words, o.model.cell));
  RunDirectory directory(o.out, o.overwrite);
  const Corpus corpus = Corpus::read(o.file, {.newlines = o.newlines, .limit = o.limit});
  complete(o, corpus);
  try {
    train_on(o, corpus, directory);
  } catch (const std::bad_alloc&) {
    const double bytes = training_bytes(workload_of(o, corpus), moments_of(o.optimizer), corpus.size());
    throw Error(ExitCode::internal,
                fmt::format("out of memory: this training takes about {}; lower --hidden, --batch or --steps",
                            byte_count(bytes)));
  }
}

}  // namespace

Command train_command() {
  auto options = std::make_shared<TrainOptions>();
  return {"train", "Train a model on a text, and save it.", details, settings_of(*options),
          [options] { train(*options); }};
}

}  // namespace unroll::cli
