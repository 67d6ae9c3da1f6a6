#pragma once

#include <cstdint>
#include <string>

#include "options.h"

namespace unroll::cli {

// One function per sub-command, each in a file of its name.
Command train_command();
Command generate_command();
Command evaluate_command();
Command inspect_command();
Command runs_command();
Command plot_command();
Command bench_command();
Command table_command();
Command table_inspect_command();
Command table_train_command();
Command table_predict_command();
Command table_explain_command();

inline constexpr int max_threads = 1024;
inline constexpr std::int64_t max_epochs = 1'000'000'000;

}  // namespace unroll::cli
