// A small space and a surface of it, for the tests of the search: one model on H100s, two engines, two precisions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/engine_model/llama_8b.h"
#include "tuning/search/decide.h"

namespace autotune::tuning::search::testing {

using engine_model::testing::Llama8B;
engine_model::ModelShape Llama70B();

// engines x precisions x tensor parallel sizes x caps on sequences, with loads 4 to 128.
Space SmallSpace();
Bounds UsualBounds();
Prior PriorOf(const Space& space, const Bounds& bounds);

// What the tests' engines answer: the prior, off by a factor per engine and a little per candidate. Deterministic.
Point Measure(const Space& space, const Prior& prior, std::size_t candidate, double load, int attempt = 1);
double BestTrueValue(const Space& space, const Bounds& bounds, const Prior& prior);

struct Log {
  Observations observations;
  std::vector<Decision> decisions;
  double gpu_seconds = 0;
  int started = 0;
};
// Runs the search to its stop with one slot. `crashes`: candidates that do not start. `between`: called before every
// decision, may replace the state (a restart).
Log RunSearch(const Space& space, const Bounds& bounds, const Prior& prior, std::uint64_t seed, Limits limits = {},
              const std::function<bool(std::size_t)>& crashes = nullptr,
              const std::function<void(Observations*)>& between = nullptr);

}  // namespace autotune::tuning::search::testing
