#!/usr/bin/env python3
"""Trains small models with unroll and evaluates them with PyTorch: both must compute the same cross-entropy. Then writes each
model again with the code of docs/model-file.md; unroll must give the copy the same score.

usage: check.py UNROLL_PROGRAM TEXT
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors import safe_open

from reader import read

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "model-file.md"
SYMBOLS = 2000
# Nats per symbol; unroll computes in float32, PyTorch in float64.
TOLERANCE = 1e-5
MODELS = {
    "rnn": ["--cell", "rnn"],
    "relu": ["--cell", "rnn", "--activation", "relu"],
    "sigmoid": ["--cell", "rnn", "--activation", "sigmoid"],
    "one_bias": ["--cell", "rnn", "--biases", "one"],
    "gru": ["--cell", "gru"],
    "gru_deep": ["--cell", "gru", "--layers", "3", "--embedding", "20"],
    "tied": ["--cell", "gru", "--embedding", "37", "--tied"],
    "lstm": ["--cell", "lstm"],
    "lstm_deep": ["--cell", "lstm", "--layers", "2", "--dropout", "0.2"],
}


def ids_of(model, text):
    """The text as symbol ids of the model."""
    with safe_open(model, "np") as file:
        vocabulary = json.loads(file.metadata()["vocabulary"])
    index = {symbol: i for i, symbol in enumerate(vocabulary["symbols"])}
    return [index[symbol] for symbol in text]


def evaluation(program, model, source):
    words = [program, "evaluate", model, source, "--limit", str(SYMBOLS), "--json"]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)


def documented_writer():
    """The function write_model in the document."""
    code = re.search(r"```python\n([^`]*def write_model[^`]*)```", DOCUMENT.read_text(encoding="utf-8")).group(1)
    names = {}
    exec(code, names)
    return names["write_model"]


def written_anew(model, path):
    with safe_open(model, "np") as file:
        metadata = {key: value for key, value in file.metadata().items() if key != "xxh3"}
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    documented_writer()(path, metadata, {name: (array.shape, array.tobytes()) for name, array in arrays.items()})


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, source = sys.argv[1:]
    text = Path(source).read_text(encoding="utf-8")[:SYMBOLS]
    for name, flags in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            train = [program, "train", source, "--limit", str(SYMBOLS), "--hidden", "37", "--epochs", "5", "--batch", "8",
                     "--out", str(Path(folder, "run")), *flags]
            subprocess.run(train, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            model, copy = str(Path(folder, "run", "model.safetensors")), str(Path(folder, "copy.safetensors"))
            written_anew(model, copy)
            score, score_of_copy = (evaluation(program, file, source) for file in (model, copy))
            if score_of_copy != score:
                sys.exit(f"{name}: {score} became {score_of_copy} in the file that Python wrote")
            ids = Path(folder, "ids.txt")
            ids.write_text(" ".join(map(str, ids_of(model, text))))
            status, out, err = read("--model", model, "--ids", ids, "--expect", score["cross_entropy"],
                                    "--tolerance", TOLERANCE)
            if status != 0:
                sys.exit(f"{name}: PyTorch: {err}")
            theirs = json.loads(out)
            if theirs["symbols"] != score["symbols"]:
                sys.exit(f"{name}: PyTorch scored {theirs['symbols']} symbols, unroll {score['symbols']}")
            difference = abs(theirs["cross_entropy"] - score["cross_entropy"])
            print(f"{name}: cross-entropy {score['cross_entropy']:.6f}, PyTorch differs by {difference:.1e}"
                  f" (bound {TOLERANCE:.0e})", flush=True)


if __name__ == "__main__":
    main()
