#pragma once

#include <string>
#include <string_view>

#include "unroll/table.h"

namespace unroll {

/// The form of plain columns in TableOptions::forms.
inline constexpr std::string_view plain_form = "plain";

/// The name of a form of numbers, or plain_form, with another decimal mark, a point or a comma.
std::string form_with_decimal(const std::string& form, DecimalMark decimal);

/// True for the name of a form of numbers or dates, and for point and comma.
bool is_form(ColumnKind kind, const std::string& form);

}  // namespace unroll
