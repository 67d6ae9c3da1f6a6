#!/usr/bin/env bash
# Puts what unroll is compared with into bench/peers/.venv: bench/peers/setup.sh
# Some gigabytes from PyPI. It needs python3 with venv (Debian: python3-venv) and a C++ compiler, for torch.compile.
set -euo pipefail
cd "$(dirname "$0")"

python3 -m venv .venv
.venv/bin/pip install --quiet --no-cache-dir --requirement requirements.txt
echo "The peers are in bench/peers/.venv; make bench finds them there."
