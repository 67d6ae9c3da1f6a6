#include "io/workbook.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/sheet_rows.h"
#include "io/table_source.h"
#include "io/temporary_folder.h"
#include "io/workbooks.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Line = std::vector<std::string>;

/// The rows of a sheet: <missing> for missing cells, = before values.
struct SheetContents : RowSink {
  void header(const std::vector<std::string>& all, char mark) override {
    names = all;
    delimiter = mark;
  }
  void cell(std::size_t column, std::string_view text, FieldType type) override {
    EXPECT_EQ(column, row.size());
    row.push_back(type == FieldType::missing ? "<missing>" : (type == FieldType::value ? "=" : "") + std::string(text));
  }
  void end_of_row(std::int64_t line) override {
    rows.push_back(std::exchange(row, {}));
    lines.push_back(line);
  }
  void no_row() override { row.clear(); }
  void notes(const std::vector<std::string>& all) override { noted = all; }

  Line names, row, noted;
  std::vector<Line> rows;
  std::vector<std::int64_t> lines;
  char delimiter = 0;
};

SheetContents contents_of(const std::string& bytes, std::optional<std::string> sheet = {}) {
  SheetContents contents;
  read_sheet_rows({.archive = bytes, .path = "a.xlsx", .sheet = std::move(sheet)}, contents);
  return contents;
}

std::string data(const std::string& rows) { return "<sheetData>" + rows + "</sheetData>"; }
std::string text_cell(const std::string& text) { return "<c t=\"inlineStr\"><is><t>" + text + "</t></is></c>"; }
std::string header(const Line& names) {
  std::string cells;
  for (const std::string& name : names) cells += text_cell(name);
  return "<row>" + cells + "</row>";
}
SheetContents contents_of_rows(const std::string& rows) {
  return contents_of(TestWorkbook{.sheets = {{"A", data(rows)}}}.bytes());
}
std::string refusal_of(const std::string& bytes, std::optional<std::string> sheet = {}) {
  const Error error = error_of([&] { contents_of(bytes, std::move(sheet)); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  return error.what();
}
std::string refusal_of_rows(const std::string& rows) {
  return refusal_of(TestWorkbook{.sheets = {{"A", data(rows)}}}.bytes());
}

TEST(Workbook, ReadsTheFirstSheetOrTheNamedOne) {
  const std::string one = data(header({"a"}) + "<row><c><v>1</v></c></row>"),
                    two = data(header({"b"}) + "<row><c><v>2</v></c></row>");
  const TestWorkbook workbook{.sheets = {{"Sold &amp; left", one}, {"分", two}}};
  const SheetContents first = contents_of(workbook.bytes());
  EXPECT_EQ(first.names, Line{"a"});
  EXPECT_EQ(first.rows, std::vector<Line>{{"=1"}});
  EXPECT_EQ(first.delimiter, ',');
  EXPECT_THAT(first.noted, ElementsAre(AllOf(HasSubstr("sheet \"Sold & left\", 1 of 2"), HasSubstr(":NAME"))));
  const SheetContents second = contents_of(workbook.bytes(), "分");
  EXPECT_EQ(second.names, Line{"b"});
  EXPECT_THAT(second.noted, ElementsAre(HasSubstr("sheet \"分\", 2 of 2")));
  EXPECT_THAT(refusal_of(workbook.bytes(), "c"), HasSubstr("no sheet \"c\"; it has \"Sold & left\", \"分\""));
  TestWorkbook chart = workbook;
  chart.kind = "chartsheet";
  EXPECT_EQ(contents_of(chart.bytes()).names, Line{"b"});
  chart.sheets.pop_back();
  EXPECT_THAT(refusal_of(chart.bytes()), HasSubstr("no sheet with cells"));
}

TEST(Workbook, HasStringsOfEveryKind) {
  TestWorkbook workbook{
      .sheets = {{"A", data(header({"a", "b", "c", "d", "e"}) +
                            "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"str\"><f>x</f><v>f</v></c>"
                            "<c t=\"inlineStr\"><is><r><t>g</t></r><r><t xml:space=\"preserve\"> h</t></r>"
                            "<rPh><t>no</t></rPh></is></c><c t=\"s\"><v>2</v></c></row>")}},
      .strings = {"<t xml:space=\"preserve\"> 1,5 </t>", "<r><t>分</t></r><r><rPr/><t>开</t></r><rPh><t>fen</t></rPh>",
                  "<t>a_x000D_\n_x0041_x_x0007_ _xD800_ _x_</t>"}};
  EXPECT_THAT(contents_of(workbook.bytes()).rows,
              ElementsAre(Line{" 1,5 ", "分开", "f", "g h", "a\r\nAx_x0007_ _xD800_ _x_"}));
  workbook.strings.pop_back();
  EXPECT_THAT(refusal_of(workbook.bytes()), HasSubstr("cell E2: there is no shared string \"2\""));
}

TEST(Workbook, HasNumbersAsTheyAreStored) {
  EXPECT_THAT(contents_of_rows(header({"a", "b", "c", "d"}) +
                               "<row><c><v>0.10000000000000001</v></c><c t=\"n\"><v>12345678901234567</v></c>"
                               "<c><v>-1.5E-3</v></c><c><v> 2 </v></c></row>")
                  .rows,
              ElementsAre(Line{"=0.1", "=12345678901234567", "=-0.0015", "=2"}));
  for (const char* text : {"1,5", "abc", "inf", "nan", "1e999"})
    EXPECT_THAT(refusal_of_rows(header({"a"}) + "<row><c><v>" + text + "</v></c></row>"),
                HasSubstr(fmt::format("a.xlsx: sheet \"A\": cell A2: \"{}\" is no number", text)));
}

TEST(Workbook, HasBooleansErrorsAndFormulas) {
  const SheetContents contents =
      contents_of_rows(header({"a", "b", "c", "d"}) +
                       "<row><c t=\"b\"><v>1</v></c><c t=\"b\"><v>0</v></c><c t=\"e\"><v>#N/A</v></c>"
                       "<c><f>1+2</f><v>3</v></c></row>"
                       "<row><c><v>1</v></c><c t=\"str\"><f>x</f><v></v></c><c/><c><f>1+2</f></c></row>");
  EXPECT_THAT(contents.rows,
              ElementsAre(Line{"TRUE", "FALSE", "<missing>", "=3"}, Line{"=1", "<missing>", "<missing>", "<missing>"}));
  EXPECT_THAT(contents.noted, ElementsAre(HasSubstr("sheet"), HasSubstr("1 error, first in C2: "),
                                          HasSubstr("1 formula, first in D3: ")));
}

TEST(Workbook, HasDatesInOneFormForAColumn) {
  const std::string rows =
      header({"day", "moment", "time", "share", "iso", "late"}) +
      "<row><c s=\"1\"><v>43831</v></c><c s=\"2\"><v>43831</v></c><c s=\"3\"><v>0.5</v></c><c s=\"4\"><v>0.1</v></c>"
      "<c t=\"d\"><v>2020-01-31</v></c><c s=\"1\"><v>-1</v></c></row>"
      "<row><c s=\"2\"><v>43832</v></c><c s=\"1\"><v>43832.25</v></c><c s=\"5\"><v>1.25</v></c><c s=\"4\"><v>2</v></c>"
      "<c t=\"d\"><v>2020-02-01T12:00:00</v></c></row>";
  TestWorkbook workbook{
      .sheets = {{"A", data(rows)}}, .styles = {0, 14, 22, 20, 165, 164}, .formats = {{164, "[h]:mm"}, {165, "0%"}}};
  const SheetContents contents = contents_of(workbook.bytes());
  EXPECT_THAT(
      contents.rows,
      ElementsAre(Line{"=2020-01-01", "=2020-01-01 00:00:00", "12:00:00", "=0.1", "=2020-01-31 00:00:00", "=-1"},
                  Line{"=2020-01-02", "=2020-01-02 06:00:00", "30:00:00", "=2", "=2020-02-01 12:00:00", "<missing>"}));
  EXPECT_THAT(contents.noted, ElementsAre(HasSubstr("sheet"), HasSubstr("2 percentages, first in D2: ")));
  workbook.properties = "date1904=\"1\"";
  EXPECT_EQ(contents_of(workbook.bytes()).rows[0][0], "=2024-01-02");
}

TEST(Workbook, HasDatesOfWhichOnlyTheTimeIsShown) {
  const TestWorkbook workbook{
      .sheets = {{"A", data(header({"at"}) + "<row><c s=\"0\"><v>43831.5</v></c></row><row><c s=\"1\"><v>10000</v></c>"
                                             "</row><row><c s=\"2\"><v>9999</v></c></row>")}},
      .styles = {20, 45, 46}};
  EXPECT_THAT(contents_of(workbook.bytes()).rows,
              ElementsAre(Line{"=2020-01-01 12:00:00"}, Line{"=1927-05-18 00:00:00"}, Line{"239976:00:00"}));
}

TEST(Workbook, HasBooleansOfEitherForm) {
  const auto boolean = [](const std::string& text) {
    return header({"a"}) + "<row><c t=\"b\"><v>" + text + "</v></c></row>";
  };
  for (const char* text : {"false", "0"}) EXPECT_EQ(contents_of_rows(boolean(text)).rows[0], Line{"FALSE"}) << text;
  for (const char* text : {"true", "1"}) EXPECT_EQ(contents_of_rows(boolean(text)).rows[0], Line{"TRUE"}) << text;
  EXPECT_THAT(refusal_of_rows(boolean("no")), HasSubstr("cell A2: \"no\" is neither true nor false"));
}

TEST(Workbook, LeavesOutRowsAndColumnsWithoutValues) {
  const SheetContents contents = contents_of_rows(
      "<row r=\"3\"><c r=\"B3\" t=\"inlineStr\"><is><t>a</t></is></c><c r=\"C3\" s=\"1\"/>"
      "<c r=\"AB3\" t=\"inlineStr\"><is><t>b</t></is></c></row>"
      "<row r=\"4\"><c r=\"AB4\"><v>1</v></c><c r=\"XFD4\" s=\"1\"/></row>"
      "<row r=\"7\" hidden=\"1\"><c r=\"B7\"><v>2</v></c></row>"
      "<row r=\"1048576\"><c r=\"A1048576\" s=\"1\"/></row>");
  EXPECT_EQ(contents.names, (Line{"a", "b"}));
  EXPECT_THAT(contents.rows, ElementsAre(Line{"<missing>", "=1"}, Line{"=2", "<missing>"}));
  EXPECT_THAT(contents.lines, ElementsAre(4, 7));
  EXPECT_THAT(contents.noted, ElementsAre(HasSubstr("sheet"), HasSubstr("1 hidden row, first in line 7"),
                                          HasSubstr("2 blank rows, first in line 5")));
}

TEST(Workbook, MayReferToItsPartsWithPercentSigns) {
  const TestWorkbook workbook{.sheets = {{"A", data(header({"a"}) + "<row><c><v>1</v></c></row>")}}};
  for (const char* member : {"xl/worksheets/sheet 1.xml", "xl/worksheets/sheet%201.xml", "xl/%2-worksheets%.xml"}) {
    auto parts = workbook.parts();
    parts[0].first = member;
    std::string target = std::string(member).substr(3);
    if (const auto space = target.find(' '); space != std::string::npos) target.replace(space, 1, "%20");
    std::string& relations = parts[2].second;
    const std::string before = "worksheets/sheet1.xml";
    relations.replace(relations.find(before), before.size(), target);
    EXPECT_EQ(contents_of(TestWorkbook::packed_workbook(parts)).rows.size(), 1U) << member;
  }
}

TEST(Workbook, ObeysTheRulesOfCsv) {
  const std::string row = "<row><c><v>1</v></c><c><v>2</v></c></row>";
  const SheetContents contents =
      contents_of(TestWorkbook{.sheets = {{"A", data(header({"a", "b"}) + row + header({"a", "b"})) +
                                                    "<mergeCells><mergeCell ref=\"A2:A3\"/></mergeCells>"}}}
                      .bytes());
  EXPECT_THAT(contents.rows, ElementsAre(Line{"=1", "=2"}));
  EXPECT_THAT(contents.noted, ElementsAre(HasSubstr("sheet"), HasSubstr("1 merged range"),
                                          HasSubstr("1 repeated header, first in line 3")));
  EXPECT_THAT(refusal_of_rows(header({"a", "a"}) + row), HasSubstr("line 1: columns A and B have the same name \"a\""));
  EXPECT_THAT(
      refusal_of_rows("<row>" + text_cell("a") + "<c/>" + text_cell("b") + "</row><row><c r=\"B2\"><v>1</v></c></row>"),
      HasSubstr("a.xlsx: sheet \"A\": line 1: column B has no name"));
  EXPECT_THAT(refusal_of_rows(header({"a title"}) + row),
              AllOf(HasSubstr("line 2: "), HasSubstr("above the header"), Not(HasSubstr("delimiter"))));
  EXPECT_THAT(refusal_of_rows(header({"a"})), HasSubstr("no rows"));
  EXPECT_THAT(refusal_of_rows(""), AllOf(HasSubstr("is empty"), HasSubstr("FILE.xlsx:NAME")));
}

TEST(Workbook, MayBeStrictOrHavePrefixes) {
  TestWorkbook workbook{.sheets = {{"A", data(header({"a"}) + "<row><c><v>1</v></c></row>")}}};
  workbook.space = "http://purl.oclc.org/ooxml/spreadsheetml/main";
  EXPECT_EQ(contents_of(workbook.bytes()).rows.size(), 1U);
  auto parts = workbook.parts();
  parts[0].second =
      "<x:worksheet xmlns:x=\"y\"><x:sheetData><x:row><x:c t=\"inlineStr\"><x:is><x:t>a</x:t></x:is></x:c>"
      "</x:row><x:row><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>";
  EXPECT_EQ(contents_of(TestWorkbook::packed_workbook(parts)).rows.size(), 1U);
}

TEST(Workbook, MayReferToItsPartsInAnyWay) {
  const TestWorkbook workbook{.sheets = {{"A", data(header({"a"}) + "<row><c><v>1</v></c></row>")}}};
  const std::string target = "Target=\"worksheets/sheet1.xml\"";
  for (const char* other : {"./worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml", "x/../worksheets/sheet1.xml"}) {
    auto parts = workbook.parts();
    std::string& relations = parts[2].second;
    relations.replace(relations.find(target), target.size(), fmt::format("Target=\"{}\"", other));
    EXPECT_EQ(contents_of(TestWorkbook::packed_workbook(parts)).rows.size(), 1U) << other;
  }
}

TEST(Workbook, RefusesDamage) {
  const std::string begin = header({"a"});
  for (const auto& [rows, what] : std::vector<std::pair<std::string, std::string>>{
           {begin + "<row r=\"1\"><c><v>1</v></c></row>", "row \"1\" does not belong"},
           {begin + "<row r=\"1048577\"><c><v>1</v></c></row>", "row \"1048577\" does not belong"},
           {begin + "<row r=\"x\"><c><v>1</v></c></row>", "row \"x\" does not belong"},
           {begin + "<row><c r=\"XFE2\"><v>1</v></c></row>", "cell \"XFE2\" does not belong"},
           {begin + "<row><c r=\"2\"><v>1</v></c></row>", "cell \"2\" does not belong"},
           {begin + "<row><c r=\"B2\"/><c r=\"A2\"><v>1</v></c></row>", "cell \"A2\" does not belong"},
           {begin + "<c><v>1</v></c><row>", "damaged at byte"},
           {begin + "<row><c><v>1</v></c>", "damaged at byte"},
           {"&bomb;", "damaged at byte"},
           {"\xff", "damaged at byte"}})
    EXPECT_THAT(refusal_of_rows(rows), AllOf(HasSubstr("a.xlsx: sheet \"A\""), HasSubstr(what))) << rows;
  TestWorkbook workbook{.sheets = {{"A", ""}}};
  auto parts = workbook.parts();
  parts.erase(parts.begin());
  EXPECT_THAT(refusal_of(TestWorkbook::packed_workbook(parts)), HasSubstr("xl/worksheets/sheet1.xml"));
  parts[0].second = "";
  EXPECT_THAT(refusal_of(TestWorkbook::packed_workbook(parts)),
              HasSubstr("workbook.xml\" of the workbook is damaged at byte 0"));
}

TEST(Workbook, RefusesWhatIsHostile) {
  TestWorkbook workbook{.sheets = {{"A", data(header({"a"}) + "<row><c><v>1</v></c></row>")}}};
  const auto with_sheet = [&](const std::string& xml) {
    auto parts = workbook.parts();
    parts[0].second = xml;
    return refusal_of(TestWorkbook::packed_workbook(parts));
  };
  EXPECT_THAT(with_sheet("<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]><worksheet>&c;</worksheet>"),
              HasSubstr("document type declaration"));
  EXPECT_THAT(with_sheet("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><worksheet/>"),
              HasSubstr("document type declaration"));
  std::string deep;
  for (int i = 0; i < 101; ++i) deep += "<a>";
  EXPECT_THAT(with_sheet(deep), HasSubstr("more than 100 nested elements"));
  EXPECT_THAT(with_sheet("<worksheet a=\"" + std::string(3 << 20, 'x') + "\"/>"),
              HasSubstr("a tag longer than a megabyte"));
}

TEST(Workbook, RefusesMoreCellsThanMemoryHolds) {
  // 16,384 columns, of which the rows below have one cell each.
  std::string rows = "<row>";
  for (int i = 0; i < 16'384; ++i) rows += text_cell(std::to_string(i));
  rows += "</row>";
  for (int i = 0; i < 6'104; ++i) rows += "<row><c><v>1</v></c></row>";
  EXPECT_THAT(refusal_of_rows(rows), HasSubstr("6,105 rows of 16,384 columns have more than 100,000,000 cells"));
}

TEST(Workbook, IsFoundByItsBytesAlsoWhenPacked) {
  const TemporaryFolder folder;
  const TestWorkbook workbook{.sheets = {{"A", data(header({"a"}) + "<row><c><v>1</v></c></row>")},
                                         {"B:C", data(header({"b"}) + "<row><c><v>2</v></c></row>")}}};
  const auto names = [](const std::string& source) {
    SheetContents contents;
    read_table(source, contents);
    return contents.names;
  };
  EXPECT_EQ(names(folder.file("a.csv", workbook.bytes())), Line{"a"});
  EXPECT_EQ(names(folder.path("a.csv") + ":B:C"), Line{"b"});
  EXPECT_EQ(names(folder.file("a.gz", gzipped(workbook.bytes()))), Line{"a"});
  EXPECT_EQ(names(folder.file("a.zip", zipped({zip_member("a.xlsx", workbook.bytes())}))), Line{"a"});
  EXPECT_EQ(names(folder.file("b.csv", "c\n1\n")), Line{"c"});
}

}  // namespace
}  // namespace unroll
