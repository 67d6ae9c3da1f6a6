#!/usr/bin/env bash
# Builds with sanitizers and runs quick tests: scripts/sanitizers.sh asan|tsan [TEST_PRESET]
#   asan  AddressSanitizer and UndefinedBehaviorSanitizer: all tests except those that measure time or memory or
#         run no code that is built here (label unsanitized), those that train for minutes (label slow), and tests
#         that repeat a training with other threads, rows or targets. TEST_PRESET asan-all: also the latter two.
#   tsan  ThreadSanitizer: the tests of code that runs on several threads
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${2:-$1}
cmake --preset "$1" >/dev/null
cmake --build --preset "$1"
export ASAN_OPTIONS=strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
if [[ $preset == asan ]]; then
  repeats=SameBits.*:Ranks.TimesThreads*:*.IsTheSameOnAnyNumberOfThreads/*
  repeats+=:*.LearnsNothingOfOtherRows/*:*.PredictsTargetsOfAnySize/*:WideRegression.*
  export GTEST_FILTER=-$repeats
fi
ctest --preset "$preset" -j "$(nproc)"
