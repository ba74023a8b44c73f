// Estimated cost of a search for the status, and a check of its budget. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/propose.h"
#include "tuning/search/estimate.h"

namespace autotune::reconcile {

// Estimate for the whole task: past and expected experiments. Simulates the search several times: takes less than a
// second for spaces of any size.
api::TaskStatus::Estimate EstimateOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input,
                                     base::WallTime now);
// Actual cost of a finished task, with its first estimate.
api::TaskStatus::Estimate TakenBy(const api::TaskStatus& status, base::WallTime now);
// "took 1.4 GPU-hours, estimated 1.1-2"; "" without an estimate.
std::string ComparedWithEstimate(const api::TaskStatus& status);

// Error, with the field, if no experiment can start: the budget is below the estimate of the cheapest one, or the
// deadline has passed. nullopt if one fits.
std::optional<std::string> BudgetRefusal(const api::TaskSpec& spec, const SearchInput& input);

// A rounded range: "5-9", "7".
std::string RangeText(double low, double high, int decimals);

}  // namespace autotune::reconcile
