#!/usr/bin/env python3
"""Trains with unroll and reads the curves with TensorBoard: they must equal log.jsonl. Then adds an event file that continues
after an earlier step: TensorBoard must drop the later steps of the first file.

usage: tensorboard_reads_events.py UNROLL_PROGRAM TEXT
"""
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

KEYS = {"report": ("train/", ("loss", "perplexity", "gradient_norm", "learning_rate"))}


def curves_in(folder):
    """{tag: [(step, value)]}"""
    accumulator = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    accumulator.Reload()
    return {tag: [(s.step, s.value) for s in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def as_float(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def curves_of_log(folder):
    curves = {}
    for line in (folder / "log.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        prefix, keys = KEYS.get(event["event"], ("", ()))
        for key in keys:
            curves.setdefault(prefix + key, []).append((event["step"], as_float(event[key])))
    return curves


def go_on_after(folder, step):
    """Writes the events that unroll writes if training continues after that step (tests/io compares its bytes with these)."""
    with open(folder / "events.out.tfevents.9999999999.host.1.0", "wb") as file:
        writer = RecordWriter(file)
        start = event_pb2.Event(step=step + 1, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        for event in (event_pb2.Event(file_version="brain.Event:2"), start):
            writer.write(event.SerializeToString())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, text = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        run = Path(name, "run")
        subprocess.run([program, "train", text, "--limit", "3000", "--hidden", "16", "--batch", "8", "--epochs", "6",
                        "--report-every", "1", "--out", str(run)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        ours, theirs = curves_of_log(run), curves_in(run)
        if theirs != ours:
            sys.exit(f"TensorBoard reads {theirs}, the log says {ours}")
        steps = [step for step, _ in ours["train/loss"]]
        if len(steps) != 6:
            sys.exit(f"{len(steps)} points, not one for each of the 6 epochs")
        resumed = shutil.copytree(run, Path(name, "resumed"))
        go_on_after(resumed, steps[2])
        left = [step for step, _ in curves_in(resumed)["train/loss"]]
        if left != steps[:3]:
            sys.exit(f"after going on from step {steps[2]}, TensorBoard shows the steps {left}")
    print(f"TensorBoard reads {len(ours)} curves of {len(steps)} points, the same as log.jsonl", flush=True)


if __name__ == "__main__":
    main()
