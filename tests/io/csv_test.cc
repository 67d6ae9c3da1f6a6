#include "io/csv.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/table_source.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Row = std::vector<std::string>;

/// The contents of a CSV file, with <missing> for missing cells.
struct Contents : RowSink {
  void header(const std::vector<std::string>& all, char) override { names = all; }
  void cell(std::size_t column, std::string_view text, FieldType type) override {
    EXPECT_EQ(column, row.size());
    row.emplace_back(type == FieldType::missing ? "<missing>" : text);
  }
  void end_of_row(std::int64_t line) override {
    rows.push_back(std::move(row));
    lines.push_back(line);
    row.clear();
  }
  void no_row() override { row.clear(); }
  void notes(const std::vector<std::string>& all) override { noted = all; }
  Row names, row, noted;
  std::vector<Row> rows;
  std::vector<std::int64_t> lines;
};

Contents contents_of(std::string_view text, std::size_t piece = 1 << 20, const CsvOptions& options = {}) {
  Contents contents;
  CsvParser parser("a.csv", contents, options);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) parser.feed(text.substr(0, piece));
  parser.finish();
  return contents;
}

std::vector<Row> rows_of(std::string_view text) { return contents_of(text).rows; }

std::string refused(std::string_view text, const CsvOptions& options = {}) {
  const Error error = error_of([&] { contents_of(text, 1 << 20, options); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), testing::StartsWith("a.csv: "));
  for (const std::size_t piece : {1, 3}) {
    EXPECT_STREQ(error_of([&] { contents_of(text, piece, options); }).what(), error.what());
  }
  return error.what();
}

TEST(Csv, RowsWithNamesMayLackTheNameOfTheirColumn) {
  EXPECT_THAT(refused("a,b\nx,1,2\ny,3,4\n"),
              AllOf(HasSubstr("line 2: the row that begins here has 3 cells, and the header has 2"),
                    HasSubstr("begin the header with a delimiter")));
  EXPECT_THAT(refused("a,b\n1,2\nx,1,2\n"), HasSubstr("has 3 cells, and the header has 2; quote cells"));
  for (const char* title : {"Sales 2024", "Sales 2024,,", "Sales, 2024", "Sales,2024,EUR,net", "T,,x,y", "T,T,T"}) {
    for (const char* more : {"", "North\n"}) {
      EXPECT_THAT(refused(std::string(title) + "\n" + more + "h,i,j\n1,2,3\n"),
                  HasSubstr("above the names of the columns"))
          << title;
    }
  }
  for (const char* more : {"", "North\n", "North\n\n"})
    EXPECT_THAT(refused(fmt::format("Sales 2024\n{}h;i;j\n1;2;3\n", more)),
                HasSubstr("above the names of the columns"));
}

TEST(Csv, ATableOfOneColumnMayHoldOtherDelimiters) {
  EXPECT_THAT(rows_of("text\na; b\nc\nd\n"), ElementsAre(Row{"a; b"}, Row{"c"}, Row{"d"}));
  EXPECT_THAT(rows_of("text\na; b\n"), ElementsAre(Row{"a; b"}));
  EXPECT_THAT(rows_of("text\n\"a; b\"\n\"c; d\"\n"), ElementsAre(Row{"a; b"}, Row{"c; d"}));
}

// The test numbers are those of the definitions in RFC 4180, section 2.
TEST(Csv, Rfc1LinesAreRecords) {
  EXPECT_THAT(rows_of("h,i\r\na,b\r\nc,d\r\n"), ElementsAre(Row{"a", "b"}, Row{"c", "d"}));
}

TEST(Csv, Rfc2TheLastLineNeedsNoEnd) {
  EXPECT_THAT(rows_of("h,i\r\na,b"), ElementsAre(Row{"a", "b"}));
  EXPECT_THAT(rows_of("h,i\r\na,\"b\""), ElementsAre(Row{"a", "b"}));
  EXPECT_THAT(rows_of("h,i\r\na,"), ElementsAre(Row{"a", "<missing>"}));
}

TEST(Csv, Rfc3TheFirstLineNamesTheColumns) {
  EXPECT_THAT(contents_of("h,\"i, j\"\na,b\n").names, ElementsAre("h", "i, j"));
}

TEST(Csv, Rfc4SpacesBelongToTheCells) { EXPECT_THAT(rows_of("h,i\n a ,\tb\n"), ElementsAre(Row{" a ", "\tb"})); }

TEST(Csv, Rfc5CellsMayBeQuoted) { EXPECT_THAT(rows_of("h,i\n\"a\",b\n"), ElementsAre(Row{"a", "b"})); }

TEST(Csv, Rfc6QuotedCellsHoldLineEndsAndDelimiters) {
  EXPECT_THAT(rows_of("h,i\n\"a,\r\nb\n\",c\n\"\n\",\"\r\"\n"), ElementsAre(Row{"a,\r\nb\n", "c"}, Row{"\n", "\r"}));
}

TEST(Csv, Rfc7DoubledQuotesWithinQuotesAreOne) {
  EXPECT_THAT(rows_of("h\n\"a\"\"b\"\n\"\"\"\"\n"), ElementsAre(Row{"a\"b"}, Row{"\""}));
}

TEST(Csv, LinesEndInLineFeedOrCarriageReturnToo) {
  for (const char* end : {"\n", "\r", "\r\n"}) {
    std::string text;
    for (const char* line : {"h,i", "a,b", "", "\"c\",d"}) text.append(line).append(end);
    const Contents contents = contents_of(text);
    EXPECT_THAT(contents.rows, ElementsAre(Row{"a", "b"}, Row{"c", "d"}));
    EXPECT_THAT(contents.lines, ElementsAre(2, 4));
  }
}

TEST(Csv, SkipsTheByteOrderMark) {
  EXPECT_THAT(contents_of("\ufeffh,i\na,b").names, ElementsAre("h", "i"));
  EXPECT_THAT(contents_of("\ufeff\"h\",i\na,b").names, ElementsAre("h", "i"));
}

TEST(Csv, SkipsMarksAtTheBeginningOfLinesOfJoinedFiles) {
  const std::string joined = "\ufeffh,i\n1,\ufeff2\n\ufeffh,i\r\n\ufeff\ufeff3,\"4\n\ufeff5\"\n";
  for (const std::size_t piece : {1, 2, 1000}) {
    const Contents contents = contents_of(joined, piece);
    EXPECT_THAT(contents.names, ElementsAre("h", "i"));
    EXPECT_THAT(contents.rows, ElementsAre(Row{"1", "\ufeff2"}, Row{"3", "4\n\ufeff5"})) << "others are characters";
    EXPECT_THAT(contents.noted,
                ElementsAre(HasSubstr("1 repeated header, first in line 3"),
                            AllOf(HasSubstr("3 byte order marks, first in line 3"), HasSubstr("skipped"))));
  }
}

TEST(Csv, RefusesNulAndNamesTheEncoding) {
  EXPECT_THAT(refused(std::string("h,i\n1,\0\n", 9)), HasSubstr("a NUL byte at byte offset 6 (line 2, byte 0x00)"));
  std::string wide;
  for (const char byte : std::string("Id,Name\n1,Anna\n2,Bert\n")) wide.append({byte, '\0'});
  EXPECT_THAT(refused(wide), AllOf(HasSubstr("NUL byte at byte offset 1 "), HasSubstr("probably UTF-16LE: read it with "
                                                                                      "encoding UTF-16LE")));
  EXPECT_THAT(refused("Ort;Preis\nK\xf6ln;1,5\nM\xfcnster;2,5\n"),
              AllOf(HasSubstr("not UTF-8 at byte offset 11 (line 2, byte 0xF6)"),
                    HasSubstr("probably windows-1252: read it with encoding windows-1252; less probably")));
}

TEST(Csv, FindsTheDelimiterInTheFirstLine) {
  EXPECT_THAT(rows_of("h;i\n1,5;2\n"), ElementsAre(Row{"1,5", "2"}));
  EXPECT_THAT(rows_of("h\ti\n1,5\t\n"), ElementsAre(Row{"1,5", "<missing>"}));
  EXPECT_THAT(contents_of("\"a;b;c\",d\n1,2\n").names, ElementsAre("a;b;c", "d"));
  EXPECT_THAT(contents_of("only\n1;2\n").rows, ElementsAre(Row{"1;2"}));
}

TEST(Csv, TellsMissingFromEmpty) {
  EXPECT_THAT(rows_of("h,i,j\na,,b\na,\"\",b\n,,\"\"\n"),
              ElementsAre(Row{"a", "<missing>", "b"}, Row{"a", "", "b"}, Row{"<missing>", "<missing>", ""}));
}

TEST(Csv, BlankLinesAreNoRows) {
  const Contents contents = contents_of("\n\nh\n\n1\n\"\"\n\r\n2\n\n");
  EXPECT_THAT(contents.rows, ElementsAre(Row{"1"}, Row{""}, Row{"2"}));
  EXPECT_THAT(contents.lines, ElementsAre(5, 6, 8));
}

TEST(Csv, KnowsTheLineOnWhichARowBegins) {
  EXPECT_THAT(contents_of("h,i\n\"a\nb\r\nc\",d\ne,f\n\"g\n\",h").lines, ElementsAre(2, 5, 6));
}

TEST(Csv, RefusesRaggedRows) {
  EXPECT_THAT(refused("h,i\n\"a\nb\",c\nd\n"), AllOf(HasSubstr("line 4: "), HasSubstr("1 cells"), HasSubstr("has 2")));
  EXPECT_THAT(refused("h,i\n1,2\n\"a\nb\",c,d\ne,f\n"), AllOf(HasSubstr("line 3: "), HasSubstr("3 cells")));
  EXPECT_THAT(refused("h,i\n1,2,3"), HasSubstr("line 2: "));
}

TEST(Csv, RefusesQuotesThatAreNeverClosed) {
  EXPECT_THAT(refused("h,i\na,b\nc,\"d\ne,f\ng,h\n"), AllOf(HasSubstr("line 3: "), HasSubstr("never closed")));
  EXPECT_THAT(refused("h,\""), HasSubstr("line 1: "));
}

TEST(Csv, RefusesQuotesThatMeanNothing) {
  EXPECT_THAT(refused("h,i\n\"a\",\"b\"c\n"), AllOf(HasSubstr("line 2: "), HasSubstr("column 8 ")));
  EXPECT_THAT(refused("h,i\n\"a\n\"b,c\n"), AllOf(HasSubstr("line 2: "), HasSubstr("column 2 of line 3")));
}

TEST(Csv, AQuoteWithinAnUnquotedCellIsPartOfIt) {
  const Contents contents = contents_of("h,i\na,分b\"c\"\nthe \"0\" house,\"x\"\"y\"\n5\" pipe,1\",\nz,\"\"\"\"");
  EXPECT_THAT(contents.rows, ElementsAre(Row{"a", "分b\"c\""}, Row{"the \"0\" house", "x\"y"}, Row{"5\" pipe", "1\""},
                                         Row{"z", "\""}));
  EXPECT_THAT(contents.noted,
              ElementsAre("1 line, first in line 4: empty cells at the end are ignored",
                          "4 quotes, first in line 2: within a cell that is not quoted, and part of it"));
  EXPECT_THAT(refused("h,i\nthe \"a, b\" house,1\n"), AllOf(HasSubstr("line 2: "), HasSubstr("3 cells")));
}

TEST(Csv, ALineMayNameTheDelimiter) {
  for (const char* line : {"sep=;", "\"sep=;\"", "SEP=;"}) {
    const Contents contents = contents_of(std::string("\ufeff") + line + "\r\na,b;c\r\n1,2;3\r\n", 1);
    EXPECT_THAT(contents.names, ElementsAre("a,b", "c"));
    EXPECT_THAT(contents.rows, ElementsAre(Row{"1,2", "3"}));
    EXPECT_THAT(contents.lines, ElementsAre(3));
  }
  EXPECT_THAT(contents_of("sep=x\n1\n").names, ElementsAre("sep=x"));
}

TEST(Csv, SkipsMarksAtTheBeginningOfLinesBeforeTheHeader) {
  for (const std::size_t piece : {1, 2, 1000}) {
    const Contents contents =
        contents_of("\ufeff\n\ufeff# joined\n\ufeff\ufeffsep=;\n\ufeff\n#\n\ufeffa,b;c\n1,2;3\n", piece);
    EXPECT_THAT(contents.names, ElementsAre("a,b", "c"));
    EXPECT_THAT(contents.rows, ElementsAre(Row{"1,2", "3"}));
    EXPECT_THAT(contents.noted, ElementsAre(HasSubstr("sep=;"), "2 comments, first in line 2: skipped",
                                            HasSubstr("5 byte order marks, first in line 2: ")));
  }
}

TEST(Csv, PipesMayBeDelimiters) { EXPECT_THAT(rows_of("h|i\na,b|c\n"), ElementsAre(Row{"a,b", "c"})); }

TEST(Csv, CommentsBeforeTheHeaderAreSkipped) {
  const Contents contents = contents_of("# a, b; c\n#\n\n#x\na,b\n#1,2\n", 1);
  EXPECT_THAT(contents.names, ElementsAre("a", "b"));
  EXPECT_THAT(contents.rows, ElementsAre(Row{"#1", "2"}));
  EXPECT_THAT(contents.lines, ElementsAre(6));
  EXPECT_THAT(contents.noted, ElementsAre("3 comments, first in line 1: skipped"));
  EXPECT_THAT(contents_of("#,name\n1,a\n").names, ElementsAre("#", "name"));
  EXPECT_THAT(contents_of("# x,y\n1,2\n3,4\n").names, ElementsAre("# x", "y"));
}

TEST(Csv, LinesMayEndInDelimiters) {
  for (const char* text : {"h;i;;\na;b;;\nc;d;;\n", "h;i\na;b;\nc;d;\n", "h;i;\na;b\nc;d;\n"}) {
    EXPECT_THAT(contents_of(text).rows, ElementsAre(Row{"a", "b"}, Row{"c", "d"})) << text;
    EXPECT_THAT(contents_of(text).noted.size(), 1) << text;
  }
  EXPECT_THAT(refused("h;i;\na;b;c\n"), AllOf(HasSubstr("line 2: "), HasSubstr("3 cells")));
}

TEST(Csv, BlankRowsAndRepeatedHeadersAreSkipped) {
  const Contents contents = contents_of("h,i\na,b\n,\nh,i\n,\nh,j\n,,,\n");
  EXPECT_THAT(contents.rows, ElementsAre(Row{"a", "b"}, Row{"h", "j"}));
  EXPECT_THAT(contents.lines, ElementsAre(2, 6));
  EXPECT_THAT(contents.noted,
              ElementsAre("3 blank rows, first in line 3: skipped", "1 repeated header, first in line 4: skipped"));
}

TEST(Csv, ManyEmptyLinesMayPrecedeTheHeader) {
  const Contents contents = contents_of(std::string(1'200'000, '\n') + "h,i\na,b\n", 1 << 20);
  EXPECT_THAT(contents.names, ElementsAre("h", "i"));
  EXPECT_THAT(contents.lines, ElementsAre(1'200'002));
}

TEST(Csv, RowsLikeAHeaderOfNumbersAreRows) {
  for (const char* line : {"1,2", "1e5,-2.5", "2020-01-31,5"}) {
    const Contents contents = contents_of(std::string(line) + "\n3,4\n" + line + "\n");
    EXPECT_THAT(contents.lines, ElementsAre(2, 3)) << line;
    EXPECT_THAT(contents.noted, ElementsAre());
  }
  for (const char* line : {"x,2", "e,f", "1,2e\u0301"})
    EXPECT_THAT(contents_of(std::string(line) + "\n3,4\n" + line + "\n").lines, ElementsAre(2)) << line;
}

TEST(Csv, ShortRowsAreFilledOnRequest) {
  const Contents contents = contents_of("h,i,j\na\nb,c\n", 1, {.fill_short_rows = true});
  EXPECT_THAT(contents.rows, ElementsAre(Row{"a", "<missing>", "<missing>"}, Row{"b", "c", "<missing>"}));
  EXPECT_THAT(refused("h,i,j\na\n"), AllOf(HasSubstr("line 2: "), HasSubstr("ragged fill")));
}

TEST(Csv, AnIndexNeedsNoName) { EXPECT_THAT(contents_of(",h\n0,a\n").names, ElementsAre("", "h")); }

TEST(Csv, RefusesNamesThatAreEmptyOrRepeated) {
  EXPECT_THAT(refused("h,,i\n1,2,3\n"), AllOf(HasSubstr("line 1: "), HasSubstr("column 2 has no name")));
  EXPECT_THAT(refused("\nh,i,h\n1,2,3\n"),
              AllOf(HasSubstr("line 2: "), HasSubstr("columns 1 and 3"), HasSubstr("\"h\"")));
}

TEST(Csv, RefusesNoHeaderAndNoRows) {
  for (const char* text : {"", "\n\r\n", "\ufeff"}) EXPECT_THAT(refused(text), HasSubstr("is empty"));
  for (const char* text : {"h", "h,i\n\n", "\"h\"\r\n"}) EXPECT_THAT(refused(text), HasSubstr("no rows"));
}

TEST(Csv, RefusesWhatIsNotUtf8) {
  EXPECT_THAT(refused("h,i\n分,\xff\n"), AllOf(HasSubstr("offset 8 "), HasSubstr("line 2,"), HasSubstr("0xFF")));
  EXPECT_THAT(refused("\ufeffh\n\n\"a\r\nb\xe5\x88\"\n"), AllOf(HasSubstr("offset 11 "), HasSubstr("line 4,")));
  EXPECT_THAT(refused("h\n\xe5\x88"), HasSubstr("offset 2 "));
}

TEST(Csv, RefusesLongCells) {
  const CsvOptions options{.max_cell = 100'000};
  const std::string longest(100'000, 'x');
  EXPECT_EQ(contents_of("h\n" + longest, 1 << 20, options).rows[0][0], longest);
  for (const std::string& cell : {longest + "x", "\"" + longest + "\n\"", "\"" + longest + "x"}) {
    EXPECT_THAT(error_of([&] { contents_of("h,i\n1,2\n3," + cell, 1 << 14, options); }).what(),
                AllOf(HasSubstr("line 3: "), HasSubstr("longer than 100000 bytes")));
  }
  EXPECT_THAT(error_of([&] { contents_of(longest + longest + "\n", 1 << 14, options); }).what(), HasSubstr("line 1: "));
}

TEST(Csv, ReadsTenThousandColumns) {
  std::string header, row;
  for (int i = 0; i < 10'000; ++i) {
    header += (i == 0 ? "c" : ",c") + std::to_string(i);
    row += i == 0 ? "\"a\"" : ",b";
  }
  const Contents contents = contents_of(header + "\n" + row + "\n");
  EXPECT_EQ(contents.names.size(), 10'000U);
  EXPECT_EQ(contents.rows[0].back(), "b");
}

TEST(Csv, ReadsWhatTextsAreReadFrom) {
  const std::string text = "h,i\n" + [] {
    std::string rows;
    while (rows.size() < 3'000'000) rows += "\"分\n\",开\n";
    return rows;
  }();
  const TemporaryFolder folder;
  for (const std::string& path : {folder.file("a.csv", text), folder.file("a.csv.gz", gzipped(text)),
                                  folder.file("a.zip", zipped({zip_member("a.csv", text)})) + ":a.csv"}) {
    Contents contents;
    read_table(path, contents);
    EXPECT_EQ(contents.rows.size(), (text.size() - 4) / 11) << path;
    EXPECT_EQ(contents.rows.back(), (Row{"分\n", "开"}));
  }
  EXPECT_EQ(error_of([&] {
              Contents contents;
              read_table(folder.path("none"), contents);
            }).code(),
            ExitCode::no_input);
}

/// The rows as CSV, with every cell quoted or only those that need it.
std::string quoted(const std::vector<Row>& rows, const std::string& line_end, bool all) {
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += ',';
      const bool quotes = all || row[i].empty() || row[i].find_first_of(",\"\n\r") != std::string::npos;
      if (quotes) text += '"';
      for (const char byte : row[i]) text += std::string(byte == '"' ? 2 : 1, byte);
      if (quotes) text += '"';
    }
    text += line_end;
  }
  return text;
}

RC_GTEST_PROP(Csv, GivesBackWhatWasQuoted, ()) {
  const auto columns = *rc::gen::inRange<std::size_t>(1, 6);
  const auto cell = rc::gen::container<std::string>(rc::gen::element('a', ',', ';', '"', '\n', '\r', ' '));
  std::vector<Row> rows =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<Row>>(rc::gen::container<Row>(columns, cell)));
  rows.insert(rows.begin(), Row{"h", "i", "j", "k", "l"});
  rows[0].resize(columns);
  const std::string text =
      quoted(rows, *rc::gen::element<std::string>("\n", "\r", "\r\n"), *rc::gen::arbitrary<bool>());
  const Contents contents = contents_of(text, *rc::gen::inRange<std::size_t>(1, 20));
  RC_ASSERT(contents.names == rows[0]);
  RC_ASSERT(contents.rows == std::vector<Row>(rows.begin() + 1, rows.end()));
}

RC_GTEST_PROP(Csv, TakesAnyPieces, ()) {
  const auto bytes = rc::gen::container<std::string>(rc::gen::element('a', ',', '"', '\n', '\r', '\t'));
  const std::string text = "h,i\na,b\n" + *bytes;
  const auto outcome = [&](std::size_t piece) -> std::pair<std::string, std::vector<Row>> {
    try {
      return {"", contents_of(text, piece).rows};
    } catch (const Error& error) {
      return {error.what(), {}};
    }
  };
  RC_ASSERT(outcome(*rc::gen::inRange<std::size_t>(1, 9)) == outcome(text.size()));
}

}  // namespace
}  // namespace unroll
