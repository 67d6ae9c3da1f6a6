"""unroll table train --model trees, with XGBoost, and the error messages without it."""

import math
import os
import random
import statistics
import subprocess
import unittest
from pathlib import Path

from support import BAD_DATA, PROGRAM, USAGE
from test_table_train import TableTrainTest, california, california_houses, houses

TREES = ("--model", "trees")


def lacks_xgboost():
    """True if the build lacks XGBoost: the program says so before it reads any file."""
    result = subprocess.run([PROGRAM, "table", "train", "/no/such/file", "--target", "price", *TREES], capture_output=True, timeout=100)
    return b"this build of unroll lacks" in result.stderr


class WithoutXgboostTest(TableTrainTest):
    @unittest.skipUnless(lacks_xgboost(), "the build has XGBoost")
    def test_a_build_without(self):
        self.write("a.csv", houses(40))
        line = self.complaint(USAGE, "table", "train", "a.csv", "--target", "price", *TREES)
        self.assertIn("install libxgboost-dev and build it again", line)
        self.assertEqual(self.files("runs*"), [])

    @unittest.skipIf(lacks_xgboost(), "the build lacks XGBoost")
    def test_a_machine_without(self):
        self.write("a.csv", houses(40))
        self.train("a.csv", "--id", "Id", "--out", "run", model="trees")
        for name in ("libxgboost.so.0", "libxgboost.so"):
            self.write(name, "no library")
        without = {"env": {**os.environ, "LD_LIBRARY_PATH": str(self.folder)}}
        for model in ("trees", "ensemble"):
            line = self.complaint(USAGE, "table", "train", "a.csv", "--target", "price", "--model", model, **without)
            self.assertIn("install libxgboost0", line)
        line = self.complaint(BAD_DATA, "table", "predict", "run", "a.csv", **without)
        self.assertIn("model.safetensors: boosted trees need XGBoost", line)
        self.succeed("table", "train", "a.csv", "--target", "price", "--id", "Id", "--model", "linear", **without)


@unittest.skipIf(lacks_xgboost(), "the build lacks XGBoost")
class TreesTest(TableTrainTest):
    def test_validation_and_submission(self):
        self.write("train.csv", houses(400))
        self.write("test.csv", houses(150, seed=2))
        result = self.train("train.csv", "--id", "Id", model="trees")
        self.assertEqual(result["model"], "trees")
        self.assertLess(result["validation"], 0.14)
        self.assertEqual(set(result["choices"]["trees"]), {"features", "rounds"})
        self.assertEqual([Path(file).name for file in self.files("runs/*/*")], ["importance.csv", "log.jsonl", "model.safetensors", "oof.csv"])
        predictions = self.predict("runs/train-trees", "test.csv")
        self.assertEqual(len(predictions), 150)
        self.assertGreater(len(set(predictions)), 100)

    def test_only_scores_are_said(self):
        self.write("train.csv", houses(100))
        lines = self.succeed("table", "train", "train.csv", "--target", "price", "--id", "Id", *TREES).err.splitlines()
        self.assertEqual([line.split(":")[0] for line in lines], [f"fold {i} of 5" for i in range(1, 6)])

    def test_the_seed_makes_the_bytes_on_any_number_of_threads(self):
        self.write("train.csv", houses(120))
        bytes_of = {}
        for name, seed, threads in (("a", 1, 1), ("b", 1, 3), ("c", 2, 1)):
            self.train("train.csv", "--id", "Id", "--seed", seed, "--threads", threads, "--out", name, model="trees")
            bytes_of[name] = [(self.folder / name / file).read_bytes() for file in ("model.safetensors", "oof.csv")]
        self.assertEqual(bytes_of["a"], bytes_of["b"])
        self.assertNotEqual(bytes_of["a"], bytes_of["c"])

    def test_a_fold_learns_nothing_of_its_validation_rows(self):
        self.assertEqual(self.folds_left_the_same("trees"), ["2"])

    def test_ensemble(self):
        self.write("train.csv", houses(200))
        self.write("test.csv", houses(40, seed=2))
        scores = {}
        for model in ("linear", "mlp", "trees", "ensemble"):
            result = self.train("train.csv", "--id", "Id", "--folds", "2", model=model)
            self.assertEqual(result["model"], model)
            scores[model] = result["validation"]
        self.assertEqual(list(result["choices"]), ["linear", "mlp", "trees"])
        self.assertLess(scores["ensemble"], statistics.mean(scores[model] for model in ("linear", "mlp", "trees")))
        single = [self.predict(f"runs/train-{model}", "test.csv") for model in ("linear", "mlp", "trees")]
        for together, *alone in zip(self.predict("runs/train-ensemble", "test.csv"), *single):
            self.assertAlmostEqual(math.log(together), statistics.mean(math.log(one) for one in alone))
        result = self.train("train.csv", "--id", "Id", "--folds", "2", "--threads", 3, "--out", "spelt", model="linear+mlp+trees")
        self.assertEqual(result["model"], "ensemble")
        self.assertEqual(*[(self.folder / run / "model.safetensors").read_bytes() for run in ("runs/train-ensemble", "spelt")])

    def test_words_of_texts(self):
        rng = random.Random(1)
        pools = [rng.random() < 0.5 for _ in range(300)]
        lines = ["area,remark,price"]
        for pool in pools:
            area = rng.randrange(50, 150)
            lines.append(f'{area},"light rooms {"and a pool" if pool else "and a yard"}",{area * (3000 if pool else 2000)}')
        self.write("train.csv", "\n".join(lines) + "\n")
        scores = [self.train("train.csv", "--as", "remark=text", "--folds", "2", "--out", name, *flags, model="trees")["validation"]
                  for name, flags in (("ignored", ()), ("hashed", ("--hash", "remark")))]
        self.assertGreater(scores[0], 0.15)
        self.assertLess(scores[1], 0.08)

    def test_small_tables(self):
        for name, text in (("constant", "x,price\n" + "1,100\n" * 5), ("two", "x,price\n1,100\n2,200\n"), ("alone", "price\n1\n2\n3\n4\n5\n")):
            with self.subTest(name):
                self.write("a.csv", text)
                self.train("a.csv", "--folds", "2", "--out", name, model="trees")
                self.assertTrue(all(0 < prediction < 300 for prediction in self.predict(name, "a.csv")))

    def test_dirty_columns(self):
        self.write("train.csv", california_houses(900, 1))
        self.write("test.csv", california_houses(300, 1, columns=[c for c in california.COLUMNS if c != "Sold Price"]))
        result = self.train("train.csv", "--id", "Id", "--drop", "Summary", "--folds", "2", target="Sold Price", model="trees")
        self.assertLess(result["validation"], 0.3)
        predictions = self.predict("runs/train-trees", "test.csv", target="Sold Price")
        self.assertEqual(len(predictions), 300)
        self.assertTrue(all(prediction > 10000 for prediction in predictions))


if __name__ == "__main__":
    unittest.main()
