"""unroll table train and predict, on synthetic houses."""

import csv
import io
import json
import math
import random
import statistics
import sys
import unittest

from support import BAD_DATA, IO, NO_INPUT, USAGE, SOURCE, ProgramTest

sys.path.insert(0, str(SOURCE / "tests" / "houses"))
import california  # noqa: E402


def california_houses(rows, seed, **how):
    stream = io.StringIO()
    california.write(stream, rows, seed, **how)
    return stream.getvalue()


def houses(rows, seed=1, columns=("Id", "area", "zone", "year", "price")):
    """Houses whose log price depends on a few columns, with noise of deviation 0.1."""
    rng = random.Random(seed)
    lines = [",".join(columns)]
    for i in range(rows):
        house = {"Id": f"h{i}", "area": round(math.exp(rng.gauss(7, 0.3))), "zone": rng.choice("abcd"), "year": 1950 + i % 70}
        log_price = 5 + math.log(house["area"]) + 0.2 * (ord(house["zone"]) - 97) + 0.004 * (house["year"] - 1950)
        house["price"] = round(math.exp(log_price + rng.gauss(0, 0.1)))
        lines.append(",".join(str(house[column]) for column in columns))
    return "\n".join(lines) + "\n"


class TableTrainTest(ProgramTest):
    def train(self, *arguments, target="price", model="linear"):
        return json.loads(self.succeed("table", "train", *arguments, "--target", target, "--model", model, "--json").out)

    def rows(self, name):
        with open(self.folder / name, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def predict(self, run, file, target="price"):
        self.succeed("table", "predict", run, file, "-o", "submission.csv")
        return [float(row[target]) for row in self.rows("submission.csv")]

    def folds_left_the_same(self, model):
        """The folds whose predictions stay the same if the targets of the second fold's validation rows change."""
        lines = houses(200).splitlines()
        self.write("a.csv", "\n".join(lines))
        self.train("a.csv", "--id", "Id", "--out", "a", model=model)
        before = self.rows("a/oof.csv")
        for row in (i for i, one in enumerate(before) if one["fold"] == "2"):
            name, area, zone, year, price = lines[row + 1].split(",")
            lines[row + 1] = f"{name},{area},{zone},{year},{int(price) * 1000}"
        self.write("b.csv", "\n".join(lines))
        self.train("b.csv", "--id", "Id", "--out", "b", model=model)
        after = self.rows("b/oof.csv")
        return [fold for fold in "12345" if all(a["prediction"] == b["prediction"] for a, b in zip(before, after) if a["fold"] == fold)]


class HousesTest(TableTrainTest):
    def test_errors_of_small_targets_are_not_shown_as_zero(self):
        self.write("a.csv", "x,y\n" + "".join(f"{i % 17},{i % 17 + i % 2}e-20\n" for i in range(40)))
        text = self.succeed("table", "train", "a.csv", "--target", "y", "--model", "linear", "--metric", "rmse").out
        self.assertRegex(text, r"mean +\d\.\d{3}e-21 +\d\.\d{3}e-21 \+- \d\.\d{3}e-2\d +rmse")

    def test_validation_and_submission(self):
        self.write("train.csv", houses(400))
        self.write("test.csv", houses(150, seed=2))
        result = self.train("train.csv", "--id", "Id")
        self.assertEqual([result["rows"], len(result["folds"]), result["metric"]], [400, 5, "log-rmse"])
        scores = [fold["validation"] for fold in result["folds"]]
        self.assertAlmostEqual(result["validation"], statistics.mean(scores))
        self.assertAlmostEqual(result["spread"], statistics.stdev(scores))
        self.assertLess(result["validation"], 0.12)
        self.assertEqual(self.files("runs/*/*"), [f"runs/train-linear/{name}" for name in ("importance.csv", "log.jsonl", "model.safetensors", "oof.csv")])
        oof = self.rows("runs/train-linear/oof.csv")
        self.assertEqual([row["Id"] for row in oof], [f"h{i}" for i in range(400)])
        for i, fold in enumerate(result["folds"]):
            errors = [math.log(float(row["prediction"]) / float(row["price"])) for row in oof if row["fold"] == str(i + 1)]
            self.assertEqual(len(errors), fold["validation_rows"])
            self.assertAlmostEqual(math.sqrt(statistics.mean(e * e for e in errors)), fold["validation"])
        predictions = self.predict("runs/train-linear", "test.csv")
        truth = [float(row["price"]) for row in self.rows("test.csv")]
        self.assertLess(math.sqrt(statistics.mean(math.log(p / t) ** 2 for p, t in zip(predictions, truth))), 0.12)
        for output in ("test.csv", "./runs/../test.csv", "runs/train-linear/model.safetensors"):
            before = (self.folder / output).read_bytes()
            refusal = self.complaint(USAGE, "table", "predict", "runs/train-linear", "test.csv", "-o", output)
            self.assertIn(f"-o {output}: writing it would replace", refusal)
            self.assertEqual((self.folder / output).read_bytes(), before)
        lines = self.succeed("table", "predict", "runs/train-linear", "test.csv").out.splitlines()
        self.assertEqual(lines[0], "Id,price")
        self.assertEqual([line.split(",")[0] for line in lines[1:]], [f"h{i}" for i in range(150)])

    def test_models(self):
        self.write("train.csv", houses(200).replace("price", "dollars"))
        self.write("test.csv", houses(40, seed=2))
        scores = {}
        for model in ("linear", "mlp", "linear+mlp", "textbook"):
            result = self.train("train.csv", "--id", "Id", "--folds", "2", target="dollars", model=model)
            scores[model] = result["validation"]
            self.assertEqual(result["model"], model)
            self.assertEqual(list(result["choices"]), model.split("+"))
            predictions = self.predict(f"runs/train-{model}", "test.csv", target="dollars")
            self.assertTrue(all(price > 0 for price in predictions))
        self.assertLess(scores["linear+mlp"], 0.16)
        self.succeed("table", "train", "train.csv", "--id", "Id", "--folds", "2", "--target", "dollars", "--out", "default")
        self.assertEqual(*[(self.folder / run / "model.safetensors").read_bytes() for run in ("default", "runs/train-linear+mlp")])

    def test_recipe(self):
        self.write("train.csv", houses(100).replace("price", "SalePrice"))
        result = self.succeed("table", "train", "train.csv", "--config", SOURCE / "recipes" / "houses-textbook.toml", "--json")
        self.assertEqual([json.loads(result.out)[key] for key in ("model", "target", "metric")], ["textbook", "SalePrice", "log-rmse"])

    def test_the_number_of_threads_changes_nothing(self):
        self.write("train.csv", houses(200))
        for threads in (1, 3):
            self.train("train.csv", "--folds", "2", "--threads", threads, "--out", f"on{threads}", model="linear+mlp")
        for file in ("model.safetensors", "oof.csv", "importance.csv"):
            self.assertEqual((self.folder / "on1" / file).read_bytes(), (self.folder / "on3" / file).read_bytes())

    def test_report(self):
        self.write("train.csv", houses(100))
        result = self.succeed("table", "train", "train.csv", "--target", "price", "--id", "Id", "--folds", "3", "--model", "linear")
        self.assertRegex(result.out, r"train.csv: 100 rows\n\nfold +training +validation\n1 +0\.\d{4} +0\.\d{4}\n")
        self.assertRegex(result.out, r"mean +0\.\d{4} +0\.\d{4} \+- 0\.\d{4} +log-rmse\n")
        self.assertEqual(len(result.err.splitlines()), 3)

    def test_the_seed_makes_the_bytes(self):
        self.write("train.csv", houses(120))
        bytes_of = {}
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            self.train("train.csv", "--id", "Id", "--seed", seed, "--out", name)
            bytes_of[name] = [(self.folder / name / file).read_bytes() for file in ("model.safetensors", "oof.csv", "importance.csv")]
        self.assertEqual(bytes_of["a"], bytes_of["b"])
        self.assertNotEqual(bytes_of["a"][1], bytes_of["c"][1])
        self.assertNotEqual(bytes_of["a"][2], bytes_of["c"][2])

    def test_log(self):
        self.write("train.csv", houses(120))
        result = self.train("train.csv", "--id", "Id", "--folds", "3")
        log = self.log("runs/train-linear")
        self.assertEqual([line["event"] for line in log], ["start", "fold", "fold", "fold", "stop"])
        start = {key: log[0][key] for key in ("table", "rows", "columns", "target", "id", "model", "metric", "folds", "seed")}
        self.assertEqual(list(start.values()), ["train.csv", 120, 5, "price", "Id", "linear", "log-rmse", 3, 0])
        for i, (line, fold) in enumerate(zip(log[1:], result["folds"])):
            self.assertEqual(line["fold"], i + 1)
            for key in ("training_rows", "validation_rows", "training", "validation"):
                self.assertEqual(line[key], fold[key])
        self.assertEqual(log[-1]["reason"], "finished")
        (run,) = json.loads(self.succeed("runs", "--json").out)["runs"]
        self.assertEqual([run[key] for key in ("name", "model", "folds_done", "metric", "validation", "spread", "state")],
                         ["train-linear", "linear", 3, "log-rmse", result["validation"], result["spread"], "finished"])
        self.train("train.csv", "--id", "Id", "--folds", "2", "--overwrite")
        self.assertEqual(len(self.log("runs/train-linear")), 4)

    def test_log_of_a_run_that_failed(self):
        self.write("train.csv", houses(60))
        (self.folder / "run/oof.csv").mkdir(parents=True)
        self.complaint_underway(IO, "table", "train", "train.csv", "--target", "price", "--out", "run")
        self.assertEqual(self.log("run")[-1]["reason"], "failed")
        self.assertEqual(self.files("run/model.safetensors"), [])

    def test_a_fold_learns_nothing_of_its_validation_rows(self):
        self.assertEqual(self.folds_left_the_same("linear"), ["2"])

    def test_columns_of_the_test_table(self):
        self.write("train.csv", houses(150))
        self.train("train.csv", "--id", "Id", "--out", "run")
        self.write("test.csv", houses(40, seed=2))
        expected = self.predict("run", "test.csv")
        self.write("test.csv", houses(40, seed=2, columns=("zone", "year", "Id", "area")))
        self.assertEqual(self.predict("run", "test.csv"), expected)
        lines = houses(40, seed=2).splitlines()
        self.write("test.csv", "\n".join([f"extra,{lines[0]}", *(f"x,{line}" for line in lines[1:])]))
        self.assertEqual(self.predict("run", "test.csv"), expected)
        self.write("test.csv", houses(40, seed=2, columns=("Id", "area", "year")))
        self.assertIn('"zone"', self.complaint(USAGE, "table", "predict", "run", "test.csv"))
        self.write("test.csv", houses(40, seed=2, columns=("area", "year", "zone")))
        self.assertIn('"Id"', self.complaint(USAGE, "table", "predict", "run", "test.csv"))
        self.write("test.csv", "Id,area,zone,year\n1,,,\n2,-1e300,new,x\n3,1e300,a,0\n\"4,5\",NA,b,9999\n,1,a,1\n")
        self.assertIn("line 6: the id", self.complaint(BAD_DATA, "table", "predict", "run", "test.csv"))
        self.write("test.csv", "Id,area,zone,year\n1,,,\n2,-1e300,new,x\n3,1e300,a,0\n\"4,5\",NA,b,9999\n")
        predictions = self.predict("run", "test.csv")
        self.assertEqual(len(predictions), 4)
        for prediction in predictions:
            self.assertTrue(1000 < prediction < 1e7, predictions)
        self.assertEqual(self.rows("submission.csv")[3]["Id"], "4,5")

    def test_metrics(self):
        lines = houses(200).splitlines()
        self.write("train.csv", "\n".join([lines[0], *(f"{line.rsplit(',', 1)[0]},{int(line.rsplit(',', 1)[1]) - 200000}" for line in lines[1:])]))
        results = {metric: self.train("train.csv", "--id", "Id", "--metric", metric, "--out", metric) for metric in ("rmse", "mae", "r2")}
        self.assertEqual(len({(self.folder / metric / "model.safetensors").read_bytes() for metric in results}), 1)
        self.assertLess(results["mae"]["validation"], results["rmse"]["validation"])
        self.assertGreater(results["r2"]["validation"], 0.8)
        self.assertLess(results["r2"]["validation"], 1)
        self.assertTrue(any(prediction < 0 for prediction in self.predict("rmse", "train.csv")))
        self.assertIn("log-rmse", self.complaint(BAD_DATA, "table", "train", "train.csv", "--target", "price", "--out", "x"))

    def test_folds_of_time_and_of_a_column(self):
        self.write("train.csv", houses(140))
        result = self.train("train.csv", "--id", "Id", "--time-order", "year", "--folds", "3", "--out", "time")
        self.assertEqual([(f["training_rows"], f["validation_rows"]) for f in result["folds"]], [(36, 34), (70, 36), (106, 34)])
        years = {f"h{i}": 1950 + i % 70 for i in range(140)}
        folds = {fold: {years[row["Id"]] for row in self.rows("time/oof.csv") if row["fold"] == fold} for fold in "123"}
        self.assertLess(max(folds["1"]), min(folds["2"]))
        self.assertLess(max(folds["2"]), min(folds["3"]))
        result = self.train("train.csv", "--id", "Id", "--folds-from", "zone", "--out", "zone")
        self.assertEqual(len(result["folds"]), 4)
        self.write("test.csv", houses(10, columns=("Id", "area", "year")))
        self.predict("zone", "test.csv")

    def test_without_an_id(self):
        self.write("train.csv", houses(60, columns=("area", "zone", "price")))
        self.train("train.csv", "--out", "run")
        lines = self.succeed("table", "predict", "run", "train.csv").out.splitlines()
        self.assertEqual([line.split(",")[0] for line in lines[:3]], ["row", "1", "2"])

    def test_targets_that_are_refused(self):
        for cell, problem in (("", "missing"), ("NA", "missing"), ("cheap", '"cheap"'), ("0", "is 0"), ("-5", "is -5"), ("1e200", "is 1e+200")):
            with self.subTest(cell):
                self.write("a.csv", f"x,price\n1,100\n\"2\n3\",{cell}\n4,{cell}\n5,5\n6,6\n7,7\n")
                line = self.complaint(BAD_DATA, "table", "train", "a.csv", "--target", "price", "--missing-target", "refuse")
                self.assertIn("a.csv: line 3: ", line)
                self.assertIn(problem, line)
        self.write("a.csv", "x,price\n1,100\n2,200\n")
        self.assertIn("2 rows cannot be validated in 5 folds", self.complaint(BAD_DATA, "table", "train", "a.csv", "--target", "price"))
        self.assertEqual(self.files("runs*"), [])

    def test_small_tables(self):
        self.write("a.csv", "x,price\n" + "1,100\n" * 5)
        self.assertEqual(self.train("a.csv", "--out", "constant")["validation"], 0)
        self.write("a.csv", "x,price\n1,100\n2,200\n")
        self.assertEqual(self.train("a.csv", "--folds", "2", "--out", "two")["rows"], 2)
        self.write("a.csv", "price\n1\n2\n3\n4\n5\n")
        self.train("a.csv", "--out", "alone")
        self.assertEqual(len(self.predict("alone", "a.csv")), 5)

    def test_one_absurd_number(self):
        table = houses(150).splitlines()
        fields = table[70].split(",")
        self.write("a.csv", "\n".join(table))
        table[70] = ",".join([fields[0], "1e300", *fields[2:]])
        self.write("absurd.csv", "\n".join(table))
        for model in ("linear", "mlp", "textbook"):
            with self.subTest(model):
                plain, absurd = (self.train(f"{name}.csv", "--id", "Id", "--folds", "3", "--out", f"{name}-{model}", model=model)
                                 for name in ("a", "absurd"))
                self.assertTrue(math.isfinite(absurd["validation"]))
                if model != "textbook":  # it only standardises its input
                    self.assertLess(statistics.median(fold["validation"] for fold in absurd["folds"]), 1.3 * plain["validation"])
                self.assertEqual(len(self.predict(f"absurd-{model}", "absurd.csv")), 150)

    def test_ten_thousand_columns(self):
        rng = random.Random(1)
        lines = [",".join([f"c{i}" for i in range(10_000)] + ["price"])]
        for _ in range(40):
            cells = [rng.randrange(1000) for _ in range(10_000)]
            lines.append(",".join(map(str, [*cells, 1000 + cells[7000]])))
        self.write("wide.csv", "\n".join(lines))
        result = self.train("wide.csv", "--folds", "2", "--out", "wide")
        self.assertLess(result["validation"], 0.2)
        self.assertEqual(len(self.predict("wide", "wide.csv")), 40)
        self.assertIn("10,000 columns", self.succeed("table", "explain", "wide", "wide.csv").out)

    def test_a_cell_of_100_megabytes(self):
        self.write("a.csv", "x,price\n1,2\n" + "y" * 100_000_000 + ",3\n")
        self.assertIn("line 3: ", self.complaint(BAD_DATA, "table", "train", "a.csv", "--target", "price"))

    def test_flags(self):
        self.write("a.csv", houses(20))
        for flags, problem in ((("--id", "Id"), "--target COLUMN is missing"), (("--target", "gone"), '"gone"'),
                               (("--target", "price", "--id", "gone"), '"gone"'), (("--target", "price", "--id", "price"), "same column"),
                               (("--target", "price", "--time-order", "zone"), '"zone"'), (("--target", "price", "--folds-from", "gone"), '"gone"'),
                               (("--target", "price", "--time-order", "year", "--folds-from", "zone"), "exclude each other"),
                               (("--target", "price", "--folds", "1"), "--folds 1"), (("--target", "price", "--metric", "auc"), "log-rmse"),
                               (("--target", "price", "--model", "textbook", "--hash", "zone"), "--hash"),
                               (("--target", "price", "--model", "forest"), "linear")):
            with self.subTest(flags):
                result = self.run_program("table", "train", "a.csv", *flags)
                self.assertIn(result.returncode, (USAGE, BAD_DATA), result.err)
                self.assertEqual(len(result.err.splitlines()), 1, result.err)
                self.assertIn(problem, result.err)

    def test_names_of_other_columns_of_the_predictions(self):
        for target in ("fold", "prediction", "row"):
            self.write("a.csv", houses(20).replace("price", target))
            problem = self.complaint(USAGE, "table", "train", "a.csv", "--target", target)
            self.assertIn(f'"{target}" has the name of another column of oof.csv', problem)

    def test_run_directories(self):
        self.write("a.csv", houses(30))
        self.train("a.csv", "--out", "run")
        self.assertIn("--overwrite", self.complaint(USAGE, "table", "train", "a.csv", "--target", "price", "--out", "run"))
        self.train("a.csv", "--out", "run", "--overwrite")
        self.complaint(NO_INPUT, "table", "predict", "gone", "a.csv")
        self.assertIn("unroll table train", self.complaint(BAD_DATA, "table", "predict", self.tiny_model(), "a.csv"))


class CaliforniaTest(TableTrainTest):
    def test_dirty_columns(self):
        self.write("train.csv", california_houses(900, 1))
        self.write("test.csv", california_houses(300, 1, columns=[c for c in california.COLUMNS if c != "Sold Price"]))
        result = self.train("train.csv", "--id", "Id", "--drop", "Summary", "--time-order", "Listed On", "--folds", "3", target="Sold Price")
        self.assertEqual(len(result["folds"]), 3)
        self.assertLess(statistics.median(fold["validation"] for fold in result["folds"]), 0.3)
        predictions = self.predict("runs/train-linear", "test.csv", target="Sold Price")
        self.assertEqual(len(predictions), 300)
        self.assertTrue(all(prediction > 10000 for prediction in predictions))


    def test_leaks_are_masked(self):
        self.write("train.csv", california_houses(1500, 1))
        scores = {}
        for name, flags in (("ignored", ()), ("masked", ("--hash", "Summary")), ("kept", ("--hash", "Summary", "--keep-leaks"))):
            result = self.succeed("table", "train", "train.csv", "--id", "Id", "--target", "Sold Price", "--model", "linear", "--folds", "2",
                                  "--json", "--out", name, *flags)
            said = {"ignored": "no feature", "masked": "hidden; --keep-leaks", "kept": "rows: kept"}[name]
            self.assertIn('column "Summary" holds the target in ', result.err.splitlines()[0])
            self.assertIn(said, result.err.splitlines()[0])
            scores[name] = json.loads(result.out)["validation"]
        self.assertNotEqual(scores["masked"], scores["kept"])
        texts = self.rows("train.csv")
        for digit in "123456789":
            for row in texts:
                row["Summary"] = row["Summary"].replace(digit, "0") if row["Id"] in ("3", "7") else row["Summary"]
        with open(self.folder / "zeros.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, texts[0].keys())
            writer.writeheader()
            writer.writerows(texts)
        self.assertEqual(self.predict("masked", "zeros.csv", target="Sold Price"), self.predict("masked", "train.csv", target="Sold Price"))

    def test_only_texts_are_hashed(self):
        self.write("train.csv", houses(60))
        self.assertIn("--as zone=text", self.complaint(USAGE, "table", "train", "train.csv", "--target", "price", "--hash", "zone"))
        self.assertIn('"gone"', self.complaint(USAGE, "table", "train", "train.csv", "--target", "price", "--hash", "gone"))


if __name__ == "__main__":
    unittest.main()
