"""Forms of numbers and dates: what is taken for what is shown, remembered by the model, and never read otherwise."""

import json
import unittest

from support import BAD_DATA, USAGE, ProgramTest


def table(rows, delimiter=",", mark=".", target=True):
    """Areas and prices of houses; the areas have a fraction."""
    lines = [delimiter.join(["Id", "area"] + (["price"] if target else []))]
    for i in range(rows):
        area = 50.5 + 37 * i % 100
        cells = [str(i + 1), str(area).replace(".", mark)] + ([str(int(1000 * area))] if target else [])
        lines.append(delimiter.join(cells))
    return "\n".join(lines) + "\n"


class FormsTest(ProgramTest):
    def train(self, name, *arguments):
        result = self.succeed("table", "train", name, "--target", "price", "--id", "Id", "--model", "linear", "--out", "run",
                              "--overwrite", *arguments)
        return result

    def test_a_decimal_comma_is_as_good_as_a_point(self):
        self.write("point.csv", table(60))
        self.write("comma.csv", table(60, ";", ","))
        points, commas = [json.loads(self.train(name, "--json").out) for name in ("point.csv", "comma.csv")]
        self.assertEqual(points["validation"], commas["validation"])
        self.assertIn('column "area": numbers as in "1234,5", as "50,5" in line 2 shows', self.train("comma.csv").err)

    def test_predictions_have_the_marks_of_the_input(self):
        self.write("train.csv", table(60))
        self.write("test.csv", table(5, ";", ",", target=False))
        self.train("train.csv")
        line = self.complaint(BAD_DATA, "table", "predict", "run", "test.csv")
        self.assertIn('line 2: "50,5" in column "area" is no number', line)
        by_flag = self.succeed("table", "predict", "run", "test.csv", "--decimal", "comma").out
        self.assertEqual(by_flag, self.succeed("table", "predict", "run", "test.csv", "--as", "area=number").out)
        self.write("test.csv", table(5, target=False))
        points = self.succeed("table", "predict", "run", "test.csv").out
        self.assertEqual(by_flag, points.replace(",", ";").replace(".", ","))
        self.train("train.csv", "--as", "area=number:point")
        self.assertEqual(points, self.succeed("table", "predict", "run", "test.csv").out)

    def test_a_model_of_commas_reads_commas_only(self):
        self.write("train.csv", table(60, ";", ","))
        self.write("comma.csv", table(5, ";", ",", target=False))
        self.write("point.csv", table(5, ";", ".", target=False))
        self.train("train.csv")
        self.assertIn("Id;price\n1;5", self.succeed("table", "predict", "run", "comma.csv").out)
        self.assertIn('"50.5" in column "area"', self.complaint(BAD_DATA, "table", "predict", "run", "point.csv"))

    def test_thousands_are_never_taken_for_units(self):
        self.write("train.csv", table(60))
        self.train("train.csv")
        self.write("test.csv", "Id;area\n1;2,650\n2;1,500\n")
        self.assertIn("--decimal", self.complaint(BAD_DATA, "table", "predict", "run", "test.csv"))
        self.succeed("table", "predict", "run", "test.csv", "--decimal", "point")

    def test_what_the_file_itself_says_otherwise_is_said(self):
        self.write("train.csv", table(60))
        self.train("train.csv")
        self.write("test.csv", "Id;area;extra\n1;1.459;1,5\n2;2.300;2,5\n")
        note = ('column "area": numbers as in "1,234.5", but no cell decides: "1.459" in line 2 may also have a decimal '
                'comma; --as "area=number:comma" reads that\n')
        self.assertEqual(self.succeed("table", "predict", "run", "test.csv").err, note)
        self.assertNotIn("no cell decides", self.succeed("table", "predict", "run", "test.csv", "--decimal", "comma").err)

    def test_the_model_remembers_whether_a_mark_was_seen(self):
        self.write("whole.csv", "Id;area;price\n" + "".join(f"{i};{20 + i};{1000 * i}\n" for i in range(1, 41)))
        self.write("test.csv", "Id;area\n1;1.459\n2;2.300\n")
        self.train("whole.csv")
        self.assertIn("no cell decides", self.succeed("table", "predict", "run", "test.csv").err)
        self.write("explained.csv", "Id;area;price\n1;1.459;3\n2;2.300;4\n")
        self.assertIn("no cell decides", self.succeed("table", "explain", "run", "explained.csv").err)
        self.write("points.csv", "Id;area;price\n" + "".join(f"{i};{20 + i / 2};{1000 * i}\n" for i in range(1, 41)))
        self.train("points.csv")
        self.assertEqual(self.succeed("table", "predict", "run", "test.csv").err, "")

    def test_what_is_not_read_is_counted_once(self):
        self.write("train.csv", table(60))
        self.train("train.csv")
        self.write("test.csv", "Id,area\n1,50.5\n2,x\n3,y\n")
        err = self.succeed("table", "predict", "run", "test.csv").err
        self.assertEqual(err, 'column "area": 2 of 3 cells are no numbers, such as "x" in line 3; the model takes them as missing\n')

    def test_inspect_shows_forms(self):
        self.write("a.csv", 'when,price,gas\n1/2/2020,"€1,250",1\n3/4/2020,"€2,500",2\n')
        out = self.succeed("table", "inspect", "a.csv").out
        self.assertIn('column "price": numbers as in "€1,234.5", as "€1,250" in line 2 shows', out)
        self.assertIn('no cell decides: "1/2/2020" in line 2 may also be day, month, year; --as "when=date:dmy" reads that', out)
        result = json.loads(self.succeed("table", "inspect", "a.csv", "--as", "when=date:dmy", "--json").out)
        columns = {column["name"]: column for column in result["columns"]}
        self.assertEqual([columns["when"]["form"], columns["when"]["maximum"]], ["dmy", "2020-04-03"])
        self.assertNotIn("form", columns["gas"])

    def test_dates_in_another_order_are_refused(self):
        rows = [f"{i % 28 + 1}/{i % 12 + 1}/2020,{i % 28}" for i in range(60)]
        self.write("train.csv", "when,price\n" + "\n".join(rows) + "\n")
        self.succeed("table", "train", "train.csv", "--target", "price", "--metric", "rmse", "--model", "linear", "--out", "run")
        self.write("test.csv", "when\n1/20/2020\n2/3/2020\n")
        line = self.complaint(BAD_DATA, "table", "predict", "run", "test.csv")
        self.assertIn('line 2: "1/20/2020" in column "when" is mdy', line)
        self.succeed("table", "predict", "run", "test.csv", "--as", "when=date:mdy")

    def test_a_form_given_for_a_column_wins_over_the_mark_of_all(self):
        self.write("a.csv", 'a;b;c\n1.234,5;1,234.5;1,5\n2.345,5;2,345.5;2,5\n')
        flags = ["--decimal", "comma", "--as", "b=number:1,234.5"]
        columns = json.loads(self.succeed("table", "inspect", "a.csv", *flags, "--json").out)["columns"]
        self.assertEqual([column["maximum"] for column in columns], [2345.5, 2345.5, 2.5])
        self.write("train.csv", table(60))
        self.write("test.csv", table(5, target=False))
        self.train("train.csv")
        expected = self.succeed("table", "predict", "run", "test.csv").out
        for form in "point", "1,234.5":
            flags = ["--decimal", "comma", "--as", f"area=number:{form}"]
            self.assertEqual(self.succeed("table", "predict", "run", "test.csv", *flags).out, expected)

    def test_forms_that_are_none(self):
        self.write("a.csv", "a\n1\n")
        for form in ("a=number:x", "a=date:xyz", "a=category:comma", "a=number:"):
            self.complaint(USAGE, "table", "inspect", "a.csv", "--as", form)


if __name__ == "__main__":
    unittest.main()
