// Remaining budget: hard limits in GPU-hours and time, with a reserve for the confirmation of the result.
//
// A trial starts only if it and its confirmation fit, and gets a limit for its cost: past cost plus the limits of
// running trials never exceed the budget. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct Budget {
  std::optional<double> gpu_seconds;   // for the whole task
  std::optional<double> seconds_left;  // until the deadline
  std::optional<int> trials;           // for the whole task: maxExperiments
  double spent_gpu_seconds = 0;        // by ended and running trials, until now
  double committed_gpu_seconds = 0;    // maximum further cost of running trials
  int started = 0;
  int confirmations = 0;  // fresh starts that the result needs
};

struct Allowance {
  double gpu_seconds = 0;
  double seconds = 0;
};

// GPU-seconds and seconds of one fresh start with two measured loads.
Allowance ConfirmationCost(const Space& space, std::size_t candidate);

// GPU-seconds that Allow requires of the rest of the budget: the candidate's start, one load and the reserve.
double LeastGpuSeconds(const Space& space, const Budget& budget, std::size_t candidate,
                       std::optional<std::size_t> incumbent);

// Maximum cost of a trial of the candidate, including its start. nullopt: the budget is not enough for its start, one
// load and the reserve (the more expensive of its own confirmations and the incumbent's). At most kLongestStart times
// the expected start, and all loads twice.
std::optional<Allowance> Allow(const Space& space, const Budget& budget, std::size_t candidate,
                               std::optional<std::size_t> incumbent);

}  // namespace autotune::tuning::search
