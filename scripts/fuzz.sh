#!/usr/bin/env bash
# Builds the fuzzers with the preset asan and runs each for a fixed number of inputs: scripts/fuzz.sh INPUTS
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset asan "-DUNROLL_FUZZ_INPUTS=$1" >/dev/null
cmake --build build-asan --target fuzzers
ctest --test-dir build-asan -L '^fuzz$' --output-on-failure -j "$(nproc)"
