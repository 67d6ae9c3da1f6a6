"""Generated tables in the shapes of two that data portals offer: hourly air quality, and bicycles rented by the hour."""

import datetime
import json
import math
import random
import unittest

from support import BAD_DATA, ProgramTest

HOUR = datetime.timedelta(hours=1)


def wave(hour, shift):
    return math.sin((hour - shift) / 24 * 2 * math.pi)


def air_quality(hours):
    """Semicolons, decimal commas, days first, times with points, two empty columns, blank rows, -200 for missing."""
    random.seed(7)
    lines = ["Date;Time;CO(GT);NMHC(GT);C6H6(GT);T;AH;;"]
    time = datetime.datetime(2004, 3, 10, 18)
    for i in range(hours):
        traffic = 2.5 + wave(time.hour, 8) + (0.8 if time.weekday() < 5 else 0) + random.gauss(0, 0.2)
        values = [round(traffic, 1), round(100 + 50 * traffic), round(4 * traffic + random.gauss(0, 0.3), 1),
                  round(15 + 8 * wave(time.hour, 9) + random.gauss(0, 1), 1), round(0.7 + random.gauss(0, 0.05), 4)]
        if i % 37 < 3:
            values[0] = -200
        if i > 400:
            values[1] = -200
        if i % 101 == 5:
            values[3] = values[4] = -200
        cells = [f"{time:%d/%m/%Y}", f"{time:%H.%M.%S}", *(str(value).replace(".", ",") for value in values)]
        lines.append(";".join(cells) + ";;")
        time += HOUR
    return "\r\n".join(lines + [";" * 8] * 20) + "\r\n"


def bicycles(hours):
    """Days first, a header with degree signs; more bicycles by day and on workdays, none on days that are not for rent."""
    random.seed(3)
    lines = ["Date,Rented Bike Count,Hour,Temperature(°C),Rainfall(mm),Seasons,Functioning Day"]
    time = datetime.datetime(2017, 12, 1)
    for _ in range(hours):
        rents = time.day != 17
        degrees = round(5 + 6 * wave(time.hour, 9) + random.gauss(0, 1), 1)
        rain = 0 if random.random() < 0.9 else round(random.random() * 5, 1)
        mean = 300 + 150 * wave(time.hour, 9) + (200 if time.weekday() < 5 else 0) + 8 * degrees - 30 * rain
        count = max(0, round(mean + random.gauss(0, 15))) if rents else 0
        lines.append(f"{time:%d/%m/%Y},{count},{time.hour},{degrees},{rain},Winter,{'Yes' if rents else 'No'}")
        time += HOUR
    return "\n".join(lines) + "\n"


class PortalTablesTest(ProgramTest):
    def rmse(self, *arguments):
        result = self.succeed("table", "train", *arguments, "--metric", "rmse", "--folds", "3", "--out", "run", "--overwrite", "--json")
        return json.loads(result.out)["validation"]

    def test_air_quality(self):
        self.write("air.csv", air_quality(1000))
        inspected = json.loads(self.succeed("table", "inspect", "air.csv", "--json").out)
        self.assertEqual(inspected["rows"], 1000)
        columns = {column["name"]: column for column in inspected["columns"]}
        self.assertEqual({name: column["kind"] for name, column in columns.items()},
                         {"Date": "date", "Time": "category", "CO(GT)": "number", "NMHC(GT)": "number", "C6H6(GT)": "number",
                          "T": "number", "AH": "number"})
        self.assertEqual((columns["Date"]["form"], columns["Date"]["minimum"]), ("dmy", "2004-03-10"))
        self.assertTrue(0.5 < columns["AH"]["median"] < 0.9, columns["AH"])
        said = self.succeed("table", "inspect", "air.csv").out
        self.assertIn("20 blank rows, first in line 1002: skipped", said)
        for name in ("CO(GT)", "NMHC(GT)", "T", "AH"):
            self.assertIn(f'--missing-value "{name}=-200" takes it so', said)
        self.assertNotIn('--missing-value "C6H6(GT)', said)
        marked = self.succeed("table", "inspect", "air.csv", "--missing-value", "-200").out
        self.assertNotIn("does it mark missing values", marked)
        task = ["air.csv", "--target", "C6H6(GT)", "--model", "linear"]
        self.assertLess(self.rmse(*task, "--missing-value", "-200"), self.rmse(*task))

    def test_bicycles(self):
        self.write("seoul.csv", bicycles(1920).encode("windows-1252"))
        refused = self.complaint(BAD_DATA, "table", "inspect", "seoul.csv")
        self.assertIn("probably windows-1252: read it with --encoding windows-1252", refused)
        named = ["seoul.csv", "--encoding", "windows-1252"]
        columns = json.loads(self.succeed("table", "inspect", *named, "--json").out)["columns"]
        self.assertEqual([column["name"] for column in columns][:4], ["Date", "Rented Bike Count", "Hour", "Temperature(°C)"])
        self.assertEqual(columns[0]["form"], "dmy")
        task = [*named, "--target", "Rented Bike Count", "--model", "linear"]
        self.assertLess(self.rmse(*task), 0.8 * self.rmse(*task, "--drop", "Date"), "the weekday is part of the date")


if __name__ == "__main__":
    unittest.main()
