#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "language/training_cost.h"
#include "unroll/corpus.h"

namespace unroll::bench {

/// A vocabulary of `size` symbols with equal counts.
Tokenizer synthetic_vocabulary(int size);
/// A corpus of `length` symbols drawn uniformly from a synthetic vocabulary.
Corpus synthetic_corpus(int vocabulary, std::int64_t length, std::uint64_t seed);

/// "lstm-256", "tied-lstm-2x650": cell, number of layers if above 1, hidden units.
std::string short_name(const LanguageModelOptions& model);
/// "V1027 H256 B32 T35".
std::string size_text(const Workload& workload);
/// The workload as JSON, for other programs that run the same one.
nlohmann::ordered_json workload_json(const Workload& workload);

}  // namespace unroll::bench
