#include "operator/controller/task_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <map>
#include <string_view>

#include "bench/result.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/answer.h"

namespace autotune::controller {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

// "unknown": a runtime that an edit has taken out of the spec.
constexpr std::array<std::string_view, 4> kEngines = {"vllm", "sglang", "tensorrt-llm", "unknown"};
constexpr std::array<std::string_view, 7> kStates = {"Pending",  "Inspecting", "Searching", "Confirming",
                                                     "Complete", "Failed",     "Suspended"};

template <typename List>
std::string OneOf(const List& list, std::string_view value, std::string_view otherwise) {
  for (const std::string_view item : list) {
    if (item == value) return std::string(value);
  }
  return std::string(otherwise);
}

std::string EngineLabel(const std::string& engine) { return OneOf(kEngines, engine, "unknown"); }

Family<Counter>& CounterOf(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& GaugeOf(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

struct TaskMetrics::Snapshot::Counts {
  std::map<std::string, int> tasks;    // by state
  std::map<std::string, int> running;  // by engine
  int pending = 0;
};

TaskMetrics::Snapshot::Snapshot() : counts_(std::make_unique<Counts>()) {}
TaskMetrics::Snapshot::~Snapshot() = default;

void TaskMetrics::Snapshot::Add(const api::TaskSpec& spec, const api::TaskStatus& status) {
  const std::string state = OneOf(kStates, status.state, "Pending");
  ++counts_->tasks[state];
  const bool goes_on = state == "Searching" || state == "Confirming" || state == "Inspecting";
  for (const api::ExperimentStatus& experiment : status.experiments) {
    switch (experiment.state) {
      case api::ExperimentState::kPending:
        counts_->pending += goes_on ? 1 : 0;
        break;
      case api::ExperimentState::kStarting:
      case api::ExperimentState::kMeasuring:
        ++counts_->running[EngineLabel(reconcile::EngineOf(spec, experiment.runtime))];
        break;
      case api::ExperimentState::kSucceeded:
      case api::ExperimentState::kFailed:
        break;
    }
  }
}

void TaskMetrics::Snapshot::AddFinished(const std::string& state) {
  ++counts_->tasks[OneOf(kStates, state, "Pending")];
}

struct TaskMetrics::Impl {
  explicit Impl(prometheus::Registry& registry)
      : finished(CounterOf(registry, "autotune_experiments_finished_total",
                           "Finished experiments by engine and reason (Succeeded, or the reason of the failure)")),
        retried(CounterOf(registry, "autotune_experiment_retries_total",
                          "Retries after failures of the infrastructure, by engine and reason")),
        gpu_seconds(CounterOf(registry, "autotune_gpu_seconds_total",
                              "GPU time of ended attempts by kind: start and measure of successful ones, wasted of the "
                              "others")),
        of_namespace(CounterOf(registry, "autotune_namespace_gpu_seconds_total",
                               "GPU time of ended attempts by the namespace of their task")),
        cost(CounterOf(registry, "autotune_namespace_cost_total",
                       "Price of that GPU time where one is known, in the currency of the prices")),
        patches(CounterOf(registry, "autotune_status_patches_total",
                          "Requests that patch a task's status, by result: written, conflict or failed")),
        dropped(CounterOf(registry, "autotune_status_fields_dropped_total",
                          "Status writes of which the API server dropped fields: its definition of tasks is older")
                    .Add({})),
        deleted(CounterOf(registry, "autotune_tasks_deleted_total",
                          "Finished tasks that were deleted because their retention was over")
                    .Add({})),
        tasks(GaugeOf(registry, "autotune_tasks", "Tasks by state")),
        running(
            GaugeOf(registry, "autotune_experiments_running", "Experiments that are starting or measuring, by engine")),
        pending(GaugeOf(registry, "autotune_experiments_pending",
                        "Planned experiments of running tasks that have not started")
                    .Add({})),
        build_info(GaugeOf(registry, "autotune_build_info",
                           "Version of the operator and of its compatibility tables as labels; the value is 1")),
        rules_refused(GaugeOf(registry, "autotune_rules_refused",
                              "1 if the mounted compatibility tables are invalid and the built-in tables are used")
                          .Add({})) {
    for (const std::string_view engine : kEngines) {
      const std::string label(engine);
      running.Add({{"engine", label}});
      finished.Add({{"engine", label}, {"reason", "Succeeded"}});
      for (int i = 0; i <= static_cast<int>(bench::FailureReason::kNodeLost); ++i) {
        const auto reason = static_cast<bench::FailureReason>(i);
        const prometheus::Labels labels = {{"engine", label},
                                           {"reason", std::string(bench::FailureReasonName(reason))}};
        finished.Add(labels);
        if (bench::IsRetryable(reason)) retried.Add(labels);
      }
    }
    for (const char* kind : {"start", "measure", "wasted"}) gpu_seconds.Add({{"kind", kind}});
    for (const char* result : {"written", "conflict", "failed"}) patches.Add({{"result", result}});
    for (const std::string_view state : kStates) tasks.Add({{"state", std::string(state)}});
  }

  static void Count(Family<Counter>& family, const reconcile::MetricIncrements::Attempt& attempt) {
    family.Add({{"engine", EngineLabel(attempt.engine)}, {"reason", attempt.reason}}).Increment();
  }

  Family<Counter>& finished;
  Family<Counter>& retried;
  Family<Counter>& gpu_seconds;
  Family<Counter>& of_namespace;
  Family<Counter>& cost;
  Family<Counter>& patches;
  Counter& dropped;
  Counter& deleted;
  Family<Gauge>& tasks;
  Family<Gauge>& running;
  Gauge& pending;
  Family<Gauge>& build_info;
  Gauge& rules_refused;
  std::string rules_version;
  Gauge* rules = nullptr;  // of build_info, with rules_version
};

TaskMetrics::TaskMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
TaskMetrics::~TaskMetrics() = default;

void TaskMetrics::OnStatusPatch(const base::Error* error) {
  const char* result = "written";
  if (error != nullptr) result = error->code == base::Code::kConflict ? "conflict" : "failed";
  impl_->patches.Add({{"result", result}}).Increment();
}

void TaskMetrics::OnFieldsDropped() { impl_->dropped.Increment(); }

void TaskMetrics::OnTaskDeleted() { impl_->deleted.Increment(); }

void TaskMetrics::OnStatusWritten(const std::string& ns, const api::TaskSpec& spec, const api::TaskStatus& before,
                                  const api::TaskStatus& after) {
  const reconcile::MetricIncrements increments = reconcile::IncrementsOf(spec, before, after);
  for (const auto& attempt : increments.finished) Impl::Count(impl_->finished, attempt);
  for (const auto& attempt : increments.retried) Impl::Count(impl_->retried, attempt);
  const api::GpuSeconds all = api::SumOf(increments.gpu);
  impl_->gpu_seconds.Add({{"kind", "start"}}).Increment(all.start);
  impl_->gpu_seconds.Add({{"kind", "measure"}}).Increment(all.measure);
  impl_->gpu_seconds.Add({{"kind", "wasted"}}).Increment(all.wasted);
  if (all.Total() <= 0) return;
  // "namespace" is the operator's own, where Prometheus finds its pods.
  impl_->of_namespace.Add({{"task_namespace", ns}}).Increment(all.Total());
  for (const auto& [type, spent] : increments.gpu) {
    const auto price = reconcile::PricePerHour(spec, after, type);
    if (!price || spent.Total() <= 0) continue;
    impl_->cost.Add({{"task_namespace", ns}}).Increment(spent.Total() / api::kSecondsPerHour * *price);
  }
}

void TaskMetrics::Show(const Snapshot& snapshot) {
  const auto& counts = *snapshot.counts_;
  const auto of = [](const std::map<std::string, int>& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  };
  for (const std::string_view state : kStates) {
    const std::string label(state);
    impl_->tasks.Add({{"state", label}}).Set(of(counts.tasks, label));
  }
  for (const std::string_view engine : kEngines) {
    const std::string label(engine);
    impl_->running.Add({{"engine", label}}).Set(of(counts.running, label));
  }
  impl_->pending.Set(counts.pending);
}

void TaskMetrics::ShowRules(const std::string& version, bool refused) {
  impl_->rules_refused.Set(refused ? 1 : 0);
  if (impl_->rules != nullptr && version == impl_->rules_version) return;
  if (impl_->rules != nullptr) impl_->build_info.Remove(impl_->rules);
  impl_->rules = &impl_->build_info.Add({{"version", AUTOTUNE_VERSION}, {"rules", version}});
  impl_->rules->Set(1);
  impl_->rules_version = version;
}

}  // namespace autotune::controller
