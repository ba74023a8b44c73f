// TaskMetrics: the user-facing metrics autotune_* (docs/operations.md).
//
// Thread-safe; borrows the registry. Labels (engines, reasons, states, kinds) are from fixed sets, so the number of
// series does not grow with tasks. Every series starts at zero, so the first increase is visible. Costs are also
// counted by namespace, for each namespace with an experiment since the start.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace prometheus {
class Registry;
}

namespace autotune::controller {

class TaskMetrics {
 public:
  explicit TaskMetrics(prometheus::Registry& registry);
  ~TaskMetrics();
  TaskMetrics(const TaskMetrics&) = delete;
  TaskMetrics& operator=(const TaskMetrics&) = delete;

  // Result of a request that patches a task's status; null: success.
  void OnStatusPatch(const base::Error* error);
  // The API server accepted a status without fields that it does not know.
  void OnFieldsDropped();
  void OnTaskDeleted();
  // The API server accepted a status.
  void OnStatusWritten(const std::string& ns, const api::TaskSpec& spec, const api::TaskStatus& before,
                       const api::TaskStatus& after);

  // State at a scrape. Not thread-safe; Show() replaces the values of the previous one.
  class Snapshot {
   public:
    Snapshot();
    ~Snapshot();
    void Add(const api::TaskSpec& spec, const api::TaskStatus& status);
    void AddFinished(const std::string& state);

   private:
    friend class TaskMetrics;
    struct Counts;
    std::unique_ptr<Counts> counts_;
  };
  void Show(const Snapshot& snapshot);
  // The active compatibility tables, and whether mounted ones are rejected. Not thread-safe.
  void ShowRules(const std::string& version, bool refused);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::controller
