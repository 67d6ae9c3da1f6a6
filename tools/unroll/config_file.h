#pragma once

#include <string>
#include <vector>

namespace unroll::cli {

/// One line `key = value` of a configuration file, values as text.
struct ConfigEntry {
  std::string key;
  std::vector<std::string> values;  ///< several for a list
  std::string place;                ///< "lstm.toml:3"
};

/// Reads a TOML file (https://toml.io/en/v1.0.0) of keys with strings, numbers, booleans or lists of these. Throws
/// Error as read_file() does, and bad_data with the line if it is not TOML or a value has another type.
std::vector<ConfigEntry> read_config_file(const std::string& path);

}  // namespace unroll::cli
