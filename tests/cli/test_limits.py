"""Memory and time that the program takes. Not run under sanitizers, which need much more of both."""

import os
import re
import time
import unittest

from support import INTERNAL, LYRICS, PROGRAM, TINY, ProgramTest


class LimitsTest(ProgramTest):
    def train(self, *flags):
        """The memory that one epoch of training took, and the prediction of the plan, in MB."""
        with open(self.folder / "plan", "wb") as plan:
            words = [PROGRAM, "train", str(LYRICS), "--epochs", "1", "--out", str(self.folder / "run"), *flags]
            child = os.posix_spawn(PROGRAM, words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, plan.fileno(), 2)])
        _, status, usage = os.wait4(child, 0)
        self.assertEqual(status, 0)
        said = float(re.search(r"about (\d+) MB of memory", (self.folder / "plan").read_text("utf-8")).group(1))
        return usage.ru_maxrss * 1.024e-3, said

    def test_memory_is_about_what_the_plan_says(self):
        taken, said = self.train()
        self.assertLess(abs(taken / said - 1), 0.25)

    def test_memory_of_the_textbook_run(self):
        """The textbook's sizes, on a text with slightly more different symbols than its 1027."""
        for cell in ("rnn", "gru", "lstm"):
            taken, _ = self.train("--cell", cell, "--hidden", "256", "--batch", "32", "--steps", "35", "--limit", "10000",
                                  "--overwrite")
            with self.subTest(cell, megabytes=taken):
                self.assertLess(taken, 64)

    def test_more_memory_than_there_is(self):
        self.write("text.txt", "abc " * 20)
        line = self.complaint(INTERNAL, "train", "text.txt", *TINY, "--hidden", "65536", "--layers", "256")
        self.assertRegex(line, r"about \d+(\.\d)? TB")
        self.assertIn("--hidden", line)
        self.assertEqual(self.files(), ["text.txt"])

    def test_version_is_quick(self):
        def seconds():
            start = time.perf_counter()
            self.assertRegex(self.succeed("--version").out, r"^unroll \d+\.\d+\.\d+\n$")
            return time.perf_counter() - start
        # One fast start is enough: on a shared machine most may be slow.
        self.assertTrue(any(seconds() < 0.020 for _ in range(200)))


if __name__ == "__main__":
    unittest.main()
