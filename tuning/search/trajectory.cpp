#include "tuning/search/trajectory.h"

namespace autotune::tuning::search {

std::vector<TrajectoryStep> TrajectoryOf(const std::vector<EndedTrial>& trials, double spent_before) {
  std::vector<TrajectoryStep> steps;
  TrajectoryStep step;
  step.gpu_hours = spent_before;
  for (const EndedTrial& trial : trials) {
    step.gpu_hours += trial.gpu_hours;
    step.trial = trial.name;
    step.score = trial.score;
    if (trial.score && (!step.incumbent_score || *trial.score > *step.incumbent_score)) {
      step.incumbent = trial.name;
      step.incumbent_score = trial.score;
    }
    steps.push_back(step);
  }
  return steps;
}

}  // namespace autotune::tuning::search
