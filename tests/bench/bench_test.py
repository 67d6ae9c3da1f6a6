"""Tests the scripts of bench/ with a fake unroll program that answers at once."""
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
    """A fake `unroll` program that reports a given time."""

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


class ProductTest(unittest.TestCase):
    def test_onednn_multiplies_the_same_matrices(self):
        for name, size, expected in (("gemm", "1120x256 256x1024", "1120x256x1024"),
                                     ("gemm-left-transposed", "256x1120 1120x1024", "256x1120x1024:left"),
                                     ("gemm-right-transposed", "1120x1024 1024x256", "1120x1024x256:right")):
            self.assertEqual(run.onednn_size({"name": "operation/" + name, "size": size}), expected)


class ReportTest(unittest.TestCase):
    def written(self, folder, cpu):
        measured = run.Measured(description(), 1)
        for _ in range(3):
            measured.add(result("training/rnn-256", 0.02), 9e10)
        measured.peers["JAX"] = [0.04, 0.05, 0.06]
        spread = programs.Spread([1e11, 2e11])
        whole = report.Run(datetime.datetime(2026, 1, 2), 3, 0.1, "0", "avx2", {"JAX": "JAX 1"}, [measured],
                           {1: [result("limit/fma", 0.1), result("operation/gemm", 0.1)]},
                           {1: {"1024": spread, "2048": spread}}, {1: {"operation/gemm": programs.Spread([0.9, 1.0, 1.2])}})
        with mock.patch("shutil.which", return_value=None), mock.patch.object(report, "cpu_name", return_value=cpu):
            with contextlib.redirect_stderr(io.StringIO()):
                report.write(whole, Path(folder))
        return (Path(folder) / "benchmark.md").read_text(encoding="utf-8")

    def test_page(self):
        with tempfile.TemporaryDirectory() as folder:
            page = self.written(folder, "Intel(R) Xeon(R) Platinum 8592+")
        self.assertIn("## Intel Xeon Platinum\n\n2026-01-02 00:00: Intel(R) Xeon(R) Platinum 8592+", page)
        self.assertIn("| V1027 | rnn-256 | 1 | 20 ms | +0 +0 % | 56,000 | 88 % | 83 % | 22,400 (x 2.5) |", page)
        self.assertIn("| gemm | V1027 | 1 | 100 ms | +0 +0 % | 1.0 Gflop/s | 10 % | 1.00 (0.90 to 1.20) |", page)
        self.assertNotIn(".svg", page)

    def test_a_run_replaces_the_section_of_its_kind_of_cpu_only(self):
        with tempfile.TemporaryDirectory() as folder:
            first = self.written(folder, "Intel(R) Xeon(R) Processor")
            both = self.written(folder, "AMD EPYC 9B45 64-Core Processor")
            again = self.written(folder, "Intel(R) Xeon(R) Processor")
        self.assertEqual(first.count("\n## "), 1)
        self.assertEqual([part.partition("\n")[0] for part in both.split("\n## ")[1:]], ["AMD EPYC", "Intel Xeon"])
        self.assertEqual(both, again)


if __name__ == "__main__":
    unittest.main()
