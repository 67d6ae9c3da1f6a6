"""train, generate, evaluate and inspect agree with each other and with plain arithmetic."""

import gzip
import json
import math
import re
import subprocess
import unittest

import archives
from support import LYRICS, PROGRAM, TINY, PlainRnn, ProgramTest, with_zero_weights

LYRICS_FLAGS = ["--limit", "3000", "--hidden", "24", "--batch", "8", "--steps", "12", "--epochs", "6"]


def normalised(text, newlines="keep"):
    return text.replace("\n", " ") if newlines == "space" else text


class RoundTripTest(ProgramTest):
    def test_lyrics(self):
        trained = self.succeed("train", LYRICS, *LYRICS_FLAGS, "--newlines", "space", "--prefix", "# ", "--out", "run")
        path, perplexity = re.fullmatch(r"model (.*), perplexity (.*)\n", trained.out).groups()
        self.assertEqual(path, "run/model.safetensors")
        reports = re.findall(r"^epoch (\d+) perplexity ([\d.,]+), [\d,]+ symbols/s(, .* left)?$", trained.err, re.M)
        self.assertEqual([int(epoch) for epoch, _, _ in reports], [1, 2, 3, 4, 5, 6])
        self.assertEqual([bool(left) for _, _, left in reports], [True] * 5 + [False])
        values = [float(value.replace(",", "")) for _, value, _ in reports]
        self.assertLess(values[-1], values[0] / 2)
        self.assertEqual(reports[-1][1], perplexity)
        # The last sample of training is the output of generate.
        samples = re.findall(r"^ - (.*)$", trained.err, re.M)
        self.assertEqual(len(samples), 7)  # epoch 0 and six reports
        written = self.succeed("generate", "run", "--prefix", "# ", "--length", "50").out
        self.assertEqual(written, samples[-1] + "\n")
        self.assertEqual(self.succeed("generate", path, "--prefix", "# ").out, written)
        # Newlines are treated as in training: the same score for the text as it is and with spaces.
        text = LYRICS.read_text("utf-8")[:3000]
        self.write("same.txt", text)
        self.write("spaces.txt", normalised(text, "space"))
        scores = [json.loads(self.succeed("evaluate", "run", name, "--json").out) for name in ("same.txt", "spaces.txt")]
        self.assertEqual(scores[0], scores[1])
        self.assertEqual(scores[0]["symbols"], 2999)
        self.assertLess(scores[0]["perplexity"], values[0])
        # inspect describes the model.
        shown = json.loads(self.succeed("inspect", "run", "--json").out)
        self.assertEqual((shown["cell"], shown["hidden"], shown["newlines"]), ("gru", 24, "space"))
        self.assertEqual("".join(sorted(s["symbol"] for s in shown["vocabulary"])), "".join(sorted(set(normalised(text, "space")))))
        vocabulary = len(shown["vocabulary"])
        shapes = {p["name"]: p["shape"] for p in shown["parameters"]}
        self.assertEqual(shapes, {"rnn.weight_ih_l0": [72, vocabulary], "rnn.weight_hh_l0": [72, 24], "rnn.bias_ih_l0": [72],
                                  "rnn.bias_hh_l0": [72], "decoder.weight": [vocabulary, 24], "decoder.bias": [vocabulary]})
        self.assertEqual(shown["parameter_count"], sum(math.prod(shape) for shape in shapes.values()))

    def test_plan_and_result_agree(self):
        self.write("text.txt", "the cat sat on the mat. " * 20)
        result = self.succeed("train", "text.txt", *TINY, "--json")
        outcome = json.loads(result.out)
        self.assertEqual(outcome["model"], "runs/text-gru/model.safetensors")
        self.assertEqual((outcome["symbols"], outcome["vocabulary"], outcome["epochs"]), (480, 11, 2))
        self.assertIn("text.txt: 480 symbols, 11 distinct", result.err)
        self.assertIn(f"{outcome['parameters']:,} parameters", result.err)
        self.assertRegex(result.err, r"machine   cpu \([^)]+\), \d+ threads?, about [\d.]+ MB")
        self.assertAlmostEqual(outcome["perplexity"], math.exp(outcome["loss"]))
        self.assertIn("seed 1\n", result.err)

    def test_the_same_seed_gives_the_same_file(self):
        self.write("text.txt", "the cat sat on the mat. " * 20)
        def train(name, *flags):
            self.succeed("train", "text.txt", *TINY, "--out", name, *flags)
            return (self.folder / name / "model.safetensors").read_bytes()
        first = train("a")
        self.assertEqual(first, train("b", "--threads", "2"))
        self.assertEqual(first, train("c", "--seed", "1", "--report-every", "2", "--sample-length", "3"))
        self.assertNotEqual(first, train("d", "--seed", "2"))

    def test_every_optimizer_and_schedule_makes_a_model_of_its_own(self):
        self.write("text.txt", "the cat sat on the mat. " * 20)
        models = {}
        for flags in ("--optimizer sgd", "--optimizer sgd --momentum 0.5 --lr 1", "--optimizer sgd --momentum 0.5 --lr 1 --nesterov",
                      "--optimizer adam", "--optimizer adamw", "--optimizer adamw --weight-decay 0.1",
                      "--optimizer rmsprop --lr 0.005", "--clip 0.1", "--clip-value 0.1", "--schedule cosine",
                      "--schedule cosine --lr-minimum 0.5", "--warmup 7", "--schedule step",
                      "--schedule step --lr-decay 0.5", "--schedule step --lr-decay-every 3",
                      "--optimizer sgd --lr 7 --clip 0 --schedule plateau --lr-patience 0",
                      "--optimizer sgd --lr 7 --clip 0"):
            self.succeed("train", "text.txt", *TINY, "--epochs", "8", "--overwrite", "--out", "run", *flags.split())
            model = (self.folder / "run" / "model.safetensors").read_bytes()
            self.assertIsNone(models.get(model), flags)
            models[model] = flags

    def test_the_memory_plan_counts_the_moments(self):
        self.write("text.txt", "abc " * 50)

        def megabytes(*flags):
            plan = self.succeed("train", "text.txt", *TINY, "--cell", "rnn", "--hidden", "1536", "--epochs", "1", "--sample-length", "0",
                                "--overwrite", *flags).err
            return float(re.search(r"about ([\d.]+) MB", plan).group(1))

        block = 4e-6 * 1536 ** 2  # MB of the recurrent weights, nearly all of the model
        none = megabytes("--optimizer", "sgd")
        for moments, flags in ((1, "--optimizer sgd --momentum 0.5"), (1, "--optimizer rmsprop"), (2, "--optimizer adam"),
                               (2, "--optimizer adamw")):
            self.assertAlmostEqual(megabytes(*flags.split()) - none, moments * block, delta=1, msg=flags)

    def test_every_way_of_giving_a_text(self):
        text = "abc " * 30
        self.write("plain.txt", text)
        self.write("marked.txt", b"\xef\xbb\xbf" + text.encode())
        self.write("packed.txt.gz", gzip.compress(text.encode()))
        self.write("packed.zip", archives.archive({"inner.txt": text}))
        expected = self.succeed("inspect", "plain.txt", "--json").out
        for source in ("marked.txt", "packed.txt.gz", "packed.zip", "packed.zip:inner.txt"):
            self.assertEqual(self.succeed("inspect", source, "--json").out, expected)
        self.assertEqual(self.succeed("inspect", "-", "--json", stdin=text.encode()).out, expected)

    def test_default_run_directories(self):
        text = "abc " * 30
        names = {"novel.txt": "novel", "novel.v2.txt": "novel.v2", "lyrics.txt.gz": "lyrics", "plain": "plain"}
        for name, stem in names.items():
            self.write(name, gzip.compress(text.encode()) if name.endswith("gz") else text)
            self.assertTrue(self.succeed("train", name, *TINY, "--cell", "gru").out.startswith(f"model runs/{stem}-gru/"))
        self.write("a.zip", archives.archive({"in/side.txt": text}))
        self.assertTrue(self.succeed("train", "a.zip:in/side.txt", *TINY).out.startswith("model runs/side-gru/"))
        self.assertTrue(self.succeed("train", "-", *TINY, stdin=text.encode()).out.startswith("model runs/stdin-gru/"))

    def test_without_prefix_reports_continue_the_beginning_of_the_text(self):
        for text, beginning in (("Title\nsome lines of text\n" * 8, "Title"), ("some words of prose " * 8, "some words"),
                                ("\n\n  after blank lines " * 8, "after"), ("一二三四五六七八九十" * 8, "一二三四五六七八九十一二")):
            self.write("text.txt", text)
            progress = self.succeed("train", "text.txt", *TINY, "--sample-length", "0", "--overwrite").err
            self.assertEqual(set(re.findall(r"^ - (.*)$", progress, re.M)), {beginning})

    def test_generation_without_prefix_never_fails(self):
        self.tiny_model("ab" * 60)  # no space, no line end
        begins = {self.succeed("generate", "model", "--length", "5", "--seed", seed).out[0] for seed in range(8)}
        self.assertEqual(begins, {"a", "b"})
        self.assertEqual(len(self.succeed("generate", "model", "--length", "5").out), 5 + 1)
        self.assertEqual(self.succeed("generate", "model", "--length", "0").out, "\n")
        self.assertEqual(self.succeed("generate", "model", "--prefix=", "--length", "0").out, "\n")

    def test_temperature_and_seed(self):
        self.tiny_model()
        def written(*flags):
            return self.succeed("generate", "model", "--prefix", "the", "--length", "40", *flags).out
        hot = written("--temperature", "2", "--seed", "5")
        self.assertEqual(hot, written("--temperature", "2", "--seed", "5"))
        self.assertNotEqual(hot, written("--temperature", "2", "--seed", "6"))
        self.assertEqual(written(), written("--seed", "6"))
        self.assertEqual(written(), written("--threads", "2"))


class PlainArithmeticTest(ProgramTest):
    """Compares the program with a dozen lines of Python."""

    def test_scores_and_greedy_text(self):
        text = "".join("the cat sat on the mat. "[(i * i // 7 + i) % 24] for i in range(1300))
        flags = ["--cell", "rnn", "--epochs", "8", "--lr", "0.02"]
        path = self.tiny_model(text, *flags)
        vocabulary = [s["symbol"] for s in json.loads(self.succeed("inspect", path, "--json").out)["vocabulary"]]
        net = PlainRnn(path, vocabulary)
        loss, correct = 0.0, 0
        for symbol, following in zip(text, text[1:]):  # longer than the program's windows: the state is carried
            log_probabilities = net.step(symbol)
            loss -= log_probabilities[net.index[following]]
            correct += max(range(len(vocabulary)), key=log_probabilities.__getitem__) == net.index[following]
        score = json.loads(self.succeed("evaluate", path, "text.txt", "--json").out)
        self.assertEqual(score["symbols"], len(text) - 1)
        mean = loss / (len(text) - 1)
        # The tolerance is for float32 over 1300 steps of a recurrence that forgets; resetting the state at a window would change the
        # fourth digit.
        self.assertAlmostEqual(score["cross_entropy"], mean, delta=2e-6)
        self.assertAlmostEqual(score["bits_per_symbol"], mean / math.log(2), delta=4e-6)
        self.assertAlmostEqual(score["perplexity"], math.exp(mean), delta=1e-4)
        self.assertAlmostEqual(score["accuracy"], correct / (len(text) - 1), delta=1.5 / len(text))

        net, written = PlainRnn(path, vocabulary), "the c"
        for symbol in written:
            log_probabilities = net.step(symbol)
        for _ in range(40):
            written += vocabulary[max(range(len(vocabulary)), key=log_probabilities.__getitem__)]
            log_probabilities = net.step(written[-1])
        self.assertEqual(self.succeed("generate", path, "--prefix", "the c", "--length", "40").out, written + "\n")

    def test_zero_weights_know_nothing(self):
        text = "the cat sat on the mat. " * 30
        path = self.tiny_model(text)
        self.write("zero.safetensors", with_zero_weights(path))
        score = json.loads(self.succeed("evaluate", "zero.safetensors", "text.txt", "--json").out)
        self.assertAlmostEqual(score["perplexity"], len(set(text)), places=5)
        self.assertAlmostEqual(score["bits_per_symbol"], math.log2(len(set(text))), places=6)
        most_frequent = json.loads(self.succeed("inspect", "text.txt", "--json").out)["vocabulary"][0]["symbol"]
        self.assertAlmostEqual(score["accuracy"], text[1:].count(most_frequent) / len(text[1:]))
        readable = self.succeed("evaluate", "zero.safetensors", "text.txt").out
        self.assertIn(f"perplexity       {len(set(text))}.", readable)
        self.assertIn("719 scored, 0 skipped", readable)


class InspectTest(ProgramTest):
    def test_text(self):
        self.write("text.txt", "想要有直升机\n想要\t!")
        out = self.succeed("inspect", "text.txt").out
        self.assertTrue(out.startswith("text.txt: 11 symbols, 9 distinct\n"), out)
        rows = [line.split() for line in out.splitlines()]
        first = rows.index(["the", "first", "11", "symbols", "over", "their", "indices"])
        symbols, indices = rows[first + 1], rows[first + 2]
        self.assertEqual(symbols, ["想", "要", "有", "直", "升", "机", "\\n", "想", "要", "\\t", "!"])
        table = {row[0]: row for row in rows[first + 3:] if row and row[0].isdigit()}
        self.assertEqual(len(table), 9)
        for symbol, index in zip(symbols, indices):
            self.assertEqual(table[index][1], symbol)
        self.assertEqual(table[indices[0]][1:4], ["想", "U+60F3", "2"])
        result = json.loads(self.succeed("inspect", "text.txt", "--json", "--first", "3").out)
        self.assertEqual(result["first_symbols"], "想要有")
        self.assertEqual(result["first_indices"], [int(i) for i in indices[:3]])
        self.assertEqual(result["vocabulary"][int(indices[1])], {"symbol": "要", "count": 2})
        self.assertEqual(json.loads(self.succeed("inspect", "text.txt", "--json", "--newlines", "space", "--limit", "8").out)["first_symbols"],
                         "想要有直升机 想")

    def test_columns_line_up_with_wide_symbols(self):
        self.write("text.txt", "a想\n\u200b" * 5)
        lines = self.succeed("inspect", "text.txt").out.splitlines()
        table = lines[lines.index(next(l for l in lines if l.startswith("index"))) + 1:]
        def columns(line):  # column where the code point begins; wide characters count twice
            return sum(2 if c > "\u2e80" else 1 for c in line[:line.index("U+")]) if "\u200b" not in line else -1
        self.assertEqual(len(table), 4)
        self.assertEqual(len({columns(line) for line in table if " U+200B" not in line}), 1)
        self.assertIn("U+200B", "\n".join(table))
        self.assertNotIn("\u200b", "\n".join(table))


class StreamTest(ProgramTest):
    def test_symbols_come_before_the_end(self):
        self.tiny_model()
        with subprocess.Popen([PROGRAM, "generate", "model", "--prefix", "the", "--length", "2000000000"], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.read(3), b"the")
            self.assertEqual(len(process.stdout.read(20)), 20)
            self.assertIsNone(process.poll())
            process.stdout.close()  # `| head -c 23`: it ends quietly
            self.assertEqual(process.wait(timeout=10), 0)
            self.assertEqual(process.stderr.read(), b"")

    def test_head(self):
        self.tiny_model()
        result = subprocess.run(f"{PROGRAM} generate model --length 10000000 | head -c 5; exit ${{PIPESTATUS[0]}}", cwd=self.folder,
                                shell=True, executable="/bin/bash", capture_output=True, timeout=30)
        self.assertEqual((result.returncode, len(result.stdout), result.stderr), (0, 5, b""))


if __name__ == "__main__":
    unittest.main()
