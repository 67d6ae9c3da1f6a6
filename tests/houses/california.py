#!/usr/bin/env python3
"""Synthetic houses with the columns of Kaggle's california-house-prices, whose rows must not be redistributed.

california.py ROWS SEED > train.csv

Columns, their order, their types, shares of missing cells and ranges are those of the competition's train.csv, and so are
its data problems: bedrooms as words, comma lists, absurd years and sizes, lots in acres among square feet, ids in the order of
sale, and the price itself in a tenth of the summaries. The price follows from the other columns, up to noise.
"""

import csv
import datetime
import math
import random
import sys

ROWS_OF_THE_ORIGINAL = 47439

# Number of cells that are not missing, out of 47,439; other columns have no missing cells.
PRESENT = {
    "Summary": 47085, "Year built": 46394, "Heating": 40587, "Cooling": 26745, "Parking": 46065, "Lot": 33258,
    "Bedrooms": 44567, "Bathrooms": 43974, "Full bathrooms": 39574, "Total interior livable area": 44913,
    "Total spaces": 46523, "Garage spaces": 46522, "Region": 47437, "Elementary School": 42697,
    "Elementary School Score": 42543, "Elementary School Distance": 42697, "Middle School": 30735,
    "Middle School Score": 30734, "Middle School Distance": 30735, "High School": 42439, "High School Score": 42220,
    "High School Distance": 42438, "Flooring": 35870, "Heating features": 39746, "Cooling features": 25216,
    "Appliances included": 33846, "Laundry features": 32828, "Parking features": 42664, "Tax assessed value": 43787,
    "Annual tax amount": 43129, "Last Sold On": 29673, "Last Sold Price": 29673,
}

# If the second column is missing in a row, so is the first.
PARENTS = {f"{kind} School {what}": f"{kind} School" for kind in ("Elementary", "Middle", "High") for what in ("Score", "Distance")}
PARENTS["Last Sold Price"] = "Last Sold On"

COLUMNS = [
    "Id", "Address", "Sold Price", "Summary", "Type", "Year built", "Heating", "Cooling", "Parking", "Lot", "Bedrooms",
    "Bathrooms", "Full bathrooms", "Total interior livable area", "Total spaces", "Garage spaces", "Region",
    "Elementary School", "Elementary School Score", "Elementary School Distance", "Middle School", "Middle School Score",
    "Middle School Distance", "High School", "High School Score", "High School Distance", "Flooring", "Heating features",
    "Cooling features", "Appliances included", "Laundry features", "Parking features", "Tax assessed value",
    "Annual tax amount", "Listed On", "Listed Price", "Last Sold On", "Last Sold Price", "City", "Zip", "State",
]

LEAK_SHARE = 5413 / 47085  # share of the summaries that contain the price
WORDY_BEDROOMS_SHARE = 0.12
ACRES_SHARE = 0.05
SQUARE_FEET_PER_ACRE = 43560

TYPES = {"SingleFamily": 0.25, "Condo": -0.1, "Townhouse": 0.0, "MultiFamily": 0.15, "MobileManufactured": -0.9,
         "VacantLand": -0.4, "Unknown": 0.0}
TYPE_WEIGHTS = [60, 18, 9, 5, 3, 3, 2]
STREETS = "Oak Cedar Mission Sunset Valley Harbor Juniper Laurel Canyon Alder Sierra Orchard Poppy Willow".split()
ENDINGS = ["St", "Ave", "Dr", "Ln", "Ct", "Way", "Blvd"]
SYLLABLES = "San Los Santa Monte Palo Del Vista Rio Alta Mar Verde Oro Loma Costa Bella Sierra".split()
LISTS = {
    "Heating": ["Forced air", "Central", "Wall", "Gas", "Electric", "Fireplace(s)", "Heat pump", "Radiant", "Solar", "Baseboard"],
    "Cooling": ["Central Air", "Wall/Window Unit(s)", "Evaporative Cooling", "Ceiling Fan(s)", "Whole House Fan", "Dual"],
    "Parking": ["Garage", "Garage - Attached", "Driveway", "Covered", "Carport", "Off-street", "Garage Faces Front", "RV Access"],
    "Flooring": ["Wood", "Carpet", "Tile", "Laminate", "Vinyl", "Stone", "Concrete"],
    "Heating features": ["Forced Air", "Central", "Natural Gas", "Electric", "Fireplace(s)", "Wall Furnace", "Zoned"],
    "Cooling features": ["Central Air", "Ceiling Fan(s)", "None needed", "Zoned", "Window Unit(s)"],
    "Appliances included": ["Dishwasher", "Disposal", "Microwave", "Refrigerator", "Gas Range", "Double Oven", "Washer", "Dryer"],
    "Laundry features": ["In Garage", "Inside", "Laundry Room", "Gas Dryer Hookup", "Washer Hookup", "Upper Level"],
    "Parking features": ["Garage", "Garage Door Opener", "Driveway", "Attached", "On Street", "Covered", "Guest", "RV Potential"],
}
ROOMS = ["Walk-in Closet", "Ground Floor Bedroom", "Master Suite / Retreat", "More than One Bedroom on Ground Floor",
         "Primary Bedroom on Ground Floor", "Reverse Floor Plan"]
PHRASES = ["close to schools and parks", "with a remodeled kitchen and stone counters", "on a quiet, tree-lined street",
           "with views of the hills", "ready for its new owner", "with a \"bonus\" room above the garage",
           "minutes from shops, trails and the freeway", "with vaulted ceilings and plenty of light",
           "with a yard made for entertaining"]
MONTHS = ["January", "February", "March", "April", "May", "June"]


def money(amount):
    return f"{amount:.1f}"


class City:
    def __init__(self, rng, number):
        self.name = f"{SYLLABLES[number % 16]} {SYLLABLES[(number // 16 + 3 * number + 5) % 16]}" + (" Hills" if number > 127 else "")
        self.zips = sorted(rng.sample(range(90001, 96162), rng.randint(1, 8)))
        self.level = rng.gauss(13.3, 0.55)
        self.schools = {kind: [(f"{rng.choice(STREETS)} {rng.choice(SYLLABLES)} {kind} School", rng.randint(1, 10))
                               for _ in range(3)] for kind in ("Elementary", "Middle", "High")}


class Houses:
    """Iterates over the rows: dictionaries by column name, in which missing cells are None."""

    def __init__(self, rows, seed):
        self.rows = rows
        self.rng = random.Random(f"california {seed}")
        self.cities = [City(self.rng, i) for i in range(max(8, min(250, rows // 20)))]
        self.weights = [self.rng.paretovariate(1.2) for _ in self.cities]

    def __iter__(self):
        for i in range(self.rows):
            row = self.house(i)
            for column, present in PRESENT.items():
                parent = PARENTS.get(column)
                share = present / PRESENT[parent] if parent else present / ROWS_OF_THE_ORIGINAL
                if self.rng.random() >= share or (parent and row[parent] is None):
                    row[column] = None
            yield row

    def house(self, i):
        rng = self.rng
        city = rng.choices(self.cities, self.weights)[0]
        kind = rng.choices(list(TYPES), TYPE_WEIGHTS)[0]
        area = math.exp(rng.gauss(7.4, 0.42))
        bedrooms = max(1, min(9, round(area / 560 + rng.gauss(0, 0.7))))
        bathrooms = max(1, min(24, round(area / 850 + rng.gauss(0.4, 0.5))))
        year = min(2020, max(1870, round(rng.gauss(1974, 24))))
        lot = math.exp(rng.gauss(8.9, 0.75))
        garage = max(0, round(rng.gauss(1.5, 0.9)))
        schools = {name: rng.choice(choices) for name, choices in city.schools.items()}
        log_price = (city.level + TYPES[kind] + 0.75 * (math.log(area) - 7.4) + 0.08 * (math.log(lot) - 8.9) + 0.05 * bathrooms
                     + 0.002 * (year - 1974) + 0.04 * garage + 0.03 * (sum(s for _, s in schools.values()) / 3 - 5.5))
        fair = math.exp(log_price)
        listed = 1000 * round(fair * math.exp(rng.gauss(0, 0.08)) / 1000) or 1000
        price = 500 * round(listed * math.exp(rng.gauss(0, 0.06)) / 500) or 500
        sold_on = datetime.date(2020, 1, 1) + datetime.timedelta(days=181 * i // max(self.rows, 1))
        row = {
            "Id": str(i), "Address": f"{rng.randint(1, 9999)} {rng.choice(STREETS)} {rng.choice(ENDINGS)}",
            "Sold Price": money(price), "Summary": self.summary(kind, bedrooms, city, price, sold_on), "Type": kind,
            "Year built": money(year), "Lot": money(lot), "Bedrooms": self.bedrooms(bedrooms), "Bathrooms": money(bathrooms),
            "Full bathrooms": money(max(1, bathrooms - rng.randint(0, 1))), "Total interior livable area": money(round(area)),
            "Total spaces": money(garage + max(0, round(rng.gauss(0.5, 1)))), "Garage spaces": money(garage),
            "Region": f"{city.name} {rng.choice(['North', 'South', 'Central'])}",
            "Tax assessed value": money(round(fair * math.exp(rng.gauss(-0.35, 0.35)))),
            "Listed On": str(sold_on - datetime.timedelta(days=round(rng.gammavariate(2, 18)))), "Listed Price": money(listed),
            "Last Sold On": str(datetime.date(2019, 12, 31) - datetime.timedelta(days=rng.randint(200, 9000))),
            "Last Sold Price": money(1000 * round(fair * math.exp(rng.gauss(-0.6, 0.45)) / 1000)),
            "City": city.name, "Zip": str(rng.choice(city.zips)), "State": "CA" if rng.random() < 0.999 else "AZ",
        }
        row["Annual tax amount"] = money(round(0.0117 * float(row["Tax assessed value"])))
        for column, tokens in LISTS.items():
            row[column] = ", ".join(rng.sample(tokens, min(len(tokens), 1 + int(rng.expovariate(0.7)))))
        for name, (school, score) in schools.items():
            row[f"{name} School"], row[f"{name} School Score"] = school, money(score)
            row[f"{name} School Distance"] = f"{rng.uniform(0.1, 9):.1f}"
        self.spoil(i, row, lot)
        return row

    def spoil(self, i, row, lot):
        """Adds the data problems; rare ones are in fixed rows, so that even a short table has them."""
        if self.rng.random() < ACRES_SHARE:
            row["Lot"] = f"{lot / SQUARE_FEET_PER_ACRE:.4f}"
        absurd = {11: ("Year built", 0), 111: ("Year built", 9999), 211: ("Year built", 1471), 311: ("Year built", 2281),
                  411: ("Year built", 19), 61: ("Lot", 1.897e9), 161: ("Total interior livable area", 1.76e8),
                  261: ("Bathrooms", 24), 361: ("Total spaces", 1000), 461: ("Total spaces", -13), 462: ("Garage spaces", 1000)}
        if i in absurd:
            column, value = absurd[i]
            row[column] = money(value)
        if i == 561:
            row["Sold Price"], row["Listed Price"] = money(9e7), money(4.59e7)

    def bedrooms(self, count):
        if self.rng.random() >= WORDY_BEDROOMS_SHARE:
            return str(count)
        return ", ".join(self.rng.sample(ROOMS, min(len(ROOMS), max(1, count - 1))))

    def summary(self, kind, bedrooms, city, price, sold_on):
        rng = self.rng
        sentences = [f"A {kind} with {bedrooms} bedrooms in {city.name}, {rng.choice(PHRASES)}."]
        sentences += [f"It comes {p}, built around {rng.randint(100, 99999)} memories." for p in rng.sample(PHRASES, rng.randint(2, 5))]
        if rng.random() < 0.2:
            sentences.append(f"HOA is ${rng.randint(80, 900)} a month;\nask for lot {rng.randint(1, 400)}.")
        if rng.random() < LEAK_SHARE:
            sentences.append(f"It was last sold for ${price:,} in {MONTHS[sold_on.month - 1]} 2020.")
        return " ".join(sentences)


def write(stream, rows, seed, columns=None, names=None):
    """Writes the rows as CSV; `columns` sets the order of the columns, `names` renames them."""
    columns = columns or COLUMNS
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([(names or {}).get(column, column) for column in columns])
    for row in Houses(rows, seed):
        writer.writerow([row[column] for column in columns])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: california.py ROWS SEED")
    write(sys.stdout, int(sys.argv[1]), int(sys.argv[2]))
