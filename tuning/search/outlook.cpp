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
  for (std::size_t i = 0; i < space.candidates[candidate].loads.size(); ++i) {
    const auto mean = [&](Metric metric) {
      const ResidualModel::Line line = model.LineOf(metric, candidate);
      return model.PriorAt(metric, candidate, i) + line.level + line.slope * model.U(candidate, i);
    };
    const double tpot = mean(kTpot);
    const double ttft = model.WholeTtft(candidate, i, mean(kTtft), tpot);
    const double objective = model.Models(kObjective) ? mean(kObjective) : 0;
    double over = 0;
    if (bounds.ttft_ms) over = std::max(over, ttft - std::log(*bounds.ttft_ms));
    if (bounds.tpot_ms) over = std::max(over, tpot - std::log(*bounds.tpot_ms));
    if (bounds.e2e_ms && model.Models(kE2e)) over = std::max(over, mean(kE2e) - std::log(*bounds.e2e_ms));
    Outlook at;
    at.candidate = candidate;
    at.load = space.candidates[candidate].loads[i];
    at.ttft_ms = std::exp(ttft);
    at.tpot_ms = std::exp(tpot);
    at.value = measurement::ValueAt(loads, at.load, ttft, tpot, objective);
    at.feasible = over <= 0;
    const bool better = at.feasible != best.feasible ? at.feasible : at.feasible ? at.value > best.value : over < least;
    if (best.load == 0 || better) {
      best = at;
      least = over;
    }
  }
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
