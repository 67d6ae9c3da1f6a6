#pragma once

#include "io/rows.h"
#include "io/workbook.h"

namespace unroll {

/// The most cells, with those that are empty, of the table in a sheet: a small file may claim any number.
constexpr std::int64_t max_sheet_cells = 100'000'000;

/// Passes the table of a sheet to `sink`: its first row with a value is the header. Columns and rows without any value
/// are no part of it. Numbers are passed as FieldType::value, dates too, as 2020-01-31, with a time if any date of the
/// column has one. Throws Error(bad_data), with the row, as RowAssembler does, and for a damaged sheet.
void read_sheet_rows(const WorkbookSource& source, RowSink& sink);

}  // namespace unroll
