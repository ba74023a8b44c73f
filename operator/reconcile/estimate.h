// What a search is expected to take, in the words of a status, and what a budget has room for. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/propose.h"
#include "tuning/search/estimate.h"

namespace autotune::reconcile {

// Of the whole task: what is over and what is expected to come. Plays the search several times: below a second for
// spaces of any size.
api::TaskStatus::Estimate EstimateOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input,
                                     base::WallTime now);
// What it took, with the first estimate kept beside it.
api::TaskStatus::Estimate TakenBy(const api::TaskStatus& status, base::WallTime now);
// "took 1.4 GPU-hours, 1.1-2 were estimated"; "" where nothing was estimated.
std::string ComparedWithEstimate(const api::TaskStatus& status);

// Why nothing may be started at all: the budget is below the cheapest experiment's estimate, or the deadline is past.
// Names the field. Nothing where something fits.
std::optional<std::string> BudgetRefusal(const api::TaskSpec& spec, const SearchInput& input);

// "5-9", "7"; rounded to what is worth saying.
std::string RangeText(double low, double high, int decimals);

}  // namespace autotune::reconcile
