#pragma once

#include <cstdint>

#include "language/training_cost.h"
#include "unroll/language_run.h"

namespace unroll {

/// Sets the options that are not set, depending on the text and the number of ranks. Throws Error for prefixes with
/// symbols that the text lacks, for more shards than windows in a batch, and for more ranks than shards.
void fill_defaults(LanguageRunOptions& options, const Corpus& corpus, int ranks);

Workload workload_of(const LanguageRunOptions& options, std::int64_t vocabulary);

}  // namespace unroll
