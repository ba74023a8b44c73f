// Confirmation of the result by fresh starts of the engine.
//
// The best of many noisy measurements is partly luck: the chosen point is measured again after fresh starts, and only
// these decide whether it meets the limits. The value of the result is the mean over all its starts; candidates within
// its interval are ties. Pure.
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
  bool confirmed = false;    // as many fresh starts as asked for, and they meet the limits
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

// `confirmations`: fresh starts that the answer needs. A point that fails its own is left for the next best: a lower
// load of the same candidate or another candidate. After three candidates' worth of starts the best that held is the
// answer.
Conclusion Conclude(const Space& space, const Bounds& bounds, const Observations& observations, int confirmations);

// 1 where a fresh start could change the answer, else 0: another candidate within its interval, a bound within the
// noise of one start, or measurements that vary more than the model's noise.
int ConfirmationsNeeded(const Space& space, const Bounds& bounds, const Observations& observations);

}  // namespace autotune::tuning::search
