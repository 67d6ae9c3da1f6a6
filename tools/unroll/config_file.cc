#include "config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

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

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    throw Error(ExitCode::no_input,
                fmt::format("cannot read the configuration file {}: {}", path, std::strerror(errno)));
  }
  return text.str();
}

}  // namespace

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  const std::string text = read_text(path);
  std::vector<ConfigEntry> entries;
  try {
    const toml::table table = toml::parse(text);
    for (const auto& [key, node] : table) {
      const std::string place = fmt::format("{}:{}", path, node.source().begin.line);
      entries.push_back({std::string(key.str()), values_of(node, place, key.str()), place});
    }
  } catch (const toml::parse_error& error) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}:{}: not valid TOML: {}", path, error.source().begin.line, error.description()));
  }
  return entries;
}

}  // namespace unroll::cli
