"""Running the programs that measure, for run.py and compare."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path


def stop(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def parser_of(documentation):
    """A parser whose help is the script's documentation, of which one line begins with "usage: "."""
    class Parser(argparse.ArgumentParser):
        def format_help(self):
            return documentation

    usage = next(line for line in documentation.splitlines() if line.startswith("usage: "))
    return Parser(usage=usage.removeprefix("usage: "))


def cpus_for(threads):
    """The first `threads` of the CPUs that this process may use: all programs are held to the same ones."""
    return sorted(os.sched_getaffinity(0))[:threads]


def held_to(threads):
    """What subprocess needs so that a program has that many threads."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    cpus = cpus_for(threads)
    return {"env": environment, "preexec_fn": lambda: os.sched_setaffinity(0, cpus)}


def json_of(command, threads):
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, **held_to(threads))
    except OSError as error:
        stop(f"{command[0]}: {error.strerror}; build it first, e.g. with make bench")
    if result.returncode != 0:
        stop(f"{' '.join(command)} ended with {result.returncode}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def unroll_bench(program, threads, only, repeats, *flags):
    """The results of one `unroll bench`, by name and number of threads."""
    answer = json_of([str(program), "bench", "--json", "--threads", str(threads), "--only", only, "--repeats", str(repeats),
                      *flags], threads)
    return answer, {(r["name"], r["threads"]): r for r in answer.get("results", [])}


class Spread:
    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.low, self.high = min(self.values), max(self.values)

    def text(self):
        return f"{100 * (self.low / self.median - 1):+.0f} {100 * (self.high / self.median - 1):+.0f} %"
