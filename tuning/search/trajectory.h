// Best score as a function of the cost of a search: the curve by which searches are compared. Pure.
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
  double gpu_hours = 0;  // spent on this trial and all before it
  std::string trial;
  std::optional<double> score;
  std::string incumbent;  // the best trial so far; "" = none yet
  std::optional<double> incumbent_score;
};

// `trials`: in the order in which they ended. `spent_before`: GPU-hours that belong to no trial.
std::vector<TrajectoryStep> TrajectoryOf(const std::vector<EndedTrial>& trials, double spent_before = 0);

}  // namespace autotune::tuning::search
