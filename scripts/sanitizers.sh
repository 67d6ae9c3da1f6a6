#!/usr/bin/env bash
# Builds with sanitizers and runs the quick tests: scripts/sanitizers.sh asan|tsan
#   asan  AddressSanitizer and UndefinedBehaviorSanitizer: all but what measures time or memory, or gives other words to
#         a program that is run (label unsanitized), and four of the six trainings of SameBits
#   tsan  ThreadSanitizer: what runs on threads
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset "$1" >/dev/null
cmake --build --preset "$1"
export ASAN_OPTIONS=strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
ctest --preset "$1" -j "$(nproc)"
