// Preview of an adaptive search: the most promising candidates, the expected cost, and the effect of the budget.
// Predictions, marked as such. Pure.
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
  bool generic = false;                        // without facts about the model or the GPU: a rule of thumb
  int places = 1;                              // experiments at a time, as the operator decides
  tuning::search::CostEstimate cost;           // within the limits
  // With a budget: the cost without one.
  std::optional<tuning::search::CostEstimate> unlimited;
  // GPUs for which nothing is predicted: shares of cards, partitions, virtual GPUs. With one of them the cost is not
  // known either, and `order` has the candidates on the others.
  std::vector<std::string> not_predicted;
  bool priced = false;  // the price per hour of every type of GPU is known
  std::string refusal;  // not empty: reason for which no experiment can start within the limits
};
SearchPreview PreviewSearch(const TaskPlan& plan);

// "5-9 experiments, 1.1-2 GPU-hours, price 4.51-8.2, in 0.4-0.7 h with 3 at a time", or the reason for which no
// experiment can start or nothing is predicted.
std::string EstimateText(const SearchPreview& preview);
std::string SearchText(const TaskPlan& plan, const SearchPreview& preview);
nlohmann::json SearchJson(const TaskPlan& plan, const SearchPreview& preview);

}  // namespace autotune::cli
