#include "tuning/search.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/sha256.h"

namespace autotune::tuning {

std::vector<std::size_t> Schedule(const std::vector<Candidate>& candidates, Order order, std::uint64_t seed,
                                  std::size_t max_experiments) {
  std::vector<std::size_t> baselines;
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < candidates.size(); ++i) (candidates[i].baseline ? baselines : rest).push_back(i);

  switch (order) {
    case Order::kGrid:
      break;
    case Order::kRandom: {
      std::vector<std::pair<std::string, std::size_t>> keyed;
      keyed.reserve(rest.size());
      const std::string prefix = std::to_string(seed) + ":";
      for (std::size_t i : rest) keyed.emplace_back(base::Sha256Hex(prefix + candidates[i].hash), i);
      std::sort(keyed.begin(), keyed.end());
      for (std::size_t i = 0; i < keyed.size(); ++i) rest[i] = keyed[i].second;
      break;
    }
  }

  baselines.insert(baselines.end(), rest.begin(), rest.end());
  if (baselines.size() > max_experiments) baselines.resize(max_experiments);
  return baselines;
}

}  // namespace autotune::tuning
