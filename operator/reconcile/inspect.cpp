#include "operator/reconcile/inspect.h"

#include <algorithm>
#include <utility>

#include "checkpoint/quantization.h"
#include "operator/experiment/outcome.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {
namespace {

using experiment::PodView;
using std::chrono::seconds;

constexpr const char* kState = "Inspecting";

std::string LabelOf(const PodView& pod, const char* name) {
  const auto label = pod.labels.find(name);
  return label == pod.labels.end() ? "" : label->second;
}

bool IsInspectPod(const PodView& pod) { return LabelOf(pod, experiment::kRoleLabel) == "inspect"; }

int AttemptOf(const PodView& pod) { return std::atoi(LabelOf(pod, experiment::kAttemptLabel).c_str()); }

std::string Text(const bench::Failure& failure) {
  std::string text = failure.message;
  if (failure.reason != bench::FailureReason::kModelUnreadable) {
    text = std::string(bench::FailureReasonName(failure.reason)) + ": " + text;
  }
  if (failure.http_status != 0 && text.find(std::to_string(failure.http_status)) == std::string::npos) {
    text += " (HTTP " + std::to_string(failure.http_status) + ")";
  }
  return text;
}

class Reader {
 public:
  Reader(const Observed& observed, const Settings& settings, base::WallTime now)
      : observed_(observed), spec_(observed.task.spec), settings_(settings), now_(now) {
    out_.record = observed.task.status.inspection;
  }

  Inspection Read() {
    api::InspectionStatus& record = out_.record;
    if (record.generation != observed_.task.metadata.generation) {
      // An edit may have changed how the model is got at: what reads it now is of the spec before.
      record = {observed_.task.metadata.generation, record.attempts + 1, 0, "", ""};
    }
    for (const PodView& pod : observed_.pods) {
      if (IsInspectPod(pod) && AttemptOf(pod) == record.attempts) return Follow(pod);
    }
    const std::string name = experiment::InspectPodName(observed_.task, record.attempts);
    if (observed_.memory.created.contains(name)) {
      return Again({bench::FailureReason::kEvicted, "the pod was deleted before it reported", 0, 0});
    }
    return Create(name);
  }

 private:
  Inspection Follow(const PodView& pod) {
    const experiment::Outcome outcome = experiment::ReadInspectOutcome(pod, spec_.optimization, now_);
    out_.wake_at = outcome.next_deadline;
    switch (outcome.kind) {
      case experiment::Outcome::Kind::kWaiting:
      case experiment::Outcome::Kind::kStarting:
      case experiment::Outcome::Kind::kMeasuring:
        out_.verdict = outcome.waiting_message.empty()
                           ? Progressing(kState, "Inspecting", "Reading the model's configuration")
                           : Progressing(kState, "WaitingForResources", outcome.waiting_message);
        return std::move(out_);
      case experiment::Outcome::Kind::kSucceeded:
        return Known(outcome.inspect ? outcome.inspect->model : checkpoint::ModelFacts{});
      case experiment::Outcome::Kind::kFailed:
        break;
    }
    return Again(outcome.failure.value_or(bench::Failure{}));
  }

  Inspection Known(checkpoint::ModelFacts model) {
    if (!spec_.model.quantization.empty()) {
      if (const auto set = checkpoint::OverrideQuantization(model, spec_.model.quantization); !set) {
        out_.verdict = Failed("InvalidSpec", "spec.model.quantization: " + set.error().message);
        return std::move(out_);
      }
    }
    out_.model = std::move(model);
    out_.record.failures = 0;
    out_.record.retry_at.clear();
    out_.record.message.clear();
    return std::move(out_);
  }

  Inspection Again(const bench::Failure& failure) {
    api::InspectionStatus& record = out_.record;
    ++record.failures;
    // Neither a hub that does not answer nor nodes that come and go end a task, however long that lasts.
    if (!failure.machine && !bench::IsRetryable(failure.reason)) {
      out_.verdict = Failed("ModelUnreadable", Text(failure));
      return std::move(out_);
    }
    ++record.attempts;
    const seconds delay = std::min(seconds(300), seconds(10) * (1 << std::clamp(record.failures - 1, 0, 8)));
    record.retry_at = base::FormatRfc3339(now_ + delay);
    record.message = Text(failure);
    return Wait();
  }

  Inspection Wait() {
    const api::InspectionStatus& record = out_.record;
    out_.wake_at = base::ParseRfc3339(record.retry_at);
    out_.verdict = Progressing(kState, "Inspecting",
                               "The model's configuration is read again at " + record.retry_at + ": " + record.message);
    return std::move(out_);
  }

  Inspection Create(const std::string& name) {
    if (!out_.record.retry_at.empty() && base::ParseRfc3339(out_.record.retry_at) > now_) return Wait();
    const auto refused = observed_.memory.refused.find(name);
    if (refused != observed_.memory.refused.end()) {
      const base::WallTime again = refused->second.at + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                            RefusalDelay(refused->second.times));
      out_.verdict = RefusedPod(kState, refused->second.refusal);
      out_.wake_at = again;
      if (now_ < again) return std::move(out_);
    } else {
      out_.verdict = Progressing(kState, "Inspecting", "Reading the model's configuration");
    }
    out_.create_pods.push_back(
        experiment::BuildInspectPod(observed_.task, out_.record.attempts, settings_.environment));
    return std::move(out_);
  }

  const Observed& observed_;
  const api::TaskSpec& spec_;
  const Settings& settings_;
  const base::WallTime now_;
  Inspection out_;
};

}  // namespace

Inspection Inspect(const Observed& observed, const Settings& settings, base::WallTime now) {
  const api::TaskStatus& status = observed.task.status;
  Inspection known;
  known.record = status.inspection;
  auto inline_facts = InlineFacts(observed.task.spec.model);
  if (!inline_facts) {
    known.verdict = Failed("InvalidSpec", inline_facts.error().message);
    return known;
  }
  known.model = std::move(*inline_facts);
  if (!known.model && status.model_source == ModelSourceOf(observed.task.spec.model)) known.model = status.model;
  if (known.model) return known;
  return Reader(observed, settings, now).Read();
}

std::vector<PodRef> SurplusInspectPods(const Observed& observed, const api::TaskStatus& status) {
  std::vector<PodRef> surplus;
  for (const PodView& pod : observed.pods) {
    const bool wanted = status.state == kState && AttemptOf(pod) == status.inspection.attempts;
    if (IsInspectPod(pod) && !pod.deleting && !wanted) surplus.push_back({pod.ns, pod.name, pod.uid});
  }
  return surplus;
}

}  // namespace autotune::reconcile
