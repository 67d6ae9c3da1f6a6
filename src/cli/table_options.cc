#include "cli/table_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace unroll::cli {

namespace {

Setting as_setting(TableOptions& o) {
  std::vector<std::string> words;
  for (const auto& entry : column_kind_names) words.push_back(entry.first);
  const std::string kinds = join(words, "|");
  return {Setting::Form::repeated,
          "as",
          "COLUMN=KIND",
          "",
          fmt::format("take a column for {}", alternatives(words)),
          [&o, legal = "COLUMN=" + kinds](const std::string& value) {
            const std::size_t equals = value.rfind('=');
            const auto is_kind = [&](const auto& entry) { return entry.first == value.substr(equals + 1); };
            const auto kind = std::ranges::find_if(column_kind_names, is_kind);
            if (equals == std::string::npos || equals == 0 || kind == column_kind_names.end())
              throw IllegalValue{legal};
            o.as[value.substr(0, equals)] = kind->second;
          }};
}

}  // namespace

std::vector<Setting> table_settings(TableOptions& o) {
  return {as_setting(o), texts("drop", "COLUMN", o.drop, "", "leave a column out; may be repeated")};
}

}  // namespace unroll::cli
