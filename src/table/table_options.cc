#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unroll/table.h"

namespace unroll {

namespace {

std::string kinds_with(const char* separator) {
  std::string kinds;
  for (const auto& entry : enum_names<ColumnKind>()) kinds += (kinds.empty() ? "" : separator) + entry.first;
  return kinds;
}

Option as_option(TableOptions& o) {
  std::vector<std::string> words;
  for (const auto& entry : enum_names<ColumnKind>()) words.push_back(entry.first);
  return {.name = "as",
          .value_name = "COLUMN=KIND",
          .help = fmt::format("take a column for {}", options::alternatives(words)),
          .form = Option::Form::repeated,
          .assign =
              [&o](const std::string& value) {
                const std::size_t equals = value.rfind('=');
                const auto is_kind = [&](const auto& entry) { return entry.first == value.substr(equals + 1); };
                const EnumNames<ColumnKind>& kinds = enum_names<ColumnKind>();
                const auto kind = std::ranges::find_if(kinds, is_kind);
                if (equals == std::string::npos || equals == 0 || kind == kinds.end())
                  throw IllegalValue{"COLUMN=" + kinds_with("|")};
                o.as[value.substr(0, equals)] = kind->second;
              },
          .values =
              [&o] {
                std::vector<std::string> values;
                for (const auto& [column, kind] : o.as) values.push_back(column + "=" + name_of(kind));
                return values;
              }};
}

}  // namespace

std::vector<Option> describe(TableOptions& o) {
  return {as_option(o), options::texts("drop", "COLUMN", o.drop, "", "leave a column out; may be repeated")};
}

}  // namespace unroll
