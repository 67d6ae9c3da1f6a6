#!/usr/bin/env python3
"""Opens a model file written by unroll with PyTorch and the safetensors package, and evaluates it.

    python torch_reads_model.py --model model.safetensors --ids ids.txt [--expect VALUE --tolerance T] [--logits FILE]

Prints {"cross_entropy": nats per symbol, "symbols": number of predicted symbols, ...} on stdout. Exit status: 0 fine,
1 the numbers disagree, 2 usage, 65 the model or another input is invalid, 66 a file cannot be opened.
README.md beside this script describes the model file.
"""
import argparse
import json
import math
import sys

import safetensors
import torch

CHUNK = 512                                      # steps evaluated at a time; the state is carried across


class BadData(Exception):
    pass


class Model(torch.nn.Module):
    """Modules named so that load_state_dict takes the file's own names."""

    def __init__(self, config):
        super().__init__()
        self.vocabulary = config["vocabulary_size"]
        inputs = config["embedding"] or self.vocabulary
        if config["embedding"]:
            self.encoder = torch.nn.Embedding(self.vocabulary, config["embedding"])
        self.by_hand = config["cell"] == "rnn" and config["activation"] == "sigmoid"    # nn.RNN has no such activation
        kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[config["cell"]]
        more = {}
        if config["cell"] == "rnn" and not self.by_hand:
            more["nonlinearity"] = config["activation"]
        self.rnn = kind(inputs, config["hidden"], config["layers"], **more)
        self.decoder = torch.nn.Linear(config["hidden"], self.vocabulary)

    def embed(self, ids):
        if hasattr(self, "encoder"):
            return self.encoder(ids)
        return torch.nn.functional.one_hot(ids, self.vocabulary).to(self.decoder.weight.dtype)

    def forward(self, ids, state):
        run = self.sigmoid_rnn if self.by_hand else self.rnn
        output, state = run(self.embed(ids), state)
        return self.decoder(output), state

    def sigmoid_rnn(self, inputs, state):
        last = []
        for layer, (w, r, b, c) in enumerate(self.rnn.all_weights):
            h = inputs.new_zeros(inputs.shape[1], self.rnn.hidden_size) if state is None else state[layer]
            outputs = []
            for x in inputs:
                h = torch.sigmoid(x @ w.T + b + h @ r.T + c)
                outputs.append(h)
            inputs = torch.stack(outputs)
            last.append(h)
        return inputs, torch.stack(last)


def read_config(metadata):
    if not metadata or "config" not in metadata:
        raise BadData('__metadata__ has no "config"')
    try:
        config = json.loads(metadata["config"])
    except json.JSONDecodeError as error:
        raise BadData(f"config is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise BadData("config is not a JSON object")
    if config.get("cell") not in ("rnn", "gru", "lstm"):
        raise BadData(f'config: cell is {config.get("cell")!r}, not "rnn", "gru" or "lstm"')
    if config["cell"] == "rnn" and config.get("activation") not in ("tanh", "relu", "sigmoid"):
        raise BadData(f'config: activation is {config.get("activation")!r}, not "tanh", "relu" or "sigmoid"')
    for key, least in (("hidden", 1), ("layers", 1), ("embedding", 0), ("vocabulary_size", 1)):
        value = config.get(key)
        if type(value) is not int or value < least:
            raise BadData(f"config: {key} is {value!r}, not an integer of at least {least}")
    if config.get("bidirectional", False) is not False:
        raise BadData("config: bidirectional is not false; such a network cannot predict the next symbol")
    return config


def read_model(path, dtype):
    with open(path, "rb"):                       # a plain error if the file does not exist
        pass
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            config = read_config(file.metadata())
            tensors = {name: file.get_tensor(name).to(dtype) for name in file.keys()}
    except safetensors.SafetensorError as error:
        raise BadData(f"not a safetensors file: {error}") from error
    if config.get("tied", False) and "encoder.weight" in tensors:    # the file holds the shared weight once
        tensors.setdefault("decoder.weight", tensors["encoder.weight"])
    model = Model(config).to(dtype)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:                # missing, unexpected or wrongly shaped tensors
        raise BadData(str(error)) from error
    return model.eval(), config


def read_text(path):
    if path == "-":
        return sys.stdin.read()
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_ids(path, vocabulary):
    try:
        ids = [int(word) for word in read_text(path).split()]
    except ValueError as error:
        raise BadData(f"ids: {error}") from error
    if len(ids) < 2:
        raise BadData("ids: fewer than two, nothing to predict")
    if min(ids) < 0 or max(ids) >= vocabulary:
        raise BadData(f"ids: not all within 0..{vocabulary - 1}")
    return torch.tensor(ids)


def read_logits(path, rows, columns):
    """Numbers separated by white space, or JSON: an array, nested or flat, alone or under the key "logits"."""
    text = read_text(path)
    try:
        if text.lstrip()[:1] in ("{", "["):
            content = json.loads(text)
            numbers = content["logits"] if isinstance(content, dict) else content
        else:
            numbers = [float(word) for word in text.split()]
        values = torch.tensor(numbers, dtype=torch.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"logits: {type(error).__name__}: {error}") from error
    if values.numel() != rows * columns:
        raise BadData(f"logits: {values.numel()} numbers, not {rows} x {columns}")
    return values.reshape(rows, columns)


@torch.no_grad()
def evaluate(model, ids, logits):
    """Mean cross-entropy of ids[1:] from ids[:-1], batch 1, zero state; largest difference from the given logits."""
    total, worst, state, count = 0.0, 0.0, None, len(ids) - 1
    for begin in range(0, count, CHUNK):
        end = min(begin + CHUNK, count)
        scores, state = model(ids[begin:end].unsqueeze(1), state)
        scores = scores.squeeze(1).double()
        total += torch.nn.functional.cross_entropy(scores, ids[begin + 1:end + 1], reduction="sum").item()
        if logits is not None:
            difference = (scores - logits[begin:end]).abs().max().item()
            worst = difference if math.isnan(difference) else max(worst, difference)
            if math.isnan(worst):
                break
    return total / count, worst


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="model.safetensors written by unroll")
    parser.add_argument("--ids", required=True, help="file of symbol ids separated by white space; - is stdin")
    parser.add_argument("--expect", type=float, help="the cross-entropy that unroll reports, nats a symbol")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="allowed difference from --expect (1e-5)")
    parser.add_argument("--logits", help="file of the logits that unroll computes, one row for each of ids[:-1]; - is stdin")
    parser.add_argument("--logits-tolerance", type=float, default=1e-4, help="allowed difference of any logit (1e-4)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float64", help="arithmetic here (float64)")
    options = parser.parse_args(words)
    if options.ids == "-" and options.logits == "-":
        parser.error("only one of --ids and --logits can be stdin")
    return options


def main(words):
    options = arguments(words)
    torch.set_num_threads(1)
    try:
        model, config = read_model(options.model, getattr(torch, options.dtype))
        ids = read_ids(options.ids, config["vocabulary_size"])
        logits = read_logits(options.logits, len(ids) - 1, config["vocabulary_size"]) if options.logits else None
    except BadData as error:
        print(f"torch_reads_model: {error}", file=sys.stderr)
        return 65
    except UnicodeDecodeError as error:
        print(f"torch_reads_model: not text: {error}", file=sys.stderr)
        return 65
    except OSError as error:
        print(f"torch_reads_model: {error}", file=sys.stderr)
        return 66
    value, worst = evaluate(model, ids, logits)
    result, status = {"cross_entropy": value, "symbols": len(ids) - 1}, 0
    if logits is not None:
        result["logits_difference"] = worst
        if not worst <= options.logits_tolerance:        # "not <=" so that NaN fails too
            print(f"torch_reads_model: logits differ by {worst}", file=sys.stderr)
            status = 1
    if options.expect is not None and not abs(value - options.expect) <= options.tolerance:
        print(f"torch_reads_model: cross-entropy {value}, expected {options.expect} +- {options.tolerance}", file=sys.stderr)
        status = 1
    print(json.dumps({k: v if math.isfinite(v) else None for k, v in result.items()}))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
