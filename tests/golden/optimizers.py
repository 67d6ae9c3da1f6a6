"""Golden vectors of optimizers and schedules, for make_golden.py: twenty updates by PyTorch in float64.

Gradients are given, not computed, so that nothing but the update itself is compared. Starting values, gradients and
losses are float32 numbers.
"""
import json
import warnings

import numpy as np
import torch

UPDATES = 20
ELEMENTS = 37                                    # wider than two vectors of 16 floats, and a multiple of no vector width
RATE = 0.05
# The rate changes between updates, which must not rescale the optimizer's state.
RATE_STEP = {"gamma": 0.5, "step_size": 7}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "sgd_nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"betas": [0.9, 0.999], "eps": 1e-8}),
    "adamw": (torch.optim.AdamW, {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.99, "eps": 1e-8}),
}
WARMUP, MINIMUM = 5, 0.125                       # updates; share of the full rate
ACCUMULATED = 3                                  # gradients that are averaged for an update
# eps: PyTorch does not change the rate by less than this.
PLATEAU = {"factor": 0.5, "patience": 2, "threshold": 1e-4, "eps": 0.0}


def metadata(description, **settings):
    return {"description": description, "script": "tests/golden/make_golden.py",
            "torch": torch.__version__.split("+")[0],
            **{name: json.dumps(value) for name, value in settings.items()}}


def optimizers():
    """Values after each of the updates, [UPDATES, ELEMENTS] for each optimizer."""
    rng = np.random.Generator(np.random.PCG64([37, 1]))
    signed = 2.0 * rng.random((UPDATES + 1, ELEMENTS)) - 1.0
    sizes = 10.0 ** -(np.arange(ELEMENTS) % 4)
    values = torch.from_numpy(signed[0].astype(np.float32))
    gradients = torch.from_numpy((signed * sizes)[1:].astype(np.float32))
    tensors = {"values": values, "gradients": gradients}
    for name, (kind, options) in OPTIMIZERS.items():
        parameter = torch.nn.Parameter(values.double())
        optimizer = kind([parameter], lr=RATE, foreach=False, **options)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, **RATE_STEP)
        rows = []
        for gradient in gradients:
            parameter.grad = gradient.double()
            optimizer.step()
            schedule.step()
            rows.append(parameter.detach().clone())
        tensors[name] = torch.stack(rows)
    tensors["sgd_accumulated"] = accumulated(values, gradients)
    return tensors, metadata("Twenty updates of every optimizer by given gradients; computed in float64, rounded to float32",
                             rate=RATE, rate_step=RATE_STEP, accumulated=ACCUMULATED, **{name: options for name, (_, options) in OPTIMIZERS.items()})


def accumulated(values, gradients):
    """Values after each of twenty updates of SGD with a constant rate; PyTorch accumulates the gradients of an update.
    Every gradient is used three times."""
    parameter = torch.nn.Parameter(values.double())
    optimizer = torch.optim.SGD([parameter], lr=RATE, foreach=False)
    rows = []
    for update in range(UPDATES):
        optimizer.zero_grad()
        for batch in range(ACCUMULATED):
            gradient = gradients[(update * ACCUMULATED + batch) % UPDATES].double()
            (parameter @ gradient / ACCUMULATED).backward()
        optimizer.step()
        rows.append(parameter.detach().clone())
    return torch.stack(rows)


def rates(make, losses=None):
    """The rate of each update if the full rate is 1. If losses are given, the schedule gets one after each update."""
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    parameter.grad = torch.zeros_like(parameter)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = make(optimizer)
    result = []
    for update in range(UPDATES):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*([] if losses is None else [losses[update].item()]))
    return torch.tensor(result, dtype=torch.float64)


def schedules():
    """The rate of each of the updates, [UPDATES] for each schedule."""
    lr = torch.optim.lr_scheduler

    def warm(o):
        return lr.LinearLR(o, start_factor=1 / (WARMUP + 1), total_iters=WARMUP)

    def cosine(o, updates):
        return lr.CosineAnnealingLR(o, T_max=updates, eta_min=MINIMUM)

    def step(o):
        return lr.StepLR(o, step_size=6, gamma=0.5)

    # Falls, stays within the threshold, rises, falls again, stays, and falls once more.
    losses = torch.tensor([4, 3, 2.5, 2.5, 2.4999, 2.6, 2.7, 2.4, 2.3] + [2.3] * 8 + [2.2] * 3, dtype=torch.float32)
    assert len(losses) == UPDATES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")          # SequentialLR calls a deprecated form of its own schedulers' step
        tensors = {
            "warmup": rates(warm),
            "cosine": rates(lambda o: cosine(o, UPDATES)),
            "warmup_cosine": rates(lambda o: lr.SequentialLR(o, [warm(o), cosine(o, UPDATES - WARMUP)], [WARMUP])),
            "step": rates(step),
            "warmup_step": rates(lambda o: lr.ChainedScheduler([warm(o), step(o)])),
            "losses": losses,
            "plateau": rates(lambda o: lr.ReduceLROnPlateau(o, **PLATEAU), losses),
            "plateau_minimum": rates(lambda o: lr.ReduceLROnPlateau(o, min_lr=0.3, **PLATEAU), losses),
        }
    return tensors, metadata("The learning rate of twenty updates under every schedule, the full rate being 1; computed in "
                             "float64, rounded to float32", warmup=WARMUP, minimum=MINIMUM,
                             step={"step_size": 6, "gamma": 0.5}, plateau=PLATEAU, plateau_minimum=0.3)
