// One table is written in every form, delimiter and quoting. It must be read equally or be refused with a line.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <span>

#include "table/number_form.h"
#include "table/number_writings.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::HasSubstr;

std::string quoted(const std::string& cell) { return '"' + cell + '"'; }

/// A table with the columns id, value and word.
std::string csv_of(const std::vector<std::string>& cells, char delimiter, bool quote_all) {
  std::string csv = fmt::format("id{0}value{0}word\r\n", delimiter);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool quote = quote_all || cells[i].find(delimiter) != std::string::npos;
    csv += fmt::format("{0}{1}{2}{1}{3}\r\n", i + 1, delimiter, quote ? quoted(cells[i]) : cells[i], i % 3 ? "a" : "b");
  }
  return csv;
}

constexpr char delimiters[] = {',', ';', '\t'};

template <class Check>
void in_every_file(const NumberWriting& writing, std::span<const double> values, const Check& check) {
  std::vector<std::string> cells;
  for (const double value : values) cells.push_back(writing.write(value));
  for (const char delimiter : delimiters) {
    for (const bool quote_all : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, delimiter {}, quotes {}, first {}", writing.name, delimiter, quote_all, cells[0]));
      check(csv_of(cells, delimiter, quote_all));
    }
  }
}

TEST(NumberForms, NumbersAreReadAlikeInEveryForm) {
  for (const NumberWriting& writing : number_writings()) {
    in_every_file(writing, written_numbers, [&](const std::string& csv) {
      const Table table = Table::from_text(csv);
      const Column& column = table.column("value");
      ASSERT_EQ(column.kind(), ColumnKind::number);
      EXPECT_TRUE(column.unparsed().empty());
      EXPECT_FALSE(column.form().undecided);
      const double tolerance = writing.name == "comma, one digit" ? 0.0501 : 1e-9;
      for (std::size_t i = 0; i < std::size(written_numbers); ++i)
        EXPECT_NEAR(column.numbers()[i], written_numbers[i],
                    tolerance * std::max(1.0, tolerance < 1e-6 ? std::abs(written_numbers[i]) : 1.0));
    });
  }
}

/// The remembered form reads the same file again, and refuses or leaves out what is in another form.
TEST(NumberForms, AnotherFormIsNeverReadAsTheRememberedOne) {
  const std::vector<NumberWriting> writings = number_writings();
  for (const NumberWriting& learned : writings) {
    std::vector<std::string> cells;
    for (const double number : written_numbers) cells.push_back(learned.write(number));
    const std::string form = Table::from_text(csv_of(cells, ';', false)).column("value").form().name;
    const TableOptions remembered = {.as = {{"value", ColumnKind::number}},
                                     .forms = {{"value", form.empty() ? "plain" : form}}};
    for (const NumberWriting& other : writings) {
      if (other.name == "comma, one digit" || learned.name == "comma, one digit") continue;
      in_every_file(other, written_numbers, [&](const std::string& csv) {
        SCOPED_TRACE("learned " + learned.name);
        try {
          const Table table = Table::from_text(csv, remembered);
          for (std::size_t i = 0; i < std::size(written_numbers); ++i) {
            const double number = table.column("value").numbers()[i];
            EXPECT_TRUE(std::isnan(number) ||
                        std::abs(number - written_numbers[i]) <= 1e-9 * std::abs(written_numbers[i]))
                << number;
          }
          EXPECT_TRUE(&learned != &other || table.column("value").unparsed().empty());
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::bad_data);
          EXPECT_THAT(error.what(), HasSubstr(": line "));
          EXPECT_NE(&learned, &other) << error.what();
        }
      });
    }
  }
}

Column value_column(const std::vector<std::string>& cells, char delimiter, const TableOptions& options = {}) {
  return Table::from_text(csv_of(cells, delimiter, false), options).column("value");
}

TEST(NumberForms, GroupsOfThreeDigitsAreDecidedByTheDelimiterAndSaid) {
  const std::vector<std::string> cells = {"2,900", "4,300", "1,233"};
  EXPECT_EQ(value_column(cells, ';').numbers()[0], 2.9);
  EXPECT_TRUE(value_column(cells, ';').form().undecided);
  EXPECT_EQ(value_column(cells, '\t').numbers()[0], 2.9);
  EXPECT_EQ(value_column(cells, ',').numbers()[0], 2900);
  EXPECT_FALSE(value_column(cells, ',').form().undecided);
  EXPECT_EQ(value_column(cells, ';', {.decimal = DecimalMark::point}).numbers()[0], 2900);
  EXPECT_EQ(value_column(cells, ',', {.decimal = DecimalMark::comma}).numbers()[0], 2.9);
  EXPECT_EQ(
      value_column(cells, ';', {.as = {{"value", ColumnKind::number}}, .forms = {{"value", "point"}}}).numbers()[0],
      2900);
  EXPECT_EQ(value_column({"2.900", "4.300"}, ';').numbers()[0], 2.9);
  EXPECT_TRUE(value_column({"2.900", "4.300"}, ';').form().undecided);
  EXPECT_FALSE(value_column({"2.900", "4.300"}, ',').form().undecided);
}

TEST(NumberForms, AThousandIsNeverTakenForAUnit) {
  const auto read = [](const std::vector<std::string>& cells, char delimiter, const std::string& form) {
    return value_column(cells, delimiter, {.as = {{"value", ColumnKind::number}}, .forms = {{"value", form}}});
  };
  EXPECT_EQ(read({"2,650", "1,500"}, ',', "plain").numbers()[0], 2650);
  EXPECT_EQ(read({"2,650", "1,500.5"}, ';', "plain").numbers()[0], 2650);
  EXPECT_THROW(read({"2,650", "1,500"}, ';', "plain"), Error);
  EXPECT_THROW(read({"2,650", "1,5"}, ',', "plain"), Error);
  EXPECT_THROW(read({"1.234", "2.5"}, ';', "1.234,5"), Error);
  EXPECT_EQ(read({"1.234", "7"}, ';', "1234,5").unparsed().size(), 1U);  // no groups were seen in training
}

TEST(NumberForms, OneCellDecidesTheColumn) {
  EXPECT_EQ(value_column({"2,900", "4,300", "1,2"}, ',').numbers()[0], 2.9);
  EXPECT_EQ(value_column({"2,900", "4,300", "0,233"}, ',').numbers()[0], 2.9);
  EXPECT_EQ(value_column({"2,900", "4,300", "1.234,500"}, ',').numbers()[0], 2.9);
  EXPECT_EQ(value_column({"2,900", "4,300", "1,234.5"}, ';').numbers()[0], 2900);
  EXPECT_EQ(value_column({"2,900", "4,300", "1,234,567"}, ';').numbers()[0], 2900);
  const Column column = value_column({"2,900", "4,300", "1,2"}, ',');
  EXPECT_EQ(column.form().cell, "1,2");
  EXPECT_EQ(column.form().row, 2);
}

TEST(NumberForms, OtherColumnsDecideTheFile) {
  const Table german = Table::from_text("a;b;c\n1,5;2.900;3\n2,5;4.300;4\n");
  EXPECT_EQ(german.column("b").numbers()[0], 2900);
  EXPECT_TRUE(german.column("b").form().undecided);
  EXPECT_EQ(german.column("c").form().name, "1234,5");
  EXPECT_EQ(german.decimal_mark(), ',');
  EXPECT_EQ(Table::from_text("a\tb\n1.5\t2,900\n2.5\t4,300\n").column("b").numbers()[0], 2900);
  EXPECT_EQ(Table::from_text("a;b\n1.5;2,900\n2.5;4,300\n").column("b").numbers()[0], 2.9);
}

/// Cells that are missing, or in another form, do not hide that a column has decimal points.
TEST(NumberForms, OtherColumnsDecideTheFileWhateverElseTheyHold) {
  for (const char* cell : {"7.1", "NA", "798.1 €", "\u22128.5", "-", ""}) {
    const Table table = Table::from_text(fmt::format("a\tb\n798.1\t6,929\n{}\t9,633\n136.9\t2,714\n", cell));
    EXPECT_EQ(table.column("b").numbers()[0], 6929) << cell;
  }
  for (const char* cell : {"8,5", "-", "none"}) {
    const Table table = Table::from_text(fmt::format("n,w\n1.234,\"12,50\"\n2.500,\"{}\"\n3.100,\"7,25\"\n", cell));
    EXPECT_EQ(table.column("n").numbers()[0], 1234) << cell;
  }
}

TEST(NumberForms, TextsWithPointsDecideNothing) {
  for (const char* texts : {"2.0 TDI|1.4 TSI|1.6 TDI", "1.2|1.2.3|4.5"}) {
    const std::string all = texts;
    const std::size_t first = all.find('|'), second = all.find('|', first + 1);
    const Table table = Table::from_text(
        fmt::format("motor,used,km\n{},\"7,4\",40.706\n{},\"7,0\",57.718\n{},\"8,1\",9.998\n", all.substr(0, first),
                    all.substr(first + 1, second - first - 1), all.substr(second + 1)));
    EXPECT_EQ(table.column("km").numbers()[0], 40706) << texts;
  }
}

TEST(NumberForms, ExponentsFollowNoGroups) {
  for (const char delimiter : {',', ';', '\t'}) {
    const Table table = Table::from_text(fmt::format("a{0}b\n\"1,234E+05\"{0}x\n\"2,345E+04\"{0}y\n", delimiter));
    EXPECT_DOUBLE_EQ(table.column("a").numbers()[0], 123400) << delimiter;
  }
  const Table points = Table::from_text("a;b\n1,5;1.234E+05\n2,5;2.345E+04\n");
  EXPECT_DOUBLE_EQ(points.column("b").numbers()[0], 123400);
  const Table plain =
      Table::from_text("a,b\n\"1,234E+05\",1\n2.5,2\n", {.as = {{"a", ColumnKind::number}}, .forms = {{"a", "plain"}}});
  EXPECT_EQ(plain.column("a").unparsed().size(), 1u);
  EXPECT_EQ(Table::from_text("a,b\n\"1,234.5E+03\",x\n7.5,y\n").column("a").numbers()[0], 1234500);
  EXPECT_FALSE(points.column("b").form().undecided);
}

TEST(NumberForms, WhatIsNoNumberStaysWhatItIs) {
  const auto kind = [](std::vector<std::string> cells) { return value_column(cells, ',').kind(); };
  EXPECT_EQ(kind({"12 Oak St", "7 Elm St", "3 Main St"}), ColumnKind::category);
  EXPECT_EQ(kind({"1Fam", "1Fam", "1Fam", "2FmCon", "Duplex"}), ColumnKind::category);
  EXPECT_EQ(kind({"3A", "4B", "5C"}), ColumnKind::category);
  EXPECT_EQ(kind({"1-2", "3-4", "10:30"}), ColumnKind::category);
  EXPECT_EQ(kind({"1,2,3", "4,5,6", "1,2,3", "1,2,3", "1,2,3"}), ColumnKind::category);
  EXPECT_EQ(kind({"55 sqm", "70 sqft", "60 acres"}), ColumnKind::category);
  EXPECT_EQ(value_column({"1", "2", "3B", "4A"}, ',').unparsed().size(), 2U);
  EXPECT_EQ(value_column({"1", "2", "3B"}, ',').numbers()[2], 3e9);
  EXPECT_EQ(value_column({"1k", "2k", "3k"}, ',').numbers()[2], 3);
}

TEST(NumberForms, MayHaveAnyCurrencyBeforeThem) {
  for (const char* currency : {"zł ", "Kč ", "zł", "kr ", "CHF ", "Rs. ", "kr\u00a0", "CHF\u202f", "€ ", "R$ "}) {
    std::string csv = "a;b\n";
    for (const char* number : {"5", "7,25", "1.234,50"}) csv += std::string(currency) + number + ";x\n";
    const Table table = Table::from_text(csv);
    ASSERT_EQ(table.column("a").kind(), ColumnKind::number) << currency;
    EXPECT_THAT(table.column("a").numbers(), testing::ElementsAre(5, 7.25, 1234.5)) << currency;
  }
}

TEST(NumberForms, SimpleNumbersAreReadLikeAllOthers) {
  std::mt19937_64 random(1);
  const NumberForm forms[] = {{}, {.decimal = ',', .group = '.'}, {.currency = "€", .multiplied = true}};
  std::int64_t simple = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    for (auto left = random() % 18; left > 0; --left) text += "0123456789,."[random() % (left % 5 == 0 ? 12 : 10)];
    const auto cell = take_number_apart(text);
    for (const NumberForm& form : forms) {
      const auto expected = cell ? form.read(*cell) : std::nullopt;
      ASSERT_EQ(form.read(text), expected) << text << " as " << form.name();
    }
    simple += simple_number(text) ? 1 : 0;
  }
  EXPECT_GT(simple, 5'000);
  EXPECT_EQ(simple_number("1,2.3"), std::nullopt);
  EXPECT_TRUE(std::signbit(*NumberForm().read("-0")));
}

TEST(NumberForms, CleanNumbersHaveNoForm) {
  for (const std::vector<std::string>& cells :
       {std::vector<std::string>{"1.5", "2", "-3e5"}, {"$1,234", "$5"}, {"1,234.5", "17"}, {"1", "two", "3"}}) {
    EXPECT_EQ(value_column(cells, ',').form().name, "");
    EXPECT_EQ(value_column(cells, ',').form().row, -1);
  }
}

TEST(NumberForms, NamesOfNumberFormsReadBack) {
  const std::vector<std::string> names = {
      "1234.5",      "1234,5",   "1,234.5",      "1.234,5",        "1 234,5",         "1'234.5",      "12,34,567.5",
      "12.34.567,5", "€1,234.5", "1.234,5 €",    "USD 1234.5",     "Rs. 12,34,567.5", "1234.5 EUR",   "1234.5 sqm",
      "1 234,5 %",   "1234.5 k", "1234.5 [kMB]", "$1,234.5 [kMB]", "1234,5 [kMB] €",  "$1,234.5 /mo", "1.234,5 km/h"};
  for (const std::string& name : names) {
    const auto read = NumberForm::named(name);
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->name(), name);
  }
  for (const char* name : {"", "1234", "comma", "1,2345", "1.234.5", "x", "1234.5 [kMB] [kMB]"})
    EXPECT_FALSE(NumberForm::named(name)) << name;
}

}  // namespace
}  // namespace unroll
