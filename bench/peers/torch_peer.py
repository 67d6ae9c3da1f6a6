"""The training step and generation in PyTorch: torch_peer.py THREADS [--compile]

One-hot input is a look-up of rows, later layers are torch.nn's, the output layer is one product, Adam the fused one. With
--compile the loss is compiled, and the time loops of all layers are written out, since torch.compile leaves torch.nn's
recurrent layers alone. Where these loops would have more than 70 steps together, which compiles for minutes, all layers are
torch.nn's, the first one on one-hot vectors.
"""
import sys

import torch
import torch.nn.functional as F
from torch import nn

from server import Skipped, serve

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
RATE, MAX_NORM = 1e-4, 1.0
WINDOWS = 4
MAX_STEPS_WRITTEN_OUT = 70
GENERATED = 100


def cell_step(cell, x, h, c, weight, bias):
    products = torch.addmm(bias, h, weight)
    if cell == "rnn":
        return torch.tanh(x + products), c
    if cell == "gru":
        xr, xz, xn = x.chunk(3, 1)
        hr, hz, hn = products.chunk(3, 1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        return n + z * (h - n), c
    i, f, g, o = (x + products).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class WrittenOutLayer(nn.Module):
    """The first layer takes indices and looks their rows up; the others take vectors."""

    def __init__(self, cell, inputs, hidden, look_up):
        super().__init__()
        self.cell, self.hidden, self.look_up = cell, hidden, look_up
        width = GATES[cell] * hidden
        for name, shape in {"ih": (inputs, width), "hh": (hidden, width), "bias_ih": (width,), "bias_hh": (width,)}.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-hidden ** -0.5, hidden ** -0.5)))

    def forward(self, x, state):
        gates = (F.embedding(x, self.ih) if self.look_up else x @ self.ih) + self.bias_ih
        h, c = state
        outputs = []
        for gate in gates.unbind(0):
            h, c = cell_step(self.cell, gate, h, c, self.hh, self.bias_hh)
            outputs.append(h)
        return torch.stack(outputs), (h, c)


class LibraryLayer(nn.Module):
    def __init__(self, cell, inputs, hidden):
        super().__init__()
        self.layer = LAYERS[cell](inputs, hidden)

    def forward(self, x, state):
        h, c = state
        if isinstance(self.layer, nn.LSTM):
            x, (h, c) = self.layer(x, (h[None], c[None]))
            return x, (h[0], c[0])
        x, h = self.layer(x, h[None])
        return x, (h[0], c)


class Model(nn.Module):
    def __init__(self, model, written_out, one_hot=False):
        super().__init__()
        self.one_hot = model["vocabulary"] if one_hot and not model["embedding"] else 0
        cell, hidden, embedding = model["cell"], model["hidden"], model["embedding"]
        self.dropout = model["dropout"]
        self.table = nn.Embedding(model["vocabulary"], embedding) if embedding else None
        self.layers = nn.ModuleList()
        for k in range(model["layers"]):
            look_up = k == 0 and not embedding and not one_hot
            inputs = hidden if k > 0 else embedding or model["vocabulary"]
            self.layers.append(WrittenOutLayer(cell, inputs, hidden, look_up) if look_up or written_out
                               else LibraryLayer(cell, inputs, hidden))
        self.out = nn.Linear(hidden, model["vocabulary"])
        if model["tied"]:
            self.out.weight = self.table.weight

    def forward(self, ids, states):
        x = self.table(ids) if self.table else F.one_hot(ids, self.one_hot).float() if self.one_hot else ids
        new_states = []
        for k, layer in enumerate(self.layers):
            x, state = layer(x, states[k])
            new_states.append(state)
            if k + 1 < len(self.layers):
                x = F.dropout(x, self.dropout, self.training)
        return self.out(x), new_states

    def loss(self, ids, targets, states):
        logits, states = self(ids, states)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), states


def zero_states(model, batch):
    return [(torch.zeros(batch, model["hidden"]), torch.zeros(batch, model["hidden"])) for _ in range(model["layers"])]


class Training:
    def __init__(self, model, compiled):
        torch.manual_seed(1)
        torch._dynamo.reset()
        steps, batch = model["steps"], model["batch"]
        text = torch.randint(model["vocabulary"], (WINDOWS * steps + 1, batch))
        self.windows = [(text[w * steps:(w + 1) * steps], text[w * steps + 1:(w + 1) * steps + 1]) for w in range(WINDOWS)]
        short = steps * model["layers"] <= MAX_STEPS_WRITTEN_OUT
        self.model = Model(model, written_out=compiled and short, one_hot=not short)
        self.loss = torch.compile(self.model.loss) if compiled else self.model.loss
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE, fused=True)
        self.states = zero_states(model, batch)
        self.next = 0

    def __call__(self):
        ids, targets = self.windows[self.next % WINDOWS]
        self.next += 1
        loss, states = self.loss(ids, targets, self.states)
        self.states = [(h.detach(), c.detach()) for h, c in states]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        self.optimizer.step()
        if not torch.isfinite(loss):
            raise FloatingPointError("the loss is not finite")


class Generation:
    def __init__(self, model):
        torch.manual_seed(1)
        self.model = Model(model, written_out=True).eval()
        self.states = zero_states(model, 1)

    def __call__(self):
        symbol, states = torch.zeros(1, 1, dtype=torch.long), self.states
        with torch.inference_mode():
            for _ in range(GENERATED):
                logits, states = self.model(symbol, states)
                symbol = logits.argmax(-1)
                symbol.item()


def build_with(compiled):
    def build(what, model):
        if what == "training":
            return Training(model, compiled), 1
        if compiled:
            raise Skipped("generation is measured without torch.compile")
        return Generation(model), GENERATED
    return build


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    with_compiler = "--compile" in sys.argv[2:]
    serve(f"PyTorch {torch.__version__}" + (", compiled" if with_compiler else ""), build_with(with_compiler))
