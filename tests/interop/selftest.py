#!/usr/bin/env python3
"""Tests torch_reads_model.py without unroll: writes model files of the documented form, computes the results in
NumPy from the textbook equations, and checks both the results and the refusals."""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import save_file

from reader import read

SCRIPT = pathlib.Path(__file__).resolve().parent / "torch_reads_model.py"
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
ACTIVATIONS = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a))}
sigmoid = ACTIVATIONS["sigmoid"]


def make(cell, activation, hidden, layers, embedding, vocabulary, rng, tied=False):
    config = {"cell": cell, "activation": activation, "hidden": hidden, "layers": layers, "embedding": embedding,
              "tied": tied, "bidirectional": False, "vocabulary_size": vocabulary}
    rows, tensors = GATES[cell] * hidden, {}
    shapes = {"decoder.bias": (vocabulary,)}
    if not tied:
        shapes["decoder.weight"] = (vocabulary, hidden)
    if embedding:
        shapes["encoder.weight"] = (vocabulary, embedding)
    for k in range(layers):
        shapes[f"rnn.weight_ih_l{k}"] = (rows, hidden if k else embedding or vocabulary)
        shapes[f"rnn.weight_hh_l{k}"] = (rows, hidden)
        shapes[f"rnn.bias_ih_l{k}"] = shapes[f"rnn.bias_hh_l{k}"] = (rows,)
    for name, shape in shapes.items():
        tensors[name] = rng.uniform(-0.6, 0.6, shape).astype(np.float32)
    return config, tensors


def step(cell, activation, x, h, c, w, r, b, d):
    a, u = w @ x + b, r @ h + d
    if cell == "rnn":
        return ACTIVATIONS[activation](a + u), c
    if cell == "gru":
        (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(a, 3), np.split(u, 3)
        z = sigmoid(a_z + u_z)
        return (1 - z) * np.tanh(a_n + sigmoid(a_r + u_r) * u_n) + z * h, c
    i, f, g, o = np.split(a + u, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def answer(config, tensors, ids):
    t = {k: v.astype(np.float64) for k, v in tensors.items()}
    h, c = np.zeros((2, config["layers"], config["hidden"]))
    logits = []
    for symbol in ids[:-1]:
        x = t["encoder.weight"][symbol] if config["embedding"] else np.eye(config["vocabulary_size"])[symbol]
        for k in range(config["layers"]):
            p = [t[f"rnn.{n}_l{k}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            h[k], c[k] = step(config["cell"], config["activation"], x, h[k], c[k], *p)
            x = h[k]
        logits.append(t["encoder.weight" if config["tied"] else "decoder.weight"] @ x + t["decoder.bias"])
    logits = np.stack(logits)
    nats = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), ids[1:]]
    return nats.mean(), logits


def check(what, holds, detail=""):
    print(("ok    " if holds else "FAIL  ") + what, detail if not holds else "")
    check.failed += not holds


check.failed = 0


def main():
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model, ids_file, logits_file = folder / "model.safetensors", folder / "ids.txt", folder / "logits.txt"
        cases = (("rnn", "tanh", 5, 1, 0, 700), ("rnn", "relu", 5, 2, 4, 30), ("rnn", "sigmoid", 6, 2, 0, 600),
                 ("gru", "tanh", 19, 2, 0, 30), ("gru", "tanh", 7, 2, 7, 90, True), ("lstm", "tanh", 19, 2, 8, 1100))
        for cell, activation, hidden, layers, embedding, length, *tied in cases:
            config, tensors = make(cell, activation, hidden, layers, embedding, 11, rng, *tied)
            save_file(tensors, model, metadata={"config": json.dumps(config)})
            ids = rng.integers(0, 11, length)
            ids_file.write_text("\n".join(map(str, ids)))
            nats, logits = answer(config, tensors, ids)
            logits_file.write_text("\n".join(" ".join(map(repr, row)) for row in logits.tolist()))
            code, out, err = read("--model", model, "--ids", ids_file, "--expect", repr(float(nats)),
                                  "--tolerance", 1e-10, "--logits", logits_file, "--logits-tolerance", 1e-10)
            result = json.loads(out) if code == 0 else {}
            good = result.get("symbols") == length - 1 and abs(result["cross_entropy"] - nats) < 1e-10
            check(f"{cell} {activation} x{layers} embedding {embedding}{' tied' if tied else ''}", good, out + err)

        common = ("--model", model, "--ids", ids_file)
        logits_file.write_text(json.dumps({"logits": logits.tolist()}))
        code, _, err = read(*common, "--logits", logits_file)
        check("logits as JSON", code == 0, err)
        logits[3, 2] += 1e-3
        logits_file.write_text(json.dumps(logits.ravel().tolist()))
        check("a wrong logit is a mismatch", read(*common, "--logits", logits_file)[0] == 1)
        check("a wrong cross-entropy is a mismatch", read(*common, "--expect", nats + 1e-4)[0] == 1)
        check("NaN is a mismatch", read(*common, "--expect", "nan")[0] == 1)
        check("float32 agrees", read(*common, "--expect", nats, "--dtype", "float32")[0] == 0)
        check("usage", read("--model", model)[0] == 2)
        process = subprocess.run([sys.executable, str(SCRIPT), "--model", str(model)], capture_output=True, check=False)
        check("usage is the exit status of the process", process.returncode == 2, process.stderr)
        check("no such model", read("--model", folder / "none", "--ids", ids_file)[0] == 66)
        ids_file.write_text("1 2 11")
        check("an id outside the vocabulary is refused", read(*common)[0] == 65)

        ids_file.write_text("1 2 3")
        agreed = {"config": json.dumps(config)}
        fewer = {k: v for k, v in tensors.items() if k != "decoder.bias"}
        for what, broken, metadata in (
                ("an unexpected tensor", dict(tensors, extra=np.zeros(1, np.float32)), agreed),
                ("a missing tensor", fewer, agreed),
                ("a wrong shape", dict(tensors, **{"decoder.bias": np.zeros(12, np.float32)}), agreed),
                ("a wrong cell", tensors, {"config": json.dumps(dict(config, cell="gru"))}),
                ("two directions", tensors, {"config": json.dumps(dict(config, bidirectional=True))}),
                ("no config", tensors, {"other": "x"}),
                ("no metadata", tensors, None)):
            save_file(broken, model, metadata=metadata)
            code, _, err = read(*common)
            check(f"{what} is refused", code == 65 and "Traceback" not in err, err)
        model.write_bytes(model.read_bytes()[:-4])
        check("a truncated file is refused", read(*common)[0] == 65)
    print("all passed" if not check.failed else f"{check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
