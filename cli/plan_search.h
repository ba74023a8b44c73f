// Preview of an adaptive search: the most promising candidates, the expected cost, and the effect of the budget. Marked
// as predictions. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "tuning/search/estimate.h"
#include "tuning/search/outlook.h"

namespace autotune::cli {

struct SearchPreview {
  std::vector<tuning::search::Outlook> order;  // the first ones
  bool generic = false;                        // rule of thumb, without facts of the model or the GPU
  int parallelism = 1;                         // number of concurrent experiments, as in the operator
  bool first_alone = false;                    // the first measures the load at which the others are compared
  tuning::search::CostEstimate cost;           // within the limits
  // Cost without the budget, if there is one.
  std::optional<tuning::search::CostEstimate> unlimited;
  // GPUs without predictions: shares of cards, partitions, virtual GPUs. If there are any, the cost is not known
  // either, and `order` only has candidates on the other GPUs.
  std::vector<std::string> not_predicted;
  bool priced = false;  // the price per hour of every type of GPU is known
  std::string refusal;  // if not empty: reason for which the limits allow no experiment
};
SearchPreview PreviewSearch(const TaskPlan& plan);

// "5-9 experiments, 1.1-2 GPU-hours, price 4.51-8.2, in 0.4-0.7 h with 3 at a time", or the reason for which no
// experiment can start or nothing is predicted.
std::string EstimateText(const SearchPreview& preview);
std::string SearchText(const TaskPlan& plan, const SearchPreview& preview);
nlohmann::json SearchJson(const TaskPlan& plan, const SearchPreview& preview);

}  // namespace autotune::cli
