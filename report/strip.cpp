#include "report/strip.h"

#include <algorithm>

namespace autotune::report {
namespace {

constexpr double kStripWidth = 1000, kStripHeight = 20;

const char* StripClass(StripPart::Kind kind) {
  switch (kind) {
    case StripPart::Kind::kBar:
      return "bar";
    case StripPart::Kind::kBestBar:
      return "bar best";
    case StripPart::Kind::kFailed:
      return "bar failed";
    case StripPart::Kind::kStart:
      return "bar start";
    case StripPart::Kind::kMeasure:
      return "bar measure";
    case StripPart::Kind::kInterval:
      return "interval";
    case StripPart::Kind::kTick:
      return "tickmark";
    case StripPart::Kind::kBestTick:
      return "tickmark best";
    case StripPart::Kind::kReference:
      return "reference";
  }
  return "";
}

Markup DrawPart(const StripPart& part, double from, double to) {
  const Markup title = part.title.empty() ? Markup() : Element("title", part.title);
  const auto line = [&](double x1, double y1, double x2, double y2) {
    return Element("line",
                   {{"class", StripClass(part.kind)},
                    {"x1", Number(x1)},
                    {"y1", Number(y1)},
                    {"x2", Number(x2)},
                    {"y2", Number(y2)}},
                   title);
  };
  switch (part.kind) {
    case StripPart::Kind::kInterval:
      return line(from, kStripHeight / 2, to, kStripHeight / 2);
    case StripPart::Kind::kTick:
    case StripPart::Kind::kBestTick:
      return line(from, 3, from, kStripHeight - 3);
    case StripPart::Kind::kReference:
      return line(from, 0, from, kStripHeight);
    case StripPart::Kind::kBar:
    case StripPart::Kind::kBestBar:
    case StripPart::Kind::kFailed:
    case StripPart::Kind::kStart:
    case StripPart::Kind::kMeasure:
      break;
  }
  // Never so thin that it cannot be seen.
  return Element("rect",
                 {{"class", StripClass(part.kind)},
                  {"x", Number(from)},
                  {"y", "4"},
                  {"width", Number(std::max(to - from, 2.0))},
                  {"height", Number(kStripHeight - 8)}},
                 title);
}

}  // namespace

Markup Strip(const std::vector<StripPart>& parts, double low, double high, const std::string& label) {
  const auto at = [&](double value) { return std::clamp((value - low) / (high - low), 0.0, 1.0) * kStripWidth; };
  Markup out;
  for (const StripPart& part : parts) out += DrawPart(part, at(part.from), at(part.to));
  return Element("svg",
                 {{"class", "strip"},
                  {"viewBox", "0 0 1000 20"},
                  {"preserveAspectRatio", "none"},
                  {"role", "img"},
                  {"aria-label", label}},
                 out);
}

}  // namespace autotune::report
