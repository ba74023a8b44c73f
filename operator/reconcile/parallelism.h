// Parallelism: the number of concurrent experiments, and the free GPUs for the next one.
//
// spec.parallelism sets it. Otherwise an adaptive search uses only a few, if the cluster has the GPUs, because each
// parallel experiment is chosen without the results of the others. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/reconcile/propose.h"
#include "tuning/search/slots.h"

namespace autotune::reconcile {

// spec.parallelism, else status.parallelism, else one per available type of GPU. 1 until the reference load is known,
// because the other experiments are measured at it.
int ParallelismOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// The same once the reference load is known.
int LaterParallelismOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// GPUs ordered by type, then node name. Leaves out types without a known node.
std::vector<NodeGpus> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                 const std::vector<experiment::NodeView>& nodes);

// Value for status.parallelism. `gpus`: from GpusByNode.
int ChooseParallelism(const api::TaskSpec& spec, const SearchInput& input, const std::vector<NodeGpus>& gpus);

// Free GPUs by node. Trials without a node are assigned to the node where they fit best.
class FreeGpus {
 public:
  // `types`: number of types of GPU in the spec.
  FreeGpus(std::size_t types, const std::vector<NodeGpus>& gpus);

  // Takes GPUs and returns the index of the node; 0 without nodes.
  std::size_t Take(std::size_t type, int gpus, const std::string& node = "");
  // Free GPUs by node, for tuning::search::Slots. A type without known nodes, or without running trials, has unlimited
  // GPUs: a trial that does not fit is created anyway, and its pod reports the missing resources. nullopt if this
  // applies to all types.
  [[nodiscard]] std::optional<std::vector<int>> Left() const;
  // Type of each node; empty if there is only one type.
  [[nodiscard]] std::vector<std::size_t> Types() const;

 private:
  std::vector<NodeGpus> nodes_;  // with their free GPUs
  std::vector<bool> taken_;      // by type
};

}  // namespace autotune::reconcile
