// What a search learned, for reports: what each parameter did, how well it predicted, how its answer grew with what was
// spent. Plain values; reconcile/insight.h fills them from a task.
#pragma once

#include <string>
#include <vector>

#include "tuning/search/effects.h"
#include "tuning/search/prediction_check.h"
#include "tuning/search/trajectory.h"

namespace autotune::tuning::search {

struct Insight {
  std::vector<Effect> effects;
  struct Checked {
    std::string experiment;
    PredictionCheck check;
  };
  std::vector<Checked> predictions;
  std::optional<PredictionError> error;  // of `predictions`
  std::vector<TrajectoryStep> trajectory;
};

}  // namespace autotune::tuning::search
