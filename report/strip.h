// A table row drawn on a line: bars, intervals and ticks along a scale. Pure.
//
// Scales with its cell, so it contains no text: adjacent cells have the numbers.
#pragma once

#include <string>
#include <vector>

#include "report/markup.h"

namespace autotune::report {

struct StripPart {
  enum class Kind {
    kBar,
    kBestBar,
    kFailed,
    kStart,
    kMeasure,
    kInterval,
    kTick,
    kBestTick,
    kReference
  } kind = Kind::kBar;
  double from = 0, to = 0;  // ticks and references: only `from`
  std::string title;        // the tooltip
};

// Parts are clipped to the scale. REQUIRES: low < high.
Markup Strip(const std::vector<StripPart>& parts, double low, double high, const std::string& label);

}  // namespace autotune::report
