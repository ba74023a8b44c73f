#include "report/plot.h"

#include <algorithm>
#include <cmath>

namespace autotune::report {
namespace {

constexpr double kWidth = 720, kHeight = 380;
constexpr double kLeft = 88, kRight = 700, kTop = 40, kBottom = 318;
constexpr int kTicks = 5;

struct Axis {
  double low = 0, high = 1;
  bool log = false;
  double from = 0, to = 1;
  std::vector<double> ticks;

  [[nodiscard]] double At(double value) const {
    double share = 0;
    if (log) {
      share = (std::log(std::max(value, low)) - std::log(low)) / (std::log(high) - std::log(low));
    } else {
      share = (value - low) / (high - low);
    }
    return from + std::clamp(share, 0.0, 1.0) * (to - from);
  }
};

struct Range {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void Take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

Axis LinearAxis(Range range, bool from_zero) {
  Axis axis;
  axis.low = from_zero ? std::min(0.0, range.low) : range.low;
  axis.high = range.high;
  if (axis.low >= axis.high) {
    const double room = std::max(std::abs(axis.high) * 0.1, 1e-9);
    axis.low -= from_zero && axis.low >= 0 ? 0 : room;
    axis.high += room;
  }
  axis.ticks = RoundTicks(axis.low, axis.high, kTicks);
  axis.low = std::min(axis.low, axis.ticks.front());
  axis.high = std::max(axis.high, axis.ticks.back());
  return axis;
}

Axis LogAxis(Range range) {
  Axis axis;
  axis.log = true;
  axis.low = range.low / 1.15;
  axis.high = range.high * 1.15;
  axis.ticks = LogTicks(axis.low, axis.high, kTicks + 2);
  return axis;
}

Markup Line(const char* style, double x1, double y1, double x2, double y2) {
  return Element("line",
                 {{"class", style}, {"x1", Number(x1)}, {"y1", Number(y1)}, {"x2", Number(x2)}, {"y2", Number(y2)}},
                 Markup());
}

Markup Label(const char* style, double x, double y, const std::string& text) {
  return Element("text", {{"class", style}, {"x", Number(x)}, {"y", Number(y)}}, text);
}

std::string ClassOf(int style) {
  if (style == kLineOnly) return "front";
  return style < 0 ? "rest" : "s" + std::to_string(style % kSeriesStyles);
}

// Circle, square, triangle, diamond, and the same turned or smaller: series stay apart without colour.
Markup Marker(int style, double x, double y, bool hollow) {
  const std::string css = "mark" + std::string(hollow ? " hollow" : "");
  const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
    std::string points;
    for (const auto& [dx, dy] : corners) {
      points += (points.empty() ? "" : " ") + Number(x + dx) + "," + Number(y + dy);
    }
    return Element("polygon", {{"class", css}, {"points", points}}, Markup());
  };
  switch (style % 4) {
    case 1:
      return polygon({{-4.5, -4.5}, {4.5, -4.5}, {4.5, 4.5}, {-4.5, 4.5}});
    case 2:
      return polygon({{0, -6}, {5.5, 4.5}, {-5.5, 4.5}});
    case 3:
      return polygon({{0, -6.5}, {6.5, 0}, {0, 6.5}, {-6.5, 0}});
    default:
      break;
  }
  return Element("circle", {{"class", css}, {"cx", Number(x)}, {"cy", Number(y)}, {"r", style < 0 ? "3.5" : "5"}},
                 Markup());
}

bool IsDrawn(const PlotPoint& point, const Axis& y) {
  return std::isfinite(point.x) && std::isfinite(point.y) && (!y.log || point.y > 0);
}

Markup DrawSeries(const PlotSeries& series, const Axis& x, const Axis& y) {
  Markup out;
  std::string path;
  Markup marks;
  double before = 0;
  for (const PlotPoint& point : series.points) {
    if (!IsDrawn(point, y)) continue;
    const double px = x.At(point.x), py = y.At(point.y);
    if (!path.empty() && series.line == PlotSeries::Line::kSteps) path += " " + Number(px) + "," + Number(before);
    path += (path.empty() ? "" : " ") + Number(px) + "," + Number(py);
    before = py;
    Markup mark = Element("title", point.title);
    if (point.x_margin > 0) {
      mark += Line("interval", x.At(point.x - point.x_margin), py, x.At(point.x + point.x_margin), py);
    }
    const bool even = point.y_low == point.y_high;
    const double low = even ? point.y - point.y_margin : point.y_low;
    const double high = even ? point.y + point.y_margin : point.y_high;
    if (low < high) mark += Line("interval", px, y.At(low), px, y.At(high));
    mark += Marker(series.style, px, py, point.hollow);
    marks += Element("g", mark);
  }
  if (series.line != PlotSeries::Line::kNone) {
    out += Element("polyline", {{"class", "curve"}, {"points", path}}, Markup());
  }
  return Element("g", {{"class", ClassOf(series.style)}}, series.style == kLineOnly ? out : out + marks);
}

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  [[nodiscard]] bool Meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

constexpr double kMarkRadius = 6, kLetterWidth = 7.5, kLetterHeight = 13;

// A place beside the mark at (x, y) for a text of this width; nullopt where all are taken.
std::optional<Box> FreePlace(double x, double y, double width, const std::vector<Box>& taken) {
  for (const double bottom : {y - kMarkRadius, y + kMarkRadius + kLetterHeight}) {
    for (const double left : {x + kMarkRadius, x - kMarkRadius - width}) {
      const Box box{left, bottom - kLetterHeight, left + width, bottom};
      if (box.left < kLeft || box.right > kRight || box.top < kTop - kLetterHeight || box.bottom > kBottom) continue;
      if (std::ranges::none_of(taken, [&](const Box& other) { return box.Meets(other); })) return box;
    }
  }
  return std::nullopt;
}

// Labels beside their marks. A mark that finds no place has none.
Markup DrawLabels(const Plot& plot, const Axis& x, const Axis& y) {
  std::vector<Box> taken;
  for (const PlotSeries& series : plot.series) {
    if (series.style == kLineOnly) continue;
    for (const PlotPoint& point : series.points) {
      const double px = x.At(point.x), py = y.At(point.y);
      taken.push_back({px - kMarkRadius, py - kMarkRadius, px + kMarkRadius, py + kMarkRadius});
    }
  }
  Markup out;
  for (const PlotSeries& series : plot.series) {
    if (series.style == kLineOnly) continue;
    Markup labels;
    for (const PlotPoint& point : series.points) {
      if (point.label.empty() || !IsDrawn(point, y)) continue;
      const double width = kLetterWidth * static_cast<double>(point.label.size());
      const std::optional<Box> box = FreePlace(x.At(point.x), y.At(point.y), width, taken);
      if (!box) continue;
      taken.push_back(*box);
      labels += Label("load", box->left, box->bottom - 2, point.label);
    }
    if (!labels.empty()) out += Element("g", {{"class", ClassOf(series.style)}}, labels);
  }
  return out;
}

Markup DrawAxes(const Plot& plot, const Axis& x, const Axis& y) {
  Markup out;
  for (const double tick : y.ticks) {
    out += Line("grid", kLeft, y.At(tick), kRight, y.At(tick));
    out += Label("tick end", kLeft - 8, y.At(tick) + 5, plot.y_text(tick));
  }
  for (const double tick : x.ticks) {
    out += Line("grid", x.At(tick), kTop, x.At(tick), kBottom);
    // Narrow pages have larger letters: those of the last tick stay inside.
    const bool at_edge = x.At(tick) > kRight - 20;
    out +=
        Label(at_edge ? "tick end" : "tick middle", x.At(tick) + (at_edge ? 18 : 0), kBottom + 22, plot.x_text(tick));
  }
  out += Label("axis", 2, 20, plot.y_title);
  out += Label("axis end", kRight, kBottom + 50, plot.x_title);
  return out;
}

Axis XAxis(const Plot& plot) {
  Range range;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) range.Take(point.x);
  }
  if (range.empty()) return {};
  Axis axis = LinearAxis(range, true);
  axis.from = kLeft;
  axis.to = kRight;
  return axis;
}

Axis YAxis(const Plot& plot) {
  Range range;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) range.Take(point.y);
  }
  if (range.empty()) return {};
  for (const PlotRule& rule : plot.rules) range.Take(rule.y);
  Axis axis =
      plot.y_log && range.low > 0 && range.high > range.low ? LogAxis(range) : LinearAxis(range, plot.from_zero);
  axis.from = kBottom;
  axis.to = kTop;
  return axis;
}

}  // namespace

Markup Draw(const Plot& plot) {
  const Axis x = XAxis(plot), y = YAxis(plot);
  if (x.ticks.empty() || y.ticks.empty()) return {};
  Markup out = DrawAxes(plot, x, y);
  for (const PlotRule& rule : plot.rules) out += Line("rule", kLeft, y.At(rule.y), kRight, y.At(rule.y));
  // What stands out is drawn last, on top.
  for (const bool pale : {true, false}) {
    for (const PlotSeries& series : plot.series) {
      if ((series.style < 0) == pale) out += DrawSeries(series, x, y);
    }
  }
  out += DrawLabels(plot, x, y);
  // Above the marks, with a rim of the ground's colour.
  for (const PlotRule& rule : plot.rules) out += Label("rule end", kRight - 4, y.At(rule.y) - 7, rule.label);
  return Element("svg",
                 {{"class", "plot"},
                  {"viewBox", "0 0 " + Number(kWidth) + " " + Number(kHeight)},
                  {"role", "img"},
                  {"aria-label", plot.label}},
                 out);
}

Markup Swatch(int style) {
  return Element("svg", {{"class", "swatch " + ClassOf(style)}, {"viewBox", "0 0 16 16"}, {"aria-hidden", "true"}},
                 Marker(style, 8, 8, false));
}

std::vector<double> RoundTicks(double low, double high, int count) {
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (int i = 0; i <= count + 1; ++i) {
    ticks.push_back((first + i) * step);
    if (ticks.back() >= high - step * 1e-9) break;
  }
  return ticks;
}

std::vector<double> LogTicks(double low, double high, int count) {
  const auto within = [&](std::initializer_list<double> factors) {
    std::vector<double> ticks;
    for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10, power) <= high; ++power) {
      for (const double factor : factors) {
        const double tick = factor * std::pow(10, power);
        if (tick >= low && tick <= high) ticks.push_back(tick);
      }
    }
    return ticks;
  };
  std::vector<double> ticks = within({1, 2, 5});
  if (ticks.size() > static_cast<std::size_t>(count)) ticks = within({1});
  // Less than from one round value to the next.
  if (ticks.size() < 2) ticks = RoundTicks(low, high, 3);
  std::erase_if(ticks, [&](double tick) { return tick < low || tick > high; });
  if (ticks.empty()) ticks = {low, high};
  return ticks;
}

}  // namespace autotune::report
