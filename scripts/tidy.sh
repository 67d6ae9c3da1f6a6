#!/usr/bin/env bash
# clang-tidy over src/, with the compile commands of a build folder (default: build). Any finding fails.
set -euo pipefail
cd "$(dirname "$0")/.."

find src -name '*.cc' -print0 |
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p "${1:-build}" --quiet
