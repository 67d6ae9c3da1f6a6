// One table is written in every form of numbers and dates, delimiter, quoting, encoding and shape. It must be read
// equally or be refused with a line. The quick test draws 3,000 combinations; UNROLL_TABLES=N draws N, and
// UNROLL_TABLES=all tries them all, which takes about an hour.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>

#include "io/archives.h"
#include "io/conversion.h"
#include "io/temporary_folder.h"
#include "table/date_writings.h"
#include "table/number_writings.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using Cells = std::vector<std::string>;

constexpr const char* words[] = {"Käse", "Brot", "Öl, kalt", "Café"};
constexpr std::size_t row_count = std::size(written_numbers);

/// How a table is written, but for its cells.
struct Form {
  char delimiter = ',';
  bool quote_all = false;
  std::string line_end = "\n";

  std::string line(const Cells& cells) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool quote = quote_all || cells[i].find(delimiter) != std::string::npos ||
                         cells[i].find_first_of("\r\n\"") != std::string::npos;
      text += fmt::format("{}{}{}{}", i > 0 ? std::string(1, delimiter) : "", quote ? "\"" : "", cells[i],
                          quote ? "\"" : "");
    }
    return text + line_end;
  }
  std::string lines(std::span<const Cells> all) const {
    std::string text;
    for (const Cells& cells : all) text += line(cells);
    return text;
  }
  std::string empty_cells(std::size_t count) const { return std::string(count - 1, delimiter) + line_end; }
};

/// Writes the header and the rows.
struct Shape {
  const char* name;
  std::function<std::string(const std::vector<Cells>& all, Form form)> write;
  RaggedRows ragged = RaggedRows::refuse;
};

std::vector<Shape> shapes() {
  const auto between = [](auto what) {
    return [=](const std::vector<Cells>& all, const Form& form) {
      const std::span<const Cells> rows(all);
      return form.lines(rows.first(4)) + what(all, form) + form.lines(rows.subspan(4));
    };
  };
  const auto ending = [](const char* line_end) {
    return [=](const std::vector<Cells>& all, Form form) {
      form.line_end = line_end;
      return form.lines(all);
    };
  };
  const auto with_cell = [](std::size_t column, auto change) {
    return [=](std::vector<Cells> all, const Form& form) {
      for (std::size_t row = 1; row < all.size(); ++row) change(all[row], column);
      return form.lines(all);
    };
  };
  return {
      {"LF", ending("\n")},
      {"CRLF", ending("\r\n")},
      {"CR", ending("\r")},
      {"no end",
       [](const auto& all, const Form& form) { return form.lines(all).substr(0, form.lines(all).size() - 1); }},
      {"sep=",
       [](const auto& all, const Form& form) { return fmt::format("sep={}\n", form.delimiter) + form.lines(all); }},
      {"comments", [](const auto& all, const Form& form) { return "# of a shop\n# in May\n" + form.lines(all); }},
      {"#header", [](const auto& all, const Form& form) { return "#" + form.lines(all); }},
      {"delimiters at the ends",
       [](const auto& all, Form form) {
         form.line_end = form.delimiter + std::string("\n");
         return form.lines(all);
       }},
      {"empty lines", between([](const auto&, const Form&) { return "\n\n"; })},
      {"blank rows", between([](const auto& all, const Form& form) { return form.empty_cells(all[0].size()); })},
      {"repeated header", between([](const auto& all, const Form& form) { return form.line(all[0]); })},
      {"joined files", between([](const auto& all, const Form& form) { return "\ufeff" + form.line(all[0]); })},
      {"index without name",
       [](std::vector<Cells> all, const Form& form) {
         for (std::size_t row = 0; row < all.size(); ++row)
           all[row].insert(all[row].begin(), row == 0 ? "" : std::to_string(row));
         return form.lines(all);
       }},
      {"units",
       [](std::vector<Cells> all, const Form& form) {
         all.insert(all.begin() + 1, {"no", "EUR", "date", "name", "-"});
         return form.lines(all);
       }},
      {"spaces around numbers", with_cell(1, [](Cells& row, std::size_t at) { row[at] = " " + row[at] + " "; })},
      {"line ends in cells", with_cell(4, [](Cells& row, std::size_t at) { row[at] = "one\ntwo"; })},
      {"quotes in cells", with_cell(4, [](Cells& row, std::size_t at) { row[at] = "27\"\" wide"; })},
      {"short rows", with_cell(4, [](Cells& row, std::size_t at) { row.erase(row.begin() + static_cast<int>(at)); }),
       RaggedRows::fill}};
}

struct Coding {
  const char* name;      ///< as iconv knows it
  const char* mark;      ///< byte order mark
  const char* encoding;  ///< TableOptions::encoding
};

constexpr Coding codings[] = {{"UTF-8", "", ""},          {"UTF-8", "\ufeff", ""},
                              {"UTF-16LE", "\ufeff", ""}, {"UTF-16BE", "\ufeff", ""},
                              {"UTF-32LE", "\ufeff", ""}, {"UTF-16LE", "", "UTF-16LE"},
                              {"UTF-16BE", "", "utf-16"}, {"windows-1252", "", "windows-1252"},
                              {"GB18030", "", "gb18030"}, {"macintosh", "", "macintosh"}};

/// Nothing if the encoding lacks a character of the text.
std::optional<std::string> encoded_table(std::string_view text, const Coding& coding) {
  std::string bytes;
  const std::string marked = coding.mark + std::string(text);
  std::string_view rest = marked;
  if (Conversion("UTF-8", coding.name).convert(rest, bytes) != Conversion::End::whole) return std::nullopt;
  return bytes;
}

/// What differs between the table that was written and the one that was read; empty if nothing does.
std::string difference(const Table& table, const DatePattern& dates) {
  const auto same = [](double one, double other) {
    return std::abs(one - other) <= 1e-9 * std::max(1.0, std::abs(one));
  };
  if (table.rows() != static_cast<std::int64_t>(row_count)) return fmt::format("{} rows", table.rows());
  if (table.columns().size() != 5) return fmt::format("{} columns", table.columns().size());
  const Column &value = table.column("value"), &when = table.column("when"), &name = table.column("name");
  if (value.kind() != ColumnKind::number) return "value is " + name_of(value.kind());
  if (when.kind() != ColumnKind::date) return "when is " + name_of(when.kind());
  if (name.kind() != ColumnKind::category) return "name is " + name_of(name.kind());
  for (std::size_t row = 0; row < row_count; ++row) {
    const Moment& moment = written_moments[row % std::size(written_moments)];
    if (table.columns().front().numbers()[row] != static_cast<double>(row)) return fmt::format("id {}", row);
    if (!same(written_numbers[row], value.numbers()[row]))
      return fmt::format("{} instead of {}", value.numbers()[row], written_numbers[row]);
    if (when.numbers()[row] != days_of(moment, dates)) return fmt::format("when {}", row);
    if (name.levels()[name.codes()[row]] != words[row % std::size(words)]) return fmt::format("name {}", row);
  }
  return "";
}

/// One table, written in a combination of forms and read.
class WrittenTables : public testing::Test {
 public:
  static std::size_t size(std::size_t dimension) {
    const std::size_t sizes[] = {numbers().size(),   std::size(date_patterns), 4, 2,
                                 std::size(codings), all_shapes().size()};
    return sizes[dimension];
  }
  static constexpr std::size_t dimensions = 6;
  using Combination = std::array<std::size_t, dimensions>;

  void check(const Combination& c) {
    const NumberWriting& number = numbers()[c[0]];
    const DatePattern& dates = date_patterns[c[1]];
    const Shape& shape = all_shapes()[c[5]];
    const Coding& coding = codings[c[4]];
    const Form form = {.delimiter = ",;\t|"[c[2]], .quote_all = c[3] != 0};
    std::vector<Cells> all = {{"id", "value", "when", "name", "rest"}};
    for (std::size_t row = 0; row < row_count; ++row)
      all.push_back({std::to_string(row), number.write(written_numbers[row]),
                     written_date(written_moments[row % std::size(written_moments)], dates.text),
                     words[row % std::size(words)], "x"});
    const auto bytes = encoded_table(shape.write(all, form), coding);
    if (!bytes) return;
    const std::string described =
        fmt::format("{}, dates {}, delimiter {}, quotes {}, {}{}, {}", number.name, dates.text, form.delimiter,
                    form.quote_all, coding.name, coding.mark, shape.name);
    TableOptions options = {.ragged = shape.ragged, .encoding = coding.encoding};
    try {
      const std::string found = difference(Table::from_text(*bytes, options), dates);
      EXPECT_EQ(found, "") << described;
      ++(found.empty() ? read_ : differing_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << described << ": " << error.what();
      ++refused_[shape.name + std::string(": ") + error.what()];
    }
    if (options.encoding.empty()) return;
    options.encoding.clear();
    try {
      Table::from_text(*bytes, options);
      ADD_FAILURE() << "read without its encoding: " << described;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << described << ": " << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr("encoding")) << described;
    }
  }

  static const std::vector<NumberWriting>& numbers() {
    static const std::vector<NumberWriting> all = [] {
      std::vector<NumberWriting> exact = number_writings();
      std::erase_if(exact, [](const NumberWriting& each) { return each.name == "comma, one digit"; });
      return exact;
    }();
    return all;
  }
  static const std::vector<Shape>& all_shapes() {
    static const std::vector<Shape> all = shapes();
    return all;
  }

  std::int64_t read_ = 0, differing_ = 0;
  std::map<std::string, std::int64_t> refused_;
};

TEST_F(WrittenTables, AreReadEquallyOrRefused) {
  Combination c{};
  const char* const tables = std::getenv("UNROLL_TABLES");
  if (tables != nullptr && tables == std::string("all")) {
    for (std::size_t d = 0; d < dimensions;) {
      check(c);
      for (d = 0; d < dimensions && ++c[d] == size(d); ++d) c[d] = 0;
    }
  } else {
    std::mt19937 random(1);
    const int draws = tables == nullptr ? 3000 : std::stoi(tables);  // of 3000 each pair of forms occurs in several
    for (int i = 0; i < draws; ++i) {
      for (std::size_t d = 0; d < dimensions; ++d) c[d] = random() % size(d);
      check(c);
    }
  }
  for (const auto& [message, count] : refused_) ADD_FAILURE() << "refused " << count << " times: " << message;
  EXPECT_GT(read_, 2000);
}

TEST_F(WrittenTables, AreReadFromGzipAndZip) {
  const TemporaryFolder folder;
  const DatePattern& dates = date_patterns[0];
  std::vector<Cells> all = {{"id", "value", "when", "name", "rest"}};
  for (std::size_t row = 0; row < row_count; ++row)
    all.push_back({std::to_string(row), fmt::format("{}", written_numbers[row]),
                   written_date(written_moments[row % std::size(written_moments)], dates.text),
                   words[row % std::size(words)], "x"});
  for (const Coding& coding : codings) {
    const std::string bytes = encoded_table(Form().lines(all), coding).value();
    for (const std::string& path : {folder.file("a", bytes), folder.file("a.gz", gzipped(bytes)),
                                    folder.file("a.zip", zipped({zip_member("a.csv", bytes)}))}) {
      const Table table = Table::read(path, {.encoding = coding.encoding});
      EXPECT_EQ(difference(table, dates), "") << path << ", " << coding.name;
      const bool has_note = (*coding.mark != 0 && *coding.encoding == 0 && coding.name != std::string("UTF-8")) ||
                            coding.encoding == std::string("utf-16");
      EXPECT_EQ(table.notes().size(), has_note ? 1u : 0u) << coding.name;
    }
  }
}

}  // namespace
}  // namespace unroll
