#include "io/workbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "io/xml.h"
#include "io/zip.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

int int_of(std::string_view text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// xl/workbook.xml.
struct WorkbookPart : XmlHandler {
  struct Entry {
    std::string name, relation;
    bool hidden = false;
  };

  void start(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "workbookPr") from_1904 = attributes["date1904"] == "1" || attributes["date1904"] == "true";
    if (element == "sheet") {
      sheets.push_back({std::string(attributes["name"]), std::string(attributes["id"]),
                        attributes["state"].ends_with("idden")});  // hidden, veryHidden
    }
  }
  void end(std::string_view) override {}

  std::vector<Entry> sheets;
  bool from_1904 = false;
};

/// xl/_rels/workbook.xml.rels: the members that the workbook refers to.
struct Relations : XmlHandler {
  void start(std::string_view element, const XmlAttributes& attributes) override {
    if (element != "Relationship") return;
    const std::string_view type = attributes["Type"];
    const std::filesystem::path path = std::filesystem::path("/xl") / attributes["Target"];
    const std::string part = path.lexically_normal().relative_path().generic_string();
    if (type.ends_with("/worksheet")) sheets[std::string(attributes["Id"])] = part;
    if (type.ends_with("/sharedStrings")) strings = part;
    if (type.ends_with("/styles")) styles = part;
  }
  void end(std::string_view) override {}

  std::map<std::string, std::string> sheets;  // by the id of the relation
  std::string strings, styles;
};

/// xl/styles.xml.
struct Styles : XmlHandler {
  void start(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "numFmt") custom[int_of(attributes["numFmtId"])] = meaning_of_format(attributes["formatCode"]);
    within_cells = within_cells || element == "cellXfs";
    if (!within_cells || element != "xf") return;
    const int id = int_of(attributes["numFmtId"]);
    const auto found = custom.find(id);
    meanings.push_back(found == custom.end() ? meaning_of_format(id) : found->second);
  }
  void end(std::string_view element) override { within_cells = within_cells && element != "cellXfs"; }

  std::map<int, NumberMeaning> custom;  // numFmts stands before cellXfs
  std::vector<NumberMeaning> meanings;
  bool within_cells = false;
};

/// xl/sharedStrings.xml.
struct StringsPart : XmlHandler {
  explicit StringsPart(SharedStrings& all) : strings(all) {}

  void start(std::string_view element, const XmlAttributes&) override {
    if (element == "si") current.clear();
    phonetic = phonetic || element == "rPh";
    within_text = element == "t" && !phonetic;
  }
  void end(std::string_view element) override {
    if (element == "si") strings.append(unescaped_text(current));
    phonetic = phonetic && element != "rPh";
    within_text = false;
  }
  void text(std::string_view piece) override {
    if (within_text) current += piece;
  }

  SharedStrings& strings;
  std::string current;
  bool phonetic = false, within_text = false;
};

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    unsigned char code = 0;
    const std::string_view digits = text[0] == '%' ? text.substr(1, 2) : "";
    const bool escaped =
        digits.size() == 2 && std::from_chars(digits.data(), digits.data() + 2, code, 16).ptr == digits.data() + 2;
    decoded += escaped ? static_cast<char>(code) : text[0];
    text.remove_prefix(escaped ? 3 : 1);
  }
  return decoded;
}

/// The members of a workbook, which together have at most max_unpacked bytes.
class Parts {
 public:
  explicit Parts(const WorkbookSource& source)
      : source_(source), names_(zip_members(source.archive, source_.path)), left_(max_unpacked) {}

  bool has(const std::string& part) const { return member_of(part) != names_.end(); }

  std::string read(const std::string& part) {
    const auto member = member_of(part);
    if (member == names_.end())
      throw Error(ExitCode::bad_data, fmt::format("{} is missing; open the workbook in its program and save it again",
                                                  Sheet::part_label(source_, part)));
    std::string xml = unzip(source_.archive, source_.path, *member, left_);
    left_ -= xml.size();
    return xml;
  }

  /// Parses a member that may be absent.
  void parse(const std::string& part, XmlHandler& handler) {
    if (has(part)) parse_xml(read(part), Sheet::part_label(source_, part), handler);
  }

  std::string workbook_part() const { return *std::ranges::find_if(names_, is_workbook_part); }

 private:
  /// The part has the name of the member, or that name with %20 for a space.
  std::vector<std::string>::const_iterator member_of(const std::string& part) const {
    const auto found = std::ranges::find(names_, part);
    return found != names_.end() ? found : std::ranges::find(names_, percent_decoded(part));
  }

  const WorkbookSource& source_;
  std::vector<std::string> names_;
  std::uint64_t left_;
};

/// Sheets of charts and macros have no cells.
std::vector<WorkbookPart::Entry> sheets_of_cells(const WorkbookPart& workbook, const Relations& relations) {
  std::vector<WorkbookPart::Entry> found;
  std::ranges::copy_if(workbook.sheets, std::back_inserter(found),
                       [&](const auto& entry) { return relations.sheets.contains(entry.relation); });
  return found;
}

std::size_t place_of_sheet(const std::vector<WorkbookPart::Entry>& sheets, const WorkbookSource& source) {
  if (sheets.empty())
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the workbook has no sheet with cells; save it again, or the table as CSV",
                            source_name(source.path)));
  if (!source.sheet) return 0;
  const auto found = std::ranges::find(sheets, *source.sheet, &WorkbookPart::Entry::name);
  if (found != sheets.end()) return static_cast<std::size_t>(found - sheets.begin());
  constexpr std::size_t most = 10;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(most, sheets.size()); ++i) names.push_back(in_quotes(sheets[i].name));
  throw Error(ExitCode::bad_data,
              fmt::format("{}: the workbook has no sheet {}; it has {}{}", source_name(source.path),
                          in_quotes(*source.sheet), fmt::join(names, ", "),
                          sheets.size() > most ? fmt::format(" and {} more", sheets.size() - most) : ""));
}

/// The character that _xHHHH_ at the begin of `text` stands for; nullopt if it is no such escape.
std::optional<char32_t> escaped_character(std::string_view text) {
  constexpr std::size_t size = 7;
  if (text.size() < size || !text.starts_with("_x") || text[size - 1] != '_') return std::nullopt;
  unsigned code = 0;
  const char* const end = text.data() + size - 1;
  const auto parsed = std::from_chars(text.data() + 2, end, code, 16);
  const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (parsed.ec != std::errc() || parsed.ptr != end || control || surrogate || code >= 0xfffe) return std::nullopt;
  return code;
}

void append_utf8(std::string& text, char32_t code) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
  }
  add(0x80 | (code & 0x3f));
}

}  // namespace

std::string unescaped_text(std::string_view text) {
  std::string result;
  for (std::size_t at = text.find("_x"); at != std::string_view::npos; at = text.find("_x")) {
    const auto code = escaped_character(text.substr(at));
    result += text.substr(0, code ? at : at + 1);
    if (code) append_utf8(result, *code);
    text.remove_prefix(at + (code ? 7 : 1));
  }
  return result += text;
}

std::string Sheet::part_label(const WorkbookSource& source, const std::string& part) {
  return fmt::format("{}: the member {} of the workbook", source_name(source.path), in_quotes(part));
}

Sheet read_sheet(const WorkbookSource& source) {
  Parts parts(source);
  WorkbookPart workbook;
  const std::string main = parts.workbook_part();
  parts.parse(main, workbook);
  Relations relations;
  parts.parse("xl/_rels/" + main.substr(3) + ".rels", relations);
  const auto sheets = sheets_of_cells(workbook, relations);
  const std::size_t place = place_of_sheet(sheets, source);
  Sheet sheet;
  sheet.name = sheets[place].name;
  sheet.place = place + 1;
  sheet.count = sheets.size();
  sheet.hidden = sheets[place].hidden;
  sheet.part = relations.sheets.at(sheets[place].relation);
  sheet.from_1904 = workbook.from_1904;
  sheet.label = fmt::format("{}: sheet {}", source_name(source.path), in_quotes(sheet.name));
  Styles styles;
  parts.parse(relations.styles, styles);
  sheet.meanings = std::move(styles.meanings);
  StringsPart strings(sheet.strings);
  parts.parse(relations.strings, strings);
  sheet.xml = parts.read(sheet.part);
  return sheet;
}

}  // namespace unroll
