#include "operator/reconcile/track.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "operator/experiment/outcome.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {
namespace {

using experiment::PodOutcome;
using experiment::PodView;
using std::chrono::seconds;

constexpr seconds kFirstRetryDelay{10};
constexpr seconds kLongestRetryDelay{300};
// A kubelet reports that a pod has ended within a second or two of its deadline. One that does not is gone, or cut off:
// the API server then keeps the pod forever.
constexpr seconds kTerminationSlack{60};

bool IsExperimentPod(const PodView& pod) { return pod.labels.role == "experiment"; }

bool HasEnded(const PodView& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

const PodView* FindPod(const Observed& observed, const std::string& hash, int attempt) {
  for (const PodView& pod : observed.pods) {
    if (IsExperimentPod(pod) && pod.labels.attempt == attempt && pod.labels.hash == hash) return &pod;
  }
  return nullptr;
}

double HeldGpuHours(const PodOutcome& outcome, int gpus, base::WallTime now) {
  if (outcome.gpu_since == base::WallTime{}) return 0;
  const base::WallTime end = outcome.ended_at == base::WallTime{} ? now : outcome.ended_at;
  return std::max(0.0, std::chrono::duration<double>(end - outcome.gpu_since).count()) * gpus / api::kSecondsPerHour;
}

// GPU time of the running attempt: counted once it has come to its end.
double HeldByRunning(const Observed& observed, const api::ExperimentStatus& entry, base::WallTime now) {
  if (IsFinished(entry)) return 0;
  const bool pending = entry.state == api::ExperimentState::kPending;
  const PodView* pod = FindPod(observed, entry.hash, entry.attempts + (pending ? 1 : 0));
  PodOutcome outcome;
  if (pod != nullptr) {
    outcome = experiment::ReadExperimentOutcome(*pod, observed.task.spec.optimization, now);
  } else if (!pending && !entry.started_at.empty()) {
    outcome.gpu_since = base::ParseRfc3339(entry.started_at);
  }
  return HeldGpuHours(outcome, entry.gpus, now);
}

void RecordTimes(const PodOutcome& outcome, base::WallTime now, api::ExperimentStatus& entry) {
  if (outcome.gpu_since != base::WallTime{}) entry.started_at = base::FormatRfc3339(outcome.gpu_since);
  entry.finished_at = base::FormatRfc3339(outcome.ended_at == base::WallTime{} ? now : outcome.ended_at);
}

// Why the loads of an experiment ended: one word where all scenarios agree.
std::string StoppedText(const std::vector<bench::ScenarioOutcome>& outcomes) {
  std::string text;
  bool same = true;
  for (const bench::ScenarioOutcome& outcome : outcomes) {
    same = same && outcome.reason == outcomes.front().reason;
    text += (text.empty() ? "" : ",") + std::string(measurement::StopReasonName(outcome.reason));
  }
  return same && !outcomes.empty() ? std::string(measurement::StopReasonName(outcomes.front().reason)) : text;
}

void RecordRun(const bench::RunResult& run, api::ExperimentStatus& entry) {
  entry.simulated = run.simulated;
  if (!run.gpu_product.empty()) entry.gpu_product = run.gpu_product;
  entry.driver = run.driver;
  entry.engine_version = run.engine_version;
  entry.start_seconds = run.start_seconds;
  entry.measure_seconds = run.measure_seconds;
  entry.loads.clear();
  for (const measurement::Point& point : run.points) entry.loads.push_back({point, true});
  entry.stopped = StoppedText(run.outcomes);
  entry.quality.reset();
  if (run.quality) entry.quality.emplace().measured = *run.quality;
  std::erase_if(entry.warnings, [](const quant::Warning& warning) {
    return warning.reason == kQualityNotMeasured || warning.reason == kQualityPartlyMeasured ||
           warning.reason == kMeasuredWith;
  });
  for (const std::string& warning : run.warnings) entry.warnings.push_back({"benchmark", kMeasuredWith, warning});
  if (!run.quality_problem.empty()) {
    // First: where an entry grows too large, the last ones go.
    entry.warnings.insert(entry.warnings.begin(),
                          {"quality", run.quality ? kQualityPartlyMeasured : kQualityNotMeasured, run.quality_problem});
  }
}

// The budget ended it in the middle of a point: those before it are measured, and paid for.
bool EndedByBudget(const bench::Failure& failure, const api::ExperimentStatus& entry) {
  return failure.reason == bench::FailureReason::kExperimentTimeout && entry.allowed_seconds > 0 &&
         !entry.loads.empty();
}

bool RanElsewhere(const api::ExperimentStatus& entry) {
  return std::any_of(entry.warnings.begin(), entry.warnings.end(),
                     [](const quant::Warning& warning) { return warning.reason == kRanElsewhere; });
}

// A fault of a GPU, its driver, NCCL or the network may be the node's: one more attempt tells, and no third one.
bool IsTriedAgain(const bench::Failure& failure, int retries, const api::ExperimentStatus& entry) {
  if (bench::IsRetryable(failure.reason)) return entry.failures <= retries;
  return failure.machine && retries > 0 && !RanElsewhere(entry);
}

void RecordFailure(const bench::Failure& failure, const PodOutcome& outcome, int retries, base::WallTime now,
                   api::ExperimentStatus& entry, std::vector<TaskEvent>& events) {
  const std::string reason(bench::FailureReasonName(failure.reason));
  entry.message = failure.message;
  entry.reason = reason;
  ++entry.failures;
  if (IsTriedAgain(failure, retries, entry)) {
    const std::string attempt = "attempt " + std::to_string(entry.attempts);
    if (!bench::IsRetryable(failure.reason)) {
      // First: where an entry grows too large, the last ones go.
      entry.warnings.insert(entry.warnings.begin(),
                            {"node", kRanElsewhere, attempt + " on node " + entry.node + ": " + failure.message});
    }
    entry.state = api::ExperimentState::kPending;
    entry.wasted_gpu_hours += HeldGpuHours(outcome, entry.gpus, now);
    entry.started_at.clear();
    const seconds delay = std::min(kLongestRetryDelay, kFirstRetryDelay * (1 << std::clamp(entry.failures - 1, 0, 8)));
    entry.retry_at = base::FormatRfc3339(now + delay);
    events.push_back({true, "ExperimentRetried", "Retry",
                      "Experiment " + entry.name + " " + attempt + ": " + reason + ": " + failure.message});
    return;
  }
  entry.state = api::ExperimentState::kFailed;
  entry.retry_at.clear();
  RecordTimes(outcome, now, entry);
  events.push_back(
      {true, "ExperimentFailed", "Run", "Experiment " + entry.name + ": " + reason + ": " + failure.message});
}

base::WallTime EndsBy(const PodView& pod) { return pod.delete_by + kTerminationSlack; }

// Its GPUs are not free, also while it terminates; on a node that is lost nobody will ever say that they are.
bool HoldsGpus(const PodView& pod, base::WallTime now) {
  return IsExperimentPod(pod) && !HasEnded(pod) && !(pod.deleting && now >= EndsBy(pod));
}

class Tracker {
 public:
  Tracker(const Observed& observed, base::WallTime now)
      : observed_(observed), limits_(observed.task.spec.optimization), now_(now) {}

  void Look(api::ExperimentStatus& entry, Tracked& tracked) const {
    if (IsFinished(entry)) return;
    if (const PodView* pod = FindPod(observed_, entry.hash, entry.attempts + 1))
      return Follow(*pod, false, entry, tracked);
    if (entry.state == api::ExperimentState::kPending) return LookForReasons(entry, tracked);
    if (const PodView* pod = FindPod(observed_, entry.hash, entry.attempts)) return Follow(*pod, true, entry, tracked);
    PodOutcome outcome;
    if (!entry.started_at.empty()) outcome.gpu_since = base::ParseRfc3339(entry.started_at);
    Fail({bench::FailureReason::kEvicted,
          "The pod was deleted before it reported a result: by preemption, by eviction or manually", 0, 0},
         outcome, entry, tracked);
  }

 private:
  // A pending entry without a pod: nothing has happened yet, or what did left no pod behind.
  void LookForReasons(api::ExperimentStatus& entry, Tracked& tracked) const {
    const std::string name = NextPodName(observed_.task, entry);
    if (observed_.memory.created.contains(name)) {
      ++entry.attempts;
      Fail({bench::FailureReason::kEvicted, "The pod was deleted before the operator observed it", 0, 0}, PodOutcome{},
           entry, tracked);
      return;
    }
    const auto refused = observed_.memory.refused.find(name);
    if (refused == observed_.memory.refused.end() || refused->second.refusal.kind != Refusal::Kind::kNeverFits) return;
    Fail({bench::FailureReason::kUnschedulable,
          "the pod requests more than the whole quota of the namespace: " + refused->second.refusal.message, 0, 0},
         PodOutcome{}, entry, tracked);
  }

  void Follow(const PodView& pod, bool recorded, api::ExperimentStatus& entry, Tracked& tracked) const {
    PodOutcome outcome = experiment::ReadExperimentOutcome(pod, limits_, now_);
    if (pod.deleting && !HasEnded(pod) && outcome.kind != PodOutcome::Kind::kSucceeded) {
      // What it still says counts, what it does not say is known once it is gone.
      if (now_ < EndsBy(pod)) {
        Wake(EndsBy(pod), tracked);
        tracked.active = true;
        return;
      }
      outcome = Lost(pod, std::move(outcome));
    }
    if (outcome.next_deadline) Wake(*outcome.next_deadline, tracked);
    if (!recorded) {
      // A pod that was only just created is worth no write yet: one says that it starts, or why it does not.
      if (outcome.kind == PodOutcome::Kind::kWaiting && outcome.waiting_message.empty()) return;
      ++entry.attempts;
      entry.retry_at.clear();
      entry.reason.clear();
      entry.message.clear();
      entry.state = api::ExperimentState::kStarting;
    }
    if (!pod.node.empty()) entry.node = pod.node;
    for (const experiment::ContainerView& container : pod.init_containers) {
      if (container.name == "engine" && !container.image_id.empty()) entry.image_id = container.image_id;
    }
    // As the node is labelled, until the launcher says what it saw.
    if (entry.gpu_product.empty()) entry.gpu_product = api::GpuOf(observed_.task.status, entry.gpu).product;
    if (outcome.gpu_since != base::WallTime{}) entry.started_at = base::FormatRfc3339(outcome.gpu_since);
    Record(outcome, entry, tracked);
  }

  PodOutcome Lost(const PodView& pod, PodOutcome outcome) const {
    outcome.kind = PodOutcome::Kind::kFailed;
    if (!outcome.failure || outcome.failure->reason != bench::FailureReason::kNodeLost) {
      const std::string was_to_end = "the pod should have ended by " + base::FormatRfc3339(pod.delete_by) + ", but ";
      const std::string why = pod.node.empty() ? "it still exists: a finalizer blocks its deletion"
                                               : "node " + pod.node + " has not reported its end";
      outcome.failure = bench::Failure{bench::FailureReason::kNodeLost, was_to_end + why, 0, 0};
    }
    return outcome;
  }

  void Record(const PodOutcome& outcome, api::ExperimentStatus& entry, Tracked& tracked) const {
    switch (outcome.kind) {
      case PodOutcome::Kind::kWaiting:
        entry.state = api::ExperimentState::kStarting;
        if (tracked.waiting_message.empty()) tracked.waiting_message = outcome.waiting_message;
        tracked.waiting[entry.name] = outcome.waiting_message;
        break;
      case PodOutcome::Kind::kStarting:
        entry.state = api::ExperimentState::kStarting;
        tracked.active = true;
        break;
      case PodOutcome::Kind::kMeasuring:
        entry.state = api::ExperimentState::kMeasuring;
        tracked.active = true;
        break;
      case PodOutcome::Kind::kSucceeded:
        entry.state = api::ExperimentState::kSucceeded;
        RecordTimes(outcome, now_, entry);
        if (outcome.run) RecordRun(*outcome.run, entry);
        break;
      case PodOutcome::Kind::kFailed:
        if (outcome.run) RecordRun(*outcome.run, entry);
        if (outcome.failure && EndedByBudget(*outcome.failure, entry)) {
          entry.state = api::ExperimentState::kSucceeded;
          entry.stopped = measurement::StopReasonName(measurement::StopReason::kOutOfTime);
          RecordTimes(outcome, now_, entry);
        } else if (outcome.failure) {
          Fail(*outcome.failure, outcome, entry, tracked);
        }
        break;
    }
  }

  void Fail(const bench::Failure& failure, const PodOutcome& outcome, api::ExperimentStatus& entry,
            Tracked& tracked) const {
    RecordFailure(failure, outcome, limits_.retries, now_, entry, tracked.events);
  }

  static void Wake(base::WallTime at, Tracked& tracked) {
    if (!tracked.wake_at || at < *tracked.wake_at) tracked.wake_at = at;
  }

  const Observed& observed_;
  const api::OptimizationSpec& limits_;
  const base::WallTime now_;
};

}  // namespace

bool LacksQuality(const api::ExperimentStatus& experiment) {
  return experiment.state == api::ExperimentState::kSucceeded && !experiment.quality &&
         std::none_of(experiment.warnings.begin(), experiment.warnings.end(),
                      [](const quant::Warning& warning) { return warning.reason == kQualityNotMeasured; });
}

bool IsFinished(const api::ExperimentStatus& experiment) {
  return experiment.state == api::ExperimentState::kSucceeded || experiment.state == api::ExperimentState::kFailed;
}

bool MayEndDifferently(const api::ExperimentStatus& experiment) {
  const auto known = bench::FailureReasonFromName(experiment.reason);
  if (experiment.state != api::ExperimentState::kFailed || !known) return false;
  switch (*known) {
    case bench::FailureReason::kEngineRejectedArguments:
    case bench::FailureReason::kEngineRejectedConfiguration:
    case bench::FailureReason::kOutOfMemory:
    case bench::FailureReason::kEngineCrashed:
    case bench::FailureReason::kBenchmarkFailed:
    case bench::FailureReason::kStorageLimitExceeded:
    case bench::FailureReason::kBrokenOutput:
    case bench::FailureReason::kModelUnreadable:
      return false;
    case bench::FailureReason::kClientBound:
    case bench::FailureReason::kStartupTimeout:
    case bench::FailureReason::kExperimentTimeout:
    case bench::FailureReason::kImagePullFailed:
    case bench::FailureReason::kInvalidPodConfiguration:
    case bench::FailureReason::kUnschedulable:
    case bench::FailureReason::kEvicted:
    case bench::FailureReason::kNodeRefused:
    case bench::FailureReason::kNodeLost:
      return true;
  }
  return false;
}

Tracked Track(const Observed& observed, Experiments experiments, base::WallTime now) {
  Tracked tracked;
  const Tracker tracker(observed, now);
  for (api::ExperimentStatus& entry : experiments) tracker.Look(entry, tracked);
  if (tracked.active) tracked.waiting_message.clear();
  tracked.experiments = std::move(experiments);
  return tracked;
}

Next NextToStart(const Observed& observed, const Experiments& experiments, int parallelism, base::WallTime now) {
  Next next;
  const Memory& memory = observed.memory;
  const auto later = [&](base::WallTime at) {
    if (at > now && (!next.wake_at || at < *next.wake_at)) next.wake_at = at;
    return at > now;
  };
  const auto again_at = [](const Memory::Refused& refused) {
    return refused.at + std::chrono::duration_cast<std::chrono::milliseconds>(RefusalDelay(refused.times));
  };

  int free = parallelism;
  for (const PodView& pod : observed.pods) {
    if (!HoldsGpus(pod, now)) continue;
    --free;
    if (!pod.deleting) continue;
    later(EndsBy(pod));
    if (free <= 0) next.waiting_message = "pod " + pod.name + ", which is being deleted, still holds its GPUs";
  }
  if (memory.last_refused) {
    if (later(again_at(*memory.last_refused))) return next;
    free = std::min(free, 1);
  }
  std::vector<std::pair<int, std::size_t>> order;
  for (const bool baselines : {true, false}) {
    for (std::size_t i = 0; i < experiments.size(); ++i) {
      const api::ExperimentStatus& entry = experiments[i];
      if (entry.state != api::ExperimentState::kPending || entry.baseline != baselines) continue;
      if (FindPod(observed, entry.hash, entry.attempts + 1) != nullptr) continue;
      if (!entry.retry_at.empty() && later(base::ParseRfc3339(entry.retry_at))) {
        next.waiting_message = "experiment " + entry.name + " will be retried at " + entry.retry_at + " after " +
                               entry.reason + ": " + entry.message;
        continue;
      }
      const auto refused = memory.refused.find(NextPodName(observed.task, entry));
      if (refused != memory.refused.end() && later(again_at(refused->second))) continue;
      order.emplace_back(refused == memory.refused.end() ? 0 : refused->second.times, i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // With several types of GPU, the first of each come first: no type waits for the pods of another.
  std::map<std::string, int> of_type;
  for (const PodView& pod : observed.pods) {
    if (HoldsGpus(pod, now)) ++of_type[pod.labels.gpu];
  }
  while (free > 0 && !order.empty()) {
    const auto first = std::min_element(order.begin(), order.end(), [&](const auto& a, const auto& b) {
      return of_type[experiments[a.second].gpu] < of_type[experiments[b.second].gpu];
    });
    ++of_type[experiments[first->second].gpu];
    next.start.push_back(first->second);
    order.erase(first);
    --free;
  }
  return next;
}

Experiments Suspended(const Observed& observed, Experiments experiments, base::WallTime now) {
  for (api::ExperimentStatus& entry : experiments) {
    if (IsFinished(entry)) continue;
    // Also what no look has recorded yet is stopped, and its name is not given again.
    const bool unrecorded = FindPod(observed, entry.hash, entry.attempts + 1) != nullptr;
    if (entry.state == api::ExperimentState::kPending && !unrecorded) continue;
    entry.wasted_gpu_hours += HeldByRunning(observed, entry, now);
    if (unrecorded) ++entry.attempts;
    entry.state = api::ExperimentState::kPending;
    entry.started_at.clear();
    entry.node.clear();
  }
  return experiments;
}

void EndWaiting(const Observed& observed, const Tracked& tracked, const std::string& why,
                const std::optional<std::string>& gpu, base::WallTime now, Experiments& experiments,
                std::vector<TaskEvent>& events) {
  for (api::ExperimentStatus& entry : experiments) {
    if (gpu && entry.gpu != *gpu) continue;
    const auto pod = tracked.waiting.find(entry.name);
    const bool pending = entry.state == api::ExperimentState::kPending;
    if (!pending && pod == tracked.waiting.end()) continue;
    std::string cause = pod == tracked.waiting.end() ? "" : pod->second;
    if (pending) {
      const auto refused = observed.memory.refused.find(NextPodName(observed.task, entry));
      if (refused != observed.memory.refused.end()) cause = refused->second.refusal.message;
      // A pod that no look has recorded yet goes, and its name is not given again.
      if (FindPod(observed, entry.hash, entry.attempts + 1) != nullptr) ++entry.attempts;
    }
    const std::string late = why + (cause.empty() ? "" : ": " + cause);
    // What ended the attempt before stays the reason.
    if (entry.reason.empty()) entry.reason = bench::FailureReasonName(bench::FailureReason::kUnschedulable);
    entry.message += (entry.message.empty() ? "" : "; ") + late;
    entry.state = api::ExperimentState::kFailed;
    entry.retry_at.clear();
    entry.finished_at = base::FormatRfc3339(now);
    events.push_back(
        {true, "ExperimentFailed", "Run", "Experiment " + entry.name + ": " + entry.reason + ": " + entry.message});
  }
}

const api::ExperimentStatus* NeverScheduled(const api::TaskSpec& spec, const std::string& gpu,
                                            const Experiments& experiments) {
  if (spec.gpus.size() == 1) return nullptr;
  const auto unschedulable = bench::FailureReasonName(bench::FailureReason::kUnschedulable);
  const api::ExperimentStatus* failed = nullptr;
  for (const api::ExperimentStatus& entry : experiments) {
    if (entry.gpu != gpu || !entry.reused_from.empty()) continue;
    if (!entry.started_at.empty()) return nullptr;
    if (entry.state != api::ExperimentState::kFailed || entry.reason != unschedulable) continue;
    if (failed == nullptr || entry.gpus < failed->gpus) failed = &entry;
  }
  return failed;
}

api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now) {
  api::GpuSeconds spent = GpuSecondsOf(experiment);
  spent.wasted += HeldByRunning(observed, experiment, now) * api::kSecondsPerHour;
  return spent;
}

std::string NodeToAvoid(const Observed& observed, const api::ExperimentStatus& experiment) {
  const auto reason = bench::FailureReasonFromName(experiment.reason);
  // What else is retried was no fault of where it ran.
  const bool blamed = reason && (!bench::IsRetryable(*reason) || *reason == bench::FailureReason::kNodeRefused);
  const bool pending = experiment.state == api::ExperimentState::kPending;
  if (!blamed || !pending || experiment.node.empty()) return "";
  const auto type = api::FindGpu(observed.task.spec, experiment.gpu);
  if (!type) return "";
  const std::string& product = api::GpuOf(observed.task.status, experiment.gpu).product;
  const bool another = HasNodeBesides(observed.task.spec.gpus[*type], product, observed.nodes, experiment.node);
  return another ? experiment.node : "";
}

int LastAttempt(const Observed& observed, const std::string& hash) {
  int last = 0;
  for (const PodView& pod : observed.pods) {
    if (IsExperimentPod(pod) && pod.labels.hash == hash) last = std::max(last, pod.labels.attempt);
  }
  return last;
}

std::string NextPodName(const api::AutotuneTask& task, const api::ExperimentStatus& experiment) {
  return experiment::PodName(task, experiment.hash, experiment.attempts + 1);
}

std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status) {
  std::map<std::string, const api::ExperimentStatus*> by_hash;
  for (const api::ExperimentStatus& entry : status.experiments) by_hash[entry.hash] = &entry;
  const bool over = status.state == "Failed" || status.state == "Suspended" || status.state == "Complete";

  std::vector<PodRef> surplus;
  for (const PodView& pod : observed.pods) {
    if (pod.deleting || !IsExperimentPod(pod)) continue;
    const auto found = by_hash.find(pod.labels.hash);
    bool wanted = false;
    if (found != by_hash.end()) {
      const api::ExperimentStatus& entry = *found->second;
      const int attempt = pod.labels.attempt;
      if (!IsFinished(entry)) {
        wanted = !over && attempt >= entry.attempts && entry.state != api::ExperimentState::kPending;
        // Not recorded yet: created by an operator that was killed before it saw the pod.
        wanted = wanted || (!over && attempt == entry.attempts + 1);
      } else if (attempt == entry.attempts && HasEnded(pod)) {
        switch (observed.task.spec.keep_pods) {
          case api::KeepPods::kNever:
            break;
          case api::KeepPods::kOnFailure:
            wanted = entry.state == api::ExperimentState::kFailed;
            break;
          case api::KeepPods::kAlways:
            wanted = true;
            break;
        }
      }
    }
    if (!wanted) surplus.push_back({pod.ns, pod.name, pod.uid});
  }
  return surplus;
}

}  // namespace autotune::reconcile
