"""unroll table train on the houses of Ames: five folds, with the seeds 1 to UNROLL_SEEDS (default 3)."""

import csv
import json
import os
import statistics
import unittest
from pathlib import Path

from support import SOURCE, ProgramTest
from test_table_trees import lacks_xgboost

AMES = Path(os.environ.get("UNROLL_DATA", SOURCE.parent / "shared" / "data")) / "ames"
SEEDS = int(os.environ.get("UNROLL_SEEDS", "3"))


@unittest.skipUnless((AMES / "train.csv").exists(), f"{AMES} is not there: set UNROLL_DATA")
class AmesTest(ProgramTest):
    def scores(self, model):
        scores = []
        for seed in range(1, SEEDS + 1):
            result = json.loads(self.succeed("table", "train", AMES / "train.csv", "--target", "SalePrice", "--id", "Id", "--seed", seed,
                                             "--model", model, "--out", f"{model}{seed}", "--json").out)
            scores += [fold["validation"] for fold in result["folds"]]
        print(f"{model}: validation log-RMSE of {len(scores)} folds: {statistics.mean(scores):.4f} +- {statistics.stdev(scores):.4f}")
        self.assertEqual(len(scores), 5 * SEEDS)
        return statistics.mean(scores)

    def test_textbook(self):
        score = self.scores("textbook")
        self.assertLess(score, 0.18)
        self.assertGreater(score, 0.16)

    def test_default_and_linear(self):
        default, linear = self.scores("linear+mlp"), self.scores("linear")
        self.assertLess(default, 0.123)
        self.assertLess(default, linear)
        self.assertLess(linear, 0.124)

    @unittest.skipIf(lacks_xgboost(), "the build lacks XGBoost")
    def test_trees_and_ensemble(self):
        trees, ensemble = self.scores("trees"), self.scores("ensemble")
        self.assertLess(trees, 0.122)
        self.assertLess(ensemble, 0.118)
        self.assertLess(ensemble, trees)

    def test_submission(self):
        self.succeed("table", "train", AMES / "train.csv", "--target", "SalePrice", "--id", "Id", "--out", "run")
        self.succeed("table", "predict", "run", AMES / "test.csv", "-o", "submission.csv")
        with open(self.folder / "submission.csv") as ours, open(AMES / "sample_submission.csv") as sample:
            ours, sample = list(csv.reader(ours)), list(csv.reader(sample))
        self.assertEqual(ours[0], sample[0])
        self.assertEqual([row[0] for row in ours], [row[0] for row in sample])
        self.assertTrue(all(30000 < float(row[1]) < 800000 for row in ours[1:]))


if __name__ == "__main__":
    unittest.main()
