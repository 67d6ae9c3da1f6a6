"""Shapes of tables as people have them: what is skipped, filled or left out is counted and said."""

import json
import unittest

from support import BAD_DATA, ProgramTest

ROWS = [(50 + i, i % 3, 1000 * (50 + i)) for i in range(40)]


def table(separator=",", end="", header=True):
    lines = ["area,rooms,price"] if header else []
    lines += [",".join(map(str, row)) for row in ROWS]
    return "".join(line.replace(",", separator) + end + "\n" for line in lines)


class ShapesTest(ProgramTest):
    def inspect(self, *arguments):
        return json.loads(self.succeed("table", "inspect", *arguments, "--json").out)

    def test_one_table_in_every_shape(self):
        plain = table()
        lines = plain.splitlines(keepends=True)
        shapes = {
            "index": ("," + "".join(lines[0]) + "".join(f"{i},{line}" for i, line in enumerate(lines[1:])), "column 1 has no name"),
            "delimiters at the ends": (table(";", ";;"), "41 lines, first in line 1"),
            "delimiters at the ends of rows": (lines[0] + table(header=False, end=","), "40 lines, first in line 2"),
            "blank rows": (plain + ",,\n,,\n", "2 blank rows, first in line 42"),
            "sep": ("sep=;\n" + table(";"), "sep=;"),
            "pipes": (table("|"), None),
            "tabs": (table("\t"), None),
            "comments": ("# houses, sold\n#\n" + plain, "2 comments, first in line 1"),
            "repeated header": (plain + lines[0] + lines[0], "2 repeated headers, first in line 42"),
            "units": (lines[0] + "m2,-,€\n" + "".join(lines[1:]), "line 2 has words above the numbers"),
            "carriage returns": (plain.replace("\n", "\r"), None),
            "mark": ("\ufeff" + plain, None),
        }
        self.write("plain.csv", plain)
        expected = self.inspect("plain.csv")
        self.assertNotIn("notes", expected)
        for name, (text, note) in shapes.items():
            with self.subTest(name):
                self.write("shape.csv", text)
                result = self.inspect("shape.csv")
                self.assertEqual((result["rows"], result["columns"]), (expected["rows"], expected["columns"]))
                self.assertEqual([note in line for line in result.get("notes", [])], [True] if note else [])

    def test_quotes_within_cells(self):
        self.write("a.csv", 'name,area\nThe "0" house,1\nThe "1" house,2\n')
        result = self.inspect("a.csv")
        self.assertEqual(result["columns"][0]["frequent"][0]["value"], 'The "0" house')
        self.assertIn("2 quotes, first in line 2", result["notes"][0])

    def test_short_rows(self):
        self.write("a.csv", table() + "90\n91,1\n")
        self.assertIn("--ragged fill", self.complaint(BAD_DATA, "table", "inspect", "a.csv"))
        result = self.inspect("a.csv", "--ragged", "fill")
        self.assertEqual([column["missing"] for column in result["columns"]], [0, 1, 2])
        self.assertIn("2 short rows, first in line 42", result["notes"][0])

    def test_marks_for_missing_values(self):
        rows = ["area,rooms,price\n"] + [f"{-200 if i % 8 == 3 else area},{rooms},{price}\n" for i, (area, rooms, price) in enumerate(ROWS)]
        self.write("a.csv", "".join(rows))
        self.write("empty.csv", "".join(rows).replace("-200", ""))
        text = self.inspect("a.csv")["trouble"][0]["text"]
        self.assertIn('-200 in 5 rows, first in line 5', text)
        flag = text[text.index("--missing-value"):].replace('"', "").split()[:2]
        marked, empty = self.inspect("a.csv", *flag), self.inspect("empty.csv")
        self.assertEqual((marked["columns"], marked["trouble"]), (empty["columns"], []))
        self.assertEqual(marked["notes"], ["5 cells, first in line 5: missing, by --missing-value"])
        train = ["--target", "price", "--model", "linear"]
        for arguments in (["a.csv", *flag, "--missing-value", "price=-1", "--out", "a"], ["empty.csv", "--out", "empty"]):
            self.succeed("table", "train", *arguments, *train)
        result = self.succeed("table", "predict", "a", "a.csv")
        self.assertEqual(result.out, self.succeed("table", "predict", "empty", "empty.csv").out)
        self.assertIn("5 cells, first in line 5: missing", result.err)
        more = self.succeed("table", "predict", "a", "a.csv", "--missing-value", f"area={ROWS[0][0]}").out.splitlines()
        self.assertNotEqual(more[1], result.out.splitlines()[1])
        self.assertEqual(more[4], result.out.splitlines()[4], "-200 is still a missing value")

    def test_rows_without_a_target(self):
        lines = table().splitlines(keepends=True)
        self.write("plain.csv", "".join(lines))
        self.write("a.csv", "".join(lines[:5]) + "99,1,\n98,2,NA\n" + "".join(lines[5:]))
        train = ["--target", "price", "--model", "linear", "--overwrite"]
        result = self.succeed("table", "train", "a.csv", *train, "--out", "a")
        self.assertIn('2 rows without a value in column "price", first in line 6: left out', result.err)
        self.succeed("table", "train", "plain.csv", *train, "--out", "plain")
        self.assertEqual(*[(self.folder / run / "model.safetensors").read_bytes() for run in ("a", "plain")])
        line = self.complaint(BAD_DATA, "table", "train", "a.csv", *train, "--missing-target", "refuse")
        self.assertIn("line 6: ", line)
        self.write("b.csv", "x,price\n1,\n2,\n")
        self.assertIn("no row has a value", self.complaint(BAD_DATA, "table", "train", "b.csv", *train))

    def test_rows_whose_target_is_a_missing_value(self):
        rows = [f"{area};{rooms};{price},5" for area, rooms, price in ROWS]
        marked = ["99;1;-200,0", "98;2;-200", "97;1; -2e2"]
        self.write("plain.csv", "\n".join(["area;rooms;price", *rows]) + "\n")
        self.write("a.csv", "\n".join(["area;rooms;price", *marked, *rows]) + "\n")
        train = ["--target", "price", "--model", "linear", "--missing-value", "price=-200"]
        result = self.succeed("table", "train", "a.csv", *train, "--out", "a")
        self.assertIn('3 rows without a value in column "price", first in line 2: left out, and not numbered\n', result.err)
        plain = self.succeed("table", "train", "plain.csv", *train, "--out", "plain")
        self.assertEqual(*[(self.folder / run / "oof.csv").read_bytes() for run in ("a", "plain")])
        self.assertIn('--missing-value "price=-200": no cell has this value\n', plain.err)
        self.assertEqual([note for note in self.inspect("plain.csv", "--missing-value", "-200")["notes"] if "-200" in note],
                         ['--missing-value "-200": no cell has this value'])
        self.assertNotIn("no cell has this value", self.succeed("table", "predict", "a", "plain.csv").err)
        line = self.complaint_underway(BAD_DATA, "table", "train", "a.csv", *train, "--missing-target", "refuse", "--overwrite")
        self.assertIn('line 2: the target "price" is missing', line)

    def test_a_model_remembers_that_there_was_a_line_of_units(self):
        header, *rows = table().splitlines(keepends=True)
        self.write("a.csv", header + "m2,-,EUR\n" + "".join(rows))
        self.write("plain.csv", header + "".join(rows))
        for file in "a", "plain":
            self.succeed("table", "train", f"{file}.csv", "--target", "price", "--model", "linear", "--out", file)
        expected = self.succeed("table", "predict", "a", "plain.csv").out.splitlines()
        for count in 1, 2, 3:
            few = "".join(row.rpartition(",")[0] + "\n" for row in rows[:count])
            self.write("few.csv", "area,rooms\nm2,-\n" + few)
            result = self.succeed("table", "predict", "a", "few.csv")
            self.assertEqual(result.out.splitlines(), expected[:count + 1])
            self.assertIn('line 2 has words above the numbers, such as "m2" in column "area": left out as units', result.err)
            result = self.succeed("table", "predict", "plain", "few.csv")
            if count == 1:
                self.assertEqual(len(result.out.splitlines()), count + 2, "one row alone does not show it")
            self.write("few.csv", "area,rooms\n" + "unknown,2\n" + few)
            self.assertEqual(len(self.succeed("table", "predict", "a", "few.csv").out.splitlines()), count + 2)
        self.write("few.csv", "area,rooms\nunknown,-\n")
        self.assertIn('"unknown" in column "area" is no number', self.complaint(BAD_DATA, "table", "predict", "a", "few.csv"))

    def test_predictions_skip_what_training_skips(self):
        self.write("a.csv", table())
        self.succeed("table", "train", "a.csv", "--target", "price", "--model", "linear", "--out", "run")
        plain = self.succeed("table", "predict", "run", "a.csv").out
        self.write("b.csv", "# test\n" + table(",", ",") + ",,,\n")
        result = self.succeed("table", "predict", "run", "b.csv")
        self.assertEqual(result.out, plain)
        self.assertIn("1 blank row", result.err)


if __name__ == "__main__":
    unittest.main()
