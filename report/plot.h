// Two-dimensional plots as SVG: series with intervals, horizontal lines (an SLO), and a tooltip for every mark. Pure.
//
// Colours come from the page's style sheet by class (s0 ... s7, rest), so one drawing serves light, dark and print.
// Every series also has its own marker shape.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "report/markup.h"

namespace autotune::report {

inline constexpr int kSeriesStyles = 8;
inline constexpr int kLineOnly = -2;

struct PlotPoint {
  double x = 0, y = 0;
  double x_margin = 0, y_margin = 0;  // half-widths of intervals, 0 = not known
  bool hollow = false;                // misses the SLO
  std::string title;                  // the tooltip
  double y_low = 0, y_high = 0;       // ends of an asymmetric interval, replaces y_margin; equal = not known
  std::string label{};                // beside the mark, if there is room
};

struct PlotSeries {
  std::string name;
  int style = -1;  // 0 ... kSeriesStyles - 1; -1 = pale, without a style of its own; kLineOnly = a line without marks
  enum class Line { kNone, kStraight, kSteps } line = Line::kStraight;
  std::vector<PlotPoint> points;  // in the order of the line
};

struct PlotRule {
  double y = 0;
  std::string label;
};

struct Plot {
  std::string label;  // description for screen readers
  std::string x_title, y_title;
  std::function<std::string(double)> x_text, y_text;  // of ticks
  bool y_log = false;                                 // ignored if a value is not above 0
  bool from_zero = false;                             // the y axis; x always is
  std::vector<PlotSeries> series;
  std::vector<PlotRule> rules;
};

// Empty if no point is finite.
Markup Draw(const Plot& plot);
// The marker of a style, for legends.
Markup Swatch(int style);

// At most `count` + 1 round values that cover [low, high]. REQUIRES: low < high.
std::vector<double> RoundTicks(double low, double high, int count);
// 1, 2 and 5 times powers of ten in [low, high]; only powers of ten if that gives more than `count` ticks. REQUIRES: 0
// < low < high.
std::vector<double> LogTicks(double low, double high, int count);

}  // namespace autotune::report
