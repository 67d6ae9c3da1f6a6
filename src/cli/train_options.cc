#include "cli/train_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/enum_names.h"
#include "cli/format.h"
#include "cli/launched.h"
#include "text/code_points.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

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

Setting checkpoint_every_setting(std::optional<CheckpointInterval>& field) {
  return {Setting::Form::flag,
          "checkpoint-every",
          "N|TIME",
          "about five minutes",
          "updates, or a time such as 5m, from one checkpoint to the next",
          [&field](const std::string& value) { field = parse_checkpoint_interval(value); }};
}

constexpr std::int64_t max_rows = 1'000'000;  // of a batch; also the maximum number of symbols of a window
constexpr std::int64_t max_symbols = 1'000'000'000'000;
constexpr std::int64_t max_updates = 1'000'000'000'000;
constexpr int max_checkpoints = 1'000'000;

}  // namespace

std::vector<SettingGroup> settings_of(TrainOptions& o) {
  return {
      {"Text",
       {optional_argument("FILE", o.file, "the text to learn from"),
        whole_number("limit", o.limit, 0, max_symbols, "read this many symbols only; 0: all"),
        choice("newlines", o.newlines, newlines_names, "space: line ends become spaces"),
        text("validation", "SHARE|FILE", o.validation, "none",
             "text to measure on: the last part of FILE, such as 0.1, or another file"),
        choice("unknown", o.unknown, unknown_names,
               "symbols of the validation file that FILE lacks; skip: left out and counted")}},
      {"Model",
       {choice("cell", o.model.cell, cell_names, "kind of recurrent cell"),
        whole_number("hidden", o.model.hidden, 1, 65536, "hidden units per layer"),
        whole_number("layers", o.model.layers, 1, 256, "recurrent layers, one upon the other"),
        whole_number("embedding", o.model.embedding, 0, 65536, "width of the symbol embedding; 0: one-hot input"),
        toggle("tied", o.model.tied,
               "one weight for embedding and output layer: needs --embedding as wide as --hidden"),
        number("dropout", o.model.dropout, {.low = 0, .high = 1, .high_included = false}, "0",
               "share of units dropped between layers"),
        choice("activation", o.model.activation, activation_names, "of the rnn cell"),
        choice("biases", o.model.biases, biases_names, "biases per gate"), init_setting(o.model.init),
        text("init-from", "RUN", o.init_from, "none",
             "begin with the weights, cell and sizes of this run or model file")}},
      {"Training",
       {choice("windows", o.task.windows, windows_names, "how the text is cut into batches"),
        whole_number("batch", o.task.batch, 1, max_rows, "windows side by side"),
        whole_number("steps", o.task.window, 1, max_rows, "symbols per window"),
        choice("epoch-state", o.task.epoch_state, epoch_state_names, "of consecutive windows, when a new epoch begins"),
        whole_number("epochs", o.epochs, 1, max_epochs, "by length",
                     "passes over the text; default: about 1.5 million symbols, 3 to 150 passes"),
        whole_number("accumulate", o.accumulate, 1, max_rows, "batches whose gradients are averaged for an update"),
        whole_number("gradient-slices", o.shards, 1, max_rows, "the number of ranks",
                     "parts of a batch that ranks share: the same bits for any number of them"),
        whole_number("validate-every", o.validate_every, 0, max_updates, "updates between validations; 0: an epoch"),
        whole_number("patience", o.patience, 0, max_epochs,
                     "validations in a row without a new best one that end the training; 0: never"),
        seed(o.seed, "of initial weights, windows and dropout"),
        whole_number("threads", o.threads, 1, max_threads, "what is allowed and pays", "threads to use, of each rank"),
        whole_number("rank-timeout", o.rank_timeout, 1, 86'400,
                     "seconds without a sign of life from a rank that end the training")}},
      optimizer_settings(o.optimizer),
      {"Saving and going on",
       {text("out", "DIR", o.out, "runs/NAME-CELL", "run directory"),
        toggle("overwrite", o.overwrite, "replace the model and the checkpoints that the run directory holds"),
        checkpoint_every_setting(o.checkpoint_every),
        whole_number("keep", o.keep, 1, max_checkpoints, "checkpoints that are kept, the newest ones"),
        whole_number("max-rollbacks", o.max_rollbacks, 0, 1000,
                     "returns to the last checkpoint, with half the rate, where training diverges"),
        text("resume", "RUN", o.resume, "none", "go on with this run, or from this checkpoint of a run"),
        whole_number("extend-epochs", o.extend_epochs, 0, max_epochs,
                     "with --resume: epochs more than the run had planned")}},
      {"Reports and result",
       {texts("prefix", "TEXT", o.prefixes, "how the text begins", "what reports continue; may be repeated"),
        whole_number("report-every", o.report_every, 1, max_epochs, "a tenth of all", "epochs from report to report"),
        whole_number("sample-length", o.sample_length, 0, 1'000'000, "new symbols of a continuation"),
        toggle("json", o.json, "print the result as one JSON object")}}};
}

void check_conflicts(const TrainOptions& o) {
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
                            name_of(cell_names, o.model.cell)));
  }
  if (o.task.epoch_state == EpochState::carry && o.task.windows == WindowKind::random) {
    throw Error(
        "--epoch-state carry needs --windows consecutive: random windows begin with zeros; see unroll train --help");
  }
  const struct {
    bool given;
    const char* flag;
  } of_validation[] = {{o.validate_every > 0, "--validate-every"},
                       {o.patience > 0, "--patience"},
                       {o.unknown == Unknown::skip, "--unknown skip"}};
  for (const auto& rule : of_validation) {
    if (!rule.given || !o.validation.empty()) continue;
    throw Error(fmt::format("{} belongs to --validation SHARE or FILE; see unroll train --help", rule.flag));
  }
  check_conflicts(o.optimizer);
}

namespace {

/// The first symbols of the text, up to the end of a line or a word: a prefix that every model of the text knows.
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

void check_slices(const TrainOptions& o, int ranks) {
  if (*o.shards > o.task.batch) {
    throw Error(fmt::format("--batch {}: has not a window for each of {} {}; raise it", o.task.batch, *o.shards,
                            *o.shards == ranks ? "ranks" : "--gradient-slices"));
  }
  if (ranks <= *o.shards) return;
  throw Error(
      fmt::format("{} ranks cannot share a batch of {}: start no more ranks than that, or give "
                  "--gradient-slices {}",
                  ranks, counted(*o.shards, "slice"), ranks));
}

}  // namespace

LanguageModelOptions model_options(const TrainOptions& o) {
  LanguageModelOptions options = o.model;
  options.newlines = o.newlines;
  return options;
}

Workload workload_of(const TrainOptions& o, std::int64_t vocabulary) {
  return {.model = o.model, .vocabulary = vocabulary, .batch = o.task.batch, .steps = o.task.window};
}

void fill_defaults(TrainOptions& o, const Corpus& corpus, int ranks) {
  constexpr double backward = 2;  // cost relative to a forward pass
  check_prefixes(o, corpus.vocabulary());
  if (o.prefixes.empty()) o.prefixes.push_back(beginning_of(corpus));
  if (!o.epochs) o.epochs = default_epochs(corpus.size());
  if (!o.report_every) o.report_every = std::max<std::int64_t>(1, *o.epochs / 10);
  const double operations = (1 + backward) * forward_operations(workload_of(o, corpus.vocabulary().size()));
  if (!o.shards) o.shards = ranks;
  check_slices(o, ranks);
  if (!o.threads) o.threads = std::min(threads_of_rank(), worthwhile_threads(operations / ranks));
  if (!o.checkpoint_every) {
    o.checkpoint_every = default_checkpoint_interval(operations * static_cast<double>(o.accumulate));
  }
  fill_defaults(o.optimizer, *o.epochs);
}

}  // namespace unroll::cli
