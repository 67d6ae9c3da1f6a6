"""SIGKILL at random moments: no checkpoint is lost or damaged, and the resumed run ends with the same bits. UNROLL_KILLS is the
number of kills (20 by default); UNROLL_SEED repeats a series."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from support import PROGRAM, ProgramTest, with_checksum

KILLS = int(os.environ.get("UNROLL_KILLS", "20"))
SEED = int(os.environ.get("UNROLL_SEED", str(time.time_ns())))
TEXT = "the cat sat on the mat, and the dog lay in the fog. " * 40
COMMON = ["--hidden", "40", "--batch", "4", "--steps", "10", "--epochs", "8", "--sample-length", "0"]
TRAININGS = [
    ["--cell", "rnn", "--windows", "random", "--optimizer", "sgd", "--momentum", "0.5"],
    ["--cell", "gru", "--layers", "2", "--dropout", "0.3", "--validation", "0.1", "--validate-every", "30"],
    ["--cell", "lstm", "--epoch-state", "carry", "--optimizer", "rmsprop", "--lr", "0.001", "--accumulate", "2"],
    ["--cell", "gru", "--embedding", "40", "--tied", "--schedule", "cosine", "--windows", "random"],
    # Diverges and rolls back to its first checkpoint repeatedly.
    ["--cell", "rnn", "--activation", "relu", "--optimizer", "adam", "--lr", "1e6", "--clip", "0", "--max-rollbacks", "99",
     "--hidden", "8", "--steps", "5", "--batch", "2", "--checkpoint-every", "20"],
]


def checkpoints_in(folder):
    """{update: path}"""
    return {int(re.search(r"-(\d+)\.", path.name)[1]): path for path in folder.glob("checkpoint-*.safetensors")}


class KillTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)
        self.killed_run = self.folder / "run"

    def killed(self, arguments, seconds, in_a_save):
        """Kills the process after `seconds`, or after that as soon as it is saving. False if it ended before."""
        process = subprocess.Popen([PROGRAM, "train", *arguments], cwd=self.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        while in_a_save and process.poll() is None and not any(self.killed_run.glob("*.safetensors.tmp.*")):
            time.sleep(0.0002)
        process.kill()
        said = process.stderr.read().decode()
        process.stderr.close()
        code = process.wait()
        self.assertIn(code, (0, -signal.SIGKILL), said)
        return code != 0

    def test_random_moments(self):
        print(f"UNROLL_SEED={SEED} UNROLL_KILLS={KILLS}", flush=True)
        moments = random.Random(SEED)
        kills = in_a_save = trainings = 0
        while kills < KILLS:
            often = ["--checkpoint-every", str(moments.choice([1, 2, 5, 20]))]
            flags = [*COMMON, *often, *TRAININGS[trainings % len(TRAININGS)]]
            trainings += 1
            began = time.time()
            self.succeed("train", "text.txt", *flags, "--out", "whole", "--overwrite")
            longest = time.time() - began
            whole = (self.folder / "whole" / "model.safetensors").read_bytes()
            last = max(checkpoints_in(self.folder / "whole"))
            shutil.rmtree(self.killed_run, ignore_errors=True)
            arguments = ["text.txt", *flags, "--out", "run"]
            done = 0
            while self.killed([*arguments, "--threads", str(moments.choice([1, 2]))], moments.uniform(0.005, longest / 2),
                              moments.random() < 0.4):
                found = checkpoints_in(self.killed_run) if self.killed_run.exists() else {}
                for path in found.values():
                    data = path.read_bytes()
                    self.assertEqual(with_checksum(data), data, f"{path.name} is damaged")
                if not found:
                    shutil.rmtree(self.killed_run, ignore_errors=True)
                    continue  # killed before its first checkpoint
                self.assertGreaterEqual(max(found), done, "a checkpoint was lost")
                if 0 < max(found) < last:
                    kills += 1
                    in_a_save += any(self.killed_run.glob("*.safetensors.tmp.*"))
                done = max(found)
                arguments = ["--resume", "run"]
            self.assertEqual((self.killed_run / "model.safetensors").read_bytes(), whole, f"after {kills} kills")
        print(f"{kills} kills in {trainings} trainings, {in_a_save} of them in a save", flush=True)
        self.assertGreaterEqual(in_a_save, kills / 4)


if __name__ == "__main__":
    unittest.main()
