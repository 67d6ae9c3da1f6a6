#include "curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>

#include "format.h"
#include "gnuplot.h"
#include "ticks.h"

namespace unroll::cli {

namespace {

constexpr std::size_t max_points = 1000;
constexpr std::size_t marked_points = 30;  // a curve with at most this many points marks each

// Okabe and Ito, Color Universal Design (2008), without its yellow, which is too light for lines.
constexpr std::array<const char*, 7> colours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                "#E69F00", "#56B4E9", "#000000"};

struct Curve {
  std::string label;
  std::string style;
  std::vector<std::pair<double, double>> points;  // epochs, perplexity
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool can_be_drawn(const CurvePoint& point) { return std::isfinite(point.perplexity) && point.perplexity > 0; }

Curve curve_of(const RunHistory& history, const std::vector<CurvePoint>& all, std::string label, std::string style) {
  Curve curve{std::move(label), std::move(style), {}};
  const std::size_t stride = all.size() / max_points + 1;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    if ((i % stride == 0 || last) && can_be_drawn(all[i])) {
      curve.points.emplace_back(history.epochs_at(all[i].update), all[i].perplexity);
    }
  }
  const bool marked = curve.points.size() <= marked_points;
  curve.style = fmt::format("with {} {}{}", marked ? "linespoints" : "lines", curve.style,
                            marked ? " pointtype 7 pointsize 0.5" : "");
  return curve;
}

/// Each run has a colour; if colours repeat, dash-dotted lines distinguish the runs. Training is dashed beside a
/// validation. A single run has one colour for training and one for validation.
std::vector<Curve> curves_of(const std::vector<NamedRun>& runs) {
  std::vector<Curve> curves;
  const auto add = [&](Curve curve) {
    if (!curve.points.empty()) curves.push_back(std::move(curve));
  };
  const bool single = runs.size() == 1;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& [name, history] = runs[i];
    const bool validated = !history.validation.empty();
    const char* dots = i / colours.size() % 2 == 1 ? " dashtype (16,5,3,5)" : "";
    const auto solid = [&](std::size_t colour) {
      return fmt::format("linewidth 2.5{} linecolor rgb '{}'", dots, colours[colour % colours.size()]);
    };
    const std::string dashed =
        fmt::format("linewidth 1.5 dashtype (9,5) linecolor rgb '{}'", colours[i % colours.size()]);
    add(curve_of(history, history.training, single ? "training" : name + (validated ? ", training" : ""),
                 validated && !single ? dashed : solid(i)));
    add(curve_of(history, history.validation, single ? "validation" : name + ", validation", solid(single ? 1 : i)));
  }
  return curves;
}

/// The range of a logarithmic axis, extended a little on both sides, as far as there are numbers for it.
Range with_margin(const Range& range) {
  constexpr double smallest = 1e-307, largest = 1e307;
  const double factor = std::exp(std::max(0.05 * (std::log(range.high) - std::log(range.low)), 0.01));
  return {std::max(range.low / factor, smallest), std::min(range.high * factor, largest)};
}

struct Legend {
  std::string place;
  std::size_t height = 0;  // pixels added to the height of the picture
};

/// The legend is below the axes, where it covers no curve, and has two columns if the labels are short.
Legend legend_of(const std::vector<Curve>& curves) {
  constexpr int half_of_the_width = 45;  // characters
  constexpr std::size_t row = 26;        // pixels
  const bool are_short = std::all_of(
      curves.begin(), curves.end(), [](const Curve& curve) { return display_width(curve.label) <= half_of_the_width; });
  const std::size_t columns = are_short ? 2 : 1;
  return {fmt::format("below left horizontal maxcols {}", columns), (curves.size() + columns - 1) / columns * row};
}

std::string settings(const std::vector<Curve>& curves, const std::string& title) {
  Range epochs, perplexity;
  for (const Curve& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      epochs.include(x);
      perplexity.include(y);
    }
  }
  perplexity = with_margin(perplexity);
  std::string ticks;
  for (const double tick : logarithmic_ticks(perplexity.low, perplexity.high)) {
    ticks += fmt::format("{}'{:.6g}' {:.17g}", ticks.empty() ? "" : ", ", tick, tick);
  }
  const Legend legend = legend_of(curves);
  return picture_settings(960, 540 + legend.height) +
         fmt::format(R"(set title {} font ',17'
set xlabel 'epoch'
set ylabel 'perplexity (logarithmic)'
set logscale y
set yrange [{:.17g}:{:.17g}]
set xrange [0:{:.17g}]
set ytics ({})
{}
set key {} Left reverse samplen 2.5 spacing 1.3
)",
                     gnuplot_string(title), perplexity.low, perplexity.high, epochs.high > 0 ? epochs.high * 1.01 : 1,
                     ticks, epochs.high > 2 && epochs.high <= 12 ? "set xtics 1" : "", legend.place);
}

}  // namespace

std::string curve_script(const std::vector<NamedRun>& runs) {
  const std::vector<Curve> curves = curves_of(runs);
  if (curves.empty()) return "";
  std::string script = settings(curves, runs.size() == 1 ? runs.front().name : "");
  std::string plots;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    fmt::format_to(std::back_inserter(script), "$curve{} << END\n", i);
    for (const auto& [x, y] : curves[i].points) fmt::format_to(std::back_inserter(script), "{} {}\n", x, y);
    script += "END\n";
    fmt::format_to(std::back_inserter(plots), "{}$curve{} using 1:2 {} title {}", i == 0 ? "" : ", ", i,
                   curves[i].style, gnuplot_string(curves[i].label));
  }
  return script + "plot " + plots + "\n";
}

std::int64_t points_left_out(const RunHistory& history) {
  const auto left_out = [](const std::vector<CurvePoint>& curve) {
    return std::ranges::count_if(curve, std::not_fn(can_be_drawn));
  };
  return left_out(history.training) + left_out(history.validation);
}

}  // namespace unroll::cli
