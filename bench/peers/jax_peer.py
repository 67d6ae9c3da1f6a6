"""The training step in JAX: jax_peer.py

Input is a look-up, the time loop a scan, the output layer one product, and the whole step (loss, gradients, clipping, Adam)
one compiled function that gives its buffers back to itself. The number of threads is that of the CPUs it may run on.
"""
import functools

import jax
import jax.numpy as jnp
import numpy as np

from server import Skipped, serve

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
RATE, BETA1, BETA2, EPSILON, MAX_NORM = 1e-4, 0.9, 0.999, 1e-8, 1.0
WINDOWS = 4


def parameters_of(model, generator):
    hidden, vocabulary, embedding = model["hidden"], model["vocabulary"], model["embedding"]
    bound = hidden ** -0.5

    def draw(*shape):
        return jnp.asarray(generator.uniform(-bound, bound, shape), dtype=jnp.float32)

    width = GATES[model["cell"]] * hidden
    layers = []
    for k in range(model["layers"]):
        inputs = hidden if k > 0 else embedding or vocabulary
        layers.append({"ih": draw(inputs, width), "hh": draw(hidden, width), "bias_ih": draw(width), "bias_hh": draw(width)})
    parameters = {"layers": layers, "bias_out": draw(vocabulary)}
    if not model["tied"]:
        parameters["out"] = draw(hidden, vocabulary)
    if embedding:
        parameters["table"] = jnp.asarray(generator.standard_normal((vocabulary, embedding)), dtype=jnp.float32)
    return parameters


def cell_step(cell, hidden, layer, state, x):
    """x is the input's product with its bias; all biases that can be added in advance have been."""
    h, c = state
    products = h @ layer["hh"]
    if cell == "rnn":
        h = jnp.tanh(x + products)
    elif cell == "gru":
        r = jax.nn.sigmoid(x[:, :hidden] + products[:, :hidden])
        z = jax.nn.sigmoid(x[:, hidden:2 * hidden] + products[:, hidden:2 * hidden])
        n = jnp.tanh(x[:, 2 * hidden:] + r * (products[:, 2 * hidden:] + layer["bias_hh"][2 * hidden:]))
        h = (1 - z) * n + z * h
    else:
        i, f, g, o = jnp.split(x + products, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def loss_of(parameters, model, ids, targets, states, key):
    hidden, cell = model["hidden"], model["cell"]
    x = parameters["table"][ids] if model["embedding"] else None
    new_states = []
    for k, layer in enumerate(parameters["layers"]):
        bias = layer["bias_ih"]
        bias = bias + (layer["bias_hh"].at[2 * hidden:].set(0) if cell == "gru" else layer["bias_hh"])
        gates = (layer["ih"][ids] if x is None else x @ layer["ih"]) + bias
        state, x = jax.lax.scan(functools.partial(cell_step, cell, hidden, layer), states[k], gates)
        new_states.append(state)
        if model["dropout"] > 0 and k + 1 < model["layers"]:
            keep = 1 - model["dropout"]
            x = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, k), keep, x.shape), x / keep, 0)
    out = parameters["table"].T if model["tied"] else parameters["out"]
    logits = x @ out + parameters["bias_out"]
    picked = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - picked), new_states


def training_step(model, parameters, first, second, count, states, ids, targets, key):
    (loss, states), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters, model, ids, targets, states, key)
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradients)))
    scale = jnp.minimum(1, MAX_NORM / norm)
    gradients = jax.tree.map(lambda g: g * scale, gradients)
    count = count + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradients)
    correction1, correction2 = 1 - BETA1 ** count, 1 - BETA2 ** count
    parameters = jax.tree.map(
        lambda p, m, v: p - RATE * (m / correction1) / (jnp.sqrt(v / correction2) + EPSILON), parameters, first, second)
    return parameters, first, second, count, states, loss


class Training:
    def __init__(self, model):
        generator = np.random.default_rng(1)
        steps, batch = model["steps"], model["batch"]
        text = generator.integers(0, model["vocabulary"], (WINDOWS * steps + 1, batch), dtype=np.int32)
        self.windows = [(jnp.asarray(text[w * steps:(w + 1) * steps]), jnp.asarray(text[w * steps + 1:(w + 1) * steps + 1]))
                        for w in range(WINDOWS)]
        parameters = parameters_of(model, generator)
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        states = [(jnp.zeros((batch, model["hidden"])), jnp.zeros((batch, model["hidden"]))) for _ in range(model["layers"])]
        self.carried = (parameters, zeros(parameters), zeros(parameters), jnp.float32(0), states)
        self.key = jax.random.key(1, impl="rbg")
        self.step = jax.jit(functools.partial(training_step, model), donate_argnums=(0, 1, 2, 4))
        self.next = 0

    def __call__(self):
        ids, targets = self.windows[self.next % WINDOWS]
        *carried, loss = self.step(*self.carried, ids, targets, jax.random.fold_in(self.key, self.next))
        self.carried = tuple(carried)
        self.next += 1
        # A caller that waits for the loss alone may not have waited for the update.
        jax.block_until_ready((loss, carried))
        if not np.isfinite(loss):
            raise FloatingPointError("the loss is not finite")


def build(what, model):
    if what != "training":
        raise Skipped("JAX is compared in training only")
    return Training(model), 1


if __name__ == "__main__":
    serve(f"JAX {jax.__version__}", build)
