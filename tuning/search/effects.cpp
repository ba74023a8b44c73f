#include "tuning/search/effects.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/keyed_random.h"
#include "tuning/search/acquisition.h"
#include "tuning/search/constants.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

constexpr double kTail = 0.05;

std::string ValueOf(const std::map<std::string, std::string>& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

}  // namespace

std::vector<Effect> MainEffects(const Space& space, const Bounds& bounds, const Prior& prior,
                                const Observations& observations,
                                const std::vector<std::map<std::string, std::string>>& parameters, std::uint64_t seed) {
  const std::vector<Row> rows = MergePoints(space, observations.points);
  std::set<std::size_t> measured;
  for (const Row& row : rows) measured.insert(row.candidate);
  std::set<std::size_t> crashed;
  for (const Start& start : observations.starts) {
    if (start.outcome == StartOutcome::kCrashed) crashed.insert(start.candidate);
  }
  // A report on 100,000 candidates is about those that came into question.
  std::vector<std::size_t> asked(measured.begin(), measured.end());
  for (const std::size_t i : prior.order) {
    if (asked.size() >= constants::kShortlist) break;
    if (!measured.contains(i) && !crashed.contains(i)) asked.push_back(i);
  }
  const ResidualModel model(space, bounds, prior, rows, asked);
  const ValueDraws draws(space, bounds, model, rows, base::Key({seed, 0xeffe}));
  std::map<std::size_t, std::vector<double>> values;
  std::set<std::string> names;
  for (const std::size_t i : asked) {
    values[i] = draws.Of(i);
    for (const auto& [name, value] : parameters[i]) names.insert(name);
  }

  std::vector<Effect> out;
  for (const std::string& name : names) {
    // Candidates that are equal but for this parameter are compared with each other.
    std::map<std::map<std::string, std::string>, std::vector<std::size_t>> groups;
    std::map<std::string, Effect> effects;
    for (const std::size_t i : asked) {
      std::map<std::string, std::string> rest = parameters[i];
      rest.erase(name);
      groups[rest].push_back(i);
      Effect& effect = effects[ValueOf(parameters[i], name)];
      ++effect.candidates;
      effect.measured += measured.contains(i) ? 1 : 0;
    }
    if (effects.size() < 2) continue;
    std::map<std::string, std::vector<double>> changes;  // by value, one per draw
    for (std::size_t s = 0; s < constants::kDraws; ++s) {
      std::map<std::string, std::pair<double, double>> sums;  // of values, of their groups' means
      for (const auto& [rest, members] : groups) {
        if (members.size() < 2) continue;
        double mean = 0;
        for (const std::size_t i : members) mean += values[i][s] / static_cast<double>(members.size());
        for (const std::size_t i : members) {
          auto& [sum, means] = sums[ValueOf(parameters[i], name)];
          sum += values[i][s];
          means += mean;
        }
      }
      for (const auto& [value, sum] : sums) {
        if (sum.second > 0) changes[value].push_back(sum.first / sum.second - 1);
      }
    }
    std::vector<Effect> of_name;
    for (auto& [value, effect] : effects) {
      std::vector<double>& change = changes[value];
      if (change.empty()) continue;  // nothing to compare with
      std::sort(change.begin(), change.end());
      const auto at = [&](double q) {
        return change[static_cast<std::size_t>(q * static_cast<double>(change.size() - 1))];
      };
      effect.parameter = name;
      effect.value = value;
      for (const double c : change) effect.effect += c / static_cast<double>(change.size());
      effect.low = at(kTail);
      effect.high = at(1 - kTail);
      of_name.push_back(effect);
    }
    std::stable_sort(of_name.begin(), of_name.end(),
                     [](const Effect& a, const Effect& b) { return a.effect > b.effect; });
    out.insert(out.end(), of_name.begin(), of_name.end());
  }
  return out;
}

}  // namespace autotune::tuning::search
