#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

// How messages write numbers and names.

std::string with_commas(std::int64_t number);                    ///< 1234567 -> 1,234,567
std::string four_digits(double number);                          ///< 1.018, 27.35, 812.4, 13,250
std::string number_text(double number);                          ///< -0.25, 1974, 12,345, 1.897e+15
std::string byte_count(double bytes);                            ///< 640 kB, 34 MB, 1.2 GB
std::string duration(double seconds);                            ///< 12 s, 3 min 20 s, 2 h 5 min
std::string counted(std::int64_t count, std::string_view noun);  ///< 1 layer, 2 layers

/// The shortest decimal that reads back as the same float: a learning rate of 0.005f is 0.005.
double shortest_float(double number);

/// `text` in double quotes for a one-line message: control characters, quotes and backslashes are escaped, so that a
/// name from a hostile file can neither break the line nor control the terminal. Truncated after 100 bytes.
std::string in_quotes(std::string_view text);

}  // namespace unroll
