#include "operator/reconcile/places.h"

#include <algorithm>

#include "operator/reconcile/answer.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {

namespace search = tuning::search;

int PlacesOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  const int places = spec.parallelism.value_or(IsAdaptive(spec) ? std::max(status.parallelism, 1) : 1);
  if (!NeedsReference(spec)) return places;
  const std::size_t workloads = std::max<std::size_t>(spec.benchmark.scenarios.size(), 1);
  return ReferenceLoadsOf(spec, status).size() < workloads ? 1 : places;
}

std::map<std::string, int> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                      const std::vector<experiment::NodeView>& nodes) {
  std::map<std::string, int> out;
  for (const experiment::NodeView* node : NodesFor(spec.gpu, status.gpu_product, nodes)) {
    out[node->name] = static_cast<int>(node->allocatable.at(spec.gpu.resource_name));
  }
  return out;
}

int ChoosePlaces(const api::TaskSpec& spec, const SearchInput& input, const std::map<std::string, int>& gpus) {
  const std::vector<search::Candidate>& candidates = input.space.candidates;
  if (candidates.empty()) return 1;
  // As many as could run of the smallest; larger ones are packed.
  const auto smallest = std::min_element(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.features.shape.gpus < b.features.shape.gpus;
  });
  const int least = std::max(1, smallest->features.shape.gpus);
  int cluster = 0;
  for (const auto& [name, count] : gpus) cluster += count / least;
  double trials = spec.optimization.max_experiments;
  if (const std::optional<double> budget = input.limits.budget.gpu_seconds) {
    const std::size_t first = input.prior.order.front();
    const search::Allowance trial = search::ConfirmationCost(input.space, first);
    trials = std::min(trials, *budget / std::max(trial.gpu_seconds, 1.0));
  }
  return search::DefaultSlots(cluster, candidates.size(), trials);
}

FreeGpus::FreeGpus(const std::map<std::string, int>& gpus) {
  for (const auto& [name, count] : gpus) {
    names_.push_back(name);
    free_.push_back(count);
  }
}

std::size_t FreeGpus::Take(int gpus, const std::string& node) {
  taken_ = true;
  if (names_.empty()) return 0;
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!node.empty()) {
      if (names_[i] == node) at = i;
    } else if (free_[i] >= gpus && (!at || free_[i] < free_[*at])) {
      at = i;  // the fullest node that it fits on, so that whole nodes stay free for what needs them
    }
  }
  if (!at) return 0;  // on a node that is not one of these, or nowhere yet
  free_[*at] = std::max(0, free_[*at] - gpus);
  return *at;
}

std::optional<std::vector<int>> FreeGpus::Left() const {
  if (names_.empty() || !taken_) return std::nullopt;
  return free_;
}

}  // namespace autotune::reconcile
