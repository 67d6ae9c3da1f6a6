#!/usr/bin/env bash
# Installs the missing Debian packages of the named groups: scripts/install_deps.sh build [demo] [test] [bench] [ci]
# Without root it installs nothing: if packages are missing, it prints the command for root and fails.
set -euo pipefail

declare -A packages=(
  [build]="g++ cmake ninja-build pkg-config libhwy-dev libfmt-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev
           libzip-dev zlib1g-dev libexpat1-dev libcsv-dev libutfcpp-dev libutf8proc-dev
           librandom123-dev libxxhash-dev libeigen3-dev libxgboost-dev libopenmpi-dev openmpi-bin"
  [demo]="gnuplot-nox"
  [test]="libgtest-dev libgmock-dev librapidcheck-dev python3 gnuplot-nox procps"
  [bench]="libdnnl-dev ocl-icd-opencl-dev python3 gnuplot-nox"
  [ci]="clang clang-format clang-tidy libclang-rt-14-dev python3-venv git ca-certificates valgrind ccache iproute2 nftables"
)

usage() {
  echo "usage: scripts/install_deps.sh GROUP...  (groups: build demo test bench ci)" >&2
  exit 2
}

is_installed() {
  [[ "$(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]
}

(($#)) || usage
wanted=()
for group in "$@"; do
  [[ -v "packages[$group]" ]] || usage
  read -r -d '' -a names <<<"${packages[$group]}" || true
  wanted+=("${names[@]}")
done

if ! command -v dpkg-query >/dev/null; then
  echo "Not a Debian system: make sure that the counterparts of these packages are there: ${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

install_line="apt-get install -y --no-install-recommends ${missing[*]}"
if ((EUID != 0)); then
  echo "Packages are missing. As root, run: apt-get update && $install_line" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing: ${missing[*]}"
apt-get update -q </dev/null
$install_line -q -o Acquire::Retries=3 </dev/null
