#!/usr/bin/env python3
"""Golden vectors for the recurrent cells, the optimizers and the schedules, computed by PyTorch in float64.

    python make_golden.py            write every file, SHA256SUMS and the table in README.md
    python make_golden.py --check    compute everything again, write nothing, exit 1 on any difference
    python make_golden.py --report   also print how far PyTorch's own float32 run is from the stored values

Inputs and initial parameters are drawn as float32 and widened, so a float32 program starts from exactly
the same numbers. Everything else is computed in float64 and rounded once, when it is stored.
README.md beside this script describes the tensors.
"""
import argparse
import hashlib
import json
import math
import pathlib
import struct
import sys

import numpy as np
import safetensors
import safetensors.numpy
import torch

import optimizers

HERE = pathlib.Path(__file__).resolve().parent
STEPS, BATCH, INPUT, VOCABULARY = 5, 3, 7, 11
THETA = 0.25                                     # limit of the gradient norm
SGD = {"lr": 0.5, "momentum": 0.0, "steps": 10}
ADAM = {"lr": 1e-2, "betas": [0.9, 0.999], "eps": 1e-8, "steps": 10}
RELU_MARGIN = 2e-5                               # no pre-activation of a relu cell may be nearer to its kink
GRADIENT_MARGIN = 4e-7                           # no gradient of a parameter may be nearer to zero, unless it is zero
CELLS = ("rnn_tanh", "rnn_relu", "gru", "lstm")

# (layers, directions) -> hidden size. 19 is wider than one vector of 4, 8 or 16 floats and a multiple of none.
HIDDEN = {(1, 1): 5, (2, 1): 19, (1, 2): 5, (2, 2): 5}

# Seeds other than 1 replace ones whose case was ill-conditioned in float32: a relu pre-activation close to its
# kink, or a gradient so near zero that rounding decides the direction of Adam's step.
SEEDS = {("rnn_relu", 1, 2): 8, ("rnn_relu", 2, 1): 5, ("rnn_relu", 2, 2): 2, ("gru", 2, 1): 3, ("lstm", 2, 1): 2}


def file_name(cell, layers, dirs):
    return f"{cell}_l{layers}_d{dirs}.safetensors"


def make_rnn(cell, layers, dirs, hidden):
    shape = dict(input_size=INPUT, hidden_size=hidden, num_layers=layers, bidirectional=dirs == 2)
    if cell == "gru":
        return torch.nn.GRU(**shape)
    if cell == "lstm":
        return torch.nn.LSTM(**shape)
    return torch.nn.RNN(nonlinearity=cell.removeprefix("rnn_"), **shape)


class Model(torch.nn.Module):
    def __init__(self, cell, layers, dirs, hidden):
        super().__init__()
        self.rnn = make_rnn(cell, layers, dirs, hidden)
        self.decoder = torch.nn.Linear(dirs * hidden, VOCABULARY)

    def forward(self, data):
        state = (data["h0"], data["c0"]) if "c0" in data else data["h0"]
        output, last = self.rnn(data["x"], state)
        hn, cn = last if "c0" in data else (last, None)
        logits = self.decoder(output)
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), data["target"].reshape(-1).long())
        return output, hn, cn, loss


def draw(cell, layers, dirs, hidden):
    """Inputs and initial parameters, float32, from a seeded PCG64."""
    seed = SEEDS.get((cell, layers, dirs), 1)
    rng = np.random.Generator(np.random.PCG64([CELLS.index(cell), layers, dirs, hidden, seed]))

    def uniform(shape, bound):
        return torch.from_numpy(((2.0 * rng.random(shape) - 1.0) * bound).astype(np.float32))

    data = {"x": uniform((STEPS, BATCH, INPUT), 1.5), "h0": uniform((layers * dirs, BATCH, hidden), 0.75)}
    if cell == "lstm":
        data["c0"] = uniform((layers * dirs, BATCH, hidden), 0.75)
    data["target"] = torch.from_numpy((rng.random((STEPS, BATCH)) * VOCABULARY).astype(np.int32))
    # Twice the usual bound, so that gates leave the range where sigmoid and tanh are nearly linear.
    bound = 2.0 / math.sqrt(hidden)
    parameters = {name: uniform(tuple(p.shape), bound)
                  for name, p in Model(cell, layers, dirs, hidden).named_parameters()}
    return seed, data, parameters


def build(cell, layers, dirs, hidden, parameters, dtype):
    model = Model(cell, layers, dirs, hidden).to(dtype)
    model.load_state_dict({name: p.to(dtype) for name, p in parameters.items()}, strict=True)
    return model


def relu_margin(model, data):
    """Smallest |pre-activation| of a relu network over all layers, directions and steps."""
    rnn, smallest, inputs = model.rnn, math.inf, data["x"]
    dirs = 2 if rnn.bidirectional else 1
    with torch.no_grad():
        for layer in range(rnn.num_layers):
            outputs = []
            for direction in range(dirs):
                w, r, b, c = rnn.all_weights[layer * dirs + direction]
                h, rows = data["h0"][layer * dirs + direction], [None] * STEPS
                for t in reversed(range(STEPS)) if direction else range(STEPS):
                    a = inputs[t] @ w.T + b + h @ r.T + c
                    smallest = min(smallest, a.abs().min().item())
                    rows[t] = h = a.relu()
                outputs.append(torch.stack(rows))
            inputs = torch.cat(outputs, dim=2)
        # the loop above must compute the same network as PyTorch
        assert (inputs - model(data)[0]).abs().max() < 1e-5
    return smallest


def clip(parameters):
    """The textbook rule, without the 1e-6 that torch.nn.utils.clip_grad_norm_ adds to the norm."""
    norm = math.sqrt(sum(p.grad.double().square().sum().item() for p in parameters))
    if norm > THETA:
        for p in parameters:
            p.grad.mul_(THETA / norm)
    return norm


def train(model, optimizer, data, steps, watch):
    """Losses before each of the steps, and gradient norms before clipping."""
    losses, norms = [], []
    for _ in range(steps):
        watch(model)
        optimizer.zero_grad()
        loss = model(data)[-1]
        loss.backward()
        norms.append(clip(list(model.parameters())))
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def compute(cell, layers, dirs, hidden, dtype=torch.float64):
    """All tensors of one file in dtype, and its metadata."""
    seed, data32, parameters = draw(cell, layers, dirs, hidden)
    constant = {k: v if k == "target" else v.to(dtype) for k, v in data32.items()}
    tensors = dict(constant)
    tensors.update({name: p.to(dtype) for name, p in parameters.items()})
    margins = []

    def watch(model):
        if cell == "rnn_relu":
            margins.append(relu_margin(model, constant))

    model = build(cell, layers, dirs, hidden, parameters, dtype)
    watch(model)
    data = {k: v if k == "target" else v.clone().requires_grad_() for k, v in constant.items()}
    output, hn, cn, loss = model(data)
    loss.backward()
    tensors.update({"output": output, "hn": hn, "loss": loss})
    if cn is not None:
        tensors["cn"] = cn
    for name, p in model.named_parameters():
        tensors["grad." + name] = p.grad
    for name in ("x", "h0", "c0"):
        if name in data:
            tensors["grad." + name] = data[name].grad

    norms = {}
    for kind in ("sgd", "adam"):
        model = build(cell, layers, dirs, hidden, parameters, dtype)
        if kind == "sgd":
            optimizer = torch.optim.SGD(model.parameters(), lr=SGD["lr"], momentum=SGD["momentum"], foreach=False)
        else:
            optimizer = torch.optim.Adam(model.parameters(), lr=ADAM["lr"], betas=tuple(ADAM["betas"]),
                                         eps=ADAM["eps"], weight_decay=0.0, amsgrad=False, foreach=False)
        losses, norms[kind] = train(model, optimizer, constant, 10, watch)
        for name, p in model.named_parameters():
            tensors[f"{kind}.{name}"] = p
        tensors[f"{kind}.losses"] = torch.tensor(losses, dtype=torch.float64)
    if dtype is torch.float64:
        smallest = min(tensors["grad." + name][tensors["grad." + name] != 0].abs().min().item() for name in parameters)
        if smallest < GRADIENT_MARGIN or margins and min(margins) < RELU_MARGIN:
            raise SystemExit(f"{file_name(cell, layers, dirs)}: ill-conditioned (smallest gradient {smallest:.1e}, "
                             f"pre-activations {margins}); choose another seed")

    tensors = {k: v.detach().clone() for k, v in tensors.items()}
    return tensors, metadata(cell, layers, dirs, hidden, seed, norms)


def metadata(cell, layers, dirs, hidden, seed, norms):
    rounded = {k: [float(f"{v:.6g}") for v in values] for k, values in norms.items()}
    return {
        "description": "Golden vectors of one recurrent network: forward, backward and ten steps of SGD and of Adam; "
                       "computed in float64, rounded to float32",
        "script": "tests/golden/make_golden.py",
        "torch": torch.__version__.split("+")[0],
        "cell": cell,
        "sizes": json.dumps({"layers": layers, "directions": dirs, "hidden": hidden, "input": INPUT, "steps": STEPS,
                             "batch": BATCH, "vocabulary": VOCABULARY}),
        "seed": str(seed),
        "sgd": json.dumps(SGD),
        "adam": json.dumps(ADAM),
        "clip": json.dumps({"theta": THETA, "rule": "if norm > theta: g *= theta / norm",
                            "over": "rnn.* and decoder.* together"}),
        "sgd.norms": json.dumps(rounded["sgd"]),
        "adam.norms": json.dumps(rounded["adam"]),
    }


def encode(tensors, meta):
    """safetensors bytes; the package writes __metadata__ in random order, so its header is written again, sorted."""
    arrays = {k: v.contiguous().numpy().astype(np.int32 if k == "target" else np.float32) for k, v in tensors.items()}
    assert all(np.isfinite(a).all() for a in arrays.values())
    raw = safetensors.numpy.save(arrays, metadata=meta)
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    result = struct.pack("<Q", len(text)) + text + raw[8 + size:]
    again = safetensors.numpy.load(result)
    assert again.keys() == arrays.keys() and all(np.array_equal(again[k], arrays[k]) for k in arrays)
    assert all(again[k].shape == tuple(tensors[k].shape) for k in arrays)
    return result


def deviation(exact, approximate):
    """Largest absolute difference between two sets of tensors, for each group of names."""
    worst = {"forward": 0.0, "grad": 0.0, "sgd": 0.0, "adam": 0.0}
    for name, value in exact.items():
        group = name.split(".")[0]
        group = group if group in worst else "forward"
        worst[group] = max(worst[group], (value.double() - approximate[name].double()).abs().max().item())
    return worst


def write_table(rows):
    readme = HERE / "README.md"
    begin, end = "<!-- files: begin -->\n", "<!-- files: end -->"
    text = readme.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    table = "| File | Bytes | SHA-256 |\n|---|---:|---|\n"
    table += "".join(f"| `{name}` | {size} | `{digest}` |\n" for name, size, digest in rows)
    readme.write_text(head + begin + table + end + tail, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the files that are there")
    parser.add_argument("--report", action="store_true", help="print the deviation of PyTorch's float32 run")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    rows, different = [], []

    def put(name, content):
        rows.append((name, len(content), hashlib.sha256(content).hexdigest()))
        path = HERE / name
        if not options.check:
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            different.append(name)

    put("optimizers.safetensors", encode(*optimizers.optimizers()))
    put("schedules.safetensors", encode(*optimizers.schedules()))
    for cell in CELLS:
        for (layers, dirs), hidden in sorted(HIDDEN.items()):
            name = file_name(cell, layers, dirs)
            tensors, meta = compute(cell, layers, dirs, hidden)
            put(name, encode(tensors, meta))
            if options.report:
                worst = deviation(tensors, compute(cell, layers, dirs, hidden, torch.float32)[0])
                print(f"{name:30} H={hidden:<3} clipped: sgd {clipped(meta['sgd.norms'])} adam "
                      f"{clipped(meta['adam.norms'])} of 10; float32 off by at most: "
                      + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    rows.sort()
    if options.check:
        for name in different:
            print(f"{name}: not the bytes computed here", file=sys.stderr)
        return 1 if different else 0
    (HERE / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, _, digest in rows), encoding="ascii")
    write_table(rows)
    print(f"{len(rows)} files, {sum(size for _, size, _ in rows)} bytes, torch {torch.__version__}, "
          f"safetensors {safetensors.__version__}, numpy {np.__version__}")
    return 0


def clipped(norms):
    return sum(n > THETA for n in json.loads(norms))


if __name__ == "__main__":
    sys.exit(main())
