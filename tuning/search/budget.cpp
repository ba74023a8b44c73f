#include "tuning/search/budget.h"

#include <algorithm>

#include "tuning/search/constants.h"

namespace autotune::tuning::search {

Allowance ConfirmationCost(const Space& space, std::size_t candidate) {
  const Candidate& c = space.candidates[candidate];
  const double seconds = c.start_seconds + constants::kStepsPerConfirmation * space.step_seconds;
  return {c.features.shape.gpus * seconds, seconds};
}

namespace {

Allowance ReserveOf(const Space& space, const Budget& budget, std::size_t candidate,
                    std::optional<std::size_t> incumbent) {
  Allowance reserve = ConfirmationCost(space, candidate);
  if (incumbent) {
    const Allowance other = ConfirmationCost(space, *incumbent);
    reserve = {std::max(reserve.gpu_seconds, other.gpu_seconds), std::max(reserve.seconds, other.seconds)};
  }
  return {reserve.gpu_seconds * budget.confirmations, reserve.seconds * budget.confirmations};
}

double LeastSeconds(const Space& space, std::size_t candidate) {
  return space.candidates[candidate].start_seconds + space.step_seconds;
}

}  // namespace

double LeastGpuSeconds(const Space& space, const Budget& budget, std::size_t candidate,
                       std::optional<std::size_t> incumbent) {
  return space.candidates[candidate].features.shape.gpus * LeastSeconds(space, candidate) +
         ReserveOf(space, budget, candidate, incumbent).gpu_seconds;
}

std::optional<Allowance> Allow(const Space& space, const Budget& budget, std::size_t candidate,
                               std::optional<std::size_t> incumbent) {
  const Candidate& c = space.candidates[candidate];
  const double gpus = c.features.shape.gpus;
  const double least = LeastSeconds(space, candidate);
  const double most = constants::kLongestStart * c.start_seconds + 2 * MostLoadsOf(space, c) * space.step_seconds;
  const Allowance reserve = ReserveOf(space, budget, candidate, incumbent);
  if (budget.trials && budget.started >= *budget.trials) return std::nullopt;

  Allowance allowance{gpus * most, most};
  if (budget.gpu_seconds) {
    const double left =
        *budget.gpu_seconds - budget.spent_gpu_seconds - budget.committed_gpu_seconds - reserve.gpu_seconds;
    if (left < gpus * least) return std::nullopt;
    allowance.gpu_seconds = std::min(allowance.gpu_seconds, left);
    allowance.seconds = allowance.gpu_seconds / gpus;
  }
  if (budget.seconds_left) {
    const double left = *budget.seconds_left - reserve.seconds;
    if (left < least) return std::nullopt;
    allowance.seconds = std::min(allowance.seconds, left);
    allowance.gpu_seconds = allowance.seconds * gpus;
  }
  return allowance;
}

}  // namespace autotune::tuning::search
