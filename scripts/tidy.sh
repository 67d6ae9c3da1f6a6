#!/usr/bin/env bash
# clang-tidy over src/ and tools/; any finding fails: scripts/tidy.sh [--kernels]
# Most of its time goes to the headers of other libraries, so the sources of a module are checked together: that takes
# less than half the time. The path of the build folder contains "UnifiedSource-", by which clang's analyzer knows that the
# sources included there are not headers. Kernels, which are compiled once for each SIMD target, are checked for AVX2.
# --kernels: the sources of src/device/cpu one at a time, for all targets.
# The analyzer checks one function at a time: across functions it takes twice the time, and the sanitizers check what
# runs.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-tidy/UnifiedSource-
options=()
checks=-bugprone-suspicious-include  # sources include the sources of their module
if [[ ${1:-} == --kernels ]]; then
  build=build-tidy/kernels
  options=(-DUNROLL_UNITY=OFF -DCMAKE_CXX_FLAGS=)
  checks=
fi
cmake --preset tidy -B "$build" "${options[@]}" >/dev/null
# The largest first, so that none of them is left alone at the end.
python3 - "$build/compile_commands.json" "${1:-}" <<'EOF' |
import json, re, sys
from pathlib import Path

def size(path):
    text = path.read_text()
    return len(text) + sum(size(Path(name)) for name in re.findall(r'^#include "(/.*)"', text, re.MULTILINE))

files = [Path(entry["file"]) for entry in json.load(open(sys.argv[1]))]
if sys.argv[2] == "--kernels":
    files = [file for file in files if "/src/device/cpu/" in str(file)]
print(*sorted(files, key=size, reverse=True), sep="\0", end="")
EOF
  xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p "$build" --quiet --checks="$checks" \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow
