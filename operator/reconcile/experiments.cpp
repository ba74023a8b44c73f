#include "operator/reconcile/experiments.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "operator/experiment/outcome.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/tally.h"

namespace autotune::reconcile {
namespace {

using experiment::Outcome;
using experiment::PodView;
using std::chrono::seconds;

constexpr seconds kFirstRetryDelay{10};
constexpr seconds kLongestRetryDelay{300};

std::string Label(const PodView& pod, const char* name) {
  const auto label = pod.labels.find(name);
  return label == pod.labels.end() ? "" : label->second;
}

int AttemptOf(const PodView& pod) { return std::atoi(Label(pod, experiment::kAttemptLabel).c_str()); }

bool IsExperimentPod(const PodView& pod) { return Label(pod, experiment::kRoleLabel) == "experiment"; }

bool HasEnded(const PodView& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

const PodView* FindPod(const Observed& observed, const std::string& hash, int attempt) {
  for (const PodView& pod : observed.pods) {
    if (IsExperimentPod(pod) && AttemptOf(pod) == attempt && Label(pod, experiment::kHashLabel) == hash) return &pod;
  }
  return nullptr;
}

double HeldGpuHours(const Outcome& outcome, int gpus, base::WallTime now) {
  if (outcome.gpu_since == base::WallTime{}) return 0;
  const base::WallTime end = outcome.ended_at == base::WallTime{} ? now : outcome.ended_at;
  return std::max(0.0, std::chrono::duration<double>(end - outcome.gpu_since).count()) * gpus / 3600;
}

// GPU time of the running attempt: counted once it has come to its end.
double HeldByRunning(const Observed& observed, const api::ExperimentStatus& entry, base::WallTime now) {
  if (IsFinished(entry)) return 0;
  const bool pending = entry.state == api::ExperimentState::kPending;
  const PodView* pod = FindPod(observed, entry.hash, entry.attempts + (pending ? 1 : 0));
  Outcome outcome;
  if (pod != nullptr) {
    outcome = experiment::ReadExperimentOutcome(*pod, observed.task.spec.optimization, now);
  } else if (!pending && !entry.started_at.empty()) {
    outcome.gpu_since = base::ParseRfc3339(entry.started_at);
  }
  return HeldGpuHours(outcome, entry.gpus, now);
}

void RecordTimes(const Outcome& outcome, base::WallTime now, api::ExperimentStatus& entry) {
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
  entry.start_seconds = run.start_seconds;
  entry.measure_seconds = run.measure_seconds;
  entry.loads.clear();
  for (const measurement::Point& point : run.points) entry.loads.push_back({point, true});
  entry.stopped = StoppedText(run.outcomes);
  entry.quality.reset();
  if (run.quality) entry.quality = {*run.quality, "", "", ""};
  std::erase_if(entry.warnings, [](const quant::Warning& warning) { return warning.reason == kQualityNotMeasured; });
  if (!run.quality_problem.empty()) {
    // First: where an entry grows too large, the last ones go.
    entry.warnings.insert(entry.warnings.begin(), {"quality", kQualityNotMeasured, run.quality_problem});
  }
}

void RecordFailure(const bench::Failure& failure, const Outcome& outcome, int retries, base::WallTime now,
                   api::ExperimentStatus& entry, std::vector<TaskEvent>& events) {
  const std::string reason(bench::FailureReasonName(failure.reason));
  entry.message = failure.message;
  entry.reason = reason;
  if (bench::IsRetryable(failure.reason) && entry.attempts <= retries) {
    entry.state = api::ExperimentState::kPending;
    entry.wasted_gpu_hours += HeldGpuHours(outcome, entry.gpus, now);
    entry.started_at.clear();
    const seconds delay = std::min(kLongestRetryDelay, kFirstRetryDelay * (1 << std::min(entry.attempts - 1, 8)));
    entry.retry_at = base::FormatRfc3339(now + delay);
    events.push_back({true, "ExperimentRetried", "Retry",
                      "Experiment " + entry.name + " attempt " + std::to_string(entry.attempts) + ": " + reason + ": " +
                          failure.message});
    return;
  }
  entry.state = api::ExperimentState::kFailed;
  RecordTimes(outcome, now, entry);
  events.push_back(
      {true, "ExperimentFailed", "Run", "Experiment " + entry.name + ": " + reason + ": " + failure.message});
}

}  // namespace

bool LacksQuality(const api::ExperimentStatus& experiment) {
  return experiment.state == api::ExperimentState::kSucceeded && !experiment.quality &&
         std::none_of(experiment.warnings.begin(), experiment.warnings.end(),
                      [](const quant::Warning& warning) { return warning.reason == kQualityNotMeasured; });
}

bool IsFinished(const api::ExperimentStatus& experiment) {
  return experiment.state == api::ExperimentState::kSucceeded || experiment.state == api::ExperimentState::kFailed;
}

Progress TrackExperiments(const Observed& observed, api::TaskStatus& status, base::WallTime now) {
  const api::TaskSpec& spec = observed.task.spec;
  const int retries = spec.optimization.retries;
  Progress progress;
  const auto wake = [&](base::WallTime at) {
    if (!progress.wake_at || at < *progress.wake_at) progress.wake_at = at;
  };

  std::set<std::string> has_pod;  // hashes of pending entries whose pod exists already
  for (api::ExperimentStatus& entry : status.experiments) {
    if (IsFinished(entry)) continue;
    const PodView* pod = FindPod(observed, entry.hash, entry.attempts + 1);
    const bool recorded = pod == nullptr;
    if (recorded) {
      if (entry.state == api::ExperimentState::kPending) continue;
      pod = FindPod(observed, entry.hash, entry.attempts);
    }
    if (pod == nullptr) {
      const bench::Failure vanished{
          bench::FailureReason::kEvicted,
          "The pod vanished before it reported: it was deleted by preemption, by eviction or by hand", 0, 0};
      Outcome outcome;
      if (!entry.started_at.empty()) outcome.gpu_since = base::ParseRfc3339(entry.started_at);
      RecordFailure(vanished, outcome, retries, now, entry, progress.events);
      continue;
    }
    if (recorded && pod->deleting && !HasEnded(*pod)) {
      // Somebody deletes it: what it still says counts, what it does not say is known once it is gone.
      progress.active = true;
      continue;
    }
    const Outcome outcome = experiment::ReadExperimentOutcome(*pod, spec.optimization, now);
    if (outcome.next_deadline) wake(*outcome.next_deadline);
    if (!recorded) {
      // A pod that was only just created is worth no write yet: one says that it starts, or why it does not.
      has_pod.insert(entry.hash);
      if (outcome.kind == Outcome::Kind::kWaiting && outcome.waiting_message.empty()) continue;
      ++entry.attempts;
      entry.retry_at.clear();
      entry.reason.clear();
      entry.message.clear();
      entry.state = api::ExperimentState::kStarting;
    }
    if (!pod->node.empty()) entry.node = pod->node;
    // As the node is labelled, until the launcher says what it saw.
    if (entry.gpu_product.empty()) entry.gpu_product = status.gpu_product;
    if (outcome.gpu_since != base::WallTime{}) entry.started_at = base::FormatRfc3339(outcome.gpu_since);
    switch (outcome.kind) {
      case Outcome::Kind::kWaiting:
        entry.state = api::ExperimentState::kStarting;
        if (progress.waiting_message.empty()) progress.waiting_message = outcome.waiting_message;
        break;
      case Outcome::Kind::kStarting:
        entry.state = api::ExperimentState::kStarting;
        progress.active = true;
        break;
      case Outcome::Kind::kMeasuring:
        entry.state = api::ExperimentState::kMeasuring;
        progress.active = true;
        break;
      case Outcome::Kind::kSucceeded:
        entry.state = api::ExperimentState::kSucceeded;
        RecordTimes(outcome, now, entry);
        if (outcome.run) RecordRun(*outcome.run, entry);
        break;
      case Outcome::Kind::kFailed:
        if (outcome.run) RecordRun(*outcome.run, entry);
        if (outcome.failure) RecordFailure(*outcome.failure, outcome, retries, now, entry, progress.events);
        break;
    }
  }
  if (progress.active) progress.waiting_message.clear();

  // A pod that has not ended holds its GPUs, also while it terminates.
  int free = spec.parallelism;
  for (const PodView& pod : observed.pods) free -= IsExperimentPod(pod) && !HasEnded(pod) ? 1 : 0;
  for (const bool baselines : {true, false}) {
    for (std::size_t i = 0; i < status.experiments.size(); ++i) {
      const api::ExperimentStatus& entry = status.experiments[i];
      if (entry.state != api::ExperimentState::kPending || entry.baseline != baselines) continue;
      if (has_pod.contains(entry.hash)) continue;
      if (!entry.retry_at.empty()) {
        const base::WallTime at = base::ParseRfc3339(entry.retry_at);
        if (at > now) {
          wake(at);
          continue;
        }
      }
      if (free-- > 0) progress.start.push_back(i);
    }
  }
  return progress;
}

void SuspendExperiments(const Observed& observed, api::TaskStatus& status, base::WallTime now) {
  for (api::ExperimentStatus& entry : status.experiments) {
    if (IsFinished(entry) || entry.state == api::ExperimentState::kPending) continue;
    entry.wasted_gpu_hours += HeldByRunning(observed, entry, now);
    entry.state = api::ExperimentState::kPending;
    entry.started_at.clear();
    entry.node.clear();
  }
}

api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now) {
  api::GpuSeconds spent = GpuSecondsOf(experiment);
  spent.wasted += HeldByRunning(observed, experiment, now) * 3600;
  return spent;
}

std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status) {
  std::map<std::string, const api::ExperimentStatus*> by_hash;
  for (const api::ExperimentStatus& entry : status.experiments) by_hash[entry.hash] = &entry;
  const bool over = status.state == "Failed" || status.state == "Suspended" || status.state == "Complete";

  std::vector<PodRef> surplus;
  for (const PodView& pod : observed.pods) {
    if (pod.deleting || !IsExperimentPod(pod)) continue;
    const auto found = by_hash.find(Label(pod, experiment::kHashLabel));
    bool wanted = false;
    if (found != by_hash.end()) {
      const api::ExperimentStatus& entry = *found->second;
      const int attempt = AttemptOf(pod);
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
