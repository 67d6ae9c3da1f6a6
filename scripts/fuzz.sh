#!/usr/bin/env bash
# Builds the fuzzers with clang and runs each for a fixed number of inputs: scripts/fuzz.sh INPUTS
set -euo pipefail
cd "$(dirname "$0")/.."

cmake -S . -B build-fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DUNROLL_FUZZ=ON -DUNROLL_TESTS=OFF \
  "-DUNROLL_FUZZ_INPUTS=$1" >/dev/null
cmake --build build-fuzz --target fuzzers
ctest --test-dir build-fuzz -L '^fuzz$' --output-on-failure -j "$(nproc)"
