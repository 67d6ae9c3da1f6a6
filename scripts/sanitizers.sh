#!/usr/bin/env bash
# Builds with sanitizers and runs quick tests: scripts/sanitizers.sh asan|tsan [TEST_PRESET]
#   asan  AddressSanitizer and UndefinedBehaviorSanitizer: all tests except those that measure time or memory or
#         repeat a program with other arguments (label unsanitized), those that train tables for minutes (label slow),
#         and four of the six trainings of SameBits. TEST_PRESET asan-all: also the latter two.
#   tsan  ThreadSanitizer: the tests of code that runs on several threads
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${2:-$1}
cmake --preset "$1" >/dev/null
cmake --build --preset "$1"
export ASAN_OPTIONS=strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
if [[ $preset == asan ]]; then
  same_bits=SameBits.ForAnyNumberOfThreads
  export GTEST_FILTER="-${same_bits}Rnn:${same_bits}Gru:${same_bits}In*:${same_bits}WithE*"
fi
ctest --preset "$preset" -j "$(nproc)"
