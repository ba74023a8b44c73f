// decide(): from what is observed to what has to happen next. The heart of the operator.
//
// Pure and level-triggered: no step depends on having seen an event, every call recomputes from the task, its pods and
// the nodes. The state of a task is its status plus its pods; a killed operator goes on at the next call.
//
// The steps are files of their own: track (what the pods say), inspect (the model's facts), expand (the experiments of
// the present spec), conclude (the answer). Each takes what it needs and returns what it found; this one puts it
// together.
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
  std::vector<experiment::PodView> pods;    // those whose controller owner is the task
  std::vector<experiment::NodeView> nodes;  // empty = not watched or none
  // Why the spec could not be read although the schema let it pass; then task.spec means nothing.
  std::string spec_error;
  // Why the status could not be read: a newer operator wrote it. Then only its conditions mean something.
  std::string status_error;
  Memory memory;
};

struct Settings {
  const quant::RuleSet* rules = nullptr;
  experiment::PodEnvironment environment;
  GpuPrices gpu_prices;          // for tasks that give no price
  api::RetentionSpec retention;  // of tasks that say nothing
};

struct PodRef {
  std::string ns, name, uid;
  bool operator==(const PodRef&) const = default;
};

struct Plan {
  // In the order in which apply() acts. The status (only if it changed) comes first: no result is lost to what fails
  // after it.
  std::optional<api::TaskStatus> status;
  std::vector<TaskEvent> events;  // emitted after the status write succeeded
  std::string read_deployment;    // of the task's namespace; "" = none
  std::optional<api::WorkloadRef> read_baseline;
  std::optional<ReuseQuery> read_earlier;
  std::optional<nlohmann::json> config_map;
  std::vector<PodRef> delete_pods;
  std::vector<nlohmann::json> create_pods;
  bool delete_task = false;               // its time is over; nothing else is done then
  std::optional<base::WallTime> wake_at;  // look again then although nothing changed
};

Plan Decide(const Observed& observed, const Settings& settings, base::WallTime now);

}  // namespace autotune::reconcile
