#include "tuning/search/stop_rule.h"

#include <algorithm>

#include "tuning/search/constants.h"

namespace autotune::tuning::search {

namespace {

double LeastStopGain(Objective objective) {
  switch (objective) {
    case Objective::kThroughput:
      return constants::kLeastStopGain;
    case Objective::kTtft:
      return constants::kLeastStopGainOfTtft;
    case Objective::kTpot:
    case Objective::kE2e:
      return constants::kLeastStopGainOfLatency;
  }
  return constants::kMostStopGain;
}

}  // namespace

double StopGain(const Space& space) {
  const auto candidates = static_cast<double>(std::max<std::size_t>(space.candidates.size(), 1));
  const double share = constants::kSmallSpace / candidates;
  return std::clamp(share * share * constants::kMostStopGain, LeastStopGain(space.objective), constants::kMostStopGain);
}

StopState TestStop(const Space& space, const ValueDraws& draws, const std::vector<std::size_t>& left,
                   const std::vector<std::vector<double>>& values, const std::vector<double>& start_probability,
                   const std::vector<double>& beat, const std::optional<Incumbent>& incumbent, int trials_with_rows) {
  StopState state;
  double gain = 0;
  double feasible = 0;
  for (std::size_t s = 0; s < beat.size(); ++s) {
    double best = 0;
    bool any = false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (values[i][s] <= 0) continue;
      any = true;
      if (values[i][s] > best && draws.Starts(left[i], s, start_probability[i])) best = values[i][s];
    }
    gain += std::max(0.0, best - beat[s]);
    feasible += any ? 1 : 0;
  }
  const auto n = static_cast<double>(beat.size());
  state.feasible_share = feasible / n;
  if (incumbent) state.expected_gain = gain / n / incumbent->value;
  if (trials_with_rows < constants::kTrialsBeforeStop) return state;
  if (incumbent && state.expected_gain < StopGain(space)) state.verdict = StopVerdict::kLowExpectedGain;
  if (!incumbent && state.feasible_share < constants::kInfeasibleShare) state.verdict = StopVerdict::kInfeasible;
  return state;
}

}  // namespace autotune::tuning::search
