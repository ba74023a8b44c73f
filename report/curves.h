// Plots of latency over throughput: one curve per experiment, with intervals and the SLO. Pure. For pages of one task
// and of several.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "measurement/slo.h"
#include "operator/api/autotune_task.h"
#include "report/markup.h"

namespace autotune::report {

struct Curve {
  std::string name;
  int style = -1;  // PlotSeries::style
  int gpus = 1;
  std::span<const api::LoadRow> loads;  // borrowed
};

// The limited latencies, at most four; without limits the usual ones.
std::vector<measurement::Bound> DrawnLatencies(const api::SloSpec& slo);
// Scenarios of the curves, at most three.
std::vector<std::string> ScenariosOf(const std::vector<Curve>& curves);
// Empty if no point can be drawn.
Markup DrawCurves(const std::vector<Curve>& curves, const std::string& scenario, const measurement::Bound& bound);

// A drawing with its caption; empty if the drawing is empty.
Markup Figure(const std::string& caption, const Markup& drawing);
// The tooltip of a mark.
std::string PointTitle(const std::string& name, int gpus, const measurement::Point& point, bool meets_slo);
std::string TickNumber(double value);

}  // namespace autotune::report
