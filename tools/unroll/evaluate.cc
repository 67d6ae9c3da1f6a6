#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "commands.h"
#include "format.h"
#include "output.h"
#include "unroll/error.h"
#include "unroll/language_run.h"

namespace unroll::cli {

namespace {

struct EvaluateOptions {
  std::string model;                  ///< run directory or model file
  std::string file;                   ///< the text to score
  std::int64_t limit = 0;             ///< symbols to read; 0: all
  std::string encoding;               ///< of the text
  Unknown unknown = Unknown::refuse;  ///< symbols that the model does not know
  std::optional<int> threads;         ///< default: worthwhile_threads()
  bool json = false;                  ///< print the result as JSON
};

constexpr const char* evaluate_details =
    R"(Every symbol after the first is predicted from those before it. A long text is read in up to 32 places at a time, each
reader beginning 256 symbols or more before its part, to know what came before. Symbols (characters, bytes or words) and
line ends are those of the training. FILE may be anything that train can read.

Examples:
  unroll evaluate runs/novel-gru sequel.txt
  unroll evaluate runs/novel-gru sequel.txt --unknown skip --json)";

std::vector<OptionGroup> options_of(EvaluateOptions& o) {
  return {{"Model and text",
           {argument("MODEL", o.model, "run directory or model file (.safetensors)"),
            argument("FILE", o.file, "the text to score"),
            whole_number("limit", o.limit, 0, 1'000'000'000'000, "read this many symbols only; 0: all"),
            encoding(o.encoding),
            choice("unknown", o.unknown, "symbols that the model does not know; skip: left out and counted"),
            whole_number("threads", o.threads, 1, max_threads, "what is allowed and pays", "threads to use"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

constexpr double symbols_at_once = 512;  // symbols processed together when scoring

void write_scores(const EvaluateOptions& o, const Corpus& corpus, const LanguageModel::Score& score) {
  const double symbols = static_cast<double>(score.symbols);
  const double cross_entropy = score.cross_entropy_sum / symbols;
  const double bits = cross_entropy / std::numbers::ln2;
  const std::int64_t bytes = corpus.vocabulary().byte_count(corpus.ids().subspan(1));
  const double bits_per_byte = bits * symbols / static_cast<double>(bytes);
  const double perplexity = std::exp(cross_entropy);
  const double accuracy = static_cast<double>(score.correct) / symbols;
  if (o.json) {
    nlohmann::ordered_json result;
    result["cross_entropy"] = cross_entropy;
    result["bits_per_symbol"] = bits;
    result["bits_per_byte"] = bits_per_byte;
    result["perplexity"] = perplexity;
    result["accuracy"] = accuracy;
    result["symbols"] = score.symbols;
    result["skipped"] = corpus.skipped();
    write_result(to_text(result));
    return;
  }
  write_result(fmt::format("cross-entropy    {:.4f} nats\n", cross_entropy) +
               fmt::format("bits per symbol  {:.4f}\n", bits) +
               fmt::format("bits per byte    {:.4f}\n", bits_per_byte) +
               fmt::format("perplexity       {}\n", four_digits(perplexity)) +
               fmt::format("accuracy         {:.2f} %\n", 100 * accuracy) +
               fmt::format("symbols          {} scored, {} skipped\n", with_commas(score.symbols),
                           with_commas(corpus.skipped())));
}

void evaluate(const EvaluateOptions& o) {
  const std::string path = model_file_of(o.model);
  Context context({.threads = o.threads.value_or(worthwhile_threads(path, symbols_at_once))});
  const LanguageModel model = LanguageModel::load(context, path);
  const Corpus corpus =
      Corpus::read(o.file, {.newlines = model.options().newlines, .limit = o.limit, .encoding = o.encoding},
                   model.vocabulary(), o.unknown);
  for (const std::string& note : corpus.notes()) log_message(fmt::format("{}: {}", o.file, note));
  if (corpus.size() < 2) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: a single symbol cannot be scored; the text needs 2 or more that the model knows", o.file));
  }
  const LanguageModel::Score score = model.score(corpus.ids());
  if (!std::isfinite(score.cross_entropy_sum)) {
    throw Error(ExitCode::diverged,
                fmt::format("{}: its loss on {} is not finite; train again with a lower learning rate or with clipping",
                            path, o.file));
  }
  write_scores(o, corpus, score);
}

}  // namespace

Command evaluate_command() {
  auto options = std::make_shared<EvaluateOptions>();
  return {"evaluate", "Score a text with a trained model.", evaluate_details, options_of(*options),
          [options](const OptionValues&) { evaluate(*options); }};
}

}  // namespace unroll::cli
