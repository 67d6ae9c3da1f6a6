#pragma once

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <string>

#include "unroll/table_model.h"

namespace unroll {

inline constexpr const char* houses_header = "Id,area,zone,price\n";

/// Rows of CSV: houses whose logarithmic price depends on area and zone, with noise of standard deviation 0.05.
inline std::string house_rows(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::string text;
  for (int i = 0; i < rows; ++i) {
    const double area = std::exp(7 + 0.3 * normal(random));
    const char zone = static_cast<char>('a' + random() % 4);
    const double price = std::exp(1 + std::log(area) + 0.1 * (zone - 'a') + 0.05 * normal(random));
    text += fmt::format("h{},{:.1f},{},{:.2f}\n", i, area, zone, price);
  }
  return text;
}

inline std::string houses_csv(int rows, unsigned seed = 1) { return houses_header + house_rows(rows, seed); }

/// A linear model of the houses' prices.
inline const TableModelOptions linear = {.target = "price", .id = "Id", .members = {MemberKind::linear}, .folds = 3};

/// The houses, read for that model.
inline Table houses(int rows, unsigned seed = 1) {
  return Table::from_text(houses_csv(rows, seed), reading_options(linear), "houses.csv");
}

}  // namespace unroll
