"""Models of characters, bytes and words: trained, saved, read, continued, scored, resumed and begun with."""

import json
import math
import re
import subprocess
import unittest

from support import BAD_DATA, PROGRAM, TINY, USAGE, ProgramTest, model_contents, with_zero_weights

UNITS = ("char", "byte", "word")
TEXT = "春眠不觉晓，处处闻啼鸟。\r\nThe night's wind: how many flowers have fallen?\n" * 12
READ = TEXT.replace("\r\n", "\n")  # as characters and words are read
SMALL = ["--hidden", "12", "--batch", "2", "--steps", "5", "--epochs", "4", "--checkpoint-every", "20"]


def tokens(text, unit):
    """The tokens of TEXT by another definition than the program's, which agrees on this text."""
    if unit == "byte":
        return [bytes([b]) for b in text.encode()]
    return list(text) if unit == "char" else re.findall(r"[A-Za-z']+|.", text, re.DOTALL)


class UnitsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)

    def train(self, unit, out, *flags):
        return self.succeed("train", "text.txt", *SMALL, "--unit", unit, "--out", out, *flags)

    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def each(self):
        for unit in UNITS:
            with self.subTest(unit=unit):
                yield unit, tokens(TEXT if unit == "byte" else READ, unit)

    def test_a_run_is_resumed_to_the_same_bytes(self):
        for unit, _ in self.each():
            self.train(unit, unit, "--validation", "0.1")
            expected = self.model(unit)
            checkpoints = sorted((self.folder / unit).glob("checkpoint-*"), key=lambda path: int(re.findall(r"\d+", path.name)[0]))
            self.succeed("train", "--resume", checkpoints[0])
            self.assertEqual(self.model(unit), expected)
            others = [other for other in UNITS if other != unit]
            for other in others:
                line = self.complaint(USAGE, "train", "--resume", unit, "--unit", other)
                self.assertIn(f"--unit {other}: {unit} was begun with {unit};", line)
            self.succeed("train", "--resume", unit, "--unit", unit, "--extend-epochs", "1")
            self.assertNotEqual(self.model(unit), expected)

    def test_char_is_the_default(self):
        self.train("char", "given")
        self.succeed("train", "text.txt", *SMALL, "--out", "default")
        self.assertEqual(self.model("given"), self.model("default"))
        self.assertNotIn(b"unit", self.model("default").partition(b"F32")[0], "it is that of a version without units")

    def test_vocabulary_in_the_model_file(self):
        for unit, all_tokens in self.each():
            self.train(unit, unit, "--epochs", "1")
            metadata, tensors = model_contents(self.folder / unit / "model.safetensors")
            vocabulary = json.loads(metadata["vocabulary"])
            self.assertEqual(vocabulary.get("unit", "char"), unit)
            self.assertEqual(metadata["format_version"], "1" if unit == "char" else "2")
            symbols = [bytes([s]) for s in vocabulary["symbols"]] if unit == "byte" else vocabulary["symbols"]
            counts = {token: all_tokens.count(token) for token in symbols}
            self.assertEqual(vocabulary["counts"], list(counts.values()))
            self.assertEqual(sum(counts.values()), len(all_tokens))
            self.assertEqual(symbols, sorted(symbols, key=lambda s: (-counts[s], s)))
            self.assertEqual(len(symbols), 256 if unit == "byte" else len(set(all_tokens)))
            self.assertEqual(tensors["decoder.bias"][0], [len(symbols)])

    def test_bits_per_byte(self):
        """Of a model that knows nothing: log2(V) bits for each token."""
        for unit, all_tokens in self.each():
            self.train(unit, unit, "--epochs", "1")
            self.write("zero.safetensors", with_zero_weights(self.folder / unit / "model.safetensors"))
            score = json.loads(self.succeed("evaluate", "zero.safetensors", "text.txt", "--json").out)
            size = 256 if unit == "byte" else len(set(all_tokens))
            self.assertEqual(score["symbols"], len(all_tokens) - 1)
            self.assertAlmostEqual(score["bits_per_symbol"], math.log2(size), places=5)
            scored = b"".join(t if unit == "byte" else t.encode() for t in all_tokens[1:])
            self.assertAlmostEqual(score["bits_per_byte"], math.log2(size) * (len(all_tokens) - 1) / len(scored), places=5)
            readable = self.succeed("evaluate", "zero.safetensors", "text.txt").out
            self.assertIn(f"bits per byte    {score['bits_per_byte']:.4f}\n", readable)

    def test_validation_and_evaluation_agree(self):
        for unit, all_tokens in self.each():
            said = json.loads(self.train(unit, unit, "--validation", "0.25", "--json").out)["validation"]
            scored = len(all_tokens) // 4
            tail = all_tokens[-scored - 1:]
            self.write("tail.txt", b"".join(t if unit == "byte" else t.encode() for t in tail))
            score = json.loads(self.succeed("evaluate", unit, "tail.txt", "--json").out)
            self.assertEqual(score["symbols"], scored)
            self.assertAlmostEqual(score["cross_entropy"], said["loss"], places=6)
            self.assertAlmostEqual(score["bits_per_byte"], said["bits_per_byte"], places=6)

    def test_a_model_is_continued_in_its_unit(self):
        for unit, all_tokens in self.each():
            self.train(unit, unit, "--epochs", "40", "--lr", "0.01", "--prefix", "春眠", "--prefix", "The night's")
            for prefix in ("春眠", "The night's"):
                text = self.succeed("generate", unit, "--prefix", prefix, "--length", "30").out
                continued = tokens(text[:-1], unit)
                if not text.endswith("\ufffd\n"):
                    self.assertEqual(len(continued), len(tokens(prefix, unit)) + 30)
                self.assertIn(text[:12], TEXT if unit == "byte" else READ, "it has learned the text by heart")
            self.assertIn("The night's", self.succeed("generate", unit, "--prefix", "The night's", "--length", "0").out)

    def test_begins_with_the_weights_of_another_model(self):
        self.write("more.txt", "The dawn's light and 雨: how many birds?\n" * 20)
        for unit, all_tokens in self.each():
            self.train(unit, "old-" + unit)
            self.succeed("train", "more.txt", "--init-from", "old-" + unit, *TINY[2:], "--out", unit)
            old, new = (json.loads(model_contents(self.folder / run / "model.safetensors")[0]["vocabulary"])
                        for run in ("old-" + unit, unit))
            self.assertEqual(new.get("unit", "char"), unit)
            self.assertEqual(new["symbols"][:len(old["symbols"])], old["symbols"])
            self.assertEqual(len(new["symbols"]) > len(old["symbols"]), unit != "byte")
            self.succeed("train", "--resume", unit, "--unit", unit, "--extend-epochs", "1")
            other = "word" if unit == "char" else "char"
            line = self.complaint(USAGE, "train", "more.txt", "--init-from", "old-" + unit, "--unit", other, "--out", "x")
            self.assertIn(f"--unit differs from the model that --init-from old-{unit} names", line)


class BytesTest(ProgramTest):
    def test_a_text_that_is_no_utf8(self):
        text = bytes(range(256)) * 4 + b"\xff\xfe\r\n\xef\xbb\xbf" * 30
        self.write("text.bin", text)
        self.assertIn("UTF-16", self.complaint(BAD_DATA, "train", "-", *TINY, stdin=b"\xff\xfe" + text))
        plan = self.succeed("train", "text.bin", *TINY, "--unit", "byte", "--out", "run").err
        self.assertIn(f"text      text.bin: {len(text):,} symbols, unit byte\n", plan)
        out = self.succeed("generate", "run", "--temperature", "3", "--length", "500").out  # decodes it as UTF-8
        self.assertIn("\ufffd", out)
        self.assertEqual(json.loads(self.succeed("evaluate", "run", "text.bin", "--json").out)["symbols"], len(text) - 1)
        samples = [event["text"] for event in self.log("run") if event["event"] == "sample"]
        self.assertTrue(samples)

    def test_standard_input_is_kept_as_it_is(self):
        text = b"\xef\xbb\xbfbytes\r\n\xff" * 40
        self.succeed("train", "-", *TINY, "--unit", "byte", "--validation", "0.2", "--out", "run", stdin=text)
        self.assertEqual((self.folder / "run" / "text.txt").read_bytes(), text)
        self.succeed("train", "--resume", "run", "--extend-epochs", "1")

    def test_newlines(self):
        self.write("text.txt", "a line\n" * 60)
        line = self.complaint(USAGE, "train", "text.txt", *TINY, "--unit", "byte", "--newlines", "space")
        self.assertIn("--newlines space needs characters or words", line)
        self.complaint(USAGE, "inspect", "text.txt", "--unit", "byte", "--newlines", "space")

    def test_characters_come_whole_and_before_the_end(self):
        self.write("text.txt", "雨下整夜" * 100)
        self.succeed("train", "text.txt", *TINY, "--epochs", "20", "--unit", "byte", "--out", "run")
        with subprocess.Popen([PROGRAM, "generate", "run", "--prefix", "雨", "--length", "2000000000"], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
            read = b""
            while len(read) < 3000:
                read += process.stdout.read(1 << 20)  # all that the pipe holds: every write is there as a whole
                read.decode("utf-8")
            self.assertIsNone(process.poll())
            process.stdout.close()
            self.assertEqual(process.wait(timeout=10), 0)
            self.assertEqual(process.stderr.read(), b"")


class InspectTest(ProgramTest):
    def test_bytes(self):
        self.write("text.txt", "开 a\n\x01")
        out = self.succeed("inspect", "text.txt", "--unit", "byte").out
        self.assertTrue(out.startswith("text.txt: 7 symbols, 7 distinct, unit byte\n"), out)
        rows = [line.split() for line in out.splitlines()]
        self.assertIn(["\\xE5", "\\xBC", "\\x80", "␣", "a", "\\n", "\\x01"], rows)
        self.assertIn(["index", "symbol", "byte", "count", "share"], rows)
        self.assertIn(["3", "a", "0x61", "1", "14.3", "%"], rows)
        result = json.loads(self.succeed("inspect", "text.txt", "--unit", "byte", "--json", "--first", "2").out)
        self.assertEqual((result["unit"], result["symbols"], result["distinct"]), ("byte", 7, 7))
        self.assertEqual(result["first_symbols"], "\ufffd")
        self.assertEqual(len(result["vocabulary"]), 256)
        self.assertEqual(result["vocabulary"][0], {"symbol": 1, "count": 1})

    def test_words(self):
        self.write("text.txt", "The night's wind,\tthe 开\n")
        out = self.succeed("inspect", "text.txt", "--unit", "word").out
        self.assertTrue(out.startswith("text.txt: 11 symbols, 9 distinct, unit word\n"), out)
        rows = [line.split() for line in out.splitlines()]
        self.assertIn(["The", "␣", "night's", "␣", "wind", ",", "\\t", "the", "␣", "开", "\\n"], rows)
        self.assertIn(["index", "symbol", "count", "share"], rows)
        self.assertIn("    0  ␣                3  27.3 %\n", out)
        self.assertIn("    5  night's          1   9.1 %\n", out)
        result = json.loads(self.succeed("inspect", "text.txt", "--unit", "word", "--json", "--first", "3").out)
        self.assertEqual(result["first_symbols"], "The night's")
        self.assertEqual(result["vocabulary"][0], {"symbol": " ", "count": 3})

    def test_models(self):
        self.write("text.txt", "a cat, a hat. " * 40)
        for unit in UNITS:
            self.succeed("train", "text.txt", *TINY, "--unit", unit, "--out", unit)
            self.assertEqual(json.loads(self.succeed("inspect", unit, "--json").out)["unit"], unit)
            refusal = self.complaint(USAGE, "inspect", unit, "--unit", "byte")
            self.assertIn(f"--unit is for a text, and {unit} is a model", refusal)
            first = self.succeed("inspect", unit).out.splitlines()[0]
            self.assertTrue(first.endswith("newlines keep" + ("" if unit == "char" else f", unit {unit}")), first)


class WordsTest(ProgramTest):
    def test_unknown_words(self):
        self.write("text.txt", "the cat sat on the mat. " * 40)
        self.succeed("train", "text.txt", *TINY, "--unit", "word", "--out", "run")
        line = self.complaint(BAD_DATA, "generate", "run", "--prefix", "the dog sat")
        self.assertIn('lacks "dog"; remove what it lacks, or leave it out with --unknown skip', line)
        out = self.succeed("generate", "run", "--prefix", "the dog sat", "--unknown", "skip", "--length", "0").out
        self.assertEqual(out, "the  sat\n")
        self.write("other.txt", "the dog sat on the cat")
        score = json.loads(self.succeed("evaluate", "run", "other.txt", "--unknown", "skip", "--json").out)
        self.assertEqual((score["symbols"], score["skipped"]), (9, 1))
        line = self.complaint(BAD_DATA, "train", "text.txt", *TINY, "--unit", "word", "--prefix", "the dog", "--out", "other")
        self.assertIn('--prefix the dog: the text has no "dog"; ', line)


if __name__ == "__main__":
    unittest.main()
