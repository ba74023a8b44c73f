// Which finalist is started afresh, before a search may end. What looks best among many noisy measurements is partly
// luck: only fresh starts say whether it keeps the SLO (tuning/judge.h).
//
// Pure; from the status alone, so that a restart asks for the same.
#pragma once

#include <cstddef>
#include <optional>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/propose.h"

namespace autotune::reconcile {

// Fresh starts that the answer needs. Unset in the spec: one, where another experiment is within the leader's interval,
// a bound within the noise of one start, or measurements vary more than usual; none of an answer that is certain.
int ConfirmationsOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input);

// The experiment to start afresh next; nothing when the leader has its fresh starts or too many were spent on leaders
// that did not hold. `status` has its answer.
std::optional<std::size_t> NextConfirmation(const api::TaskSpec& spec, const api::TaskStatus& status,
                                            const SearchInput& input);

// "confirming e3-abc123", while a fresh start is at work; else "".
std::string ConfirmingText(const api::TaskStatus& status);

}  // namespace autotune::reconcile
