#include "language/run_defaults.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/utf8.h"
#include "run/checkpoint_interval.h"
#include "unroll/context.h"
#include "unroll/format.h"
#include "unroll/launched_ranks.h"

namespace unroll {

namespace {

/// The first symbols of the text, up to the end of a line or a word: a prefix that every model of the text knows.
std::string beginning_of(const Corpus& corpus) {
  constexpr std::int64_t most = 12;
  std::string begin;
  Utf8Stream().add(corpus.text(0, std::min(most, corpus.size())), begin);  // bytes may end inside a character
  begin.erase(0, std::min(begin.find_first_not_of(" \n"), begin.size()));
  begin = begin.substr(0, begin.find('\n'));
  if (const std::size_t space = begin.find_last_of(' '); space != std::string::npos) begin.resize(space);
  return begin;
}

void check_prefixes(const LanguageRunOptions& o, const Tokenizer& vocabulary) {
  const std::string name = option_name("prefix");
  for (const std::string& prefix : o.prefixes) {
    if (prefix.empty()) continue;
    const Corpus read = Corpus::from_text(prefix, {.unit = vocabulary.unit(), .newlines = o.model.newlines}, name);
    for (const std::int32_t id : read.ids()) {
      if (vocabulary.find(read.vocabulary().text(id)) >= 0) continue;
      throw Error(ExitCode::bad_data,
                  fmt::format("{} {}: the text has no {}; take a prefix from the symbols of the text", name, prefix,
                              read.vocabulary().described(id)));
    }
  }
}

void check_slices(const LanguageRunOptions& o, int ranks) {
  if (*o.shards > o.task.batch) {
    throw Error(fmt::format("{} {}: has not a window for each of {} {}; raise it", option_name("batch"), o.task.batch,
                            *o.shards, *o.shards == ranks ? "ranks" : option_name("gradient-slices")));
  }
  if (ranks <= *o.shards) return;
  throw Error(fmt::format("{} ranks cannot share a batch of {}: start no more ranks than that, or give {} {}", ranks,
                          counted(*o.shards, "slice"), option_name("gradient-slices"), ranks));
}

}  // namespace

Workload workload_of(const LanguageRunOptions& o, std::int64_t vocabulary) {
  return {.model = o.model, .vocabulary = vocabulary, .batch = o.task.batch, .steps = o.task.window};
}

void fill_defaults(LanguageRunOptions& o, const Corpus& corpus, int ranks) {
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
  o.optimizer.fill_defaults(*o.epochs);
}

}  // namespace unroll
