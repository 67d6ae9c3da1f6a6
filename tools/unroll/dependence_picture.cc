#include "dependence_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "format.h"
#include "gnuplot.h"
#include "ticks.h"

namespace unroll::cli {

namespace {

constexpr const char* blue = "#0072B2";
constexpr const char* grey = "#A0A0A0";
// In pixels.
constexpr std::size_t width = 960, panel_height = 275, title_height = 50;
constexpr std::size_t above = 40, below = 85, right = 20;  // space around the axes, for titles and labels

constexpr double margin = 0.06;  // share of an axis beyond the points

bool is_on_a_scale(const PartialDependence& d) {
  return d.input.kind == ColumnKind::number || d.input.kind == ColumnKind::date;
}

/// The horizontal axis of a panel.
struct Axis {
  double low = 0, high = 0;  ///< of the points; logarithms if `logarithmic`
  bool logarithmic = false;

  double place(double share) const {  ///< `share`: 0 at the first point, 1 at the last
    const double at = std::lerp(low, high, share);
    constexpr double limit = 700;  // so that exp is a finite positive number beyond the points too
    return logarithmic ? std::exp(std::clamp(at, -limit, limit)) : at;
  }
};

/// The axis of the points that are not missing, of which there must be at least one. Logarithmic if the values are
/// positive and span more than a factor of 100, where a linear axis would not separate most of them.
Axis axis_of(const PartialDependence& d) {
  constexpr double wide = 100;
  std::vector<double> numbers;
  for (const DependencePoint& point : d.points) {
    if (!point.missing) numbers.push_back(point.number);
  }
  constexpr double largest = 1e300;  // so that the length of the axis is finite
  Axis axis = {std::clamp(numbers.front(), -largest, largest), std::clamp(numbers.back(), -largest, largest)};
  axis.logarithmic = axis.low > 0 && axis.high > wide * axis.low;
  if (axis.logarithmic) {
    axis.low = std::log(axis.low);
    axis.high = std::log(axis.high);
  } else if (axis.low == axis.high) {
    const double half = std::max(1.0, 0.01 * std::abs(axis.low));
    axis.low -= half;
    axis.high += half;
  }
  return axis;
}

struct Tick {
  std::string label;
  double place = 0;
};

/// gnuplot's list of ticks: "label" place, "label" place
std::string list_of(const std::vector<Tick>& ticks) {
  std::string list;
  for (const Tick& tick : ticks)
    list += fmt::format("{}{} {:.17g}", list.empty() ? "" : ", ", gnuplot_string(tick.label), tick.place);
  return list;
}

/// Ticks from the first point up to the share `end` of the axis.
std::vector<Tick> ticks_of(const Axis& axis, double end, ColumnKind kind) {
  constexpr std::size_t wanted = 2;
  const double low = axis.place(0), high = axis.place(end);
  std::vector<Tick> ticks;
  if (kind == ColumnKind::date) {
    for (const double share : {0.0, 0.5, 1.0})
      ticks.push_back({date_text(axis.place(share * end)), axis.place(share * end)});
  } else {
    for (const double tick : axis.logarithmic ? logarithmic_ticks(low, high) : even_ticks(low, high, wanted))
      ticks.push_back({number_text(tick), tick});
  }
  return ticks;
}

struct Panel {
  std::string data;      ///< lines: place, prediction
  std::string settings;  ///< of its axis
  std::string style;     ///< of its points
};

std::string axis_settings(double low, double high, bool logarithmic, const std::vector<Tick>& ticks, bool slanted) {
  return fmt::format("{} logscale x\nset xrange [{:.17g}:{:.17g}]\nset xtics {} ({})\n", logarithmic ? "set" : "unset",
                     low, high, slanted ? "rotate by 35 right" : "norotate center", list_of(ticks));
}

/// Missing numbers are drawn apart, to the right of the others.
Panel panel_on_a_scale(const PartialDependence& d) {
  constexpr double missing = 1.15;  // share of the axis
  const double last_tick = d.input.kind == ColumnKind::date ? 0.8 : 0.93;
  Panel panel;
  const bool has_missing = d.points.back().missing, has_numbers = !d.points.front().missing;
  const Axis axis = has_numbers ? axis_of(d) : Axis{0, 1};
  std::vector<Tick> ticks;
  if (has_numbers) ticks = ticks_of(axis, has_missing ? last_tick : 1, d.input.kind);
  if (has_missing) ticks.push_back({"missing", axis.place(missing)});
  for (const DependencePoint& point : d.points) {
    if (point.missing) panel.data += "\n";  // a blank line interrupts the curve
    panel.data +=
        fmt::format("{:.17g} {:.17g}\n", point.missing ? axis.place(missing) : point.number, point.prediction);
  }
  panel.settings = axis_settings(axis.place(-margin), axis.place((has_missing ? missing : 1) + margin),
                                 axis.logarithmic, ticks, false);
  panel.style =
      fmt::format("using 1:2 with linespoints linewidth 2 pointtype 7 pointsize 0.4 linecolor rgb '{}'", blue);
  return panel;
}

Panel panel_of_levels(const PartialDependence& d, double mean) {
  constexpr int max_label = 14;
  Panel panel;
  std::vector<Tick> ticks;
  for (const DependencePoint& point : d.points) {
    const auto place = static_cast<double>(ticks.size());
    const std::string label = point.missing ? "(missing)" : point.level.empty() ? "\"\"" : point.level;
    ticks.push_back({shortened(label, max_label), place});
    panel.data += fmt::format("{} {:.17g}\n", place, point.prediction);
  }
  panel.settings = axis_settings(-0.5, static_cast<double>(ticks.size()) - 0.5, false, ticks, true);
  panel.style = fmt::format(
      "using 1:({1:.17g}):(0):($2-{1:.17g}) with vectors nohead linewidth 2 linecolor rgb '{0}', "
      "'' using 1:2 with points pointtype 7 pointsize 0.7 linecolor rgb '{0}'",
      blue, mean);
  return panel;
}

/// Vertical axis shared by all panels.
struct VerticalAxis {
  double low = 0, high = 0;
  std::vector<Tick> ticks;
};

VerticalAxis vertical_axis(const std::vector<PartialDependence>& dependences, double mean) {
  constexpr std::size_t wanted = 4;
  double low = mean, high = mean;
  for (const PartialDependence& d : dependences) {
    for (const DependencePoint& point : d.points) {
      low = std::min(low, point.prediction);
      high = std::max(high, point.prediction);
    }
  }
  const double beyond = high > low ? margin * (high - low) : std::max(1.0, std::abs(high));
  VerticalAxis axis = {low - beyond, high + beyond, {}};
  for (const double tick : even_ticks(axis.low, axis.high, wanted)) axis.ticks.push_back({number_text(tick), tick});
  return axis;
}

/// gnuplot settings that lay out the panels and start the multiplot.
std::string layout(std::size_t panels, const VerticalAxis& axis, const std::string& title) {
  constexpr std::size_t letter = 9;  // pixels
  const std::size_t columns = std::min<std::size_t>(2, panels), rows = (panels + columns - 1) / columns;
  const std::size_t height = title_height + rows * panel_height;
  std::size_t left = 0;
  for (const Tick& tick : axis.ticks) left = std::max(left, letter * (tick.label.size() + 2));
  const auto x = [](std::size_t pixels) { return static_cast<double>(pixels) / width; };
  const auto y = [height](std::size_t pixels) { return static_cast<double>(pixels) / static_cast<double>(height); };
  return picture_settings(width, height) + fmt::format(R"(unset key
set yrange [{:.17g}:{:.17g}]
set ytics ({})
set multiplot layout {},{} title {} font ',17' margins screen {},{},{},{} spacing screen {},{}
)",
                                                       axis.low, axis.high, list_of(axis.ticks), rows, columns,
                                                       gnuplot_string(title), x(left), 1 - x(right), y(below),
                                                       1 - y(title_height + above), x(left + right), y(above + below));
}

}  // namespace

std::string dependence_script(const std::vector<PartialDependence>& all, double mean, const std::string& title) {
  std::vector<PartialDependence> dependences = all;
  std::erase_if(dependences, [](const PartialDependence& d) { return d.points.empty(); });
  if (dependences.empty()) return "";
  std::string points, plots;
  for (std::size_t i = 0; i < dependences.size(); ++i) {
    const PartialDependence& d = dependences[i];
    const Panel panel = is_on_a_scale(d) ? panel_on_a_scale(d) : panel_of_levels(d, mean);
    fmt::format_to(std::back_inserter(points), "$panel{} << END\n{}END\n", i, panel.data);
    fmt::format_to(std::back_inserter(plots),
                   "{}set title {}\nplot {:.17g} with lines linewidth 1 linecolor rgb '{}', $panel{} {}\n",
                   panel.settings, gnuplot_string(d.input.name), mean, grey, i, panel.style);
  }
  return points + layout(dependences.size(), vertical_axis(dependences, mean), title) + plots + "unset multiplot\n";
}

}  // namespace unroll::cli
