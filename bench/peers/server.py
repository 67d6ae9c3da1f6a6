"""What all peers have in common: they answer, line by line, how long a training step or a generated symbol takes.

A question is a line of JSON on standard input, {"what": "training" or "generation", "model": {...}}, the model as
`unroll bench --json` describes it. The answer is a line {"seconds": 0.0123}, or {"skipped": "why"}. The first line of all,
before any question, is {"version": "..."}. The model of the last question stays in memory, so that rounds of several
programs can alternate.
"""
import json
import os
import sys
import time

MIN_ROUND = 0.2  # seconds
WARM_UP_CALLS = 3


class Skipped(Exception):
    """Why something is not measured."""


def seconds_per_call(run):
    begin = time.perf_counter()
    calls = 0
    while True:
        run()
        calls += 1
        seconds = time.perf_counter() - begin
        if seconds >= MIN_ROUND:
            return seconds / calls


def serve(version, build):
    """`build(what, model)` returns a function to be timed, which does one step or generates one symbol, and the number of
    those in one call; it raises Skipped for what it does not do."""
    # Libraries print to standard output as they please; answers go where nothing else goes.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(line):
        print(json.dumps(line), file=answers, flush=True)

    answer({"version": version})
    current, run, per_call = None, None, 1
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question != current:
                current = run = None
                run, per_call = build(question["what"], question["model"])
                current = question
                for _ in range(WARM_UP_CALLS):
                    run()
            answer({"seconds": seconds_per_call(run) / per_call})
        except Skipped as reason:
            answer({"skipped": str(reason)})
