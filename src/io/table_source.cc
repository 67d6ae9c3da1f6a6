#include "io/table_source.h"

#include <utility>
#include <vector>

#include "io/sheet_rows.h"
#include "io/text_source.h"

namespace unroll {

bool read_table(const std::string& source, RowSink& sink, const CsvOptions& options, const std::string& encoding) {
  CsvParser parser(source_name(source), sink, options);
  bool is_workbook = false;
  const auto feed = [&](std::string_view piece) { parser.feed(piece); };
  const auto read_workbook = [&](const WorkbookSource& workbook) {
    is_workbook = true;
    read_sheet_rows(workbook, sink);
  };
  std::vector<std::string> notes = for_each_piece(source, encoding, feed, read_workbook);
  if (!is_workbook) parser.finish(std::move(notes));
  return is_workbook;
}

}  // namespace unroll
