"""Generation at batch 1 in ONNX Runtime: onnx_peer.py THREADS

The graph is one step: a look-up for the one-hot input, the product with the state, the non-linearities, the output layer and
the arg max. State and symbol stay in ONNX Runtime's own buffers from step to step.
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from server import Skipped, serve

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
GENERATED = 100


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def add(self, operation, inputs, outputs=1, **attributes):
        names = [f"value{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operation, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def name(self, value, name):
        self.nodes.append(helper.make_node("Identity", [value], [name]))


def split(graph, x, parts):
    return graph.add("Split", [x], parts, axis=1, num_outputs=parts)


def cell_step(graph, cell, x, h, c):
    products = graph.add("Gemm", [h, "hh", "bias_hh"])
    if cell == "rnn":
        return graph.add("Tanh", [graph.add("Add", [x, products])]), None
    if cell == "gru":
        xr, xz, xn = split(graph, x, 3)
        hr, hz, hn = split(graph, products, 3)
        r = graph.add("Sigmoid", [graph.add("Add", [xr, hr])])
        z = graph.add("Sigmoid", [graph.add("Add", [xz, hz])])
        n = graph.add("Tanh", [graph.add("Add", [xn, graph.add("Mul", [r, hn])])])
        return graph.add("Add", [n, graph.add("Mul", [z, graph.add("Sub", [h, n])])]), None
    i, f, g, o = split(graph, graph.add("Add", [x, products]), 4)
    kept = graph.add("Mul", [graph.add("Sigmoid", [f]), c])
    c = graph.add("Add", [kept, graph.add("Mul", [graph.add("Sigmoid", [i]), graph.add("Tanh", [g])])])
    return graph.add("Mul", [graph.add("Sigmoid", [o]), graph.add("Tanh", [c])]), c


def step_model(model):
    hidden, vocabulary, cell = model["hidden"], model["vocabulary"], model["cell"]
    width = GATES[cell] * hidden
    generator = np.random.default_rng(1)
    graph = Graph()
    shapes = {"ih": (vocabulary, width), "hh": (hidden, width), "bias_hh": (width,), "out": (hidden, vocabulary),
              "bias_out": (vocabulary,)}  # the input's bias is part of the table
    for name, shape in shapes.items():
        graph.weight(name, generator.uniform(-hidden ** -0.5, hidden ** -0.5, shape).astype(np.float32))
    h, c = cell_step(graph, cell, graph.add("Gather", ["ih", "symbol"], axis=0), "h", "c")
    logits = graph.add("Gemm", [h, "out", "bias_out"])
    graph.name(graph.add("ArgMax", [logits], axis=1, keepdims=0), "next_symbol")
    graph.name(h, "next_h")
    state = ["h", "c"] if cell == "lstm" else ["h"]
    if cell == "lstm":
        graph.name(c, "next_c")

    def values(prefix):
        symbol = helper.make_tensor_value_info(prefix + "symbol", TensorProto.INT64, [1])
        return [symbol] + [helper.make_tensor_value_info(prefix + s, TensorProto.FLOAT, [1, hidden]) for s in state]

    built = helper.make_graph(graph.nodes, "step", values(""), values("next_"), graph.weights)
    proto = helper.make_model(built, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(proto)
    return proto, state


class Generation:
    def __init__(self, model, threads):
        proto, state = step_model(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
        shapes = {"symbol": np.zeros(1, np.int64), **{s: np.zeros((1, model["hidden"]), np.float32) for s in state}}
        sides = [{name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in shapes.items()} for _ in range(2)]
        # From the first set of buffers to the second, and back.
        self.bindings = [self.bind(sides[0], sides[1]), self.bind(sides[1], sides[0])]
        self.symbols = [sides[1]["symbol"], sides[0]["symbol"]]

    def bind(self, source, target):
        binding = self.session.io_binding()
        for name, value in source.items():
            binding.bind_ortvalue_input(name, value)
        for name, value in target.items():
            binding.bind_ortvalue_output("next_" + name, value)
        return binding

    def __call__(self):
        for step in range(GENERATED):
            self.session.run_with_iobinding(self.bindings[step % 2])
            self.symbols[step % 2].numpy()


def build_with(threads):
    def build(what, model):
        if what != "generation" or model["layers"] != 1 or model["embedding"]:
            raise Skipped("ONNX Runtime is compared in generation with one-hot input and one layer")
        return Generation(model, threads), GENERATED
    return build


if __name__ == "__main__":
    serve(f"ONNX Runtime {onnxruntime.__version__}", build_with(int(sys.argv[1])))
