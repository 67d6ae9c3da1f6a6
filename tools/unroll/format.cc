#include "format.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace unroll::cli {

namespace {

bool can_be_seen(utf8proc_int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return utf8proc_charwidth(code) > 0;
  }
}

/// Calls visit(code point, its bytes) for each code point; a byte that is not UTF-8 counts as code point -1.
template <typename Visit>
void for_each_symbol(std::string_view text, Visit visit) {
  while (!text.empty()) {
    utf8proc_int32_t code = -1;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code);
    const std::size_t length = used > 0 ? static_cast<std::size_t>(used) : 1;
    visit(used > 0 ? code : -1, text.substr(0, length));
    text.remove_prefix(length);
  }
}

int columns_of(utf8proc_int32_t code) { return code < 0 ? 1 : utf8proc_charwidth(code); }

}  // namespace

std::string visible(std::string_view text) {
  std::string result;
  for_each_symbol(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    if (code < 0) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned char>(bytes[0]));
    } else if (code == ' ') {
      result += "␣";
    } else if (code == '\n') {
      result += "\\n";
    } else if (code == '\t') {
      result += "\\t";
    } else {
      result += can_be_seen(code) ? std::string(bytes) : fmt::format("U+{:04X}", code);
    }
  });
  return result;
}

std::string code_point(std::string_view character) {
  std::string result;
  for_each_symbol(character, [&](utf8proc_int32_t code, std::string_view) { result = fmt::format("U+{:04X}", code); });
  return result;
}

int display_width(std::string_view text) {
  int width = 0;
  for_each_symbol(text, [&](utf8proc_int32_t code, std::string_view) { width += columns_of(code); });
  return width;
}

std::string_view cut_to_width(std::string_view text, int width) {
  std::size_t length = 0;
  int used = 0;
  for_each_symbol(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    used += columns_of(code);
    if (used <= width) length += bytes.size();
  });
  return text.substr(0, length);
}

std::string align_left(std::string_view text, int width) {
  return std::string(text) + std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
}

std::string align_right(std::string_view text, int width) {
  return std::string(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ') + std::string(text);
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& to_the_right) {
  std::vector<int> widths(to_the_right.size(), 0);
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      line += (to_the_right[i] ? align_right(row[i], widths[i]) : align_left(row[i], widths[i])) + "  ";
    }
    line += row.back();
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string one_line(std::string_view text) {
  std::string line;
  for_each_symbol(text, [&](utf8proc_int32_t code, std::string_view bytes) {
    if (code == '\n') {
      line += "\\n";
    } else if (code == '\t') {
      line += "\\t";
    } else if (code < 0 || utf8proc_category(code) == UTF8PROC_CATEGORY_CC) {
      for (const char byte : bytes) line += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      line += bytes;
    }
  });
  return line;
}

std::string for_shell(std::string_view text) {
  const auto plain = [](char c) {
    constexpr std::string_view marks = "/._-+=:,@%";
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || byte >= 0x80 || marks.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : c == '\n' ? "'$'\\n''" : std::string(1, c);
  return word + "'";
}

std::string shortened(std::string_view text, int width) {
  const std::string line = one_line(text);
  const std::string_view cut = cut_to_width(line, width);
  return cut.size() < line.size() ? std::string(cut_to_width(line, width - 2)) + ".." : line;
}

}  // namespace unroll::cli
