// Confirmation of the result by fresh starts of the engine.
//
// The best of many noisy measurements is partly luck. The chosen point is measured again after fresh starts, and only
// these decide whether it meets the limits. The result's value is the mean over all its starts; candidates within its
// interval are ties. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

// A candidate at one load, over all its starts.
struct Standing {
  std::size_t candidate = 0;
  double load = 0;
  int starts = 1;
  double value = 0;          // geometric mean over starts
  double low = 0, high = 0;  // 95 % interval
  bool confirmed = false;    // as many fresh starts as required, and they meet the limits
};

struct FreshStart {
  std::size_t candidate = 0;
  double load = 0;
};

struct Conclusion {
  std::optional<Standing> answer;     // nullopt: nothing feasible, or a confirmation is missing
  std::optional<FreshStart> confirm;  // start this candidate again and measure this load
  std::vector<std::size_t> ties;      // other candidates within the answer's interval, best first
};

// `confirmations`: fresh starts that the result needs. If a point fails them, the next best is tried: a lower load of
// the same candidate, or another candidate. After the starts of three candidates, the best confirmed one is the
// result.
Conclusion Conclude(const Space& space, const Bounds& bounds, const Observations& observations, int confirmations);

// 1 if a fresh start could change the result, else 0: another candidate is within its interval, a limit is within the
// noise of one start, or measurements vary more than the model's noise.
int ConfirmationsNeeded(const Space& space, const Bounds& bounds, const Observations& observations);

}  // namespace autotune::tuning::search
