// Insights of a search for reports: prediction errors, and the best score as a function of cost. Plain values;
// reconcile/insight.h fills them from a task.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuning/search/prediction_check.h"
#include "tuning/search/trajectory.h"

namespace autotune::tuning::search {

struct Insight {
  struct Checked {
    std::string experiment;
    PredictionCheck check;
  };
  std::vector<Checked> predictions;
  std::optional<PredictionError> error;  // of `predictions`
  std::vector<TrajectoryStep> trajectory;
};

}  // namespace autotune::tuning::search
