#include "ticks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace unroll::cli {

std::vector<double> even_ticks(double low, double high, std::size_t wanted) {
  const double rough = (high - low) / static_cast<double>(wanted);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 2 ? 1 : rough / power < 5 ? 2 : 5);
  std::vector<double> ticks;
  constexpr double max_integer = 1e15;  // above, the steps are lost in rounding
  if (!(step > 0 && std::max(std::abs(low), std::abs(high)) / step < max_integer)) return ticks;
  const auto last = static_cast<std::int64_t>(std::floor(high / step));
  for (auto i = static_cast<std::int64_t>(std::ceil(low / step)); i <= last; ++i) {
    ticks.push_back(static_cast<double>(i) * step);
  }
  return ticks;
}

std::vector<double> logarithmic_ticks(double low, double high) {
  constexpr int most = 12;
  const int first = static_cast<int>(std::floor(std::log10(low))),
            last = static_cast<int>(std::floor(std::log10(high)));
  const auto decades = [&](const std::vector<double>& digits) {
    std::vector<double> ticks;
    for (int power = first; power <= last; power += (last - first) / most + 1) {
      for (const double digit : digits) {
        const double tick = digit * std::pow(10, power);
        if (tick >= low && tick <= high) ticks.push_back(tick);
      }
    }
    return ticks;
  };
  constexpr std::size_t enough = 5;
  for (const auto& digits : std::initializer_list<std::vector<double>>{{1}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 7}}) {
    if (std::vector<double> ticks = decades(digits); ticks.size() >= enough) return ticks;
  }
  return even_ticks(low, high, enough);
}

}  // namespace unroll::cli
