#pragma once

#include <string>

#include "io/csv.h"

namespace unroll {

/// Reads the table in `source` (see read_source): CSV, or a sheet of an Excel workbook (xlsx), which begins as a zip
/// archive; the sheet is the first one or, in houses.xlsx:Sold, the one after the colon.
/// `encoding`: of CSV, as for read_source(). Returns whether it is a workbook.
bool read_table(const std::string& source, RowSink& sink, const CsvOptions& options = {},
                const std::string& encoding = {});

}  // namespace unroll
