"""Flags, help, version and configuration files."""

import json
import re
import unittest

from support import BAD_DATA, IO, NO_INPUT, TINY, USAGE, SOURCE, ProgramTest

FLAGS = {
    "train": ["cell", "hidden", "layers", "embedding", "tied", "dropout", "activation", "biases", "init", "windows", "batch", "steps",
              "epoch-state", "epochs", "optimizer", "lr", "momentum", "nesterov", "weight-decay", "clip", "clip-value",
              "schedule", "warmup", "lr-minimum", "lr-decay", "lr-decay-every", "lr-patience", "seed", "threads", "limit",
              "newlines", "prefix", "report-every", "sample-length", "out", "overwrite", "json", "validation", "unknown",
              "validate-every", "patience", "gradient-slices", "rank-timeout", "accumulate", "checkpoint-every", "keep", "max-rollbacks", "resume", "extend-epochs",
              "init-from", "unit", "encoding", "config"],
    "generate": ["prefix", "length", "temperature", "top-k", "top-p", "repetition-penalty", "seed", "unknown", "threads",
                 "config"],
    "evaluate": ["limit", "encoding", "unknown", "threads", "json", "config"],
    "inspect": ["unit", "limit", "newlines", "encoding", "first", "json", "config"],
    "runs": ["json", "config"],
    "plot": ["out", "config"],
    "bench": ["only", "threads", "repeats", "distributed", "list", "json", "config"],
    "launch": ["ranks", "hosts", "max-restarts", "config"],
    "table inspect": ["target", "as", "decimal", "drop", "missing-value", "ragged", "encoding", "json", "config"],
}


OF_SGD_AND_COSINE = {"momentum", "nesterov", "lr-minimum"}


def toml(values):
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


class HelpTest(ProgramTest):
    def test_help_names_every_flag_once_and_shows_examples(self):
        for command, flags in FLAGS.items():
            with self.subTest(command):
                text = self.succeed(*command.split(), "--help").out
                self.assertEqual(re.findall(r"^  (?:-h,)?--([a-z-]+)", text, re.M).count("help"), 1)
                named = set(re.findall(r"^  (?:-o,)?--([a-z-]+)", text, re.M))
                self.assertEqual(named, set(flags))
                self.assertIn("Examples:", text)
                self.assertIn(f"unroll {command} ", text)

    def test_help_fits_a_wide_terminal(self):
        for command in FLAGS:
            for line in self.succeed(*command.split(), "--help").out.splitlines():
                self.assertLessEqual(len(line), 120, line)

    def test_general_help_names_every_command_and_exit_code(self):
        text = self.succeed("--help").out
        for command in FLAGS:
            self.assertRegex(text, rf"(?m)^  {command.split()[0]} ")
        for code in ("2", "65", "66", "70", "74", "75", "129", "130", "138", "143"):
            self.assertRegex(text, rf"\b{code}[ ,]")


class UsageTest(ProgramTest):
    def refused(self, *arguments):
        line = self.complaint(USAGE, *arguments)
        self.assertIn("--help", line)
        return line

    def test_command(self):
        self.assertIn("train, generate, evaluate, inspect, runs, plot, bench, table or launch", self.refused())
        self.assertIn("tarin", self.refused("tarin"))

    def test_unknown_flags_and_arguments(self):
        self.assertIn("'--hiden'", self.refused("train", "text.txt", "--hiden", "3"))
        self.assertIn("'more.txt'", self.refused("train", "text.txt", "more.txt"))
        self.assertIn("FILE", self.refused("train"))
        self.assertIn("--hidden", self.refused("train", "text.txt", "--hidden"))

    def test_flags_after_two_dashes_are_arguments(self):
        self.assertIn("unexpected argument '--hidden': what follows -- is no flag",
                      self.complaint(USAGE, "train", "--", "-d.txt", "--hidden", "4"))
        self.assertIn("-d.txt: no such file", self.complaint(NO_INPUT, "train", "--hidden", "4", "--", "-d.txt"))

    def test_values_out_of_range(self):
        cases = {
            ("train", "text.txt"): [
                ("--hidden", "0", "1 to 65536"), ("--hidden", "-1", "1 to 65536"), ("--hidden", "x", "1 to 65536"),
                ("--hidden", "3.5", "whole number"), ("--hidden", "", "whole number"), ("--layers", "257", "1 to 256"),
                ("--layers", "99999999999999999999", "1 to 256"), ("--batch", "0", "1 to"), ("--steps", "0", "1 to"),
                ("--epochs", "0", "1 to"), ("--dropout", "1", "at least 0 and below 1"), ("--dropout", "-0.1", "at least 0"),
                ("--lr", "0", "above 0"), ("--lr", "nan", "above 0"), ("--lr", "inf", "above 0"), ("--clip", "-1", "at least 0"),
                ("--cell", "LSTM", "rnn, gru or lstm"), ("--activation", "tan", "tanh, relu or sigmoid"),
                ("--windows", "", "random or consecutive"), ("--optimizer", "adagrad", "sgd, adam, adamw or rmsprop"),
                ("--momentum", "1", "at least 0 and below 1"), ("--weight-decay", "-1", "at least 0"),
                ("--clip-value", "nan", "at least 0"), ("--schedule", "linear", "constant, cosine, step or plateau"),
                ("--warmup", "-1", "0 to"), ("--lr-minimum", "1", "at least 0 and below 1"),
                ("--lr-decay", "0", "above 0 and below 1"), ("--lr-decay", "1", "above 0 and below 1"),
                ("--lr-decay-every", "0", "1 to"), ("--lr-patience", "1.5", "whole number"),
                ("--newlines", "no", "keep or space"), ("--init", "normal", "normal:0.01"), ("--init", "normal:0", "above 0"),
                ("--threads", "0", "1 to"), ("--threads", "5000", "1 to"), ("--seed", "-1", "whole number"), ("--limit", "-1", "0 to"),
                ("--report-every", "0", "1 to"), ("--sample-length", "-1", "0 to"), ("--embedding", "-1", "0 to"),
                ("--biases", "3", "one or two"), ("--epoch-state", "keep", "zero or carry"),
                ("--checkpoint-every", "0", "30s, 5m or 2h"), ("--checkpoint-every", "5d", "30s, 5m or 2h"),
                ("--checkpoint-every", "m", "30s, 5m or 2h"), ("--checkpoint-every", "", "30s, 5m or 2h"), ("--keep", "0", "1 to"),
                ("--max-rollbacks", "-1", "0 to"), ("--accumulate", "0", "1 to"), ("--patience", "-1", "0 to"),
                ("--validate-every", "x", "0 to"), ("--unknown", "keep", "refuse or skip"), ("--extend-epochs", "-1", "0 to")],
            ("generate", "run"): [("--length", "-1", "0 to"), ("--temperature", "-0.5", "at least 0"),
                                  ("--temperature", "hot", "at least 0"), ("--top-k", "-1", "0 to"),
                                  ("--top-p", "0", "above 0 and at most 1"), ("--top-p", "1.1", "above 0 and at most 1"),
                                  ("--repetition-penalty", "0", "above 0"), ("--unknown", "x", "refuse or skip")],
            ("evaluate", "run", "text.txt"): [("--limit", "1e3", "whole number"), ("--threads", "x", "1 to")],
            ("inspect", "text.txt"): [("--first", "-1", "0 to")],
            ("bench",): [("--threads", "0", "1 to"), ("--repeats", "0", "1 to"), ("--only", "nothing", "limit, operation")],
        }
        for command, flags in cases.items():
            for flag, value, legal in flags:
                with self.subTest(flag=flag, value=value):
                    for spelling in ([flag, value], [f"{flag}={value}"]):
                        line = self.refused(*command, *spelling)
                        self.assertIn(flag, line)
                        self.assertIn(legal, line)
                        self.assertIn(f"'{value}'", line)

    def test_flags_without_effect(self):
        self.assertIn("--layers 2", self.refused("train", "text.txt", "--dropout", "0.5"))
        self.assertIn("--cell rnn", self.refused("train", "text.txt", "--activation", "relu", "--cell", "gru"))
        self.assertIn("--embedding 9", self.refused("train", "text.txt", "--tied", "--hidden", "9", "--embedding", "8"))
        self.assertIn("--windows consecutive",
                      self.refused("train", "text.txt", "--epoch-state", "carry", "--windows", "random"))

    def test_optimizer_flags_without_effect(self):
        for flags, remedy in (("--momentum 0.9", "--optimizer sgd"),
                              ("--nesterov", "--optimizer sgd with --momentum above 0"),
                              ("--nesterov --optimizer sgd", "with --momentum above 0"),
                              ("--weight-decay 0.1", "--optimizer adamw"),
                              ("--weight-decay 0 --optimizer sgd", "--optimizer adamw"),
                              ("--lr-minimum 0.1", "--schedule cosine or plateau"),
                              ("--lr-minimum 0.1 --schedule step", "--schedule cosine or plateau"),
                              ("--lr-decay 0.5 --schedule cosine", "--schedule step or plateau"),
                              ("--lr-decay-every 3 --schedule plateau", "--schedule step"),
                              ("--lr-patience 3 --schedule step", "--schedule plateau"),
                              ("--clip 1 --clip-value 1", "leave one out")):
            with self.subTest(flags):
                line = self.refused("train", "text.txt", *flags.split())
                self.assertIn(flags.split()[0], line)
                self.assertIn(remedy, line)

    def test_schedules_that_come_to_nothing_within_the_training(self):
        self.write("text.txt", "abc " * 20)  # two epochs of seven updates
        for flags, remedy in (("--warmup 14", "only 14 updates"), ("--schedule step --lr-decay-every 2", "lower --lr-decay-every"),
                              ("--schedule step --epochs 1", "raise --epochs"), ("--schedule plateau", "it needs 6"),
                              ("--schedule plateau --lr-patience 0", "it needs 3")):
            with self.subTest(flags):
                line = self.complaint(USAGE, "train", "text.txt", *TINY, *flags.split())
                self.assertIn(" ".join(flags.split()[:2] if "schedule" in flags else flags.split()), line)
                self.assertIn(remedy, line)
                self.assertEqual(self.files(), ["text.txt"])

    def test_the_last_of_two_values_counts(self):
        self.write("text.txt", "abc " * 20)
        result = self.succeed("train", "text.txt", *TINY, "--hidden", "9", "--json")
        self.assertIn("9 hidden units", result.err)


class ConfigTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", "abc " * 20)

    def plan(self, *flags):
        return self.succeed("train", "text.txt", *flags).err

    def test_every_flag_can_be_a_key(self):
        values = {"cell": "rnn", "hidden": 7, "layers": 2, "embedding": 7, "tied": True, "dropout": 0.25, "activation": "relu",
                  "biases": "one", "init": "normal:0.01", "windows": "consecutive", "batch": 2, "steps": 4, "epoch-state": "carry",
                  "epochs": 3, "optimizer": "sgd", "lr": 0.5, "momentum": 0.5, "nesterov": True, "clip": 2,
                  "schedule": "cosine", "warmup": 2, "lr-minimum": 0.5, "seed": 77, "threads": 1, "limit": 60,
                  "newlines": "space", "prefix": ["ab", "bc"], "report-every": 3, "sample-length": 4, "out": "there",
                  "overwrite": True, "json": True, "validation": 0.25, "validate-every": 2, "patience": 9, "accumulate": 2,
                  "checkpoint-every": "1h", "keep": 3, "max-rollbacks": 1, "gradient-slices": 2, "rank-timeout": 5}
        # Tested in test_resume.py, test_validation.py, test_units.py and test_encodings.py.
        elsewhere = {"resume", "extend-epochs", "init-from", "unknown", "unit", "encoding"}
        # Keys that need another optimizer, schedule or clipping.
        others = [({"optimizer": "adamw", "weight-decay": 0.25, "schedule": "plateau", "lr-patience": 0, "lr-decay": 0.5},
                   "adamw rate 0.5, weight decay 0.25, warm-up of 2 updates, plateau times 0.5 beyond 0 epochs without gain, clip 2"),
                  ({"optimizer": "rmsprop", "lr": 0.01, "schedule": "step", "lr-decay-every": 2, "clip": 0, "clip-value": 0.125},
                   "rmsprop rate 0.01, warm-up of 2 updates, step times 0.1 every 2 epochs, clip values 0.125")]
        self.assertEqual(set(values).union({"config"}, elsewhere, *(other for other, _ in others)), set(FLAGS["train"]))
        plain = {key: value for key, value in values.items() if key not in OF_SGD_AND_COSINE}
        for other, plan in others:
            self.write("other.toml", toml({**plain, **other}))
            self.assertIn(plan, self.plan("--config", "other.toml"))
        self.write("all.toml", toml(values))
        result = self.succeed("train", "text.txt", "--config", "all.toml")
        for part in ("45 symbols", "the last 25 % of the text: 15 symbols", "2 batches of", "a checkpoint every 1 h 0 min", "rnn, 7 hidden units, 2 layers, relu, tied embedding 7, dropout 0.25, one bias per gate, newlines space",
                     "normal weights, deviation 0.01", "3 epochs", "2 windows of 4 symbols", "consecutive, state carried",
                     "sgd rate 0.5, Nesterov momentum 0.5, warm-up of 2 updates, cosine to 0.25, clip 2", "seed 77",
                     "1 thread,", "epoch 3 perplexity", "\n - ab", "\n - bc"):
            self.assertIn(part, result.err)
        self.assertEqual(json.loads(result.out)["model"], "there/model.safetensors")
        self.assertEqual(re.findall(r"^epoch (\d+)", result.err, re.M), ["0", "3"])
        for continuation in re.findall(r"^ - (.*)$", result.err, re.M):
            self.assertEqual(len(continuation), 2 + 4)

    def test_what_the_optimizer_settings_leave_open(self):
        for flags, plan in (("", "adam rate 0.005, clip 1;"), ("--clip-value 0.5", "adam rate 0.005, clip values 0.5;"),
                            ("--optimizer sgd --momentum 0.75", "sgd rate 0.25, momentum 0.75, clip 1;"),
                            ("--optimizer adamw --clip 0", "adamw rate 0.005, weight decay 0.01, no clipping;"),
                            ("--schedule step --epochs 7", "adam rate 0.005, step times 0.1 every 2 epochs, clip 1;")):
            with self.subTest(flags):
                self.assertIn(plan, self.plan(*TINY, *flags.split(), "--overwrite"))

    def test_flags_win(self):
        self.write("some.toml", 'hidden = 7\nbatch = 2\nsteps = 4\nepochs = 1\nprefix = ["ab", "bc"]\n')
        plan = self.plan("--hidden", "6", "--config", "some.toml", "--prefix", "ca")
        self.assertIn("6 hidden units", plan)
        self.assertIn("2 windows of 4", plan)
        self.assertIn(" - ca", plan)
        self.assertNotIn(" - ab", plan)
        self.assertNotIn(" - bc", plan)

    def test_unknown_keys_are_refused_by_name(self):
        self.write("typo.toml", "batch = 2\nhiden = 7\n")
        line = self.complaint(USAGE, "train", "text.txt", "--config", "typo.toml")
        self.assertIn("typo.toml:2", line)
        self.assertIn("'hiden'", line)
        for key in ("FILE", "config", "help"):
            self.write("key.toml", f'{key} = "text.txt"\n')
            self.assertIn(f"'{key}'", self.complaint(USAGE, "train", "text.txt", "--config", "key.toml"))

    def test_values_are_checked_as_those_of_flags_are(self):
        self.write("bad.toml", "\nhidden = 0\n")
        line = self.complaint(USAGE, "train", "text.txt", "--config", "bad.toml")
        self.assertIn("bad.toml:2: hidden", line)
        self.assertIn("1 to 65536", line)
        self.write("list.toml", "hidden = [1, 2]\n")
        self.assertIn("one value", self.complaint(USAGE, "train", "text.txt", "--config", "list.toml"))
        self.write("switch.toml", "json = 3\n")
        self.assertIn("true or false", self.complaint(USAGE, "train", "text.txt", "--config", "switch.toml"))

    def test_files_that_are_no_configuration(self):
        self.assertIn("gone.toml", self.complaint(NO_INPUT, "train", "text.txt", "--config", "gone.toml"))
        self.write("broken.toml", "batch = 2\nhidden 7\n")
        self.assertIn("broken.toml:2", self.complaint(BAD_DATA, "train", "text.txt", "--config", "broken.toml"))
        self.write("table.toml", "[train]\nhidden = 7\n")
        self.assertIn("train", self.complaint(BAD_DATA, "train", "text.txt", "--config", "table.toml"))

    def test_a_configuration_that_cannot_be_read_is_no_empty_one(self):
        def complaint(code, config):
            return self.complaint(code, "train", "text.txt", "--config", config)

        (self.folder / "folder.toml").mkdir()
        self.assertIn("folder.toml: is a directory", complaint(NO_INPUT, "folder.toml"))
        self.assertIn("/proc/self/mem: reading failed", complaint(IO, "/proc/self/mem"))
        self.assertIn("/dev/zero: has more than 1048576 bytes", complaint(BAD_DATA, "/dev/zero"))
        self.assertFalse((self.folder / "runs").exists())

    def test_names_of_very_many_parts(self):
        for name in (".".join("a" * 50_000), ".".join(['"="'] * 50_000), ".".join(["'\"'"] * 50_000)):
            for line in (name + " = 1", f"[{name}]", f"b = {{{name} = 1}}", f'b = ["""x""""", {{{name} = 1}}]'):
                self.write("deep.toml", "# a.b\nhidden = 4\n" + line + "\n")
                self.assertIn("deep.toml:3: a name of more than 100 parts",
                              self.complaint(BAD_DATA, "train", "text.txt", "--config", "deep.toml"))
        dots = "." * 200
        self.write("dots.toml", f"# {dots}\nprefix = ['{dots}', \"{dots}\\\"{dots}\", '''\n{dots}''', \"\"\"{dots}\n\"\"\"]\nhidden = 0")
        self.assertIn("dots.toml:5: hidden", self.complaint(USAGE, "train", "text.txt", "--config", "dots.toml"))

    def test_recipes(self):
        recipes = sorted(SOURCE.glob("recipes/*.toml"), key=lambda path: path.stem)
        recipes = [path for path in recipes if not path.stem.startswith("houses")]
        self.assertEqual([path.stem for path in recipes], ["gru", "lstm", "rnn", "rnn-scratch-consecutive", "rnn-scratch-random"])
        for recipe in recipes:
            with self.subTest(recipe.stem):
                self.assertNotIn("\nseed", recipe.read_text())
                result = self.succeed("train", "text.txt", "--config", recipe, *TINY, "--prefix", "abc", "--out", recipe.stem)
                self.assertIn("epoch 2 perplexity", result.err)


if __name__ == "__main__":
    unittest.main()
