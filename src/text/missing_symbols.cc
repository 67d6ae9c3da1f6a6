#include "text/missing_symbols.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/token_table.h"
#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {

void MissingSymbols::refuse(const std::string& name) const {
  if (in_order_.empty()) return;
  const std::size_t named = std::min<std::size_t>(in_order_.size(), 10);
  std::string list;
  for (std::size_t i = 0; i < named; ++i) list += (i == 0 ? "" : ", ") + described(unit_, *in_order_[i]);
  if (named < in_order_.size()) list += fmt::format(" and {} more", in_order_.size() - named);
  throw Error(ExitCode::bad_data,
              fmt::format("{}: the model's vocabulary lacks {}; remove what it lacks, or leave it out with {} skip",
                          name, list, option_name("unknown")));
}

}  // namespace unroll
