#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "table/column_form.h"
#include "table/date_form.h"
#include "table/number_form.h"
#include "unroll/table.h"

namespace unroll {

bool is_form(ColumnKind kind, const std::string& form) {
  if (kind == ColumnKind::number) return form == "point" || form == "comma" || NumberForm::named(form);
  const auto& forms = enum_names<DateForm>();
  return kind == ColumnKind::date &&
         std::ranges::find(forms, form, &std::pair<std::string, DateForm>::first) != forms.end();
}

std::string form_with_decimal(const std::string& form, DecimalMark decimal) {
  if (form == plain_form && decimal == DecimalMark::comma) return "comma";  // currencies and groups from the cells
  const auto named = NumberForm::named(form);
  return named ? with_decimal(*named, decimal == DecimalMark::comma ? ',' : '.').name() : form;
}

namespace {

std::string kinds_with(const char* separator) {
  std::string kinds;
  for (const auto& entry : enum_names<ColumnKind>()) kinds += (kinds.empty() ? "" : separator) + entry.first;
  return kinds;
}

/// The kind and form, if any, of KIND or KIND:FORM.
std::optional<std::pair<ColumnKind, std::string>> kind_and_form(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto& kinds = enum_names<ColumnKind>();
  const auto kind = std::ranges::find(kinds, text.substr(0, colon), &std::pair<std::string, ColumnKind>::first);
  if (kind == kinds.end()) return std::nullopt;
  const std::string form = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (colon != std::string::npos && !is_form(kind->second, form)) return std::nullopt;
  return std::pair(kind->second, form);
}

void assign_as(TableOptions& o, const std::string& value) {
  // Names of columns and forms may hold equals signs: the last one before a kind separates the two.
  for (std::size_t equals = value.rfind('='); equals != std::string::npos && equals > 0;
       equals = value.rfind('=', equals - 1)) {
    const auto found = kind_and_form(value.substr(equals + 1));
    if (!found) continue;
    const std::string column = value.substr(0, equals);
    o.as[column] = found->first;
    o.forms.erase(column);
    if (!found->second.empty()) o.forms[column] = found->second;
    return;
  }
  throw IllegalValue{"COLUMN=" + kinds_with("|") +
                     ", for numbers also number:comma, number:point or a form such as number:1.234,5, for dates "
                     "date:dmy, date:mdy, date:ymd or date:unix"};
}

Option as_option(TableOptions& o) {
  std::vector<std::string> words;
  for (const auto& entry : enum_names<ColumnKind>()) words.push_back(entry.first);
  return {.name = "as",
          .value_name = "COLUMN=KIND",
          .help = fmt::format("take a column for {}; date:dmy sets a form too", options::alternatives(words)),
          .form = Option::Form::repeated,
          .assign = [&o](const std::string& value) { assign_as(o, value); },
          .values =
              [&o] {
                std::vector<std::string> values;
                for (const auto& [column, kind] : o.as) {
                  const auto form = o.forms.find(column);
                  values.push_back(column + "=" + name_of(kind) + (form == o.forms.end() ? "" : ":" + form->second));
                }
                return values;
              }};
}

}  // namespace

std::vector<Option> describe(TableOptions& o) {
  return {as_option(o),
          options::choice("decimal", o.decimal, "the decimal mark of all numbers; inferred from the cells otherwise"),
          options::choice("ragged", o.ragged, "what is done with rows that lack cells at their end"),
          options::texts("missing-value", "[COLUMN=]VALUE", o.missing_values, "",
                         "take cells with this number or text for missing; may be repeated"),
          options::texts("drop", "COLUMN", o.drop, "", "leave a column out; may be repeated"),
          options::encoding(o.encoding)};
}

}  // namespace unroll
