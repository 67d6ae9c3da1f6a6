#!/usr/bin/env bash
# Tests that PyTorch, the safetensors package and TensorBoard read unroll's files: scripts/interop.sh [BUILD_FOLDER]
# They are installed from PyPI into a virtual environment in the build folder. Exits with 77 (skipped) if PyPI cannot be
# reached.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build}
environment=$build/interop-venv
requirements=tests/interop/requirements.txt

if ! cmp -s "$requirements" "$environment/installed.txt"; then
  rm -rf "$environment"
  /usr/bin/python3 -m venv "$environment"
  if ! "$environment/bin/pip" download -q --no-deps -d "$environment/probe" safetensors </dev/null; then
    echo "SKIPPED: PyPI cannot be reached, so neither PyTorch nor TensorBoard read anything" >&2
    exit 77
  fi
  "$environment/bin/pip" install -q --no-cache-dir --no-compile -r "$requirements" </dev/null
  cp "$requirements" "$environment/installed.txt"
fi

python=$environment/bin/python
export PYTHONPYCACHEPREFIX=$(realpath "$environment")/pycache
"$python" tests/interop/check.py "$build/unroll" data/lyrics.txt
"$python" tests/interop/tensorboard_reads_events.py "$build/unroll" data/lyrics.txt
"$python" tests/interop/selftest.py
"$python" tests/golden/make_golden.py --check
