#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/sheet_rows.h"
#include "io/workbooks.h"
#include "refuses.h"

using namespace unroll;

namespace {

struct CountedRows : RowSink {
  void header(const std::vector<std::string>& names, char) override { columns = names.size(); }
  void cell(std::size_t column, std::string_view, FieldType) override {
    UNROLL_CHECK(column == cells % columns);
    ++cells;
  }
  void end_of_row(std::int64_t line) override {
    UNROLL_CHECK(line > last_line && ++rows * columns == cells);
    last_line = line;
  }
  void no_row() override { cells = rows * columns; }
  std::size_t columns = 0, rows = 0, cells = 0;
  std::int64_t last_line = 0;
};

}  // namespace

/// The bytes, cut at each zero byte, are the members of a workbook, the sheet first; those that lack stay as they are.
/// It is either refused or becomes rows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const TestWorkbook workbook{.sheets = {{"A", ""}}, .strings = {"<t>a</t>", "<t>b</t>"}, .styles = {0, 14, 18, 9}};
  auto parts = workbook.parts();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (auto& [name, xml] : parts) {
    if (rest.empty()) break;
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    if (end > 0) xml = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const std::string bytes = TestWorkbook::packed_workbook(parts);
  CountedRows rows;
  const bool refused = refuses([&] { read_sheet_rows({.archive = bytes, .path = "file"}, rows); });
  UNROLL_CHECK(refused || rows.rows > 0);
  return 0;
}
