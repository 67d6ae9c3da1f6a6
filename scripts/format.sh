#!/usr/bin/env bash
# Formats every C++ source with clang-format; with --check, names the places that are not formatted and fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
[[ "${1:-}" == --check ]] && mode=(--dry-run --Werror)
find include src tests examples bench fuzz '(' -name '*.h' -o -name '*.cc' -o -name '*.cpp' ')' -print0 |
  xargs -0 -r clang-format "${mode[@]}"
