// Best score over the cost of a search: the curve that evaluates a search. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace autotune::tuning::search {

// A trial that is over, failed ones included.
struct EndedTrial {
  std::string name;
  double gpu_hours = 0;         // of all its attempts
  std::optional<double> score;  // higher is better; nullopt: it failed, was stopped early, or misses a limit
};

struct TrajectoryStep {
  double gpu_hours = 0;  // spent until this trial had ended, on this and all before it
  std::string trial;
  std::optional<double> score;
  std::string incumbent;  // the best trial so far; "" = none yet
  std::optional<double> incumbent_score;
};

// `trials` in the order in which they ended. `spent_before`: GPU-hours that no trial accounts for.
std::vector<TrajectoryStep> TrajectoryOf(const std::vector<EndedTrial>& trials, double spent_before = 0);

}  // namespace autotune::tuning::search
