// Next decision of the search for one slot. Pure: the same state and seed give the same decision on every machine,
// after any restart, in any order of the observations.
//
//   no engine in the slot   start the candidate with the largest expected improvement per GPU-second, wait, or stop
//   an engine is running    measure a load, or end the trial and decide as above
//
// docs/search.md has the equations and their evaluation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "measurement/predicted_load.h"
#include "tuning/search/acquisition.h"
#include "tuning/search/budget.h"
#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/slots.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

enum class Action { kStart, kStep, kWait, kStop };
enum class Reason {
  kBaseline,         // kStart
  kLargestGain,      // kStart
  kLeastViolation,   // kStart: no candidate is expected to meet the limits, but this is not certain yet
  kMeasure,          // kStep; Decision::step has the reason for the load
  kSlotsBusy,        // kWait: a running trial may change the choice, or GPUs are reserved
  kLowExpectedGain,  // kStop
  kInfeasible,       // kStop: no candidate meets the limits
  kBudget,           // kStop: no remaining candidate fits into the budget; a larger one would start some
  kMaxExperiments,   // kStop: as of kBudget
  kAllTried,         // kStop
};
std::string_view ReasonName(Reason reason);

struct Decision {
  Action action = Action::kStop;
  Reason reason = Reason::kAllTried;
  std::size_t candidate = 0;           // kStart, kStep
  measurement::NextLoad step;          // kStep
  std::optional<Allowance> allowance;  // kStart
  // kStart: of this candidate; kStop: of the best remaining one (the expected regret). As a share of the incumbent.
  double expected_gain = 0;
  std::optional<Incumbent> best;  // so far; kStop: the result, nullopt = nothing feasible
};

struct Limits {
  Budget budget;
  bool exhaust = false;  // start every candidate, regardless of the gain
};

Decision Decide(const Space& space, const Bounds& bounds, const Prior& prior, const Observations& observations,
                const Slots& slots, std::uint64_t seed, const Limits& limits = {});

}  // namespace autotune::tuning::search
