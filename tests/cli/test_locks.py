"""Two processes and one run directory: the second is refused, and a dead process holds no lock."""

import json
import subprocess
import unittest

from support import PROGRAM, TINY, USAGE, ProgramTest


class LockTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", "the cat sat on the mat. " * 20)

    def start(self, *flags):
        """Starts a training that takes hours, in run/; returns once it has begun and holds the lock."""
        words = [PROGRAM, "train", "text.txt", *TINY, "--epochs", "1000000000", "--out", "run", *flags]
        process = subprocess.Popen(words, cwd=self.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if line.startswith(b"epoch 0"):
                return process
        self.fail("the training has not begun")

    def test_the_second_process_is_refused(self):
        first = self.start()
        before = self.files()
        for flags in ([], ["--overwrite"], ["--seed", "2"]):
            line = self.complaint(USAGE, "train", "text.txt", *TINY, "--out", "run/", *flags)
            self.assertIn("another training run is using the folder run:", line)
            self.assertIn("--out", line)
        of_the_first = ("run/events.", "run/curve.svg", "run/log.jsonl", "run/checkpoint-", "run/model.safetensors")
        self.assertEqual([name for name in self.files() if name not in before and not name.startswith(of_the_first)], [])
        self.assertIsNone(first.poll(), "the first goes on")
        self.succeed("train", "text.txt", *TINY, "--out", "other")

    def test_a_killed_process_holds_nothing_and_what_it_left_is_cleaned_up(self):
        first = self.start()
        self.write("run/model.safetensors.tmp.123.0", "half")
        self.write("run/model.safetensors.tmp", "another's")
        first.kill()
        first.wait()
        self.succeed("train", "text.txt", *TINY, "--out", "run", "--overwrite")  # it may have left a checkpoint
        left = set(self.files())
        self.assertLessEqual({"run/model.safetensors", "run/model.safetensors.tmp"}, left)
        self.assertEqual([name for name in left if ".tmp." in name or name.endswith("lock")], [])

    def test_nothing_is_removed_from_under_a_running_process(self):
        self.start()
        unfinished = self.write("run/model.safetensors.tmp.123.0", "half")
        self.complaint(USAGE, "train", "text.txt", *TINY, "--out", "run")
        self.assertTrue(unfinished.exists())

    def test_reading_needs_no_lock(self):
        model = self.tiny_model()
        self.start("--overwrite", "--out", "model")
        self.assertTrue(model.exists())
        self.assertIn("cross_entropy", json.loads(self.succeed("evaluate", "model", "text.txt", "--json").out))


if __name__ == "__main__":
    unittest.main()
