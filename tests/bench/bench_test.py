"""The scripts of bench/, with a program in unroll's place that answers at once."""
import contextlib
import datetime
import importlib.machinery
import importlib.util
import io
import json
import math
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import programs  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402


def compare_script():
    loader = importlib.machinery.SourceFileLoader("compare", str(BENCH / "compare"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
    loader.exec_module(module)
    return module


compare = compare_script()

NEED = {"flop": 1.5e9, "streamed_bytes": 3.6e7, "read_bytes": 0, "footprint": 1.6e7}
LIMITS = {"fma": 1e11, "gemm": 9e10, "read_write": 4e10, "read": 2e10}


def description(name="training/rnn-256"):
    return {"name": name, "size": "V1027", "threads": 1, "symbols": 1120, "model": {"vocabulary": 1027}, "need": NEED}


def result(name, seconds):
    spread = {"median": seconds, "low": seconds, "high": seconds}
    return {**description(name), "seconds": spread, "share": spread, "limits": LIMITS, "gflops": 1.0}


class FakeProgram:
    """An `unroll` that answers with a given time."""

    def __init__(self, folder, name, seconds):
        self.path = Path(folder) / name
        answer = {"version": "0", "simd": "avx2", "results": [result("training/rnn-256", seconds)]}
        self.path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n", encoding="utf-8")
        self.path.chmod(0o755)


class CompareTest(unittest.TestCase):
    def verdict_on(self, old, new):
        with tempfile.TemporaryDirectory() as folder:
            arguments = ["compare", *(str(FakeProgram(folder, n, s).path) for n, s in (("old", old), ("new", new)))]
            output = io.StringIO()
            with mock.patch.object(sys, "argv", [*arguments, "--threads", "1", "--rounds", "6"]):
                with contextlib.redirect_stdout(output):
                    compare.main()
        return output.getvalue().splitlines()[1]

    def test_verdicts(self):
        self.assertRegex(self.verdict_on(0.2, 0.1), r"training/rnn-256 .* 0\.500 .* faster$")
        self.assertRegex(self.verdict_on(0.1, 0.2), r" 2\.000 .* slower$")
        self.assertRegex(self.verdict_on(0.1, 0.1), r" 1\.000 .* no difference$")

    def test_interval_is_that_of_the_binomial_distribution(self):
        self.assertEqual(compare.interval_of_median([3, 1, 2]), (0, math.inf))
        self.assertEqual(compare.interval_of_median(list(range(1, 13))), (3, 10))
        for count in range(6, 40):
            low, high = compare.interval_of_median(list(range(1, count + 1)))
            outside = 2 * sum(math.comb(count, i) for i in range(low)) / 2 ** count
            self.assertLessEqual(outside, 0.05)
            self.assertGreater(outside + 2 * math.comb(count, low) / 2 ** count, 0.05)
            self.assertEqual(low + high, count + 1)

    def test_help_is_the_documentation(self):
        for script in (compare, run):
            output = io.StringIO()
            with mock.patch.object(sys, "argv", ["script", "--help"]), contextlib.redirect_stdout(output):
                with self.assertRaises(SystemExit):
                    script.main()
            self.assertEqual(output.getvalue(), script.__doc__)

    def test_a_program_that_is_not_there(self):
        with self.assertRaises(SystemExit) as stopped:
            programs.unroll_bench("no-such-program", 1, "training", 1)
        self.assertIn("no-such-program", str(stopped.exception))


class ShareTest(unittest.TestCase):
    def share(self, fma, gemm, onednn):
        measured = run.Measured(description(), 1)
        answer = result("training/rnn-256", 0.02)
        answer["limits"] = {**LIMITS, "fma": fma, "gemm": gemm}
        measured.add(answer, onednn)
        return measured.share[0]

    def test_the_better_product_counts_unless_it_shames_the_machine(self):
        memory = NEED["streamed_bytes"] / LIMITS["read_write"]
        for limits, rate in (((1e11, 9e10, 8e10), 9e10), ((1e11, 9e10, 9.5e10), 9.5e10), ((1e11, 5e10, 6e10), 1e11)):
            self.assertAlmostEqual(self.share(*limits), (NEED["flop"] / rate + memory) / 0.02)


class ReportTest(unittest.TestCase):
    def test_page(self):
        measured = run.Measured(description(), 1)
        for _ in range(3):
            measured.add(result("training/rnn-256", 0.02), 9e10)
        measured.peers["JAX"] = [0.04, 0.05, 0.06]
        spread = programs.Spread([1e11, 2e11])
        whole = report.Run(datetime.datetime(2026, 1, 2), 3, 0.1, "0", "avx2", {"JAX": "JAX 1"}, [measured],
                           {1: [result("limit/fma", 0.1)]}, {1: {"1024": spread, "2048": spread}})
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            with mock.patch("shutil.which", return_value=None):
                report.write(whole, Path(folder))
            page = (Path(folder) / "benchmark.md").read_text(encoding="utf-8")
        self.assertIn("2026-01-02", page)
        self.assertIn("| V1027 | rnn-256 | 1 | 20 ms | +0 +0 % | 56,000 | 88 % | 83 % | 22,400 (x 2.5) |", page)
        self.assertNotIn("benchmark.svg", page)


if __name__ == "__main__":
    unittest.main()
