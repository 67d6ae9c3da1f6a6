"""The California competition: a generated table of UNROLL_ROWS rows (default 47,439, its full size) and 41 columns."""

import json
import os
import resource
import unittest

from test_table_train import TableTrainTest, california, california_houses

ROWS = int(os.environ.get("UNROLL_ROWS", "47439"))
GIBIBYTE = 1 << 20  # in KiB, the unit of ru_maxrss


class FullCaliforniaTest(TableTrainTest):
    seconds_allowed = 1000  # the whole table, beside other checks

    def test_training_and_submission(self):
        self.write("train.csv", california_houses(ROWS, 1))
        self.write("test.csv", california_houses(10_000, 2, columns=[c for c in california.COLUMNS if c != "Sold Price"]))
        self.assertEqual(len(california.COLUMNS), 41)
        result = self.train("train.csv", "--id", "Id", target="Sold Price")
        self.assertEqual([result["rows"], len(result["folds"])], [ROWS, 5])
        self.assertEqual(sum(fold["validation_rows"] for fold in result["folds"]), ROWS)
        self.assertLess(result["validation"], 0.08)  # the generator's noise is 0.06
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, GIBIBYTE)
        predictions = self.predict("runs/train-linear", "test.csv", target="Sold Price")
        self.assertEqual(len(predictions), 10_000)
        self.assertTrue(all(prediction > 10000 for prediction in predictions))

    def test_inspect_finds_the_leak(self):
        self.write("train.csv", california_houses(ROWS, 1))
        report = json.loads(self.succeed("table", "inspect", "train.csv", "--target", "Sold Price", "--json").out)
        self.assertEqual(report["rows"], ROWS)
        self.assertIn("Summary", [trouble["column"] for trouble in report["trouble"] if trouble["kind"] == "contains_target"])


if __name__ == "__main__":
    unittest.main()
