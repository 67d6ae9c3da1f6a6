#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/csv.h"
#include "refuses.h"
#include "unroll/table.h"

using namespace unroll;

namespace {

struct Contents : RowSink {
  void header(const std::vector<std::string>& names, char) override { columns = names.size(); }
  void cell(std::size_t column, std::string_view text, FieldType type) override {
    const bool missing = type == FieldType::missing;
    UNROLL_CHECK(column == cells.size() % columns && (!missing || text.empty()));
    cells.emplace_back(text, missing);
  }
  void end_of_row(std::int64_t line) override {
    UNROLL_CHECK(cells.size() % columns == 0 && (lines.empty() ? line > 1 : line > lines.back()));
    lines.push_back(line);
  }
  void no_row() override { cells.resize(lines.size() * columns); }
  void notes(const std::vector<std::string>& all) override { noted = all; }
  std::vector<std::string> noted;
  std::size_t columns = 0;
  std::vector<std::pair<std::string, bool>> cells;
  std::vector<std::int64_t> lines;
};

/// True if the parser refuses the bytes.
bool parse(std::string_view bytes, std::size_t piece, Contents& contents) {
  CsvParser parser("file", contents, {.max_cell = 5000});
  return refuses([&] {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) parser.feed(bytes.substr(0, piece));
    parser.finish();
  });
}

/// The same table with every non-missing cell in quotes: cells read by libcsv and cells split by the parser itself must
/// agree.
std::string quoted(const Contents& contents) {
  std::size_t longest = 0;  // no cell is a name, so no row repeats the header
  for (const auto& cell : contents.cells) longest = std::max(longest, cell.first.size());
  std::string text;
  for (std::size_t i = 0; i < contents.columns; ++i)
    text += (i > 0 ? "," : "") + std::string(longest + 1, 'n') + std::to_string(i);
  for (std::size_t i = 0; i < contents.cells.size(); ++i) {
    const auto& [cell, missing] = contents.cells[i];
    text += i % contents.columns == 0 ? "\n" : ",";
    if (missing && contents.columns > 1) continue;
    text += '"';
    for (const char byte : cell) text += std::string(byte == '"' ? 2 : 1, byte);
    text += '"';
  }
  return text;
}

void check_table(std::string_view bytes, const Contents& contents) {
  const Table table = Table::from_text(bytes);
  if (table.notes() != contents.noted) return;  // a column or row is left out
  UNROLL_CHECK(table.columns().size() == contents.columns);
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    UNROLL_CHECK(table.line(row) == contents.lines[static_cast<std::size_t>(row)]);
    for (std::size_t i = 0; i < contents.columns; ++i) {
      const bool missing = contents.cells[static_cast<std::size_t>(row) * contents.columns + i].second;
      UNROLL_CHECK(!missing || table.columns()[i].is_missing(row));
    }
  }
}

}  // namespace

/// Any bytes, fed in pieces of any size (set by the first byte), are either refused or become rows of a table that can
/// be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Contents whole, pieces, again;
  const bool refused = parse(bytes, std::max<std::size_t>(bytes.size(), 1), whole);
  UNROLL_CHECK(parse(bytes, 1 + std::size_t{data[0]}, pieces) == refused);
  if (refused) return 0;
  UNROLL_CHECK(pieces.cells == whole.cells && pieces.lines == whole.lines);
  check_table(bytes, whole);
  UNROLL_CHECK(!parse(quoted(whole), 100, again));
  UNROLL_CHECK(again.cells.size() == whole.cells.size());
  for (std::size_t i = 0; i < whole.cells.size(); ++i) {
    UNROLL_CHECK(again.cells[i].first == whole.cells[i].first);
    UNROLL_CHECK(whole.columns == 1 || again.cells[i].second == whole.cells[i].second);
  }
  return 0;
}
