// Measurements of other tasks of the namespace that this task can use instead of its own: spec.optimization.reuse.
//
// A measurement is reused only if everything that it depends on is equal: content hash, model commit, workload and
// limits (api::ExpandedFor), and GPU product. It counts like a measurement of the task, has its origin in reusedFrom
// and costs nothing. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// Properties that a reusable measurement must have.
struct ReuseQuery {
  std::string uid;  // UID of the task that reuses
  api::ExpandedFor asked;
  std::vector<api::ModelStatus> models;
};

// Reusable measurements of one other task.
struct EarlierTask {
  std::string name;
  std::string finished_at;  // RFC 3339
  std::string gpu_product;  // never empty
  std::string leader;       // content hash of the best experiment; "" = none
  // Content hashes of the baselines, if latencies were compared at a load of the baselines; else empty.
  std::vector<std::string> references;
  std::vector<api::ExperimentStatus> experiments;  // finished, each with reused_from set
};

// Returns nullopt if the task is not finished, or has no experiment that matches the query.
std::optional<EarlierTask> EarlierFrom(const api::AutotuneTask& task, const ReuseQuery& query);

// Adds `found` to the list, which keeps only the tasks that finished last.
void Collect(EarlierTask found, std::vector<EarlierTask>& tasks);

// The reusable results for a list of candidates on one GPU product.
class Reusable {
 public:
  // `hashes`: content hashes of all candidates of the task. Empty if `gpu_product` is "". REQUIRES: `tasks` outlives
  // this object.
  Reusable(const std::vector<EarlierTask>& tasks, const std::string& gpu_product,
           const std::vector<std::string>& hashes);
  // Returns the result of the task that finished last; null if there is none.
  [[nodiscard]] const api::ExperimentStatus* Find(const std::string& hash) const;

 private:
  std::vector<const api::ExperimentStatus*> found_;
};

}  // namespace autotune::reconcile
