// Confirmations: fresh starts of the best configuration before the task ends. The best of many noisy measurements is
// partly luck, so only fresh starts decide whether it meets the SLO (tuning/judge.h).
//
// Pure. Depends on the status alone, so a restarted operator makes the same decision.
#pragma once

#include <cstddef>
#include <optional>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/propose.h"

namespace autotune::reconcile {

// Number of fresh starts of the best configuration. If the spec does not set it: 1 if the search is adaptive and the
// result is uncertain, else 0. It is uncertain if there is a tie, the score is an estimate, the measurement is reused
// from another task, a limit is within the noise of one start, or measurements vary more than usual.
int ConfirmationsOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input);

// Index of the experiment to start afresh next, which is the best one. nullopt if there is no best, if it has all its
// fresh starts, if three configurations had theirs, or if the status has the maximum number of experiments. REQUIRES:
// Answer() has filled `status`.
std::optional<std::size_t> NextConfirmation(const api::TaskSpec& spec, const api::TaskStatus& status,
                                            const SearchInput& input);

// "confirming e3-abc123 with a fresh start" if one is unfinished; else "".
std::string ConfirmingText(const api::TaskStatus& status);

}  // namespace autotune::reconcile
