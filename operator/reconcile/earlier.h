// What other tasks of the namespace measured that this task would measure again: spec.optimization.reuse.
//
// A measurement is taken only where nothing that it depends on differs: content hash, model commit, workload and bounds
// (api::ExpandedFor), and GPU product. It counts like one of the task's own, names its origin (reusedFrom) and costs
// nothing. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// What a task looks for in others.
struct ReuseQuery {
  std::string uid;  // of the task that asks
  api::ExpandedFor asked;
  std::vector<api::ModelStatus> models;
};

// What one other task has for it.
struct EarlierTask {
  std::string name;
  std::string finished_at;  // RFC 3339
  std::string gpu_product;  // never empty
  std::string leader;       // hash of the best experiment; "" = none
  // Hashes of the baselines, where latencies were compared at a load that was theirs; else empty.
  std::vector<std::string> references;
  std::vector<api::ExperimentStatus> experiments;  // that ended for good, each with reused_from
};

// Nothing where the task is not over, or has no experiment that the query may take.
std::optional<EarlierTask> EarlierFrom(const api::AutotuneTask& task, const ReuseQuery& query);

// Adds what was found to the list; only the tasks that ended last are kept.
void Collect(EarlierTask found, std::vector<EarlierTask>& tasks);

// The results for these candidates on these GPUs.
class Reusable {
 public:
  // `hashes`: of all candidates of the task. Nothing is reusable where `gpu_product` is not known. Borrows `tasks`.
  Reusable(const std::vector<EarlierTask>& tasks, const std::string& gpu_product,
           const std::vector<std::string>& hashes);
  // Of the task that ended last; null = none.
  [[nodiscard]] const api::ExperimentStatus* Find(const std::string& hash) const;

 private:
  std::vector<const api::ExperimentStatus*> found_;
};

}  // namespace autotune::reconcile
