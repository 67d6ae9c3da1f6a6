#pragma once

#include <optional>
#include <string>

#include "unroll/table.h"

namespace unroll {

/// One line of reading_notes() or unparsed_notes(), for one column; empty if there is nothing to say.
std::optional<std::string> form_note(const Table& table, const Column& column);
std::optional<std::string> unparsed_note(const Table& table, const Column& column);

}  // namespace unroll
