#include <unroll/unroll.h>

#include <cmath>
#include <cstdio>
#include <string>

// Uses something of every module, so that linking fails if a library is missing from the package.
int main() {
  using namespace unroll;
  std::string text;
  for (int i = 0; i < 60; ++i) text += "abcdefgh";
  Context context({.seed = 1});
  const Corpus corpus = Corpus::from_text(text);
  LanguageModel model(context, corpus.vocabulary(), {.cell = CellType::gru, .hidden = 16});
  Adam adam(model.parameters(), {.learning_rate = 2e-2f});
  LanguageTask task(model, corpus, {.batch = 4, .window = 10});
  Trainer trainer(task, adam, {.epochs = 30, .clip_norm = 1.0f});
  double perplexity = std::nan("");
  trainer.on_epoch([&](const EpochReport& report) { perplexity = report.perplexity; });
  trainer.run();
  model.save("model.safetensors");
  const LanguageModel loaded = LanguageModel::load(context, "model.safetensors");
  const Table table = Table::from_text("name,price\na,1\nb,2\n");
  const std::string continued = generate(loaded, "abc", {.length = 7});
  std::printf("perplexity %.3f, continued %s\n", perplexity, continued.c_str());
  return perplexity < 1.2 && continued == "abcdefghab" && table.column("price").numbers()[1] == 2 ? 0 : 1;
}
