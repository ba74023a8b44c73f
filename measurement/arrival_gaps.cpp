#include "measurement/arrival_gaps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace autotune::measurement {
namespace {

constexpr double kLatenciesOfABlock = 30;
constexpr double kShortestBlock = 20, kLongestBlock = 60;  // s
constexpr double kFewest = 16;                             // requests

}  // namespace

ArrivalGaps::ArrivalGaps(const Arrival& arrival, const KeyedRandom& random, std::size_t block)
    : arrival_(arrival), random_(random), block_(arrival.process == ArrivalProcess::kConstant ? 0 : block) {}

double ArrivalGaps::Draw() {
  switch (arrival_.process) {
    case ArrivalProcess::kConstant:
      return 1;
    case ArrivalProcess::kGamma:
      return random_.Gamma(arrival_.burstiness) / arrival_.burstiness;
    case ArrivalProcess::kPoisson:
    case ArrivalProcess::kTrace:
      break;
  }
  return random_.Exponential();
}

double ArrivalGaps::Next() {
  if (block_ == 0) return Draw();
  if (gaps_.empty()) {
    for (std::size_t i = 0; i < block_; ++i) gaps_.push_back(Draw());
    const double sum = std::accumulate(gaps_.begin(), gaps_.end(), 0.0);
    for (double& gap : gaps_) gap *= static_cast<double>(block_) / sum;
  }
  const double gap = gaps_.back();
  gaps_.pop_back();
  return gap;
}

std::size_t BlockOfArrivals(double rate, std::chrono::nanoseconds expected_e2e) {
  const double e2e = std::chrono::duration<double>(expected_e2e).count();
  const double seconds = std::clamp(kLatenciesOfABlock * e2e, kShortestBlock, kLongestBlock);
  return static_cast<std::size_t>(std::max(std::round(rate * seconds), kFewest));
}

}  // namespace autotune::measurement
