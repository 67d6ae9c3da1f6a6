"""What run.py has measured, as a Markdown page and a plot."""
import dataclasses
import datetime
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from programs import Spread

PAGE = "benchmark.md"
INTRODUCTION = """# Benchmark

One section for each kind of CPU, each written by one run of `make bench` on such a machine: medians
of the rounds in which all programs take turns on the same CPUs. The spread is that of the fastest
and the slowest round. [performance.md](performance.md) says what a share is a share of.
"""


@dataclasses.dataclass
class Run:
    started: datetime.datetime
    rounds: int
    load: float  # of the machine before the first round
    version: str = ""
    simd: str = ""
    versions: dict = dataclasses.field(default_factory=dict)  # of the others
    measured: list = dataclasses.field(default_factory=list)  # run.Measured
    own: dict = dataclasses.field(default_factory=dict)  # threads -> results of unroll bench
    onednn: dict = dataclasses.field(default_factory=dict)  # threads -> {"1024": Spread, "2048": Spread}
    products: dict = dataclasses.field(default_factory=dict)  # threads -> {name: Spread of the ratios to oneDNN}


def table(heading, rows):
    """The first column is text, the others are numbers."""
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"


def percent(values):
    return f"{100 * Spread(values).median:.0f} %" if values else ""


def time_text(seconds):
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.4g} {unit}"


def with_threads(measured, group):
    return [m for m in measured if m.name.startswith(group + "/")]


def peer_names(measured):
    return list(dict.fromkeys(name for m in measured for name in m.peers))


def times_of_peer(m, name):
    """How many times as long the peer takes, round by round."""
    return [peer / own for peer, own in zip(m.peers[name], m.unroll)] if name in m.peers else []


def training_table(measured):
    names = peer_names(measured)
    rows = []
    for m in measured:
        unroll = Spread(m.unroll)
        row = [m.size, m.name.partition("/")[2], str(m.threads), time_text(unroll.median), unroll.text(),
               f"{m.symbols / unroll.median:,.0f}", percent(m.share), percent(m.share_of_gemm)]
        for name in names:
            if name in m.peers:
                row.append(f"{m.symbols / Spread(m.peers[name]).median:,.0f} (x {Spread(times_of_peer(m, name)).median:.1f})")
            else:
                row.append("not measured")
        rows.append(row)
    return table(["size", "model", "threads", "time", "spread", "symbols/s", "share", "of GEMM", *names], rows)


def generation_table(measured):
    names = peer_names(measured)
    rows = []
    for m in measured:
        unroll = Spread(m.unroll)
        rows.append([m.name.partition("/")[2], str(m.threads), time_text(unroll.median), unroll.text(), percent(m.share),
                     *(f"{time_text(Spread(m.peers[n]).median)} (x {Spread(times_of_peer(m, n)).median:.1f})"
                       if n in m.peers else "not measured" for n in names)])
    return table(["model", "threads", "time per symbol", "spread", "share", *names], rows)


def side_by_side_table(measured):
    rows = []
    for m in measured:
        unroll = Spread(m.unroll)
        rows.append([m.name.partition("/")[2], str(m.threads), time_text(unroll.median), unroll.text(),
                     f"{m.symbols / unroll.median:,.0f}", percent(m.share)])
    return table(["model", "threads", "time per step", "spread", "symbols/s", "share"], rows)


def limit_table(run):
    rows = []
    for threads, results in run.own.items():
        for r in results:
            if r["name"].startswith("limit/"):
                rate = f"{r['gflops']:.1f} Gflop/s" if "gflops" in r else f"{r['gigabytes_per_second']:.1f} GB/s"
                rows.append([r["name"].partition("/")[2], r["size"], str(threads), rate, spread_text(r["seconds"])])
        for n, rate in run.onednn[threads].items():
            rows.append([f"oneDNN's gemm-{n}", f"{n} x {n} x {n}", str(threads), f"{1e-9 * rate.median:.1f} Gflop/s",
                         rate.text()])
    return table(["limit", "size", "threads", "rate", "spread"], rows)


def spread_text(s):
    return f"{100 * (s['low'] / s['median'] - 1):+.0f} {100 * (s['high'] / s['median'] - 1):+.0f} %"


def operation_table(run):
    """Products have one column more: their rate over that of oneDNN on the same matrices in the same round."""
    heading, rows = other_rows(run, "operation")
    for row in rows:
        ratio = run.products.get(int(row[2]), {}).get("operation/" + row[0])
        row.append(f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else "")
    return table([*heading, "of oneDNN"], rows)


def other_table(run, group):
    return table(*other_rows(run, group))


def other_rows(run, group):
    rows = []
    for threads, results in run.own.items():
        for r in results:
            if r["name"].startswith(group + "/"):
                rate = f"{r['gflops']:.1f} Gflop/s" if "gflops" in r else ""
                rate = rate or (f"{r['gigabytes_per_second']:.1f} GB/s" if "gigabytes_per_second" in r else "")
                share = f"{100 * r['share']['median']:.0f} %" if "share" in r else ""
                share = f"x {r['slowdown']['median']:.3f}" if "slowdown" in r else share
                rows.append([r["name"].partition("/")[2], r["size"], str(threads), time_text(r["seconds"]["median"]),
                             spread_text(r["seconds"]), rate, share])
    return [group, "size", "threads", "time", "spread", "rate", "share"], rows


def section_name(cpu):
    """The kind of CPU: what it is called, without what differs from one machine to the next."""
    words = [word for word in cpu.replace("(R)", "").replace("(TM)", "").split() if word.isalpha() and word != "Processor"]
    return " ".join(words) or "CPU"


def plot_name(section):
    return f"benchmark-{section.lower().replace(' ', '-')}.svg"


def wrapped(part):
    """Prose is wrapped at 100 columns; headings and tables stay as they are."""
    if part.startswith(("#", "|", "!")):
        return part
    return textwrap.fill(part.strip(), 100, break_long_words=False, break_on_hyphens=False) + "\n"


def page(run, section, has_plot):
    training, generation = with_threads(run.measured, "training"), with_threads(run.measured, "generation")
    parts = [
        f"## {section}\n",
        f"{run.started:%Y-%m-%d %H:%M}: {cpu_name()}, SIMD target {run.simd}, load {run.load:.1f} before the first round, "
        f"{run.rounds} rounds. unroll {run.version}; {', '.join(sorted(run.versions.values()))}.\n"]
    if has_plot:
        parts.append(f"![Share of the attainable rate in training]({plot_name(section)})\n")
    parts += ["### Training\n", "Whole steps: forward, loss, backward, clipping, Adam. \"Share\" is that of what the machine "
              "allows, \"of GEMM\" the necessary arithmetic alone at the rate of the better GEMM. Others in symbols/s, and "
              "how many times as long as unroll they take.\n", training_table(training)]
    parts += ["### Generation, one text\n", "The most probable symbol each time, output layer included. The share is that of "
              "reading the weights once.\n", generation_table(generation)]
    parts += ["### Generation, 64 texts side by side\n", "A step continues each by one symbol. The share is that of the products at "
              "the rate of the better GEMM.\n", side_by_side_table(with_threads(run.measured, "generation-64"))]
    parts += ["### From the program's start to its first symbol\n", other_table(run, "start")]
    parts += ["### Denormal numbers\n", "A state that decays to nothing, beside one that stays; the share is the time with denormals over "
              "the time without.\n", other_table(run, "denormals")]
    parts += ["### The machine\n", limit_table(run)]
    parts += ["### Operations\n", operation_table(run)]
    return "\n".join(wrapped(part) for part in parts)


def plot_data(training, names):
    """One line per size: unroll's share, then the peers', held to what is attainable in the same rounds."""
    lines = []
    for m in training:
        share = Spread(m.share).median
        shares = [share] + [share / Spread(times_of_peer(m, n)).median if n in m.peers else float("nan") for n in names]
        lines.append(f'"{m.name.partition("/")[2]}" ' + " ".join(f"{100 * s:.1f}" for s in shares))
    return "\n".join(lines) + "\n"


def write_plot(run, target):
    """False where there is nothing to plot with, or nothing to plot."""
    threads = max(run.own)
    training = [m for m in with_threads(run.measured, "training") if m.threads == threads]
    if shutil.which("gnuplot") is None:
        print("No plot: gnuplot is not there (scripts/install_deps.sh bench).", file=sys.stderr)
        return False
    if not training:
        return False
    names = peer_names(training)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.write_text(plot_data(training, names), encoding="utf-8")
        series = ", ".join(f"'{data}' using {column + 2}:xtic(1) title '{name}'"
                           for column, name in enumerate(["unroll", *names]))
        script = f"""set terminal svg size 1000,420 font 'sans-serif,12' background '#ffffff'
set output '{target}'
set title 'Training on {threads} threads, {cpu_name()}, {run.started:%Y-%m-%d}'
set ylabel 'share of the attainable rate, %'
set yrange [0:105]
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set xtics rotate by -30
set grid y
set key outside top center horizontal
plot {series}
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True


def with_section(text, name, section):
    """The page with a section in the place of the one of that name, or behind the others."""
    parts = text.split("\n## ")
    kept = [part for part in parts[1:] if part.partition("\n")[0] != name]
    sections = sorted(["## " + part.rstrip("\n") + "\n" for part in kept] + [section])
    return "\n".join([INTRODUCTION, *sections])


def write(run, folder):
    folder.mkdir(parents=True, exist_ok=True)
    section, target = section_name(cpu_name()), folder / PAGE
    plot = folder / plot_name(section)
    has_plot = write_plot(run, plot)
    if not has_plot and plot.exists():
        plot.unlink()  # not of this run
    before = target.read_text(encoding="utf-8") if target.exists() else INTRODUCTION
    target.write_text(with_section(before, section, page(run, section, has_plot)), encoding="utf-8")
    print(f"{target}: the section '{section}' is written.", file=sys.stderr)
