"""unroll table explain: which columns a table model learned from, and where it is wrong."""

import csv
import json
import math
import random
import shutil
import unittest
import xml.etree.ElementTree

from support import BAD_DATA, IO, NO_INPUT, USAGE
from test_table_train import TableTrainTest, california, california_houses, houses

SVG = "{http://www.w3.org/2000/svg}"


def with_noise(text, name="noise", seed=9):
    """The same table with an additional column of random noise."""
    rng = random.Random(seed)
    lines = text.splitlines()
    return "\n".join([f"{name},{lines[0]}", *(f"{rng.gauss(0, 1):.3f},{line}" for line in lines[1:])]) + "\n"


class ExplainTest(TableTrainTest):
    def explain(self, *arguments):
        return json.loads(self.succeed("table", "explain", *arguments, "--json").out)

    def texts(self, picture):
        """All texts of an SVG picture."""
        return ["".join(text.itertext()).strip() for text in xml.etree.ElementTree.parse(self.folder / picture).iter(SVG + "text")]


class ImportanceTest(ExplainTest):
    def test_what_decides_is_first_and_noise_is_nothing(self):
        self.write("train.csv", with_noise(houses(400)))
        trained = self.train("train.csv", "--id", "Id", "--out", "run")
        self.assertEqual(trained["importance_file"], "run/importance.csv")
        rows = self.rows("run/importance.csv")
        self.assertEqual(list(rows[0]), ["column", "metric", "importance", "spread"])
        self.assertEqual({row["metric"] for row in rows}, {"log-rmse"})
        importance = {row["column"]: float(row["importance"]) for row in rows}
        self.assertEqual(list(importance.values()), sorted(importance.values(), reverse=True))
        self.assertEqual(sorted(importance), ["area", "noise", "year", "zone"])
        self.assertEqual(list(importance)[:3], ["area", "zone", "year"])
        # log(area) has a deviation of 0.3, and the difference of two of them 0.42; the error was 0.1.
        self.assertAlmostEqual(importance["area"], math.sqrt(0.42 ** 2 + 0.1 ** 2) - 0.1, delta=0.06)
        self.assertLess(abs(importance["noise"]), 0.003)

        explained = self.explain("run", "train.csv")
        self.assertEqual([one["column"] for one in explained["importance"]], list(importance))
        for one, row in zip(explained["importance"], rows):
            self.assertEqual([one["importance"], one["spread"]], [float(row["importance"]), float(row["spread"])])
        self.assertAlmostEqual(explained["validation"], trained["validation"])
        self.assertAlmostEqual(explained["spread"], trained["spread"])
        self.assertEqual(explained["metric"], "log-rmse")

    def test_cells_are_permuted_among_validation_rows(self):
        rows = [line.split(",") for line in houses(200).splitlines()]
        for row in rows[1:]:
            if int(row[3]) >= 1984:
                row[1] = "1000"  # all validation rows, as the rows are ordered by time
        self.write("train.csv", "\n".join(map(",".join, rows)) + "\n")
        self.train("train.csv", "--id", "Id", "--time-order", "year", "--folds", "1", "--out", "run")
        importance = {one["column"]: one["importance"] for one in self.explain("run", "train.csv")["importance"]}
        self.assertEqual(importance["area"], 0)
        self.assertGreater(importance["zone"], 0.05)

    def test_other_metrics(self):
        self.write("train.csv", houses(300))
        for metric, says in (("rmse", "rmse grows"), ("mae", "mae grows"), ("r2", "r2 falls")):
            self.train("train.csv", "--id", "Id", "--metric", metric, "--out", metric)
            explained = self.explain(metric, "train.csv")
            self.assertEqual(explained["importance"][0]["column"], "area")
            self.assertGreater(explained["importance"][0]["importance"], 0)
            self.assertIn(says, self.succeed("table", "explain", metric, "train.csv").out)

    def test_bars(self):
        self.write("train.csv", with_noise(houses(300)))
        self.train("train.csv", "--id", "Id", "--out", "run")
        path = self.folder / "run/importance.csv"
        path.write_text("column,metric,importance,spread\narea,log-rmse,0.4,0\nzone,log-rmse,0.1,0\nyear,log-rmse,0.001,0\nnoise,log-rmse,-0.2,0\n")
        out = self.succeed("table", "explain", "run", "train.csv").out
        bars = {line.split()[0]: line.count("█") for line in out.splitlines() if " +- " in line and ":" not in line}
        self.assertEqual(bars, {"area": 20, "zone": 5, "year": 0, "noise": 0})
        self.assertIn("-0.2000", out)

    def test_a_single_fold_has_no_spread(self):
        self.write("train.csv", houses(200))
        self.train("train.csv", "--id", "Id", "--time-order", "year", "--folds", "1", "--out", "run")
        self.assertEqual({one["spread"] for one in self.explain("run", "train.csv")["importance"]}, {0})


class LargestErrorsTest(ExplainTest):
    def train_with_strange_rows(self, *flags):
        lines = houses(200).splitlines()
        for row, factor in ((51, 5), (121, 0.25)):
            cells = lines[row].split(",")
            lines[row] = ",".join([*cells[:-1], str(round(float(cells[-1]) * factor))])
        self.write("train.csv", "\n".join(lines) + "\n")
        self.train("train.csv", "--out", "run", *flags)

    def test_ratios_of_what_was_learned_as_logarithms(self):
        self.train_with_strange_rows("--id", "Id")
        errors = self.explain("run", "train.csv")["largest_errors"]
        self.assertEqual([error["row"] for error in errors[:2]], ["h50", "h120"])
        self.assertEqual(len(errors), 10)
        oof = {row["Id"]: row for row in self.rows("run/oof.csv")}
        for error in errors:
            row = oof[error["row"]]
            self.assertEqual([error["fold"], error["target"], error["prediction"]],
                             [int(row["fold"]), float(row["price"]), float(row["prediction"])])
            self.assertAlmostEqual(error["error"], math.log(error["prediction"] / error["target"]))
        sizes = [abs(error["error"]) for error in errors]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        lines = self.succeed("table", "explain", "run", "train.csv").out.splitlines()
        self.assertRegex(next(line for line in lines if line.startswith("h50 ")), r"^h50 +\d +[\d,]+ +[\d,]+ +[45]\.\d+ times too low$")
        self.assertRegex(next(line for line in lines if line.startswith("h120 ")), r" [34]\.\d+ times too high$")

    def test_ratios_by_a_model_that_learns_the_target_itself(self):
        self.write("train.csv", houses(100))
        self.train("train.csv", "--id", "Id", "--out", "run", model="textbook")
        for error in self.explain("run", "train.csv")["largest_errors"]:
            self.assertAlmostEqual(error["error"], math.log(error["prediction"] / error["target"]))
        self.assertIn(" times too ", self.succeed("table", "explain", "run", "train.csv").out)

    def test_differences_and_numbers_of_rows(self):
        self.train_with_strange_rows("--metric", "rmse")
        errors = self.explain("run", "train.csv", "--top", "3")["largest_errors"]
        self.assertEqual(len(errors), 3)
        self.assertEqual(errors[0]["row"], "51")
        self.assertAlmostEqual(errors[0]["error"], errors[0]["prediction"] - errors[0]["target"])
        self.assertRegex(self.succeed("table", "explain", "run", "train.csv").out, r"(?m)^row +fold +price +predicted +error\n51 .* -[\d,]+$")


class PartialDependenceTest(ExplainTest):
    def test_is_the_function_that_made_the_prices(self):
        self.write("train.csv", houses(600))
        self.train("train.csv", "--id", "Id", "--out", "run")
        self.write("test.csv", houses(300, seed=2, columns=("year", "zone", "area")))
        explained = self.explain("run", "test.csv")
        self.assertEqual(explained["rows"], 300)
        points = {one["column"]: {p["value"]: p["prediction"] for p in one["points"]} for one in explained["partial_dependence"]}
        self.assertEqual(list(points), ["area", "zone", "year"])
        self.assertEqual(sorted(points["zone"]), list("abcd"))
        for level in "bcd":  # 0.2 per level
            self.assertAlmostEqual(math.log(points["zone"][level] / points["zone"]["a"]), 0.2 * (ord(level) - 97), delta=0.05)
        areas = list(points["area"])
        self.assertEqual(areas, sorted(areas))
        low, high = areas[5], areas[-6]
        self.assertAlmostEqual(math.log(points["area"][high] / points["area"][low]), math.log(high / low), delta=0.05)
        for one in explained["partial_dependence"]:
            self.assertGreater(max(p["prediction"] for p in one["points"]), explained["mean_prediction"])
            self.assertLess(min(p["prediction"] for p in one["points"]), explained["mean_prediction"])

    def test_agrees_with_predictions_for_changed_rows(self):
        self.write("train.csv", houses(200))
        self.train("train.csv", "--id", "Id", "--out", "run")
        for one in self.explain("run", "train.csv")["partial_dependence"]:
            for point in (one["points"][0], one["points"][-1]):
                rows = self.rows("train.csv")
                with open(self.folder / "changed.csv", "w", newline="") as file:
                    writer = csv.DictWriter(file, rows[0])
                    writer.writeheader()
                    writer.writerows({**row, one["column"]: point["value"]} for row in rows)
                predictions = self.predict("run", "changed.csv")
                self.assertAlmostEqual(sum(predictions) / len(predictions) / point["prediction"], 1, places=12)

    def test_dirty_columns(self):
        self.write("train.csv", california_houses(900, 1))
        dropped = ["Summary", "Listed Price", "Tax assessed value", "Region", "Elementary School", "Middle School", "High School",
                   "Flooring", "Appliances included", "Parking features", "Parking"]
        drop = [flag for column in dropped for flag in ("--drop", column)]
        self.train("train.csv", "--id", "Id", *drop, "--folds", "2", "--out", "run", target="Sold Price")
        self.write("test.csv", california_houses(1001, 2, columns=[c for c in california.COLUMNS if c not in ("Sold Price", "Id")]))
        explained = self.explain("run", "test.csv", "--top", "40")
        self.assertEqual(explained["rows"], 1000)
        kinds = {one["kind"]: one for one in explained["partial_dependence"]}
        self.assertEqual(sorted(kinds), ["category", "date", "list", "number"])
        for one in explained["partial_dependence"]:
            self.assertLessEqual(len(one["points"]), 26)
            self.assertTrue(all(p["prediction"] > 0 and p["rows"] > 0 for p in one["points"]), one)
        self.assertRegex(kinds["date"]["points"][0]["value"], r"^\d{4}-\d\d-\d\d$")
        self.assertTrue(any(p["value"] is None for one in explained["partial_dependence"] for p in one["points"]))


@unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
class PictureTest(ExplainTest):
    def test_a_panel_for_each_column(self):
        self.write("train.csv", houses(100))
        self.train("train.csv", "--id", "Id", "--out", "run")
        result = self.succeed("table", "explain", "run/", "train.csv")
        self.assertTrue(result.out.endswith("\npartial dependence run/explain.svg\n"), result.out)
        self.assertEqual(self.explain("run", "train.csv")["picture"], "run/explain.svg")
        texts = self.texts("run/explain.svg")
        for text in ("mean price predicted for 100 rows, one column held at each value", "area", "zone", "year", "a", "d"):
            self.assertIn(text, texts)
        self.succeed("table", "explain", "run", "train.csv", "--top", "1")
        self.assertNotIn("year", self.texts("run/explain.svg"))
        self.train("train.csv", "--id", "Id", "--out", "run", "--overwrite")
        self.assertEqual(self.files("*.svg"), [])

    def test_names_are_shown_as_they_are_and_never_obeyed(self):
        names = {"area": "`touch pwned`, 1.5", "zone": "面积 'system \"touch pwned\"'", "year": "<b>&amp;", "price": "$(touch pwned) 2,000"}
        lines = houses(150).splitlines()
        header = ["Id"] + ['"' + names[c].replace('"', '""') + '"' for c in ("area", "zone", "year", "price")]
        self.write("train.csv", "\n".join([",".join(header), *lines[1:]]).replace(",a,", ",@GPVAL_VERSION,").replace(",b,", ",,"))
        self.train("train.csv", "--id", "Id", "--out", "run", target=names["price"])
        out = self.succeed("table", "explain", "run", "train.csv").out
        texts = self.texts("run/explain.svg")
        for name in ("area", "zone", "year"):
            self.assertIn(names[name], texts)
            self.assertIn(names[name], out)
        self.assertIn("(missing)", texts)
        self.assertIn("@GPVAL_VERSION", texts)
        self.assertTrue(any(names["price"] in text for text in texts))
        self.assertEqual(self.files("pwned*"), [])


class RefusalsTest(ExplainTest):
    def no_picture(self, problem, **options):
        """Everything except the picture is still printed."""
        result = self.run_program("table", "explain", "run", "train.csv", **options)
        self.assertEqual(result.returncode, IO)
        self.assertEqual(len(result.err.splitlines()), 1)
        self.assertIn(problem, result.err)
        self.assertIn("times too", result.out)

    def test_runs_that_cannot_be_explained(self):
        self.write("train.csv", houses(60))
        self.train("train.csv", "--id", "Id", "--out", "run")
        model = (self.folder / "run/model.safetensors").read_bytes()
        self.write("alone.safetensors", model)
        self.assertIn("importance.csv", self.complaint(NO_INPUT, "table", "explain", "alone.safetensors", "train.csv"))
        (self.folder / "old").mkdir()
        self.write("old/model.safetensors", model)
        line = self.complaint(NO_INPUT, "table", "explain", "old", "train.csv")
        self.assertIn("no importance.csv", line)
        self.assertIn("--out old --overwrite", line)
        shutil.copy(self.folder / "run/importance.csv", self.folder / "old")
        self.assertIn("no oof.csv", self.complaint(NO_INPUT, "table", "explain", "old", "train.csv"))
        self.complaint(NO_INPUT, "table", "explain", "gone", "train.csv")
        self.complaint(NO_INPUT, "table", "explain", "run", "gone.csv")
        self.assertIn("unroll table train", self.complaint(BAD_DATA, "table", "explain", self.tiny_model(), "train.csv"))

    def test_files_that_are_damaged(self):
        self.write("train.csv", houses(60))
        self.train("train.csv", "--id", "Id", "--out", "run")
        for name, old, new, problem in (("importance.csv", "log-rmse", "luck", "line 2"), ("oof.csv", "fold", "part", '"fold"'),
                                        ("importance.csv", "column", "Column", '"column"'), ("oof.csv", "\nh3,", "\nh3,x", "line 5"),
                                        ("oof.csv", "\nh2,", "\nx,1,-5,3\nh2,", "line 4"), ("oof.csv", "\nh2,", "\nx,1,5,0\nh2,", "line 4"),
                                        ("oof.csv", "\nh2,", "\nx,1e300,5,5\nh2,", "no such fold")):
            path = self.folder / "run" / name
            good = path.read_text()
            path.write_text(good.replace(old, new, 1))
            result = self.run_program("table", "explain", "run", "train.csv")
            path.write_text(good)
            self.assertEqual(result.returncode, BAD_DATA)
            self.assertEqual(len(result.err.splitlines()), 1)
            self.assertIn(f"run/{name}: ", result.err)
            self.assertIn(problem, result.err)

    def test_tables_that_lack_a_column(self):
        self.write("train.csv", houses(60))
        self.train("train.csv", "--id", "Id", "--out", "run")
        self.write("test.csv", houses(40, seed=2, columns=("Id", "area", "year")))
        self.assertIn('"zone"', self.complaint(USAGE, "table", "explain", "run", "test.csv"))
        self.assertIn("--top", self.complaint(USAGE, "table", "explain", "run", "train.csv", "--top", "0"))

    def test_more_columns_than_are_permuted(self):
        rng = random.Random(3)
        lines = [",".join(f"c{i}" for i in range(502)) + ",price"]
        lines += [",".join(str(rng.randrange(100)) for _ in range(502)) + f",{rng.randrange(1000, 2000)}" for _ in range(20)]
        self.write("train.csv", "\n".join(lines) + "\n")
        self.train("train.csv", "--folds", "2", "--out", "run")
        explained = self.explain("run", "train.csv")
        self.assertEqual({one["importance"] for one in explained["importance"]}, {None})
        self.assertEqual([len(explained["largest_errors"]), explained["partial_dependence"]], [10, []])
        text = self.succeed("table", "explain", "run", "train.csv").out
        self.assertIn("502 columns", text)
        self.assertIn("the largest errors", text)

    def test_a_target_whose_name_has_semicolons(self):
        self.write("train.csv", houses(60).replace("price", "price; in; all; dollars;", 1))
        self.train("train.csv", "--id", "Id", "--out", "run", target="price; in; all; dollars;")
        self.assertEqual(len(self.explain("run", "train.csv")["largest_errors"]), 10)

    def test_nothing_to_learn_from(self):
        self.write("a.csv", "x,price\n" + "1,100\n" * 3 + "1,120\n" * 3)
        self.train("a.csv", "--out", "run")
        self.assertIn("reads no column", self.complaint(BAD_DATA, "table", "explain", "run", "a.csv"))

    @unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
    def test_a_picture_that_cannot_be_written(self):
        self.write("train.csv", houses(60))
        self.train("train.csv", "--id", "Id", "--out", "run")
        (self.folder / "run/explain.svg").mkdir()
        self.no_picture("run/explain.svg")

    def test_without_gnuplot(self):
        self.write("train.csv", houses(60))
        self.train("train.csv", "--id", "Id", "--out", "run")
        self.no_picture("gnuplot-nox", env={"PATH": "/nowhere"})
        self.assertEqual(self.files("*.svg*"), [])
        result = self.run_program("table", "explain", "run", "train.csv", "--json", env={"PATH": "/nowhere"})
        self.assertEqual([result.returncode, json.loads(result.out)["picture"]], [IO, None])

    def test_axes_without_length_or_end(self):
        for name, values in (("alone", ("1e17", "")), ("wide", ("1e308", "-1e308", "5"))):
            lines = houses(60).splitlines()
            for i, line in enumerate(lines[1:], start=1):
                cells = line.split(",")
                worth = float(cells[-1])
                cells[1] = values[0] if worth > 3000000 or i % 3 == 0 else values[i % len(values)]
                lines[i] = ",".join(cells)
            self.write(f"{name}.csv", "\n".join(lines) + "\n")
            self.train(f"{name}.csv", "--id", "Id", "--out", name)
            self.succeed("table", "explain", name, f"{name}.csv")


if __name__ == "__main__":
    unittest.main()
