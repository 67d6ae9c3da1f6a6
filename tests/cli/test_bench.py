"""Tests of `unroll bench`: that it measures, not the times that it measures."""

import json
import unittest

from support import USAGE, ProgramTest

GROUPS = {"limit", "operation", "training", "generation", "generation-64", "start", "denormals", "checkpoint", "table"}


class BenchTest(ProgramTest):
    def bench(self, *flags):
        return json.loads(self.succeed("bench", "--json", *flags).out)

    def test_products_and_their_shares(self):
        answer = self.bench("--only", "operation/gemm-one-step", "--repeats", "1", "--threads", "1")
        self.assertEqual((answer["threads"], answer["repeats"]), (1, 1))
        self.assertIn(answer["simd"], ("avx3", "avx2", "sse4", "scalar"))
        (result,) = answer["results"]
        self.assertEqual(result["name"], "operation/gemm-one-step")
        self.assertEqual(result["need"]["flop"], 2 * 32 * 256 * 1024)
        seconds, limits = result["seconds"], result["limits"]
        self.assertGreater(seconds["low"], 0)
        self.assertTrue(seconds["low"] <= seconds["median"] <= seconds["high"])
        self.assertAlmostEqual(result["gflops"], 1e-9 * result["need"]["flop"] / seconds["median"])
        rate = limits["gemm"] if limits["gemm"] >= 0.85 * limits["fma"] else limits["fma"]
        self.assertAlmostEqual(result["share"]["median"], result["need"]["flop"] / rate / seconds["median"])

    def test_memory_is_measured_where_memory_is_needed(self):
        (result,) = self.bench("--only", "operation/sgd-small", "--repeats", "1")["results"]
        self.assertEqual(result["need"]["streamed_bytes"], 3 * 4 * 592_899)
        self.assertEqual(result["limits"]["gemm"], 0)
        self.assertGreater(result["limits"]["read_write"], 0)
        self.assertGreater(result["gigabytes_per_second"], 0)

    def test_training_generation_and_start(self):
        for name in ("training/rnn-256", "generation/rnn-256", "start/rnn-256"):
            with self.subTest(name):
                (result,) = self.bench("--only", name, "--repeats", "1", "--threads", "1")["results"]
                self.assertEqual(result["model"]["hidden"], 256)
                self.assertGreater(result["seconds"]["median"], 0)

    def test_many_texts_are_held_to_the_products_and_one_to_reading(self):
        needs = {b["name"]: b["need"] for b in self.bench("--list", "--only", "generation")["benchmarks"]}
        hidden, vocabulary = 256, 1027
        self.assertEqual(needs["generation-64/rnn-256"]["flop"], 64 * 2 * hidden * (hidden + vocabulary))
        self.assertEqual(needs["generation-64/rnn-256"]["read_bytes"], 0)
        self.assertEqual(needs["generation/rnn-256"]["flop"], 0)
        # One row of the input table, W_hh, two biases, and the output layer.
        self.assertEqual(needs["generation/rnn-256"]["read_bytes"],
                         4 * (hidden + hidden * hidden + 2 * hidden + (hidden + 1) * vocabulary))

    def test_what_a_training_step_needs(self):
        needs = {b["name"]: b["need"] for b in self.bench("--list", "--only", "training")["benchmarks"]}
        rows, hidden, vocabulary = 35 * 32, 256, 1027
        parameters = (vocabulary + hidden + 2) * hidden + (hidden + 1) * vocabulary
        self.assertEqual(needs["training/rnn-256"],
                         {"flop": 3 * 2 * rows * hidden * (hidden + vocabulary), "streamed_bytes": 36 * parameters,
                          "read_bytes": 0, "footprint": 16 * parameters})
        rows, hidden, vocabulary = 35 * 20, 650, 10_000
        table, layer = vocabulary * hidden, 4 * hidden * (2 * hidden + 2)
        parameters = table + 2 * layer + (hidden + 1) * vocabulary
        untouched = (vocabulary - rows) * hidden
        self.assertEqual(needs["training/lstm-2x650"]["flop"], 3 * 2 * rows * hidden * (2 * 2 * 4 * hidden + vocabulary))
        self.assertEqual(needs["training/lstm-2x650"]["streamed_bytes"], 36 * parameters - 12 * untouched)

    def test_list_names_every_group_and_measures_nothing(self):
        names = {line.split("/")[0] for line in self.succeed("bench", "--list").out.splitlines()}
        self.assertEqual(names, GROUPS)

    def test_table(self):
        lines = self.succeed("bench", "--only", "operation/sum", "--repeats", "1", "--threads", "1").out.splitlines()
        self.assertRegex(lines[0], "^cpu .*, 1 thread$")
        self.assertRegex(lines[2], r"^what +size +time +spread +symbols/s +rate +share$")
        self.assertEqual([line.split()[0] for line in lines[3:]], ["operation/sum", "operation/sum-of-squares"])
        self.assertRegex(lines[3], r"GB/s +\d+\.\d %$")

    def test_nothing_of_that_name(self):
        self.assertIn("'lstn'", self.complaint(USAGE, "bench", "--only", "lstn"))


if __name__ == "__main__":
    unittest.main()
