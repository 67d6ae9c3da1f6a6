// What a file is read as with the forms that a model remembers.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "io/error_of.h"
#include "table/column_form.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The kinds and forms of a table as a model of it gives them.
TableOptions remembered_from(const Table& table) {
  TableOptions options;
  for (const Column& column : table.columns()) {
    options.as[column.name()] = column.kind();
    const bool has_form = column.kind() == ColumnKind::number || column.kind() == ColumnKind::date;
    if (has_form) options.forms[column.name()] = column.form().name.empty() ? "plain" : column.form().name;
    const bool unseen = column.kind() == ColumnKind::number && !column.form().shows_mark;
    if (unseen) options.unseen_marks.insert(column.name());
  }
  options.unit_line = table.unit_line();
  return options;
}

std::string all_notes(const Table& table) {
  std::string text;
  for (const std::string& note : reading_notes(table)) text += note + '\n';
  return text;
}

/// Numbers in forms that one column decides, that another column decides, and that nothing decides.
class RandomTable {
 public:
  explicit RandomTable(unsigned seed) : random_(seed) {}

  std::string csv() {
    const char delimiter = ",;\t|"[below(4)];
    const std::size_t columns = 1 + below(3), rows = 1 + below(5);
    std::vector<Writing> writings(columns);
    for (Writing& writing : writings) writing = any_writing();
    std::string text = "word";
    for (std::size_t i = 0; i < columns; ++i) text += fmt::format("{}n{}", delimiter, i);
    for (std::size_t row = 0; row < rows; ++row) {
      text += fmt::format("\n{}", below(2) == 0 ? "red" : "blue");
      for (const Writing& writing : writings) {
        const std::string cell = below(12) == 0 ? "" : number(writing);
        const bool quote = cell.find(delimiter) != std::string::npos;
        text += fmt::format("{0}{1}{2}{1}", delimiter, quote ? "\"" : "", cell);
      }
    }
    return text + '\n';
  }

 private:
  struct Writing {
    char decimal = '.';
    char group = 0;
    std::size_t fraction = 0;
    bool large = false;
    std::string before, behind;
  };

  std::size_t below(std::size_t end) { return random_() % end; }

  Writing any_writing() {
    Writing writing;
    writing.decimal = below(2) == 0 ? '.' : ',';
    const char other = writing.decimal == '.' ? ',' : '.';
    const char groups[] = {0, other, other, ' ', '\''};
    writing.group = groups[below(std::size(groups))];
    writing.fraction = below(4);
    writing.large = below(2) == 0;
    if (below(5) == 0) writing.before = below(2) == 0 ? "$" : "€";
    if (below(5) == 0) writing.behind = below(2) == 0 ? " €" : "%";
    if (!writing.before.empty()) writing.behind.clear();
    return writing;
  }

  std::string number(const Writing& writing) {
    const std::size_t whole = writing.large ? below(10'000'000) : below(10'000);
    std::string digits = std::to_string(whole), text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      if (i > 0 && (digits.size() - i) % 3 == 0 && writing.group != 0) text += writing.group;
      text += digits[i];
    }
    if (writing.fraction > 0 && below(3) > 0) {
      text += writing.decimal;
      for (std::size_t i = 0; i < writing.fraction; ++i) text += static_cast<char>('0' + below(10));
    }
    return (below(8) == 0 ? "-" : "") + writing.before + text + writing.behind;
  }

  std::mt19937 random_;
};

/// Empty if both tables hold the same.
std::string difference_of(const Table& one, const Table& other) {
  if (one.rows() != other.rows()) return "rows";
  for (const Column& column : one.columns()) {
    const Column& again = other.column(column.name());
    if (column.kind() != again.kind()) return column.name() + ": kind";
    if (column.unparsed().size() != again.unparsed().size()) return column.name() + ": unparsed cells";
    for (std::size_t row = 0; row < column.numbers().size(); ++row) {
      const double before = column.numbers()[row], after = again.numbers()[row];
      if (before != after && !(std::isnan(before) && std::isnan(after)))
        return fmt::format("{}: {} instead of {}", column.name(), after, before);
    }
  }
  return "";
}

TEST(RememberedForms, ReadTheirOwnFile) {
  int read = 0;
  for (unsigned seed = 0; seed < 5000; ++seed) {
    const std::string csv = RandomTable(seed).csv();
    SCOPED_TRACE(csv);
    const Table table = Table::from_text(csv);
    try {
      EXPECT_EQ(difference_of(table, Table::from_text(csv, remembered_from(table))), "");
      ++read;
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
    if (HasFailure()) break;
  }
  EXPECT_EQ(read, 5000);
}

TEST(RememberedForms, SayThatTheFileItselfSaysSomethingElse) {
  const TableOptions euros = remembered_from(Table::from_text("price;size\n1,234.5 €;1.5\n2,345.6 €;2.5\n"));
  const Table table = Table::from_text("price;size\n2,900 €;1,5\n1,100 €;15,25\n",
                                       {.as = euros.as, .forms = {{"price", euros.forms.at("price")}}});
  EXPECT_THAT(table.column("price").numbers(), ElementsAre(2900, 1100));
  EXPECT_THAT(all_notes(table),
              HasSubstr("\"price\": numbers as in \"1,234.5 €\", but no cell decides: \"2,900 €\" in line 2 may "
                        "also have a decimal comma; as \"price=number:comma\" reads that"));
  const Table own = Table::from_text("price;size\n2,900.5 €;1.5\n1,100 €;15.25\n", euros);
  EXPECT_THAT(all_notes(own), Not(HasSubstr("price")));
}

TEST(RememberedForms, SayThatGroupsAreNewToPlainNumbers) {
  const TableOptions plain = remembered_from(Table::from_text("a\tb\n1459\t1.5\n2300\t2.5\n"));
  const Table table = Table::from_text("a\tb\n1,459\t1.5\n2,300\t2.5\n", plain);
  EXPECT_THAT(table.column("a").numbers(), ElementsAre(1459, 2300));
  EXPECT_THAT(all_notes(table), HasSubstr("\"1,459\" in line 2 may also have a decimal comma"));
  const Table beside_commas = Table::from_text("a,b\n\"1,459\",1.5\n\"2,300\",2.5\n", plain);
  EXPECT_EQ(all_notes(beside_commas), "");
}

TEST(RememberedForms, SayThatOtherColumnsHaveTheOtherMark) {
  const TableOptions plain = remembered_from(Table::from_text("a,b\n1.459,1.5\n2.3,2.5\n"));
  TableOptions one = plain;
  one.as.erase("b");
  one.forms.erase("b");
  const Table mixed = Table::from_text("a;b\n1.459;1,5\n2.300;2,5\n", one);
  EXPECT_THAT(mixed.column("a").numbers(), ElementsAre(1.459, 2.3));
  EXPECT_THAT(all_notes(mixed), HasSubstr("\"1.459\" in line 2 may also have a decimal comma"));
}

TEST(RememberedForms, SayThatPlainNumbersMayBeThousands) {
  const TableOptions plain = remembered_from(Table::from_text("n;w\n5;a\n990;b\n"));
  for (const char delimiter : {';', '\t', '|'}) {
    const std::string csv = fmt::format("n{0}w\n980{0}a\n1.204{0}b\n2.300{0}a\n", delimiter);
    EXPECT_THAT(all_notes(Table::from_text(csv, plain)), HasSubstr("\"1.204\" in line 3 may also have a decimal comma"))
        << delimiter;
  }
  EXPECT_EQ(all_notes(Table::from_text("n;w\n980;a\n1.204;b\n2.3;a\n", plain)), "") << "2.3 has a decimal point";
  EXPECT_EQ(all_notes(Table::from_text("n,w\n980,a\n1.204,b\n2.300,a\n", plain)), "") << "beside commas";
}

std::string refusal_of(const std::string& csv, const TableOptions& options) {
  return message_of(ExitCode::bad_data, [&] { Table::from_text(csv, options); });
}

TEST(RememberedForms, RefuseAColumnWhoseOwnCellsHaveTheOtherMark) {
  const TableOptions plain = remembered_from(Table::from_text("n;w\n5;a\n990;b\n"));
  EXPECT_THAT(refusal_of("n;w\n980;a\n1.204;b\n1.202.300;c\n", plain),
              HasSubstr("line 4: \"1.202.300\" in column \"n\" seems to have a decimal comma"));
  const TableOptions points = remembered_from(Table::from_text("n;w\n5;a\n990.5;b\n"));
  EXPECT_THAT(refusal_of("n;w\n980;a\n1,204;b\n12,5;c\n", points), HasSubstr("\"12,5\" in column \"n\" seems to have"));
}

/// One stray cell does not outweigh the mark that training has seen.
TEST(RememberedForms, KeepAMarkThatTrainingHasSeen) {
  const TableOptions points = remembered_from(Table::from_text("n,w\n1.497,a\n0.532,b\n3.917,a\n"));
  const Table table = Table::from_text("n,w\n1.497,a\n\"7,5\",b\n6.308,a\n", points);
  EXPECT_EQ(table.column("n").numbers()[0], 1.497);
  EXPECT_EQ(table.column("n").unparsed().size(), 1u);
  EXPECT_THAT(all_notes(table), HasSubstr("may also have a decimal comma"));
  EXPECT_EQ(all_notes(Table::from_text("n;w\n1.497;a\n6.308;b\n", points)), "") << "no doubt without another mark";
}

TEST(RememberedForms, ReadGroupsThatTheyHaveNotSeenWhereTheseAreCertain) {
  const TableOptions comma = remembered_from(Table::from_text("n;w\n12,50;a\n950,25;b\n"));
  EXPECT_THAT(Table::from_text("n;w\n1.204,50;a\n1 204,5;b\n1.204.300;a\n", comma).column("n").numbers(),
              ElementsAre(1204.5, 1204.5, 1204300));
  const Table open = Table::from_text("n;w\n1.204;a\n3,5;b\n", comma);
  ASSERT_EQ(open.column("n").unparsed().size(), 1u) << "1.204 may have a decimal point";
  const Table pair = Table::from_text("n;w\n120 180;a\n187,1;b\n", comma);
  ASSERT_EQ(pair.column("n").unparsed().size(), 1u) << "120 180 may be two numbers";
}

TEST(RememberedForms, OfWholeAmountsSayThatOthersMayBeThousands) {
  const TableOptions euros = remembered_from(Table::from_text("p;w\n332 €;a\n990 €;b\n"));
  EXPECT_THAT(all_notes(Table::from_text("p;w\n1.204 €;a\n2.300 €;b\n", euros)),
              HasSubstr("\"1.204 €\" in line 2 may also have a decimal comma"));
}

TEST(RememberedForms, ReadTheirTableWithoutTheColumnThatDecided) {
  const TableOptions options = remembered_from(Table::from_text("area\trate\n8,585\t85.85 %\n2,300\t12.5 %\n"));
  const Table table =
      Table::from_text("area\tword\n8,585\ta\n2,300\tb\n",
                       {.as = {{"area", ColumnKind::number}}, .forms = {{"area", options.forms.at("area")}}});
  EXPECT_THAT(table.column("area").numbers(), ElementsAre(8585, 2300));
}

TEST(RememberedForms, OfDatesSayThatOtherColumnsHaveAnotherOrder) {
  const TableOptions days_first = remembered_from(Table::from_text("opened\n31/01/2020\n03/02/2020\n"));
  const Table table = Table::from_text("opened,closed\n03/01/2021,03/15/2021\n04/02/2021,04/30/2021\n", days_first);
  EXPECT_THAT(all_notes(table), HasSubstr("column \"opened\": dates as day, month, year, but no cell decides: "
                                          "\"03/01/2021\" in line 2 may also be month, day, year"));
  const Table decided = Table::from_text("opened,closed\n23/01/2021,03/15/2021\n04/02/2021,04/30/2021\n", days_first);
  EXPECT_THAT(all_notes(decided), Not(HasSubstr("opened")));
}

TEST(RememberedForms, GiveWayToAGivenMarkWithGroupsAndCurrencies) {
  const TableOptions plain = remembered_from(Table::from_text("p;q\n$12.50;1\n$40;2\n"));
  TableOptions given = plain;
  given.forms["p"] = form_with_decimal(plain.forms.at("p"), DecimalMark::comma);
  EXPECT_THAT(Table::from_text("p;q\n$12,5;1\n$1,25;2\n1'445,5;3\n", given).column("p").numbers(),
              ElementsAre(12.5, 1.25, 1445.5));
}

TEST(RememberedForms, FindTheLineOfUnitsAboveDates) {
  const Table learned = Table::from_text("when,size\ndate,m2\n2020-01-31,1.5\n2020-02-01,2.5\n2020-02-02,3.5\n");
  ASSERT_TRUE(learned.unit_line());
  TableOptions options = remembered_from(learned);
  options.as.erase("size");
  options.forms.erase("size");
  EXPECT_EQ(Table::from_text("when\ndate\n2020-03-01\n", options).rows(), 1);
}

}  // namespace
}  // namespace unroll
