#include "models.h"

#include <fmt/format.h>

#include "unroll/context.h"

namespace unroll::bench {

Tokenizer synthetic_vocabulary(int size) {
  std::vector<std::string> words;
  words.reserve(static_cast<std::size_t>(size));
  for (int id = 0; id < size; ++id) words.push_back(fmt::format("w{}", id));
  return Tokenizer::from(TokenUnit::word, words, std::vector<std::int64_t>(words.size(), 1));
}

Corpus synthetic_corpus(int vocabulary, std::int64_t length, std::uint64_t seed) {
  const Random random(seed, RandomStream::windows);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(vocabulary), i));
  }
  return Corpus::from_ids(std::move(ids), synthetic_vocabulary(vocabulary));
}

std::string short_name(const LanguageModelOptions& model) {
  const std::string layers = model.layers > 1 ? fmt::format("{}x", model.layers) : "";
  return fmt::format("{}{}-{}{}", model.tied ? "tied-" : "", model.cell.name(), layers, model.hidden);
}

std::string size_text(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  const std::string embedding = model.embedding > 0 ? fmt::format(" E{}", model.embedding) : "";
  const std::string layers = model.layers > 1 ? fmt::format(" L{}", model.layers) : "";
  return fmt::format("V{}{} H{}{} B{} T{}", workload.vocabulary, embedding, model.hidden, layers, workload.batch,
                     workload.steps);
}

nlohmann::ordered_json workload_json(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  return {{"cell", model.cell.name()},    {"vocabulary", workload.vocabulary},
          {"embedding", model.embedding}, {"tied", model.tied},
          {"hidden", model.hidden},       {"layers", model.layers},
          {"dropout", model.dropout},     {"batch", workload.batch},
          {"steps", workload.steps}};
}

}  // namespace unroll::bench
