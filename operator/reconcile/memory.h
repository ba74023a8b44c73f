// What the operator remembers of a task between two reconciles: created pods, rejections by the API server, the state
// of the recommendation. It may be lost: everything that decisions need is in the status, so a loss costs at most an
// early retry.
//
// Plain values. One per task, owned by the caller of Decide() and Apply(), used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "operator/reconcile/earlier.h"
#include "operator/reconcile/refusal.h"

namespace autotune::reconcile {

struct Memory {
  // Rejections are forgotten when the spec's generation changes: the edit may resolve them.
  std::int64_t generation = -1;

  // Names of created pods. If a pod in this set is missing although the caches are current, it was deleted. A pod that
  // is not in this set must be created.
  std::set<std::string> created;

  struct Refused {
    Refusal refusal;
    int times = 0;  // consecutive times
    base::WallTime at{};
  };
  std::map<std::string, Refused> refused;  // by pod name, until that pod is accepted
  // The last rejection of any pod since a pod was accepted: the task then creates one pod at a time.
  std::optional<Refused> last_refused;

  // Pods that the API server does not delete, by name, with the reason.
  std::map<std::string, std::string> undeleted;

  // The last write of the status of which the API server dropped a field.
  struct Dropped {
    std::string field;    // path
    bool needed = false;  // to continue: the task waits until `at` + RefusalDelay(times)
    int times = 0;        // consecutive times
    base::WallTime at{};
  };
  std::optional<Dropped> dropped;

  struct Recommended {
    std::string digest;  // of the ConfigMap
    std::optional<base::Error> error;
    int times = 0;  // consecutive times
    base::WallTime at{};
  };
  std::optional<Recommended> recommended;

  // The Deployment of spec.recommendation.diffAgainst as read for this generation, or the error.
  std::optional<base::Result<nlohmann::json>> deployment;

  // The workload of spec.optimization.baseline.deploymentRef, until it is in the status.
  struct Baseline {
    base::Result<nlohmann::json> workload;
    int times = 0;  // consecutive times
    base::WallTime at{};
  };
  std::optional<Baseline> baseline;
  // Measurements of other tasks, from when they were read until the task is expanded.
  std::optional<std::vector<EarlierTask>> earlier;

  // Sets the generation; forgets rejections of earlier generations.
  void Begin(std::int64_t present_generation);
  void PodTaken(const std::string& name);
  void PodRefused(const std::string& name, Refusal refusal, base::WallTime now);
  void PodDeleted(const std::string& name);
  void BaselineRead(base::Result<nlohmann::json> workload, base::WallTime now);
  void PodNotDeleted(const std::string& name, std::string why);
  // `field` "" = nothing was dropped.
  void StatusWritten(const std::string& field, base::WallTime now);
  // Time until which the task waits for another definition of tasks; nullopt if it does not wait.
  [[nodiscard]] std::optional<base::WallTime> WaitsForDefinition(base::WallTime now) const;
  void ConfigMapWritten(const std::string& digest, std::optional<base::Error> error, base::WallTime now);
};

// Message with the remedy for a status field that the API server dropped.
std::string DroppedText(const std::string& field);

// Delay before a retry after `times` consecutive failures: 15 s, doubled up to 5 minutes.
base::Duration RefusalDelay(int times);

}  // namespace autotune::reconcile
