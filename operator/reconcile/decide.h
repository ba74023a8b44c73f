// decide(): from what is observed to what has to happen next. The heart of the operator.
//
// Pure and level-triggered: no step depends on having seen an event, every call recomputes from the task, its pods and
// the nodes. The state of a task is its status plus its pods; a killed operator goes on at the next call.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_builder.h"
#include "operator/experiment/pod_view.h"
#include "operator/reconcile/cluster.h"
#include "quant/rules.h"

namespace autotune::reconcile {

struct Observed {
  api::AutotuneTask task;
  std::vector<experiment::PodView> pods;    // those whose controller owner is the task
  std::vector<experiment::NodeView> nodes;  // empty = not watched or none
  // Why the spec could not be read although the schema let it pass; then task.spec means nothing.
  std::string spec_error;
  // The API server's words when it last refused a pod of this generation (pod security, admission, quota), and when. It
  // is to be shown again for as long as it is younger than a retry: otherwise the status that tells of it would bring
  // about the next attempt.
  struct Refusal {
    std::string message;
    base::WallTime at{};
  };
  std::optional<Refusal> refusal;
};

struct Settings {
  const quant::RuleSet* rules = nullptr;
  experiment::PodEnvironment environment;
};

struct PodRef {
  std::string ns, name, uid;
  bool operator==(const PodRef&) const = default;
};

struct Plan {
  // In the order in which apply() acts. The status (only if it changed) comes before deletes, so that no result is
  // lost, and the ConfigMap before the status that names it; a failure stops the rest.
  std::optional<nlohmann::json> config_map;
  std::optional<api::TaskStatus> status;
  std::vector<PodRef> delete_pods;
  std::vector<nlohmann::json> create_pods;
  std::vector<TaskEvent> events;          // emitted after the status write succeeded
  std::optional<base::WallTime> wake_at;  // look again then although nothing changed
};

Plan Decide(const Observed& observed, const Settings& settings, base::WallTime now);

}  // namespace autotune::reconcile
