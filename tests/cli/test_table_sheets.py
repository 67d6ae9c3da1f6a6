"""The commands of tables on Excel workbooks: what they make of a sheet is what they make of the same table in CSV."""

import datetime
import gzip
import json
import os
import unittest
from pathlib import Path

from archives import archive
from support import BAD_DATA, SOURCE, USAGE, ProgramTest
from workbooks import workbook

HEADER = ["Id", "area", "sold", "type", "price"]
ROWS = [[i, 50 + i / 8, datetime.date(2020, 1, 1) + datetime.timedelta(days=13 * i), ["flat", "house, old"][i % 2],
         1000 * (50 + i / 8)] for i in range(40)]
CASES = Path(os.environ.get("UNROLL_DATA", SOURCE / ".." / "shared" / "data")) / ".." / "cases"


def csv(rows, delimiter=",", mark="."):
    def text(value):
        return f'"{value}"' if isinstance(value, str) else str(value).replace(".", mark)
    return "".join(delimiter.join(map(text, row)) + "\n" for row in [HEADER, *rows])


class SheetsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("a.csv", csv(ROWS))
        self.write("a.xlsx", workbook({"Sold": [[], [None, *HEADER], *[[None, *row] for row in ROWS]], "Other": [["x"], [1]]}))

    def train(self, file, out):
        return self.succeed("table", "train", file, "--target", "price", "--id", "Id", "--model", "linear", "--out", out)

    def test_a_sheet_is_as_good_as_csv(self):
        expected = json.loads(self.succeed("table", "inspect", "a.csv", "--json").out)
        result = json.loads(self.succeed("table", "inspect", "a.xlsx", "--json").out)
        self.assertEqual((result["rows"], result["columns"]), (expected["rows"], expected["columns"]))
        self.assertEqual(["Sold" in note and "1 of 2" in note for note in result["notes"]], [True])
        other = json.loads(self.succeed("table", "inspect", "a.xlsx:Other", "--json").out)
        self.assertEqual([column["name"] for column in other["columns"]], ["x"])

    def test_of_a_packed_workbook_the_first_sheet_is_read(self):
        data = (self.folder / "a.xlsx").read_bytes()
        self.write("a.xlsx.gz", gzip.compress(data))
        self.write("a.zip", archive({"a.xlsx": data}))
        for file in "a.xlsx.gz", "a.zip", "a.zip:a.xlsx":
            note, = json.loads(self.succeed("table", "inspect", file, "--json").out)["notes"]
            self.assertIn('sheet "Sold", 1 of 2', note)
            self.assertIn("unpack the workbook and name it", note)
        for source in "a.xlsx.gz:Other", "a.zip:Other", "a.zip:a.xlsx:Other":
            line = self.complaint(BAD_DATA, "table", "inspect", source)
            self.assertIn("unpack", line)
            self.assertIn("sheet of a workbook", line)

    def test_training_prediction_and_explanation(self):
        self.assertIn('sheet "Sold", 1 of 2', self.train("a.xlsx", "sheet").err)
        self.train("a.csv", "csv")
        self.assertEqual(*[(self.folder / run / "model.safetensors").read_bytes() for run in ("sheet", "csv")])
        expected = self.succeed("table", "predict", "csv", "a.csv").out
        result = self.succeed("table", "predict", "csv", "a.xlsx")
        self.assertEqual(result.out, expected)
        self.assertIn('sheet "Sold", 1 of 2', result.err)
        explained = [self.succeed("table", "explain", "csv", file).out for file in ("a.csv", "a.xlsx")]
        self.assertEqual(*explained)
        self.assertIn("replace", self.complaint(USAGE, "table", "predict", "csv", "a.xlsx:Sold", "-o", "a.xlsx"))

    def test_a_model_of_decimal_commas_reads_the_numbers_of_a_sheet(self):
        self.write("comma.csv", csv(ROWS, ";", ","))
        self.train("comma.csv", "commas")
        of_commas = self.succeed("table", "predict", "commas", "comma.csv").out
        of_sheet = self.succeed("table", "predict", "commas", "a.xlsx").out
        self.assertEqual(of_sheet, of_commas.replace(",", ".").replace(";", ","))

    def test_advice_is_for_workbooks(self):
        self.write("b.xlsx", workbook({"A": [["x;y"], ["a;1"], ["b;2"], ["c;3"]]}))
        text = json.loads(self.succeed("table", "inspect", "b.xlsx", "--json").out)["trouble"][0]["text"]
        self.assertIn("does it separate columns? the program of the workbook divides it (text to columns)", text)
        self.assertNotIn("sep=", text)

    def test_what_is_no_table(self):
        self.assertIn('no sheet "None"; it has "Sold", "Other"', self.complaint(BAD_DATA, "table", "inspect", "a.xlsx:None"))
        self.assertIn("xlsx", self.complaint(BAD_DATA, "train", "a.xlsx"))

    def test_the_workbook_of_the_cases(self):
        case = CASES / "small.xlsx"
        if not case.exists():
            self.skipTest(f"{case} is missing")
        self.assertIn("no sheet with cells", self.complaint(BAD_DATA, "table", "inspect", case))


if __name__ == "__main__":
    unittest.main()
