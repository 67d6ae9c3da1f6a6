#include "io/other_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "unroll/error.h"

namespace unroll {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::string_view magic;
  std::size_t offset;
  const char* name;
  const char* command;  ///< {0}: the file
};

constexpr const char* convert_table = "libreoffice --headless --convert-to csv '{0}'";
constexpr const char* convert_text = "libreoffice --headless --convert-to txt:Text '{0}'";

constexpr std::string_view old_office = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

// Signatures from the formats' specifications and from file(1).
constexpr std::array formats = {
    Format{"PAR1"sv, 0, "a Parquet file",
           "python3 -c \"import pandas; pandas.read_parquet('{0}').to_csv('table.csv', index=False)\""},
    Format{"SQLite format 3\0"sv, 0, "an SQLite database", "sqlite3 -csv -header '{0}' 'select * from TABLE'"},
    Format{old_office, 0, "an old Office document (xls, doc)", convert_table},
    Format{"%PDF-"sv, 0, "a PDF document", "pdftotext '{0}' text.txt"},
    Format{"ustar"sv, 257, "a tar archive", "tar xf '{0}'"},
    Format{"7z\xbc\xaf\x27\x1c"sv, 0, "a 7z archive", "7z x '{0}'"},
    Format{"Rar!\x1a\x07"sv, 0, "a rar archive", "unrar x '{0}'"},
    Format{"\xfd"
           "7zXZ\0"sv,
           0, "compressed by xz", "xz --decompress --keep '{0}'"},
    Format{"BZh"sv, 0, "compressed by bzip2", "bunzip2 --keep '{0}'"},
    Format{"\x28\xb5\x2f\xfd"sv, 0, "compressed by zstd", "zstd --decompress '{0}'"},
    Format{"\x04\x22\x4d\x18"sv, 0, "compressed by lz4", "lz4 -d '{0}'"},
    Format{"version https://git-lfs.github.com/"sv, 0, "a pointer of Git LFS and not the file itself",
           "git lfs pull --include '{0}'"},
};

bool has_magic(std::string_view bytes, const Format& format) {
  if (bytes.size() < format.offset || !bytes.substr(format.offset).starts_with(format.magic)) return false;
  // "BZh" may begin a text: a block of bzip2 begins with the digits of pi.
  return format.magic != "BZh"sv || bytes.substr(std::min<std::size_t>(4, bytes.size())).starts_with("1AY&SY");
}

[[noreturn]] void refuse(const std::string& name, const char* what, const char* command) {
  throw Error(ExitCode::bad_data,
              fmt::format("{0}: is {1}; convert it first: {2}", name, what, fmt::format(fmt::runtime(command), name)));
}

/// The first visible characters, in lower case.
std::string beginning_of(std::string_view bytes) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  const auto first = std::find_if_not(bytes.begin(), bytes.end(), is_space);
  std::string text(first, bytes.end());
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Programs put an xlsx or docx with a password into a stream of this name, in UTF-16.
bool has_password(std::string_view bytes) {
  constexpr std::string_view name = "EncryptedPackage";
  std::string wide;
  for (const char byte : name) wide.append({byte, '\0'});
  return bytes.find(wide) != std::string_view::npos;
}

void refuse_text_formats(std::string_view bytes, const std::string& name) {
  const std::string text = beginning_of(bytes);
  if (text.starts_with("<!doctype html") || text.starts_with("<html")) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: is an HTML page and not a table; save the file that the page links to", name));
  }
  const std::size_t second = text.find_first_not_of(" \t\r\n", 1);
  const char next = second == std::string::npos ? '\0' : text[second];
  const bool object = text.starts_with('{') && (next == '"' || next == '}');
  const bool array = text.starts_with('[') && (next == '{' || next == '[');
  if (!object && !array) return;
  const bool lines = object && bytes.find("}\n{") != std::string_view::npos;
  refuse(name, "JSON",
         lines ? "python3 -c \"import pandas; pandas.read_json('{0}', lines=True).to_csv('table.csv', index=False)\""
               : "python3 -c \"import pandas; pandas.read_json('{0}').to_csv('table.csv', index=False)\"");
}

}  // namespace

bool is_old_office(std::string_view bytes) { return bytes.starts_with(old_office); }

void refuse_other_format(std::string_view bytes, const std::string& name, Content content) {
  if (content == Content::bytes) return;
  if (is_old_office(bytes) && has_password(bytes)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: is an Office document with a password; open it and save it without one", name));
  }
  for (const Format& format : formats) {
    if (has_magic(bytes, format)) refuse(name, format.name, format.command);
  }
  if (content == Content::table) refuse_text_formats(bytes, name);
}

void refuse_document(std::string_view member, const std::string& name) {
  if (is_workbook_part(member)) refuse(name, "an Excel workbook (xlsx)", convert_table);
  if (member == "xl/workbook.bin") refuse(name, "a binary Excel workbook (xlsb)", convert_table);
  if (member == "word/document.xml") refuse(name, "a Word document (docx)", convert_text);
  if (member == "content.xml") refuse(name, "an OpenDocument file (ods, odt)", convert_table);
}

bool is_workbook_part(std::string_view member) { return member.starts_with("xl/workbook") && member.ends_with(".xml"); }

}  // namespace unroll
