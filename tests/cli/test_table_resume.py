"""unroll table train: stopped by a signal or killed, then resumed to the same bytes."""

import random
import signal
import subprocess
import time
import unittest

from support import BAD_DATA, NO_INPUT, PROGRAM, USAGE
from test_table_train import TableTrainTest, houses

FILES = ("model.safetensors", "oof.csv", "importance.csv")
FLAGS = ("--target", "price", "--id", "Id", "--model", "linear+mlp", "--folds", "6", "--seed", "3")


class TableResumeTest(TableTrainTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", houses(300))

    def begin(self, *arguments, stderr=subprocess.PIPE):
        return subprocess.Popen([PROGRAM, "table", "train", *arguments], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=stderr)

    def stop_after(self, fold, run, number=signal.SIGTERM):
        """The lines on standard error of a run that gets the signal when fold `fold` is finished."""
        process = self.begin("train.csv", *FLAGS, "--out", run)
        lines = []
        while sum(line.startswith(b"fold ") for line in lines) < fold:
            lines.append(process.stderr.readline())
        process.send_signal(number)
        lines += process.stderr.readlines()
        process.stderr.close()
        return process.wait(), b"".join(lines).decode().splitlines()

    def bytes_of(self, run):
        return [(self.folder / run / name).read_bytes() for name in FILES]

    def checkpoints(self, run):
        return self.files(f"{run}/checkpoint-*.safetensors")

    def whole(self):
        self.succeed("table", "train", "train.csv", *FLAGS, "--out", "whole")
        return self.bytes_of("whole")


class StoppedTest(TableResumeTest):
    def test_a_signal_stops_and_resuming_gives_the_same_bytes(self):
        whole = self.whole()
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            status, lines = self.stop_after(2, "run", number)
            self.assertEqual(status, code, lines)
            self.assertRegex(lines[-1], r"^stopped   by (SIGTERM|Ctrl-C); go on with: unroll table train --resume run$")
            done = len(self.checkpoints("run")) - 1
            self.assertGreaterEqual(done, 2)
            self.assertEqual(self.log("run")[-1]["reason"], "stopped")
            result = self.succeed("table", "train", "--resume", "run", "--threads", "1")
            self.assertEqual([line.split(":")[0] for line in result.err.splitlines()],
                             [f"resumed   {done} of 6 folds are done", *(f"fold {i} of 6" for i in range(done + 1, 7))])
            self.assertRegex(result.out, r"\n1 +0\.\d{4} +0\.\d{4}\n2 ")
            self.assertEqual(self.bytes_of("run"), whole)
            self.assertEqual(self.checkpoints("run"), [])
            self.assertEqual([line["event"] for line in self.log("run")], ["start", *["fold"] * 6, "stop"])
            for file in self.files("run/*"):
                (self.folder / file).unlink()

    def test_killed_at_any_moment(self):
        whole, rng = self.whole(), random.Random(5)
        for run in ("a", "b", "c", "d"):
            process = self.begin("train.csv", *FLAGS, "--out", run, stderr=subprocess.DEVNULL)
            while not self.checkpoints(run):
                time.sleep(0.01)
            for _ in range(3):
                time.sleep(rng.uniform(0, 0.8))
                process.kill()
                process.wait()
                if not self.checkpoints(run):  # it was finished
                    break
                process = self.begin("--resume", run, stderr=subprocess.DEVNULL)
            process.wait()
            self.assertEqual(self.bytes_of(run), whole)
            self.assertEqual(self.files(f"{run}/*.tmp.*"), [])

    def test_runs_lists_it(self):
        self.stop_after(1, "runs/one")
        line = self.succeed("runs").out.splitlines()[-1]
        self.assertRegex(line, r"one .* \d of 6 folds .* stopped ")


class RefusalsTest(TableResumeTest):
    def setUp(self):
        super().setUp()
        self.stop_after(1, "run")

    def test_what_differs_is_named(self):
        for flags, problem in ((("--seed", "4"), "--seed 4: run was begun with 3"), (("--metric", "mae"), "--metric mae: run was begun with log-rmse"),
                               (("--out", "x"), "--out is for a new run"), (("--overwrite",), "--overwrite is for a new run")):
            self.assertIn(problem, self.complaint(USAGE, "table", "train", "--resume", "run", *flags))
        self.write("train.csv", houses(300, seed=2))
        line = self.complaint(BAD_DATA, "table", "train", "--resume", "run")
        self.assertIn("run/checkpoint-0.safetensors: the table is not the one that the run was begun with", line)
        self.assertGreaterEqual(len(self.checkpoints("run")), 2)
        self.write("moved.csv", houses(300))
        self.succeed("table", "train", "moved.csv", "--resume", "run", "--seed", "3", "--metric", "log-rmse")

    def test_a_directory_with_an_unfinished_run(self):
        line = self.complaint(USAGE, "table", "train", "train.csv", *FLAGS, "--out", "run")
        self.assertIn("unroll table train --resume run", line)
        self.assertIn("belongs to a run of unroll table train", self.complaint(USAGE, "train", "--resume", "run"))
        self.succeed("table", "train", "train.csv", *FLAGS, "--out", "run", "--overwrite")
        self.assertEqual(self.checkpoints("run"), [])

    def test_what_is_no_run_of_a_table(self):
        self.assertIn("holds no checkpoint", self.complaint(NO_INPUT, "table", "train", "--resume", "gone"))
        self.write("text.txt", "the cat sat on the mat. " * 20)
        self.succeed("train", "text.txt", "--hidden", "8", "--batch", "2", "--steps", "5", "--epochs", "2", "--out", "text")
        self.assertIn("is no checkpoint of a run on a table", self.complaint(BAD_DATA, "table", "train", "--resume", "text"))

    def test_a_damaged_checkpoint(self):
        path = self.folder / "run/checkpoint-1.safetensors"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        self.assertIn("run/checkpoint-1.safetensors: ", self.complaint(BAD_DATA, "table", "train", "--resume", "run"))
        path.unlink()
        self.succeed("table", "train", "--resume", "run")

    def test_standard_input(self):
        process = subprocess.Popen([PROGRAM, "table", "train", "-", *FLAGS, "--out", "piped"], cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        process.stdin.write(houses(300).encode())
        process.stdin.close()
        process.stderr.readline()
        process.terminate()
        process.stderr.read()
        process.stderr.close()
        process.wait()
        self.assertIn("standard input cannot be read again", self.complaint(USAGE, "table", "train", "--resume", "piped"))
        self.succeed("table", "train", "train.csv", "--resume", "piped")


if __name__ == "__main__":
    unittest.main()
