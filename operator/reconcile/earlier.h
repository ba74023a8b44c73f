// Measurements of other tasks of the namespace that this task reuses: spec.optimization.reuse.
//
// A measurement is reused only if all its inputs are equal: content hash, model commit, workload and limits
// (api::ExpandedFor), and GPU product. It counts like a measurement of this task, records its origin in reusedFrom, and
// has no cost. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// Properties of a measurement that can be reused.
struct ReuseQuery {
  std::string uid;  // UID of this task
  api::ExpandedFor asked;
  std::vector<api::ModelStatus> models;
};

// Reusable measurements of one other task.
struct EarlierTask {
  std::string name;
  std::string finished_at;  // RFC 3339
  std::string leader;       // content hash of the best experiment; "" = none
  // Content hashes of the baselines, if latencies were compared at their load; else empty.
  std::vector<std::string> references;
  std::vector<api::ExperimentStatus> experiments;  // finished, each with reused_from
  std::vector<std::string> products;               // parallel to `experiments`: their GPU products, never empty
};

// Returns nullopt if the task is not finished, or none of its experiments matches the query.
std::optional<EarlierTask> EarlierFrom(const api::AutotuneTask& task, const ReuseQuery& query);

// Adds `found` to the list, which keeps only the tasks that finished last.
void Collect(EarlierTask found, std::vector<EarlierTask>& tasks);

// The reusable results for a list of candidates.
class Reusable {
 public:
  // `hashes`: content hashes of all candidates of the task. REQUIRES: `tasks` outlives this object.
  Reusable(const std::vector<EarlierTask>& tasks, const std::vector<std::string>& hashes);
  // Returns the result on this GPU product, from the task that finished last; null if there is none.
  [[nodiscard]] const api::ExperimentStatus* Find(const std::string& hash, const std::string& product) const;

 private:
  std::vector<std::pair<const api::ExperimentStatus*, std::string>> found_;  // with their products
};

}  // namespace autotune::reconcile
