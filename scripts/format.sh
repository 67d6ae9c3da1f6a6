#!/usr/bin/env bash
# Formats every C++ source with clang-format; with --check, reports unformatted places and fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
[[ "${1:-}" == --check ]] && mode=(--dry-run --Werror)
# Hidden folders hold other people's sources: the Python environment of the benchmarks, for one.
find include src tools tests examples bench fuzz -name '.*' -prune -o '(' -name '*.h' -o -name '*.cc' -o -name '*.cpp' ')' -print0 |
  xargs -0 -r clang-format "${mode[@]}"
