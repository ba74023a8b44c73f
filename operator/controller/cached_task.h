// CachedTask: a task in the cache. A finished task takes a kilobyte, whatever it measured.
//
// Immutable, safe to share. A finished task changes only with its spec, and the watch then delivers the whole object
// again. Until then only its pods or the task itself may have to be deleted, and the metrics count it.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/reconcile/observed_task.h"

namespace autotune::controller {

class CachedTask {
 public:
  // Fails as reconcile::ObserveTask does.
  static base::Result<CachedTask> FromJson(const nlohmann::json& object);

  // Over, for the spec that it has now, with nothing left to write.
  [[nodiscard]] bool settled() const { return whole_ == nullptr; }
  // status.state of a settled task.
  [[nodiscard]] const std::string& state() const { return state_; }
  // Fields for a list of tasks.
  struct Summary {
    std::string progress, best, score, gain, gpu_hours;
  };
  [[nodiscard]] Summary summary() const;
  // The task in full; of a settled one only metadata, state and the fields that decide how long it and which of its
  // pods are kept. Its status must not be written.
  [[nodiscard]] std::shared_ptr<const reconcile::ObservedTask> Observed() const;

 private:
  // Fields of an experiment that decide whether its pod is kept.
  struct Experiment {
    std::uint64_t hash = 0;
    std::int32_t attempts = 0;
    api::ExperimentState state = api::ExperimentState::kPending;
  };

  std::shared_ptr<const reconcile::ObservedTask> whole_;  // null = settled
  api::ObjectMeta metadata_;
  std::string state_;
  Summary summary_;
  std::string finished_at_;
  api::KeepPods keep_pods_ = api::KeepPods::kOnFailure;
  api::RetentionSpec retention_;
  std::vector<Experiment> experiments_;
};

}  // namespace autotune::controller
