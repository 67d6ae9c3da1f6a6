#!/usr/bin/env bash
# clang-tidy over src/ and tools/; any finding fails: scripts/tidy.sh [--all]
# Most of its time goes to the headers of other libraries, so the sources of a module are checked together: that takes
# less than half the time. Kernels, which are compiled once for each SIMD target, are checked for AVX2. Clang's static
# analyzer, which takes more than half of what is left, is not run.
# --all: the sources of src/device/cpu one at a time for all targets, and the analyzer over all sources. It looks at one
# function at a time: across functions it takes twice the time, and the sanitizers check what runs. The path of the build
# folder contains "UnifiedSource-", by which the analyzer knows that the sources included there are not headers.
set -euo pipefail
cd "$(dirname "$0")/.."

# Prints the sources to check, the largest first, so that none of them is left alone at the end.
sources_in() {
  python3 - "$@" <<'EOF'
import json, re, sys
from pathlib import Path

def size(path):
    text = path.read_text()
    return len(text) + sum(size(Path(name)) for name in re.findall(r'^#include "(/.*)"', text, re.MULTILINE))

files = [Path(entry["file"]) for entry in json.load(open(sys.argv[1] + "/compile_commands.json"))]
files = [file for file in files if sys.argv[2] in str(file)]
print(*sorted(files, key=size, reverse=True), sep="\0", end="")
EOF
}

# check BUILD PART CHECKS: the sources whose path contains PART.
check() {
  sources_in "$1" "$2" | xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p "$1" --quiet --checks="$3" \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow
}

together=build-tidy/UnifiedSource-
checks=-bugprone-suspicious-include  # sources include the sources of their module
cmake --preset tidy -B "$together" >/dev/null
if [[ ${1:-} == --all ]]; then
  check "$together" / "$checks"
  cmake --preset tidy -B build-tidy/kernels -DUNROLL_UNITY=OFF -DCMAKE_CXX_FLAGS= >/dev/null
  check build-tidy/kernels /src/device/cpu/ ''
else
  check "$together" / "$checks,-clang-analyzer-*"
fi
