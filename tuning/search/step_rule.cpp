#include "tuning/search/step_rule.h"

#include "base/keyed_random.h"
#include "tuning/search/acquisition.h"

namespace autotune::tuning::search {

measurement::PredictedLoads PredictFor(const Space& space, const Bounds& bounds, const Prior& prior,
                                       const std::vector<Row>& rows, std::size_t candidate) {
  return ResidualModel(space, bounds, prior, rows, {candidate}, candidate).PredictLoads(candidate);
}

std::uint64_t StepSeed(const Space& space, std::size_t candidate, std::uint64_t seed) {
  return base::Key({seed, space.candidates[candidate].key, 0x57e9});
}

measurement::NextLoad ChooseStep(const Space& space, const Bounds& bounds, const Prior& prior,
                                 const std::vector<Row>& rows, std::size_t candidate, std::uint64_t seed) {
  const ResidualModel model(space, bounds, prior, rows, {candidate}, candidate);
  std::vector<measurement::MeasuredLoad> points;
  for (const Row& row : rows) {
    if (row.candidate != candidate) continue;
    measurement::MeasuredLoad point;
    point.load = row.load;
    point.measurements = row.measurements;
    point.value = row.value;
    point.met = row.met;
    point.ln_ttft = row.y[kTtft];
    point.ln_tpot = row.y[kTpot];
    point.ln_e2e = row.y[kE2e];
    point.ln_objective = row.y[kObjective];
    point.ttft_variance = model.NoiseVariance(kTtft, row);
    point.tpot_variance = model.NoiseVariance(kTpot, row);
    point.e2e_variance = model.NoiseVariance(kE2e, row);
    point.objective_variance = model.NoiseVariance(kObjective, row);
    points.push_back(point);
  }
  const std::optional<Incumbent> other = BestObserved(bounds, rows, candidate);
  return measurement::ChooseNextLoad(model.PredictLoads(candidate), points, other ? other->value : 0,
                                     StepSeed(space, candidate, seed));
}

}  // namespace autotune::tuning::search
