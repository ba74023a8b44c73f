#include "operator/reconcile/parallelism.h"

#include <algorithm>
#include <map>
#include <set>

#include "operator/reconcile/answer.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {

namespace search = tuning::search;

namespace {

constexpr int kMany = 1 << 20;  // more GPUs than an experiment has

}  // namespace

int LaterParallelismOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  const auto types = static_cast<int>(
      std::ranges::count_if(status.gpus, [](const api::GpuStatus& gpu) { return gpu.unavailable.empty(); }));
  return spec.parallelism.value_or(std::max({IsAdaptive(spec) ? status.parallelism : 1, types, 1}));
}

int ParallelismOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  const int parallelism = LaterParallelismOf(spec, status);
  if (!NeedsReference(spec)) return parallelism;
  const std::size_t workloads = std::max<std::size_t>(spec.benchmark.scenarios.size(), 1);
  return ReferenceLoadsOf(spec, status).size() < workloads ? 1 : parallelism;
}

std::vector<NodeGpus> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                 const std::vector<experiment::NodeView>& nodes) {
  std::vector<NodeGpus> out;
  for (std::size_t type = 0; type < spec.gpus.size(); ++type) {
    const api::GpuSpec& gpu = spec.gpus[type];
    std::map<std::string, int> by_name;
    for (const experiment::NodeView* node : NodesFor(gpu, api::GpuOf(status, gpu.name).product, nodes)) {
      by_name[node->name] = static_cast<int>(node->allocatable.at(gpu.resource_name));
    }
    for (const auto& [name, count] : by_name) out.push_back({type, name, count});
  }
  return out;
}

int ChooseParallelism(const api::TaskSpec& spec, const SearchInput& input, const std::vector<NodeGpus>& gpus) {
  const std::vector<search::Candidate>& candidates = input.space.candidates;
  if (candidates.empty()) return 1;
  // As many as could run of the smallest; larger ones are packed.
  const auto smallest = std::min_element(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return a.features.shape.gpus < b.features.shape.gpus;
  });
  const int least = std::max(1, smallest->features.shape.gpus);
  int cluster = 0;
  for (const NodeGpus& node : gpus) cluster += node.gpus / least;
  double trials = spec.optimization.max_experiments;
  if (const std::optional<double> budget = input.limits.budget.gpu_seconds) {
    const std::size_t first = input.prior.order.front();
    const search::Allowance trial = search::ConfirmationCost(input.space, first);
    trials = std::min(trials, *budget / std::max(trial.gpu_seconds, 1.0));
  }
  // No type of GPU waits for another one.
  std::set<std::size_t> types;
  for (const search::Candidate& candidate : candidates) {
    if (candidate.available) types.insert(candidate.features.gpu);
  }
  return std::max(search::DefaultSlots(cluster, candidates.size(), trials), static_cast<int>(types.size()));
}

FreeGpus::FreeGpus(std::size_t types, const std::vector<NodeGpus>& gpus) : nodes_(gpus), taken_(types, false) {
  // A type without a known node has one that is not known.
  for (std::size_t type = 0; type < types && types > 1 && !gpus.empty(); ++type) {
    if (std::ranges::find(gpus, type, &NodeGpus::type) == gpus.end()) nodes_.push_back({type, "", kMany});
  }
}

std::size_t FreeGpus::Take(std::size_t type, int gpus, const std::string& node) {
  taken_[type] = true;
  if (nodes_.empty()) return 0;
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].type != type) continue;
    if (!node.empty()) {
      if (nodes_[i].node == node) at = i;
    } else if (nodes_[i].gpus >= gpus && (!at || nodes_[i].gpus < nodes_[*at].gpus)) {
      at = i;  // the fullest node that it fits on, so that whole nodes stay free for what needs them
    }
  }
  if (!at) return 0;  // on a node that is not one of these, or nowhere yet
  nodes_[*at].gpus = std::max(0, nodes_[*at].gpus - gpus);
  return *at;
}

std::optional<std::vector<int>> FreeGpus::Left() const {
  if (nodes_.empty() || std::ranges::find(taken_, true) == taken_.end()) return std::nullopt;
  std::vector<int> left;
  for (const NodeGpus& node : nodes_) left.push_back(taken_[node.type] ? node.gpus : kMany);
  return left;
}

std::vector<std::size_t> FreeGpus::Types() const {
  std::vector<std::size_t> types;
  if (taken_.size() == 1) return types;
  for (const NodeGpus& node : nodes_) types.push_back(node.type);
  return types;
}

}  // namespace autotune::reconcile
