// Places: how many experiments run at once, and which GPUs are left for the next one.
//
// A task may say it (spec.parallelism). Else an adaptive search takes a few places where the cluster has GPUs for them:
// each further experiment at a time is chosen without what the others would have shown. Pure.
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

// spec.parallelism, else what was chosen (status.parallelism), else one. One until the reference load is known, because
// the others measure at it.
int PlacesOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// GPUs by name of the nodes that experiments may run on; empty where no node is known. What other tasks hold of them is
// not known here: a pod that waits for it says so.
std::map<std::string, int> GpusByNode(const api::TaskSpec& spec, const api::TaskStatus& status,
                                      const std::vector<experiment::NodeView>& nodes);

// For status.parallelism. `gpus`: GpusByNode.
int ChoosePlaces(const api::TaskSpec& spec, const SearchInput& input, const std::map<std::string, int>& gpus);

// GPUs that trials take and leave, by node. Trials that have no node yet are expected where they fit best.
class FreeGpus {
 public:
  explicit FreeGpus(const std::map<std::string, int>& gpus);

  // Takes them, and gives the node's index; 0 where nothing is known.
  std::size_t Take(int gpus, const std::string& node = "");
  // For tuning::search::Slots. Nothing where nothing is known, or where nothing runs: then a trial that does not fit
  // waits for nobody, and its pod says what it lacks.
  [[nodiscard]] std::optional<std::vector<int>> Left() const;

 private:
  std::vector<std::string> names_;
  std::vector<int> free_;
  bool taken_ = false;
};

}  // namespace autotune::reconcile
