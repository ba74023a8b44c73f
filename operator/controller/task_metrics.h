// TaskMetrics: the user-facing metrics autotune_* (docs/operations.md).
//
// Thread-safe; borrows the registry. Labels are engines, reasons, states and kinds, all from fixed sets, so the number
// of series does not depend on tasks. Every series starts at zero, so the first increase is visible. What is spent is
// also counted by namespace: as many series as there are namespaces that had an experiment since the start.
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

  // A request that patches a task's status was answered; null: accepted.
  void OnStatusPatch(const base::Error* error);
  // The API server took it without fields that it does not know.
  void OnFieldsDropped();
  void OnTaskDeleted();
  // It was accepted.
  void OnStatusWritten(const std::string& ns, const api::TaskSpec& spec, const api::TaskStatus& before,
                       const api::TaskStatus& after);

  // State at a scrape. Not thread-safe; Show() replaces what the last one showed.
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
  // The compatibility tables in use, and whether mounted ones are rejected. Not thread-safe.
  void ShowRules(const std::string& version, bool refused);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::controller
