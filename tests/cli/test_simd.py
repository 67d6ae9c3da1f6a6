"""AVX-512 and AVX2 give the same bits: models and checkpoints are equal, and each goes on from the other's checkpoints."""

import os
import shutil
import unittest
from pathlib import Path

from support import ProgramTest

TEXT = "the cat sat on the mat and ate the rat. " * 30
FLAGS = ["--layers", "2", "--hidden", "37", "--embedding", "21", "--dropout", "0.3", "--optimizer", "adam", "--lr", "0.01",
         "--clip", "0.5", "--batch", "6", "--steps", "10", "--epochs", "2", "--limit", "600", "--checkpoint-every", "10"]
TARGETS = ("avx2", "avx3")
# Those that Highway's target asks for.
AVX512 = {"avx512f", "avx512vl", "avx512dq", "avx512bw", "avx512cd"}


class SimdTest(ProgramTest):
    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def setUp(self):
        super().setUp()
        if not AVX512 <= set(Path("/proc/cpuinfo").read_text().split()):
            self.skipTest("this processor has no AVX-512")
        self.write("text.txt", TEXT)

    def on(self, target, *arguments):
        return self.succeed(*arguments, env={**os.environ, "UNROLL_SIMD": target})

    def test_the_bits_of_both(self):
        for cell in ("rnn", "gru", "lstm"):
            with self.subTest(cell):
                for target in TARGETS:
                    self.on(target, "train", "text.txt", *FLAGS, "--cell", cell, "--out", f"{cell}-{target}")
                models = [self.model(f"{cell}-{target}") for target in TARGETS]
                self.assertEqual(models[0], models[1])
                for begun, resumed in (TARGETS, TARGETS[::-1]):
                    run = self.folder / f"{cell}-{begun}-{resumed}"
                    shutil.copytree(self.folder / f"{cell}-{begun}", run)
                    last = max(run.glob("checkpoint-*"), key=lambda path: int(path.stem.split("-")[1]))
                    last.unlink()
                    (run / "model.safetensors").unlink()
                    self.on(resumed, "train", "--resume", run.name)
                    self.assertEqual(self.model(run.name), models[0])


if __name__ == "__main__":
    unittest.main()
