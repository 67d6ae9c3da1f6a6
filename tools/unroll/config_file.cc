#include "config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "unroll/atomic_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* string = node.as_string()) return string->get();
  if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

std::vector<std::string> values_of(const toml::node& node, const std::string& place, std::string_view key) {
  std::vector<std::string> values;
  const auto add = [&](const toml::node& scalar) {
    const auto text = scalar_text(scalar);
    if (!text) {
      throw Error(ExitCode::bad_data, fmt::format("{}: {} must be a string, a number, true, false or a list of these; "
                                                  "tables and dates have no meaning here",
                                                  place, key));
    }
    values.push_back(*text);
  };
  if (const auto* list = node.as_array()) {
    for (const toml::node& element : *list) add(element);
  } else {
    add(node);
  }
  return values;
}

/// Throws Error(bad_data) for a key or header of very many parts: toml++ makes a table of each, and reads and destroys
/// nested tables by recursion, so that they would overflow the stack. The settings have no parts at all.
void refuse_many_parts(std::string_view text, const std::string& path) {
  constexpr int max_dots = 100;  // in a line, outside of texts and comments: keys, headers and numbers
  constexpr std::string_view quotes[] = {R"(""")", "'''", R"(")", "'"};
  int line = 1, dots = 0;
  std::string_view open;  // the quotes that the current text began with
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const bool line_ends = rest.starts_with('\n');
    if (line_ends) {
      ++line;
      dots = 0;
      if (open.size() == 1) open = {};
    } else if (!open.empty()) {
      if (open.front() == '"' && rest.starts_with('\\') && !rest.starts_with("\\\n")) {
        ++i;
      } else if (rest.starts_with(open)) {
        const std::size_t quotes_here = std::min(rest.find_first_not_of(open.front()), rest.size());
        i += open.size() == 1 ? 0 : std::min<std::size_t>(quotes_here, 5) - 1;  // the last of 4 or 5 ends the text
        open = {};
      }
    } else if (rest.starts_with('#')) {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (rest.starts_with('.') && ++dots > max_dots) {
      throw Error(ExitCode::bad_data, fmt::format("{}:{}: a name of more than {} parts; a setting has one, as in "
                                                  "hidden = 256",
                                                  path, line, max_dots));
    } else if (const auto* const quote = std::ranges::find_if(quotes, [&](auto q) { return rest.starts_with(q); });
               quote != std::end(quotes)) {
      open = *quote;
      i += open.size() - 1;
    }
  }
}

}  // namespace

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  constexpr std::uint64_t max_size = 1 << 20;
  const std::string text = read_file(path, max_size);
  refuse_many_parts(text, path);
  std::vector<ConfigEntry> entries;
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table) {
      const std::string place = fmt::format("{}:{}", path, node.source().begin.line);
      entries.push_back({std::string(key.str()), values_of(node, place, key.str()), place});
    }
  } catch (const toml::parse_error& error) {
    std::string problem(error.description());  // it quotes the file, line ends included
    std::ranges::replace_if(
        problem, [](char c) { return c >= 0 && c < ' '; }, ' ');
    throw Error(ExitCode::bad_data, fmt::format("{}:{}: not valid TOML: {}", path, error.source().begin.line, problem));
  }
  return entries;
}

}  // namespace unroll::cli
