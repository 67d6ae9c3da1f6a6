"""The list of training runs."""

import fcntl
import json
import os
import unittest

from support import DIVERGED, NO_INPUT, START, TINY, ProgramTest, report, validation


class RunsTest(ProgramTest):
    def runs(self, *arguments):
        return {run["name"]: run for run in json.loads(self.succeed("runs", *arguments, "--json").out)["runs"]}

    def test_what_training_left(self):
        self.write("text.txt", "the cat sat on the mat. " * 20)
        outcome = json.loads(self.succeed("train", "text.txt", *TINY, "--json").out)
        self.run_program("train", "text.txt", *TINY, "--optimizer", "sgd", "--lr", "1e30", "--clip", "0", "--cell", "rnn",
                         "--activation", "relu", "--out", "runs/away")
        runs = self.runs()
        self.assertEqual(list(runs), ["away", "text-gru"])
        self.assertEqual(runs["away"]["state"], "diverged")
        run = runs["text-gru"]
        self.assertEqual(run["parameters"], outcome["parameters"])
        self.assertEqual([run[key] for key in ("cell", "hidden", "layers", "epochs", "epochs_done", "best_of", "state")],
                         ["gru", 8, 1, 2, 2, "training", "finished"])
        self.assertAlmostEqual(run["best_perplexity"], outcome["perplexity"])

    def test_states(self):
        for reason in ("finished", "stopped", "diverged", "failed"):
            self.write_log(f"runs/{reason}", START, report(10, 9), ("stop", {"reason": reason, "epoch": 1, "step": 10}))
        self.write_log("runs/interrupted", START, report(10, 9))
        self.write_log("runs/again", START, ("stop", {"reason": "stopped", "epoch": 1, "step": 10}), ("resume", {"step": 10}))
        self.write_log("runs/running", START, report(10, 9), ("stop", {"reason": "stopped", "epoch": 1, "step": 10}))
        self.write("runs/running/lock", "")
        self.write("runs/interrupted/lock", "")
        with open(self.folder / "runs/running/lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            states = {name: run["state"] for name, run in self.runs().items()}
            self.assertEqual(states.pop("again"), "interrupted")
            self.assertTrue(all(name == state for name, state in states.items()), states)
            fcntl.flock(lock, fcntl.LOCK_UN)
            self.assertEqual(self.runs()["running"]["state"], "stopped")

    def test_an_explosion_is_said(self):
        start = ("start", {**START[1], "vocabulary": 28})
        back = [("rollback", {"epoch": 1, "step": 10, "what": "epoch 1, step 20: it grew"})] * 2
        self.write_log("runs/a", start, report(10, 5), *back, report(20, 3.8e45), ("stop", {"reason": "finished"}))
        self.write_log("runs/b", start, report(10, 5), ("report", {"step": 20, "perplexity": "inf"}))
        self.write_log("runs/c", start, report(10, 140))
        said = self.succeed("runs").out.splitlines()
        self.assertIn("  finished, loss exploded, 2 rollbacks  ", said[1])
        self.assertIn("  interrupted, loss exploded  ", said[2])
        self.assertIn("  interrupted  ", said[3])
        runs = self.runs()
        self.assertEqual([(runs[name]["exploded"], runs[name]["rollbacks"]) for name in "abc"], [(True, 2), (True, 0), (False, 0)])

    def test_best_perplexity_and_epochs(self):
        self.write_log("runs/validated", START, report(10, 3), validation(10, 9), report(20, 2), validation(20, 8.5), report(25, 1))
        self.write_log("runs/trained", START, report(5, 1.5), report(10, 3), report(20, 2))
        self.write_log("runs/back", START, report(10, 3), report(20, 2), ("rollback", {"step": 10}))
        self.write_log("runs/new", START)
        runs = self.runs()
        def of(name):
            return [runs[name][key] for key in ("best_perplexity", "best_of", "epochs_done")]
        self.assertEqual(of("validated"), [8.5, "validation", 2])
        self.assertEqual(of("trained"), [2, "training", 2])  # an incomplete epoch does not count
        self.assertEqual(of("back"), [3, "training", 1])
        self.assertEqual(of("new"), [None, "training", 0])

    def test_runs_on_tables(self):
        start = ("start", {"model": "linear", "metric": "log-rmse", "folds": 3})
        self.write_log("runs/done", start, *(("fold", {"fold": i + 1, "validation": 0.1 * i + 0.1}) for i in range(3)), ("stop", {"reason": "finished"}))
        self.write_log("runs/new", start)
        self.write_log("runs/no-score", start, ("fold", {"fold": 1, "validation": "nan"}))
        self.write_log("runs/text", START, report(10, 3))
        runs = self.runs()
        def of(name):
            return [runs[name][key] for key in ("model", "folds", "folds_done", "metric", "validation", "spread", "state")]
        self.assertEqual(of("done")[:4] + of("done")[6:], ["linear", 3, 3, "log-rmse", "finished"])
        self.assertAlmostEqual(runs["done"]["validation"], 0.2)
        self.assertAlmostEqual(runs["done"]["spread"], 0.1)
        self.assertEqual(of("new"), ["linear", 3, 0, "log-rmse", None, None, "interrupted"])
        self.assertEqual(runs["no-score"]["validation"], None)
        lines = self.succeed("runs").out.splitlines()
        self.assertRegex(lines[1], "^done +linear +- +- +3 of 3 folds +log-rmse 0.2000 validation +finished +2026-01-02 03:04$")
        self.assertRegex(lines[2], "^new +linear +- +- +0 of 3 folds +- +interrupted ")
        self.assertRegex(lines[4], "^text +gru .* 1 of 4 epochs +perplexity 3.000 training +interrupted ")

    def test_table(self):
        self.write_log("runs/歌词", START, report(10, 3.25), validation(10, 9))
        self.write_log("runs/a", START)
        (self.folder / "runs/photos").mkdir()
        lines = self.succeed("runs").out.splitlines()
        self.assertEqual(lines[0].split("  ")[0], "run")
        self.assertEqual([line.split()[0] for line in lines[1:]], ["a", "photos", "歌词"])
        row = lines[3]
        for part in ("gru", "256 x 2", "1,907,844", "1 of 4", "9.000 validation", "interrupted", "2026-01-02 03:04"):
            self.assertIn(part, row)
        columns = [sum(2 if c > "\u2e80" else 1 for c in line[:line.index("gru")]) for line in (lines[1], row)]
        self.assertEqual(*columns)

    def test_damaged_and_foreign_folders_are_listed(self):
        self.write_log("runs/good", START, report(10, 3))
        self.write("runs/a-file", "")
        for name, content in {"empty": b"", "bytes": os.urandom(500), "list": b"[]\n", "no-start": None, "deep": b"[" * 100_000 + b"\n",
                              "other": b'{"event":"start","time":"t","steps_per_epoch":"ten"}\n', "zero": None}.items():
            (self.folder / "runs" / name).mkdir()
            if content is not None:
                self.write(f"runs/{name}/log.jsonl", content)
        self.write_log("runs/no-start", report(10, 3))
        self.write_log("runs/zero", ("start", {"steps_per_epoch": 0}))
        (self.folder / "runs/folder/log.jsonl").mkdir(parents=True)
        os.mkdir(self.folder / "runs/pipe")
        os.mkfifo(self.folder / "runs/pipe/log.jsonl")
        os.mkfifo(self.folder / "runs/good/lock")
        (self.folder / "runs/music").mkdir()
        (self.folder / "runs/escape\x1b[2J").mkdir()
        runs = self.runs()
        self.assertEqual(len(runs), 12)
        for name, run in runs.items():
            self.assertEqual("problem" in run, name != "good", run)
        self.assertIn("no log.jsonl", runs["music"]["problem"])
        table = self.succeed("runs").out
        self.assertEqual(len(table.splitlines()), 13)
        self.assertNotIn("\x1b", table)

    def test_a_torn_last_line_is_no_damage(self):
        self.write_log("runs/torn", START, report(10, 3), report(20, 2), end="")
        run = self.runs()["torn"]
        self.assertEqual((run["state"], run["best_perplexity"]), ("interrupted", 3))

    def test_no_folder_and_no_runs(self):
        self.assertIn("runs: No such file", self.complaint(NO_INPUT, "runs"))
        (self.folder / "other").mkdir()
        result = self.succeed("runs", "other")
        self.assertEqual((result.out, result.err), ("", "no runs in other\n"))
        self.assertEqual(self.runs("other"), {})


if __name__ == "__main__":
    unittest.main()
