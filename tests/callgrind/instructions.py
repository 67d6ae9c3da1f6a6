#!/usr/bin/env python3
"""Counts the instructions of one training step with callgrind, on the AVX2 path with one thread, and compares them with
expected.json: a regression guard that does not depend on the load of the machine.

    instructions.py PROGRAM COMPILER [--update]

PROGRAM: the built training_step. COMPILER: compiler, version and build type, such as "GNU 12.2.0 Release". --update writes the
counts to expected.json instead of comparing. Exit status: 0 within the tolerance, 1 outside, 77 not comparable here (prints why).
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

EXPECTED = pathlib.Path(__file__).resolve().parent / "expected.json"
CASES = ("rnn", "gru", "lstm", "deep")
TOLERANCE = 0.02
SKIPPED = 77
TARGET = "avx2"


class Skip(Exception):
    pass


def count(program, case):
    """Instructions of the counted step."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "callgrind.out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=counted_training_step",
             program, case],
            env={**os.environ, "UNROLL_SIMD": TARGET}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{case}: exit status {done.returncode}\n{done.stderr}")
        if done.stdout.strip() != TARGET:
            raise Skip(f"this machine runs {done.stdout.strip()}, not {TARGET}")
        return int(re.search(r"^(?:summary|totals): (\d+)$", out.read_text("utf-8"), re.M).group(1))


def complaints(expected, counts):
    """One line for each count that differs from the expected one, up or down, by more than the tolerance."""
    lines = []
    for case, found in counts.items():
        before = expected[case]
        if abs(found - before) > TOLERANCE * before:
            lines.append(f"{case}: {found:,} instructions, {found / before - 1:+.1%} against the {before:,} of {EXPECTED.name}")
    return lines


def main():
    words = [word for word in sys.argv[1:] if word != "--update"]
    if len(words) != 2:
        sys.exit(__doc__)
    program, compiler = words
    update = "--update" in sys.argv
    recorded = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    try:
        if not shutil.which("valgrind"):
            raise Skip("there is no valgrind; scripts/install_deps.sh ci installs it")
        if not update and recorded.get("compiler") != compiler:
            raise Skip(f"built by {compiler}, and the counts are those of {recorded.get('compiler', 'nobody')}")
        counts = {}
        for case in CASES:
            counts[case] = count(program, case)
            print(f"{case}: {counts[case]:,} instructions", flush=True)
    except Skip as reason:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        return SKIPPED
    if update:
        EXPECTED.write_text(json.dumps({"compiler": compiler, "instructions": counts}, indent=2) + "\n", "utf-8")
        return 0
    lines = complaints(recorded["instructions"], counts)
    if lines:
        print(*lines, f"If that is what was wanted: cmake --build build --target update_instruction_counts", sep="\n", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
