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

// spec.parallelism, else status.parallelism, else one. One until the reference load is known, because the other
// experiments measure at it.
int PlacesOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// GPUs by name of the nodes that experiments may run on; empty where no node is known. GPUs in use by other tasks are
// not subtracted: a pod that waits for them reports it.
std::map<std::string, int> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                      const std::vector<experiment::NodeView>& nodes);

// For status.parallelism. `gpus`: GpusByNode.
int ChoosePlaces(const api::TaskSpec& spec, const SearchInput& input, const std::map<std::string, int>& gpus);

// Free GPUs by node. Trials without a node are assumed on the node where they fit best.
class FreeGpus {
 public:
  explicit FreeGpus(const std::map<std::string, int>& gpus);

  // Takes GPUs and returns the index of the node; 0 without nodes.
  std::size_t Take(int gpus, const std::string& node = "");
  // For tuning::search::Slots. Returns nullopt without known nodes, or if nothing runs: a trial that does not fit is
  // then created anyway, and its pod reports the missing resources.
  [[nodiscard]] std::optional<std::vector<int>> Left() const;

 private:
  std::vector<std::string> names_;
  std::vector<int> free_;
  bool taken_ = false;
};

}  // namespace autotune::reconcile
