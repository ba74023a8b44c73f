// Decide(): computes the next actions from the observed state. The core of the operator.
//
// Pure and level-triggered: no step depends on a seen event; every call recomputes from the task, its pods and the
// nodes. The state of a task is its status and its pods, so a restarted operator continues at the next call.
//
// The steps have their own files, and Decide() combines them: track (states of the pods), inspect (facts of the model),
// expand (experiments of the current spec), conclude (the result).
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
#include "operator/reconcile/earlier.h"
#include "operator/reconcile/gpu_prices.h"
#include "operator/reconcile/memory.h"
#include "quant/rules.h"

namespace autotune::reconcile {

struct Observed {
  api::AutotuneTask task;
  std::vector<experiment::PodView> pods;    // pods whose controller owner is the task
  std::vector<experiment::NodeView> nodes;  // empty = not watched, or none
  // Error of a spec that the schema accepts but that cannot be read; task.spec is then undefined.
  std::string spec_error;
  // Error of a status that cannot be read, because a newer operator wrote it; only its conditions are then valid.
  std::string status_error;
  Memory memory;
};

struct Settings {
  const quant::RuleSet* rules = nullptr;
  experiment::PodEnvironment environment;
  GpuPrices gpu_prices;          // for tasks without prices
  api::RetentionSpec retention;  // for tasks without spec.retention
};

struct PodRef {
  std::string ns, name, uid;
  bool operator==(const PodRef&) const = default;
};

struct Plan {
  // In the order of Apply(). The status (only if it changed) comes first, so later failures lose no result.
  std::optional<api::TaskStatus> status;
  std::vector<TaskEvent> events;  // emitted after the status write succeeded
  std::string read_deployment;    // name in the task's namespace; "" = none
  std::optional<api::WorkloadRef> read_baseline;
  std::optional<ReuseQuery> read_earlier;
  std::optional<nlohmann::json> config_map;
  std::vector<PodRef> delete_pods;
  std::vector<nlohmann::json> create_pods;
  bool delete_task = false;               // its retention time is over; the only action then
  std::optional<base::WallTime> wake_at;  // time of the next reconcile without a change
};

Plan Decide(const Observed& observed, const Settings& settings, base::WallTime now);

}  // namespace autotune::reconcile
