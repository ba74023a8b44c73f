#include "tuning/search/outlook.h"

#include <algorithm>
#include <cmath>

#include "tuning/search/constants.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

Outlook Expect(const Space& space, const Bounds& bounds, const ResidualModel& model, std::size_t candidate) {
  const measurement::PredictedLoads loads = model.PredictLoads(candidate);
  Outlook best;
  best.candidate = candidate;
  best.feasible = false;
  double least = 0;
  const auto consider = [&](double load, const std::array<double, kMetrics>& y) {
    double over = 0;
    if (bounds.ttft_ms) over = std::max(over, y[kTtft] - std::log(*bounds.ttft_ms));
    if (bounds.tpot_ms) over = std::max(over, y[kTpot] - std::log(*bounds.tpot_ms));
    if (bounds.e2e_ms && model.Models(kE2e)) over = std::max(over, y[kE2e] - std::log(*bounds.e2e_ms));
    Outlook at;
    at.candidate = candidate;
    at.load = load;
    at.ttft_ms = std::exp(y[kTtft]);
    at.tpot_ms = std::exp(y[kTpot]);
    at.value = measurement::ValueAt(loads, at.load, y[kTtft], y[kTpot], y[kObjective]);
    at.feasible = over <= 0;
    const bool better = at.feasible != best.feasible ? at.feasible : at.feasible ? at.value > best.value : over < least;
    if (best.load == 0 || better) {
      best = at;
      least = over;
    }
  };
  const std::vector<std::array<double, kMetrics>> curve = model.MeanCurve(candidate);
  if (space.request_rate) {
    const std::optional<InFlight> at = model.MeetRate(candidate, curve);
    std::array<double, kMetrics> y = curve.back();
    for (std::size_t m = 0; at && m < kMetrics; ++m) y[m] = at->Between(curve[at->below][m], curve[at->above][m]);
    consider(at ? at->load : space.candidates[candidate].loads.back(), y);
    best.feasible = best.feasible && at;
    return best;
  }
  for (std::size_t i = 0; i < curve.size(); ++i) consider(space.candidates[candidate].loads[i], curve[i]);
  return best;
}

}  // namespace

std::vector<Outlook> OutlookOf(const Space& space, const Bounds& bounds, const Prior& prior,
                               const Observations& observations, std::size_t most) {
  std::vector<bool> tried(space.candidates.size(), false);
  for (const Start& start : observations.starts) {
    if (start.outcome != StartOutcome::kInfrastructure) tried[start.candidate] = true;
  }
  std::vector<std::size_t> baselines;
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    if (space.candidates[i].baseline && !tried[i]) baselines.push_back(i);
  }
  for (const std::size_t i : prior.order) {
    if (rest.size() == constants::kShortlist) break;
    if (!tried[i] && !space.candidates[i].baseline) rest.push_back(i);
  }
  std::vector<std::size_t> asked = baselines;
  asked.insert(asked.end(), rest.begin(), rest.end());
  const ResidualModel model(space, bounds, prior, MergePoints(space, observations.points), asked);
  std::vector<Outlook> out;
  for (const std::size_t i : rest) out.push_back(Expect(space, bounds, model, i));
  std::stable_sort(out.begin(), out.end(), [](const Outlook& a, const Outlook& b) {
    return a.feasible != b.feasible ? a.feasible : a.value > b.value;
  });
  std::vector<Outlook> first;
  for (const std::size_t i : baselines) first.push_back(Expect(space, bounds, model, i));
  out.insert(out.begin(), first.begin(), first.end());
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace autotune::tuning::search
