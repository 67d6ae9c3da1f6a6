#!/usr/bin/env python3
"""The textbook's training runs, on its corpus: median of the seeds 1 to SEEDS, each the mean of its last ten epochs.

usage: textbook_runs.py UNROLL_PROGRAM RECIPE REQUIRED SEEDS [RNN_FROM_SCRATCH_PROGRAM]

If the last argument is given, the example of that name, which computes the recurrence with tensor operations, must end
within the range of the program's seeds.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("UNROLL_DATA", ROOT / ".." / "shared" / "data")) / "jaychou_lyrics.txt.zip"
LAST = 10
REPORT = re.compile(r"^epoch (\d+) perplexity ([\d.]+)", re.MULTILINE)


def perplexities(program, recipe, seed, folder):
    command = [program, "train", str(CORPUS), "--config", str(recipe), "--seed", str(seed), "--report-every", "1",
               "--threads", "1", "--sample-length", "1", "--out", f"{folder}/seed{seed}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reports = [(int(epoch), float(value)) for epoch, value in REPORT.findall(done.stderr)]
    epochs = int(re.search(r"^epochs = (\d+)", recipe.read_text(), re.MULTILINE).group(1))
    if [epoch for epoch, _ in reports] != list(range(1, epochs + 1)):
        sys.exit(f"seed {seed}: {len(reports)} reports for {epochs} epochs")
    return [value for _, value in reports]


def from_scratch(program, recipe):
    """The last perplexity of the example."""
    kind = re.search(r'^windows = "(\w+)"', recipe.read_text(), re.MULTILINE).group(1)
    done = subprocess.run([program, str(CORPUS), "250", kind], check=True, stdout=subprocess.PIPE, text=True)
    return float(re.findall(r"^epoch 250, perplexity ([\d.]+)", done.stdout, re.MULTILINE)[0])


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    program, recipe, required, seeds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    if not CORPUS.exists():
        print(f"SKIPPED: no {CORPUS.name} in the folder that UNROLL_DATA names")
        sys.exit(SKIPPED)
    means, lasts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, seeds + 1):
            curve = perplexities(program, recipe, seed, folder)
            means.append(statistics.fmean(curve[-LAST:]))
            lasts += curve[-LAST:]
            print(f"{recipe.stem} seed {seed}: mean of the last {LAST} epochs {means[-1]:.4f}, last {curve[-1]:.4f}",
                  flush=True)
    median = statistics.median(means)
    print(f"{recipe.stem}: median {median:.4f}, required {required}")
    if not median <= required:
        sys.exit(1)
    if len(sys.argv) == 6:
        # The tolerance is the spread of the seeds' last epochs.
        spread = max(lasts) - min(lasts)
        low, high = min(lasts) - spread, max(lasts) + spread
        last = from_scratch(sys.argv[5], recipe)
        print(f"{recipe.stem}: the example ends at {last:.4f}, the seeds in {min(lasts):.4f} .. {max(lasts):.4f}")
        if not low <= last <= high:
            sys.exit(1)


if __name__ == "__main__":
    main()
