#!/usr/bin/env python3
"""Measures unroll beside oneDNN and, where they are there, beside other frameworks, in alternation.

usage: bench/run.py [--build FOLDER] [--threads N,N] [--rounds N] [--only TEXT] [--peers NAME,NAME] [--out FOLDER]

--build FOLDER   where unroll and bench/onednn_gemm are built; default: build-bench
--threads N,N    default: 1 and all CPUs that may be used
--rounds N       rounds over all programs; default: 5
--only TEXT      training steps and models with TEXT in their names; default: all
--peers NAMES    of JAX, PyTorch, PyTorch compiled, ONNX Runtime; default: all. PyTorch's compiler takes most of the time
--out FOLDER     where benchmark.md is, whose section about this kind of CPU is replaced, and the plot beside it goes;
                 default: docs

The frameworks are taken from the Python environment named by UNROLL_PEERS, else from bench/peers/.venv, which
bench/peers/setup.sh makes. Measure on an otherwise idle machine.
"""
import datetime
import os
import sys
from pathlib import Path

import report
from peer import Peer, peers_python
from programs import Spread, json_of, parser_of, stop, unroll_bench

HERE = Path(__file__).resolve().parent
PEERS = {"training": ["JAX", "PyTorch", "PyTorch compiled"], "generation": ["ONNX Runtime", "PyTorch"], "generation-64": []}
SCRIPTS = {"JAX": ["jax_peer.py"], "PyTorch": ["torch_peer.py", "{threads}"],
           "PyTorch compiled": ["torch_peer.py", "{threads}", "--compile"], "ONNX Runtime": ["onnx_peer.py", "{threads}"]}


class Measured:
    """The rounds of one benchmark with one number of threads."""

    def __init__(self, description, threads):
        self.name, self.size, self.threads = description["name"], description["size"], threads
        self.need, self.symbols, self.model = description["need"], description.get("symbols"), description.get("model")
        self.unroll, self.share, self.share_of_gemm, self.onednn = [], [], [], []
        self.peers = {}  # name -> [seconds]

    def add(self, result, onednn):
        """One round: what unroll took, and what the limits were then. The rate of products is the better one of oneDNN's
        and unroll's own, unless it is below 85 % of the multiply-adds."""
        seconds, limits = result["seconds"]["median"], result["limits"]
        self.unroll.append(seconds)
        self.onednn.append(onednn)
        attainable = 0
        if self.need["flop"]:
            gemm = max(limits["gemm"], onednn)
            attainable += self.need["flop"] / (gemm if gemm >= 0.85 * limits["fma"] else limits["fma"])
            self.share_of_gemm.append(self.need["flop"] / gemm / seconds)
        for bytes_needed, rate in (("streamed_bytes", "read_write"), ("read_bytes", "read")):
            if self.need[bytes_needed]:
                attainable += self.need[bytes_needed] / limits[rate]
        if attainable:
            self.share.append(attainable / seconds)


SQUARES = {n: f"{n}x{n}x{n}" for n in ("1024", "2048")}
TRANSPOSED = {"gemm-left-transposed": ":left", "gemm-right-transposed": ":right"}


def onednn_rates(build, threads, sizes):
    """oneDNN's version, and for each size, "MxKxN[:left|:right]", its rate in flop/s."""
    answer = json_of([str(build / "bench" / "onednn_gemm"), str(threads), *sizes], threads)
    return answer["version"], answer["rates"]


def onednn_size(result):
    """The size of one of unroll's products, "1120x256 256x1024", as onednn_gemm takes it."""
    left, right = result["size"].split()
    return f"{left}x{right.partition('x')[2]}" + TRANSPOSED.get(result["name"].partition("/")[2], "")


def measure_products(program, build, threads, rounds):
    """For each product among the operations, how many times oneDNN's rate unroll's is, round by round."""
    ratios = {}
    for _ in range(rounds):
        _, results = unroll_bench(program, threads, "operation/gemm", 1)
        products = {r["name"]: (r["gflops"], onednn_size(r)) for r in results.values() if "gflops" in r}
        _, rates = onednn_rates(build, threads, [size for _, size in products.values()])
        for name, (gflops, size) in products.items():
            ratios.setdefault(name, []).append(1e9 * gflops / rates[size])
    return {name: Spread(values) for name, values in ratios.items()}


def measure(program, build, description, threads, rounds, peers):
    """Alternates unroll, oneDNN and the peers."""
    measured = Measured(description, threads)
    what = description["name"].partition("/")[0]
    print(f"{description['name']}, threads: {threads}", file=sys.stderr, flush=True)
    for round_number in range(rounds + 1):
        warm_up = round_number == 0  # the peers build their models in it
        if not warm_up:
            _, results = unroll_bench(program, threads, description["name"], 1)
            _, rates = onednn_rates(build, threads, SQUARES.values())
            measured.add(results[(description["name"], threads)], max(rates.values()))
        for name in PEERS.get(what, []):
            if name not in peers:
                continue
            answer = peers[name].ask(what, description["model"])
            if "seconds" in answer and not warm_up:
                measured.peers.setdefault(name, []).append(answer["seconds"])
    return measured


def start_peers(threads, wanted):
    python = peers_python(HERE)
    if python is None:
        print("No other frameworks are measured: bench/peers/setup.sh installs them.", file=sys.stderr)
        return {}
    started = {}
    for name in wanted:
        command = SCRIPTS[name]
        peer = Peer.start(python, HERE / "peers", [word.format(threads=threads) for word in command], threads)
        if peer is None:
            print(f"{name} is not measured: it does not start in {python}", file=sys.stderr)
        else:
            started[name] = peer
    return started


def arguments():
    cpus = len(os.sched_getaffinity(0))
    parser = parser_of(__doc__)
    parser.add_argument("--build", type=Path, default=HERE.parent / "build-bench")
    parser.add_argument("--threads", default="1" if cpus == 1 else f"1,{cpus}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default=",".join(SCRIPTS))
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    try:
        options.threads = [int(t) for t in options.threads.split(",")]
    except ValueError:
        stop(f"--threads '{options.threads}': must be numbers with commas between them")
    options.peers = [name for name in options.peers.split(",") if name]
    for name in options.peers:
        if name not in SCRIPTS:
            stop(f"--peers '{name}': must be of {', '.join(SCRIPTS)}")
    if options.rounds < 1 or min(options.threads) < 1 or max(options.threads) > cpus:
        stop(f"--rounds must be at least 1, --threads from 1 to {cpus}")
    return options


def main():
    options = arguments()
    program = options.build / "unroll"
    run = report.Run(started=datetime.datetime.now(), rounds=options.rounds, load=os.getloadavg()[0])
    for threads in options.threads:
        listed, _ = unroll_bench(program, threads, "", 1, "--list")
        peers = start_peers(threads, options.peers)
        run.versions.update({name: peer.version for name, peer in peers.items()})
        for description in listed["benchmarks"]:
            group = description["name"].partition("/")[0]
            if group in PEERS and options.only in description["name"]:
                run.measured.append(measure(program, options.build, description, threads, options.rounds, peers))
        for peer in peers.values():
            peer.end()
        for group in ("limit", "operation", "start", "denormals"):
            print(f"{group}, threads: {threads}", file=sys.stderr, flush=True)
            answer, own = unroll_bench(program, threads, group + "/", options.rounds)
            run.simd, run.version = answer["simd"], answer["version"]
            run.own.setdefault(threads, []).extend(r for (_, t), r in own.items() if t == threads)
        run.products[threads] = measure_products(program, options.build, threads, options.rounds)
        rates = [onednn_rates(options.build, threads, SQUARES.values()) for _ in range(options.rounds)]
        run.versions["oneDNN"] = "oneDNN " + rates[0][0]
        run.onednn[threads] = {n: Spread(r[size] for _, r in rates) for n, size in SQUARES.items()}
    report.write(run, options.out)


if __name__ == "__main__":
    main()
