#!/usr/bin/env bash
# Installs the library, moves the installation elsewhere, and builds and runs a second project with it, which also
# compiles the documentation's code: check.sh SOURCE_FOLDER BUILD_FOLDER
set -euo pipefail

source=$1
build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/prefix"
"$scratch/prefix/bin/unroll" --version

mkdir "$scratch/snippets"
python3 "$source/tests/docs/docs.py" snippets "$source" "$scratch/snippets"
cmake -S "$source/tests/package" -B "$scratch/user" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DSNIPPETS="$scratch/snippets" -DCMAKE_BUILD_TYPE=Debug >"$scratch/configure.log" ||
  { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/user"
cd "$scratch/user"
./user
