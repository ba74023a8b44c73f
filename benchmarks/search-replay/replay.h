// Replay with a virtual clock: runs one policy on one scenario and accounts its cost.
//
// Noise and crashes are functions of (task, seed, candidate, attempt, load, replicate), so all policies get the same
// random numbers in any order. Rules and metrics: README.md beside this file. Pure.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "benchmarks/search-replay/policy.h"
#include "benchmarks/search-replay/surface.h"

namespace autotune::search_replay {

enum class Crashes { kNone, kIid, kClass };
enum class PriorSource { kOwn, kFile, kNone };

struct ReplayOptions {
  Crashes crashes = Crashes::kIid;
  double crash_rate = 0.1;
  double noise = 1;
  int slots = 1;
  PriorSource prior = PriorSource::kOwn;
  std::ostream* trace = nullptr;  // every event, for people
};

// Costs are shares of a full sweep's on one slot.
struct RunResult {
  double t95_gpu = 1, t95_wall = 1;
  bool hit = false;
  double stop_gpu = 1, stop_quality = 0;
  bool violates = false;
  bool stopped = false;        // by itself
  bool chose_nothing = false;  // the verdict "infeasible"
  bool feasible = false;       // some candidate that starts meets the limits
  int trials = 0, steps = 0;   // until the stop
};

TaskView ViewOf(const DataSet& data, const SloCase& scenario, const ReplayOptions& options, std::uint64_t seed);

RunResult Replay(const DataSet& data, const SloCase& scenario, const ReplayOptions& options, std::uint64_t seed,
                 Policy* policy);

// The random numbers of the data set's README, for its test vectors.
std::uint64_t NameKey(std::string_view name);
double NoiseDraw(std::uint64_t key);

// Answers of a surface: the k-th start of a candidate and the r-th replicate of a load.
struct Surfaces {
  const Surface& surface;
  std::uint64_t seed;
  const ReplayOptions& options;
  [[nodiscard]] bool CrashesAtStart(std::size_t candidate) const;
  struct Measurement {
    double ttft_ms, tpot_ms, tok_s_gpu;
  };
  [[nodiscard]] Measurement Measure(std::size_t candidate, int attempt, std::size_t point, int replicate) const;
};

}  // namespace autotune::search_replay
