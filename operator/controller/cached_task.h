// CachedTask: a task as the cache keeps it. One that is over is kept in a kilobyte, whatever it measured.
//
// Immutable, safe to share. A finished task is left alone until its spec changes, and then the watch brings it whole
// again: until then only its pods may still have to go, or itself, and the metrics count it.
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
  // What a list of tasks shows.
  struct Summary {
    std::string progress, best, score, gain, gpu_hours;
  };
  [[nodiscard]] Summary summary() const;
  // The task in full; of a settled one only metadata, state and what decides how long it and which of its pods stay.
  // Its status must not be written.
  [[nodiscard]] std::shared_ptr<const reconcile::ObservedTask> Observed() const;

 private:
  // Of an experiment: what tells whether its pod stays.
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
