#pragma once

#include <string>
#include <string_view>

#include "unroll/table.h"

namespace unroll {

/// The form of plain columns in TableOptions::forms.
inline constexpr std::string_view plain_form = "plain";

/// True for the name of a form of numbers or dates, and for point and comma.
bool is_form(ColumnKind kind, const std::string& form);

}  // namespace unroll
