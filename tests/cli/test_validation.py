"""Validation text: what is measured, which model is kept, when training ends."""

import json
import math
import re
import unittest

from support import BAD_DATA, NO_INPUT, USAGE, PlainRnn, ProgramTest, model_contents

TEXT = "the cat sat on the mat, and the dog lay in the fog. " * 12
SMALL = ["--hidden", "8", "--batch", "2", "--steps", "5", "--epochs", "6", "--seed", "3"]


class ValidationTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)

    def validations(self, run="run"):
        return [line for line in self.log(run) if line["event"] == "validation"]

    def test_every_held_out_symbol_counts_once(self):
        """Compares with plain Python: the last tenth is scored, the symbol before it is only input."""
        result = self.succeed("train", "text.txt", *SMALL, "--cell", "rnn", "--validation", "0.1", "--out", "run", "--json")
        held_out = len(TEXT) // 10
        self.assertIn(f"the last 10 % of the text: {held_out} symbols", result.err)
        vocabulary = json.loads(model_contents(self.folder / "run" / "model.safetensors")[0]["vocabulary"])["symbols"]
        self.assertEqual(set(vocabulary), set(TEXT), "the vocabulary is that of the whole text")
        network = PlainRnn(self.folder / "run" / "model.safetensors", vocabulary)
        tail = TEXT[-held_out - 1:]
        nats = sum(-network.step(a)[network.index[b]] for a, b in zip(tail, tail[1:])) / held_out
        said = json.loads(result.out)["validation"]
        self.assertAlmostEqual(said["loss"], nats, places=4)
        self.assertAlmostEqual(said["perplexity"], math.exp(said["loss"]))
        self.assertAlmostEqual(said["bits_per_symbol"], said["loss"] / math.log(2))
        self.assertEqual(said["bits_per_byte"], said["bits_per_symbol"], "this text has one byte a symbol")
        log = self.validations()
        self.assertEqual([v["step"] for v in log], [v["epoch"] * log[0]["step"] for v in log])
        best = min(log, key=lambda v: v["loss"])
        self.assertEqual((best["loss"], best["step"]), (said["loss"], said["update"]))

    def test_bytes_of_symbols_that_have_several(self):
        self.write("text.txt", "雨下整夜" * 100)
        result = self.succeed("train", "text.txt", *SMALL, "--validation", "0.2", "--json")
        said = json.loads(result.out)["validation"]
        self.assertAlmostEqual(said["bits_per_byte"], said["bits_per_symbol"] / 3)

    def test_the_best_is_kept_and_patience_ends(self):
        """At this learning rate the loss soon rises again."""
        flags = ["--validation", "0.1", "--validate-every", "5", "--lr", "0.3", "--patience", "4", "--epochs", "400"]
        result = self.succeed("train", "text.txt", *SMALL, *flags, "--out", "run", "--json")
        losses = [v["loss"] for v in self.validations()]
        self.assertEqual(losses.index(min(losses)), len(losses) - 5)
        self.assertEqual([v["best"] for v in self.validations()],
                         [loss == min(losses[:i + 1]) and losses.index(loss) == i for i, loss in enumerate(losses)])
        self.assertRegex(result.err, r"stopped   4 validations without a better one; the best is that of update \d+")
        self.assertEqual(len(re.findall(r"^update .* validation perplexity", result.err, re.M)), len(losses))
        # The saved model has the lowest loss.
        self.write("tail.txt", TEXT[-(len(TEXT) // 10) - 1:])
        score = json.loads(self.succeed("evaluate", "run", "tail.txt", "--json").out)
        self.assertAlmostEqual(score["cross_entropy"], min(losses), places=5)
        self.assertEqual(self.log("run")[-1]["reason"], "finished")
        self.assertIn("nothing better", self.succeed("train", "--resume", "run").err)

    def test_another_file(self):
        self.write("other.txt", "the fog sat on the dog, the cat lay in the mat. " * 3)
        result = self.succeed("train", "text.txt", *SMALL, "--validation", "other.txt", "--out", "run")
        self.assertIn("held out  other.txt: 143 symbols", result.err)
        self.assertRegex(result.out, r"^model run/model.safetensors, validation perplexity [\d.]+, [\d.]+ bits per symbol, after update \d+\n$")
        self.write("unknown.txt", "the fog! " * 10)
        line = self.complaint(BAD_DATA, "train", "text.txt", *SMALL, "--validation", "unknown.txt", "--out", "two")
        self.assertIn("unknown.txt", line)
        self.assertIn("!", line)
        result = self.succeed("train", "text.txt", *SMALL, "--validation", "unknown.txt", "--unknown", "skip", "--out", "two")
        self.assertIn("79 symbols, 10 skipped", result.err)

    def test_the_text_itself_is_worth_a_warning(self):
        result = self.succeed("train", "text.txt", *SMALL, "--validation", "text.txt")
        self.assertRegex(result.err, r"(?m)^warning   text.txt is the text that is trained on")

    def test_refusals(self):
        self.write("short.txt", "the ")
        for flags, code, said in ((["--validation", "short.txt"], BAD_DATA, "3 symbols"), (["--validation", "0.001"], BAD_DATA, "window of 5"),
                                  (["--validation", "gone.txt"], NO_INPUT, "gone.txt"), (["--validation", "1.5"], USAGE, "above 0 and below 1"),
                                  (["--validation", "0"], USAGE, "above 0"), (["--validation", "-"], USAGE, "name a file"),
                                  (["--patience", "3"], USAGE, "--validation"), (["--validate-every", "3"], USAGE, "--validation"),
                                  (["--unknown", "skip"], USAGE, "--validation"),
                                  (["--validation", "0.1", "--unknown", "skip"], USAGE, "--validation FILE"),
                                  (["--validation", "0.999"], 2, "")):
            with self.subTest(flags):
                result = self.run_program("train", "text.txt", *SMALL, *flags)
                if said:
                    self.assertIn(said, self.complaint(code, "train", "text.txt", *SMALL, *flags))
                self.assertNotEqual(result.returncode, 0)
                self.assertEqual(self.files("runs*"), [])


if __name__ == "__main__":
    unittest.main()
