// Parallelism: number of experiments at the same time, and the GPUs that are free for the next one.
//
// spec.parallelism sets it. Otherwise an adaptive search uses a few, if the cluster has the GPUs: each parallel
// experiment is chosen without the results of the others. Pure.
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

// spec.parallelism, else status.parallelism, else one for each type of GPU that is available. One until the reference
// load is known, because the other experiments measure at it.
int PlacesOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// By type, then by name. Without the nodes of types of which none is known.
std::vector<NodeGpus> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                 const std::vector<experiment::NodeView>& nodes);

// For status.parallelism. `gpus`: GpusByNode.
int ChoosePlaces(const api::TaskSpec& spec, const SearchInput& input, const std::vector<NodeGpus>& gpus);

// Free GPUs by node. Trials without a node are assumed on the node where they fit best.
class FreeGpus {
 public:
  // `types`: of GPU, in the spec.
  FreeGpus(std::size_t types, const std::vector<NodeGpus>& gpus);

  // Takes GPUs and returns the index of the node; 0 without nodes.
  std::size_t Take(std::size_t type, int gpus, const std::string& node = "");
  // For tuning::search::Slots. A type without known nodes, or on which nothing runs, has as many as anybody wants: a
  // trial that does not fit is then created anyway, and its pod reports the missing resources. Returns nullopt if that
  // is so for all types.
  [[nodiscard]] std::optional<std::vector<int>> Left() const;
  // The type of each node; empty with one type.
  [[nodiscard]] std::vector<std::size_t> Types() const;

 private:
  std::vector<NodeGpus> nodes_;  // with what is free
  std::vector<bool> taken_;      // by type
};

}  // namespace autotune::reconcile
