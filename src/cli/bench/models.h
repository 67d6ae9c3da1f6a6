#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/plan.h"
#include "unroll/corpus.h"

namespace unroll::cli {

/// A vocabulary of that size, and a corpus whose symbols are drawn from it alike.
Vocabulary synthetic_vocabulary(int size);
Corpus synthetic_corpus(int vocabulary, std::int64_t length, std::uint64_t seed);

/// "lstm-256", "tied-lstm-2x650": cell, layers where there are several, hidden units.
std::string short_name(const LanguageModelOptions& model);
/// "V1027 H256 B32 T35".
std::string size_text(const Workload& workload);
/// What another program needs to know to do the same.
nlohmann::ordered_json workload_json(const Workload& workload);

}  // namespace unroll::cli
