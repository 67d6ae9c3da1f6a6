#!/usr/bin/env bash
# clang-tidy over src/ and tools/, one source at a time, which also shows that each includes what it needs. Any finding
# fails. The analyzer checks one function at a time: across functions it takes twice the time, and the sanitizers check
# what runs.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset tidy >/dev/null
# The largest files first, so that none of them is left alone at the end.
find src tools -name '*.cc' -printf '%s %p\0' | sort -z -n -r | cut -z -d ' ' -f 2- |
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p build-tidy --quiet \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow
