"""Files that earlier versions wrote: they are read, and a run is resumed to the same bytes as by the version that began it.

tests/fixtures/VERSION/ holds a text, and a run on it: a checkpoint after half of the training, the log, and the model that the
uninterrupted training left. They were written with UNROLL_SIMD=avx2, on which the bytes of numerics 1 depend. A run of other
numerics than those of the program is refused."""

import json
import os
import shutil
import unittest
from pathlib import Path

from support import BAD_DATA, SOURCE, ProgramTest

FIXTURES = sorted((SOURCE / "tests" / "fixtures").iterdir())
AVX2 = {**os.environ, "UNROLL_SIMD": "avx2"}
TRAINED = {"0.1": {"cross_entropy": 1.9089961456762832, "symbols": 706, "continuation": "the t e t e t e t e t e\n"}}
TRAINED["0.1-numerics-2"] = TRAINED["0.1"]
NUMERICS = "2"


def numerics_of(checkpoint):
    data = checkpoint.read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    return header["__metadata__"].get("numerics", "1")


class ReleasedFilesTest(ProgramTest):
    def setUp(self):
        super().setUp()
        if " avx2 " not in Path("/proc/cpuinfo").read_text():  # the variable only caps the target
            self.skipTest("this processor has no AVX2")

    def each(self):
        for fixture in FIXTURES:
            with self.subTest(version=fixture.name):
                run = self.folder / fixture.name
                shutil.copytree(fixture, run)
                yield fixture.name, run

    def test_a_checkpoint_is_resumed_to_the_same_bytes_or_refused(self):
        resumed = 0
        for _, folder in self.each():
            numerics = numerics_of(folder / "run" / "checkpoint-50.safetensors")
            arguments = ["train", folder / "text.txt", "--resume", folder / "run", "--threads", "1"]
            if numerics != NUMERICS:
                line = self.complaint(BAD_DATA, *arguments, env=AVX2)
                self.assertIn(f'numerics "{numerics}", here they are "{NUMERICS}"', line)
                continue
            expected = (folder / "run" / "model.safetensors").read_bytes()
            (folder / "run" / "model.safetensors").unlink()
            self.succeed(*arguments, env=AVX2)
            self.assertEqual((folder / "run" / "model.safetensors").read_bytes(), expected)
            resumed += 1
        self.assertEqual(resumed, 1)

    def test_a_model_is_evaluated_and_continues_a_text(self):
        for version, folder in self.each():
            result = json.loads(self.succeed("evaluate", folder / "run", folder / "text.txt", "--json").out)
            self.assertAlmostEqual(result["cross_entropy"], TRAINED[version]["cross_entropy"], delta=1e-5)
            self.assertEqual(result["symbols"], TRAINED[version]["symbols"])
            text = self.succeed("generate", folder / "run", "--prefix", "the", "--length", "20", "--temperature", "0").out
            self.assertEqual(text, TRAINED[version]["continuation"])

    def test_a_log_is_read(self):
        for _, folder in self.each():
            runs = json.loads(self.succeed("runs", folder, "--json").out)
            self.assertEqual([run["epochs_done"] for run in runs["runs"]], [6])


if __name__ == "__main__":
    unittest.main()
