#include <fmt/format.h>

#include <memory>
#include <optional>

#include "commands.h"
#include "output.h"
#include "unroll/language_run.h"
#include "unroll/session.h"

namespace unroll::cli {

namespace {

struct ContinueOptions {
  std::string model;                                  ///< run directory or model file
  std::string prefix;                                 ///< what to continue; empty: a symbol is drawn
  GenerateOptions generate{.length = 50, .seed = 1};  ///< length, temperature, seed, unknown
  std::optional<int> threads;                         ///< default: worthwhile_threads()
};

constexpr const char* generate_details =
    R"(The text begins with the prefix and goes to standard output symbol by symbol, ended by a line end.
Without --prefix the first symbol is drawn from the frequencies of the text that the model has learnt.
The same seed gives the same text.

Examples:
  unroll generate runs/novel-gru
  unroll generate runs/lyrics-gru --prefix 分开 --length 200
  unroll generate runs/novel-gru/model.safetensors --prefix "Once upon" --temperature 0.7 --seed 3)";

std::vector<OptionGroup> options_of(ContinueOptions& o) {
  OptionGroup group = {
      "Model and text",
      {argument("MODEL", o.model, "run directory or model file (.safetensors)"),
       text("prefix", "TEXT", o.prefix, "", "what to continue; default: a symbol is drawn"),
       whole_number("threads", o.threads, 1, max_threads, "what is allowed and pays", "threads to use")}};
  std::vector<Option> generation = describe(o.generate);
  group.options.insert(group.options.end() - 1, generation.begin(), generation.end());
  return {group};
}

void continue_text(const ContinueOptions& o) {
  const std::string path = model_file_of(o.model);
  // A step multiplies a single row: reading a weight takes as long as a few multiply-adds.
  constexpr double symbols_hidden_by_reading = 4;
  Context context(
      {.seed = o.generate.seed, .threads = o.threads.value_or(worthwhile_threads(path, symbols_hidden_by_reading))});
  const LanguageModel model = LanguageModel::load(context, path);
  generate(model, o.prefix, o.generate, [](std::string_view piece) {
    write_result(piece);
    return true;
  });
  write_result("\n");
}

}  // namespace

Command generate_command() {
  auto options = std::make_shared<ContinueOptions>();
  return {"generate", "Continue a text with a trained model.", generate_details, options_of(*options),
          [options](const OptionValues&) { continue_text(*options); }};
}

}  // namespace unroll::cli
