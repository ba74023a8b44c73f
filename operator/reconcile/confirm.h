// Confirmations: fresh starts of the best configuration before a search ends. The best of many noisy measurements is
// partly luck: only fresh starts decide whether it meets the SLO (tuning/judge.h).
//
// Pure; from the status alone, so that a restart asks for the same.
#pragma once

#include <cstddef>
#include <optional>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/propose.h"

namespace autotune::reconcile {

// Number of fresh starts of the best configuration. If the spec does not set it: one, if another experiment is within
// its interval, its score is an estimate, a limit is within the noise of one start, or measurements vary more than
// usual; otherwise none.
int ConfirmationsOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input);

// The next experiment to start afresh; nullopt if the best one has its fresh starts, or too many were spent on earlier
// ones that missed the limits. REQUIRES: Answer() has filled `status`.
std::optional<std::size_t> NextConfirmation(const api::TaskSpec& spec, const api::TaskStatus& status,
                                            const SearchInput& input);

// "confirming e3-abc123", while a fresh start runs; else "".
std::string ConfirmingText(const api::TaskStatus& status);

}  // namespace autotune::reconcile
