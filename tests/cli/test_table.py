"""unroll table inspect, on synthetic houses with the data problems of a competition's table."""

import gzip
import io
import json
import os
import random
import sys
import unittest
from pathlib import Path

from support import BAD_DATA, NO_INPUT, USAGE, SOURCE, ProgramTest

sys.path.insert(0, str(SOURCE / "tests" / "houses"))
import california  # noqa: E402

ROWS = 4700
DATA = Path(os.environ.get("UNROLL_DATA", SOURCE.parent / "shared" / "data"))


def houses(rows=ROWS, **how):
    stream = io.StringIO()
    california.write(stream, rows, 1, **how)
    return stream.getvalue()


class TableTest(ProgramTest):
    def inspect(self, *arguments, **options):
        result = json.loads(self.succeed("table", "inspect", *arguments, "--json", **options).out)
        columns = {column["name"]: column for column in result["columns"]}
        trouble = {}
        for one in result["trouble"]:
            trouble.setdefault(one["kind"], {})[one["column"]] = one
        return result, columns, trouble


class CaliforniaTest(TableTest):
    @classmethod
    def setUpClass(cls):
        cls.csv = houses()

    def test_kinds(self):
        self.write("train.csv", self.csv)
        result, columns, _ = self.inspect("train.csv")
        self.assertEqual((result["rows"], len(columns)), (ROWS, 41))
        kinds = {kind: {name for name, column in columns.items() if column["kind"] == kind}
                 for kind in ("number", "category", "date", "list", "text")}
        self.assertEqual(kinds["text"], {"Summary"})
        self.assertEqual(kinds["date"], {"Listed On", "Last Sold On"})
        self.assertEqual(kinds["list"], set(california.LISTS))
        self.assertEqual(kinds["category"], {"Address", "Type", "Region", "Elementary School", "Middle School", "High School",
                                             "City", "State"})
        for column, present in california.PRESENT.items():
            self.assertAlmostEqual(columns[column]["missing_share"], 1 - present / california.ROWS_OF_THE_ORIGINAL, delta=0.03)

    def check_trouble(self, trouble, names):
        leak = trouble["contains_target"]
        self.assertEqual(set(leak), {names["Summary"]})
        self.assertAlmostEqual(leak[names["Summary"]]["rows"] / ROWS, california.LEAK_SHARE, delta=0.02)
        self.assertEqual(set(trouble["time_order"]), {names["Id"]})
        self.assertIn(names["Listed Price"], trouble["double_of_target"])
        self.assertEqual(set(trouble["text_among_numbers"]), {names["Bedrooms"]})
        self.assertEqual(set(trouble["absurd_year"]), {names["Year built"]})
        self.assertEqual(set(trouble["other_unit"]), {names["Lot"]})
        self.assertIn("43,560", trouble["other_unit"][names["Lot"]]["text"])
        self.assertGreaterEqual(set(trouble["absurd_size"]),
                                {names[c] for c in ("Total interior livable area", "Total spaces", "Garage spaces")})
        self.assertEqual(set(trouble["code"]), {names["Zip"]})
        self.assertIn(names["Address"], trouble["many_levels"])

    def test_trouble(self):
        self.write("train.csv", self.csv)
        _, columns, trouble = self.inspect("train.csv", "--target", "Sold Price")
        self.check_trouble(trouble, {name: name for name in columns})
        self.assertEqual([trouble["absurd_year"]["Year built"]["rows"], columns["Year built"]["maximum"]], [5, 9999])
        line = trouble["contains_target"]["Summary"]["lines"][0]
        self.assertIn("last sold for $", " ".join(self.csv.splitlines()[line - 1:line + 1]))

    def test_trouble_under_other_names_and_in_another_order(self):
        columns = california.COLUMNS[:]
        random.Random(3).shuffle(columns)
        names = {column: f"c{i}" for i, column in enumerate(columns)}
        self.write("train.csv.gz", gzip.compress(houses(columns=columns, names=names).encode()))
        _, _, trouble = self.inspect("train.csv.gz", "--target", names["Sold Price"])
        self.check_trouble(trouble, names)

    def test_leak_without_a_target(self):
        self.write("train.csv", self.csv)
        _, _, trouble = self.inspect("train.csv")
        self.assertEqual(set(trouble["contains_target"]), {"Summary"})
        self.assertIn('"Sold Price"', trouble["contains_target"]["Summary"]["text"])
        _, _, trouble = self.inspect("train.csv", "--drop", "Sold Price")
        self.assertNotIn("contains_target", trouble)

    def test_report(self):
        self.write("train.csv", self.csv)
        out = self.succeed("table", "inspect", "train.csv", "--target", "Sold Price").out
        table, trouble = out.split("suspected trouble\n")
        lines = table.splitlines()
        self.assertEqual(lines[0], "train.csv: 4,700 rows, 41 columns: 21 of numbers, 8 of categories, 2 of dates, 9 of lists, 1 of texts")
        self.assertEqual([line.split("  ")[0] for line in lines[3:-1]], california.COLUMNS)
        self.assertRegex(trouble, r'- Summary: holds the target "Sold Price" in \d+ rows \(1\d\.\d %\), as in line \d+: "\.\..*last sold for \$')


class SmallTableTest(TableTest):
    def test_facts(self):
        self.write("a.csv", "n;c;d;l\n1;x;2020-01-31;a, b\n3;;2020-01-01;a\ntwo;x;;\n8;y;;a, b\n")
        _, columns, _ = self.inspect("a.csv", "--as", "l=list")
        self.assertEqual(columns["n"], {"name": "n", "kind": "number", "missing": 0, "missing_share": 0, "distinct": 3, "minimum": 1,
                                        "lower_quartile": 2, "median": 3, "upper_quartile": 5.5, "maximum": 8, "outliers": 0, "misfits": 1})
        self.assertEqual(columns["c"]["frequent"], [{"value": "x", "rows": 2}, {"value": "y", "rows": 1}])
        self.assertEqual([columns["d"]["minimum"], columns["d"]["maximum"], columns["d"]["missing_share"]],
                         ["2020-01-01", "2020-01-31", 0.5])
        self.assertEqual(columns["l"]["frequent"], [{"value": "a", "rows": 3}, {"value": "b", "rows": 2}])

    def test_kinds_can_be_said_and_columns_dropped(self):
        self.write("a.csv", "Id,Code\n1,20\n2,60\n")
        _, columns, _ = self.inspect("a.csv", "--as", "Code=category", "--drop", "Id")
        self.assertEqual([(name, column["kind"]) for name, column in columns.items()], [("Code", "category")])

    def test_trouble_with_the_target_and_with_variety(self):
        rows = [f"{i % 5},same,,{i * i}" for i in range(30)]
        self.write("a.csv", "price,constant,nothing,other\n" + "\n".join(rows) + "\n,same,,3\n-1,same,,4\n")
        _, _, trouble = self.inspect("a.csv", "--target", "price")
        self.assertEqual(trouble["target_missing"]["price"]["lines"], [32])
        self.assertEqual(trouble["target_not_positive"]["price"]["rows"], 7)
        self.assertEqual([set(trouble[kind]) for kind in ("constant", "only_missing")], [{"constant"}, {"nothing"}])

    def test_one_row_and_one_column(self):
        self.write("a.csv", "a\n1\n")
        result, _, trouble = self.inspect("a.csv")
        self.assertEqual((result["rows"], trouble), (1, {}))
        self.assertIn("no suspected trouble", self.succeed("table", "inspect", "a.csv").out)

    def test_ten_thousand_columns(self):
        names = [f"c{i}" for i in range(10_000)]
        self.write("a.csv", "\n".join([",".join(names), ",".join(["1", "x"] * 5000), ",".join(["2", "y"] * 5000)]))
        self.assertEqual(len(self.inspect("a.csv", "--target", "c0")[1]), 10_000)

    def test_standard_input(self):
        self.assertEqual(self.inspect("-", stdin=b"\xef\xbb\xbfa\tb\r\n1\t2\r\n")[0]["file"], "standard input")

    def test_what_is_refused(self):
        cases = {"ragged": ("a,b\n1,2\n\"x\ny\",3\n4\n", "line 5: "), "quote": ("a,b\n1,\"2\n", "line 2: "), "empty": ("", "is empty"),
                 "header": ("a,b\n", "no rows"), "twice": ("a,b,a\n1,2,3\n", "columns 1 and 3"), "utf8": (b"a\n\xff\n", "offset 2 "),
                 "long": ('a\n"' + "x" * 70_000_000, "longer than 67108864 bytes")}
        for name, (text, problem) in cases.items():
            with self.subTest(name):
                self.write(f"{name}.csv", text)
                line = self.complaint(BAD_DATA, "table", "inspect", f"{name}.csv")
                self.assertIn(f"{name}.csv: ", line)
                self.assertIn(problem, line)
        self.complaint(NO_INPUT, "table", "inspect", "gone.csv")

    def test_flags(self):
        self.write("a.csv", "a,b\n1,x\n")
        for flags, problem in ((("--as", "a"), "COLUMN=number|"), (("--as", "a=words"), "|text"), (("--as", "c=number"), '"c"'),
                               (("--drop", "c"), '"a", "b"'), (("--target", "c"), '"c"'), (("--target", "b"), "category")):
            with self.subTest(flags):
                self.assertIn(problem, self.complaint(USAGE, "table", "inspect", "a.csv", *flags))


class GroupTest(ProgramTest):
    def test_help(self):
        text = self.succeed("table", "--help").out
        self.assertRegex(text, r"(?m)^  inspect ")
        self.assertIn("Usage: unroll table COMMAND", text)

    def test_what_is_no_command(self):
        self.assertIn("a command of unroll table is missing: it must be inspect, train, predict or explain", self.complaint(USAGE, "table"))
        self.assertIn("'inspct' of unroll table", self.complaint(USAGE, "table", "inspct"))
        self.assertIn("see unroll table inspect --help", self.complaint(USAGE, "table", "inspect"))


class AmesTest(TableTest):
    def test_nothing_is_suspected_that_is_none(self):
        file = DATA / "ames" / "train.csv"
        if not file.exists():
            self.skipTest(f"{file} is not there: set UNROLL_DATA")
        result, columns, trouble = self.inspect(file, "--target", "SalePrice")
        self.assertEqual((result["rows"], len(columns), trouble), (1460, 81, {}))


if __name__ == "__main__":
    unittest.main()
