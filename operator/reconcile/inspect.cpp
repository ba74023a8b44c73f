#include "operator/reconcile/inspect.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
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

bool IsInspectPod(const PodView& pod) { return pod.labels.role == "inspect"; }

bool ReadsModel(const PodView& pod, const std::string& model) { return IsInspectPod(pod) && pod.labels.model == model; }

std::string Times(int count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

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

// What one checkpoint waits for.
struct Reading {
  std::optional<Verdict> verdict;  // nullopt: the facts are known
  std::optional<nlohmann::json> create_pod;
  std::optional<base::WallTime> wake_at;
};

// Of one checkpoint whose facts are not known; fills `model`.
class Reader {
 public:
  Reader(const Observed& observed, const Settings& settings, std::size_t index, base::WallTime now,
         api::ModelStatus& model, const std::optional<checkpoint::ModelFacts>& inline_facts)
      : observed_(observed),
        spec_(observed.task.spec),
        settings_(settings),
        index_(index),
        now_(now),
        model_(model),
        inline_facts_(inline_facts),
        record_(model.inspection) {}

  Reading Read() {
    if (record_.generation != observed_.task.metadata.generation) {
      // An edit may have changed how the model is got at: what reads it now is of the spec before.
      record_ = {observed_.task.metadata.generation, record_.attempts + 1, 0, "", "", 0};
    }
    for (const PodView& pod : observed_.pods) {
      if (ReadsModel(pod, model_.name) && pod.labels.attempt == record_.attempts) return Follow(pod);
    }
    const std::string name = experiment::InspectPodName(observed_.task, index_, record_.attempts);
    if (observed_.memory.created.contains(name)) {
      return Again({bench::FailureReason::kEvicted, "the pod was deleted before it reported a result", 0, 0});
    }
    return Create(name);
  }

 private:
  Reading Follow(const PodView& pod) {
    const experiment::PodOutcome outcome = experiment::ReadInspectOutcome(pod, spec_.optimization, now_);
    out_.wake_at = outcome.next_deadline;
    switch (outcome.kind) {
      case experiment::PodOutcome::Kind::kWaiting:
      case experiment::PodOutcome::Kind::kStarting:
      case experiment::PodOutcome::Kind::kMeasuring:
        if (outcome.waiting_message.empty()) {
          out_.verdict = Progressing(kState, "Inspecting", What() + Of());
        } else if (outcome.kind == experiment::PodOutcome::Kind::kMeasuring) {
          out_.verdict =
              Progressing(kState, "Inspecting", What() + Of() + ": " + Unanswered(pod, outcome.waiting_message));
        } else {
          out_.verdict = Progressing(kState, "WaitingForResources", outcome.waiting_message);
        }
        return std::move(out_);
      case experiment::PodOutcome::Kind::kSucceeded:
        if (outcome.inspect && !outcome.inspect->dataset_problem.empty()) {
          out_.verdict = Failed("InvalidSpec", Title() + outcome.inspect->dataset_problem);
          return std::move(out_);
        }
        return Known(outcome.inspect.value_or(bench::InspectResult()));
      case experiment::PodOutcome::Kind::kFailed:
        break;
    }
    return Again(outcome.failure.value_or(bench::Failure{}));
  }

  Reading Known(bench::InspectResult result) {
    checkpoint::ModelFacts facts = std::move(result.model);
    if (inline_facts_) facts = *inline_facts_;  // the pod read the datasets only
    const std::string& quantization = spec_.models[index_].quantization;
    if (!quantization.empty()) {
      if (const auto set = checkpoint::OverrideQuantization(facts, quantization); !set) {
        out_.verdict = Failed("InvalidSpec", api::ModelPath(spec_, index_) + ".quantization: " + set.error().message);
        return std::move(out_);
      }
    }
    model_.facts = std::move(facts);
    record_.failures = 0;
    record_.retry_at.clear();
    record_.message = std::move(result.datasets_read);
    record_.choice_questions = result.choice_questions;
    return std::move(out_);
  }

  Reading Again(const bench::Failure& failure) {
    ++record_.failures;
    // Neither a hub that does not answer nor nodes that come and go end a task, however long that lasts.
    if (!failure.machine && !bench::IsRetryable(failure.reason)) {
      out_.verdict = Failed("ModelUnreadable", Title() + Text(failure));
      return std::move(out_);
    }
    ++record_.attempts;
    const seconds delay = std::min(seconds(300), seconds(10) * (1 << std::clamp(record_.failures - 1, 0, 8)));
    record_.retry_at = base::FormatRfc3339(now_ + delay);
    record_.message = Text(failure);
    if (failure.reason == bench::FailureReason::kModelUnreadable) record_.message += HubRemedy();
    return Wait();
  }

  Reading Wait() {
    out_.wake_at = base::ParseRfc3339(record_.retry_at);
    out_.verdict = Progressing(kState, "Inspecting",
                               (inline_facts_ ? "The datasets are" : "The model's configuration" + Of() + " is") +
                                   " read again at " + record_.retry_at + " (failed " + Times(record_.failures) +
                                   "): " + record_.message);
    return std::move(out_);
  }

  Reading Create(const std::string& name) {
    if (!record_.retry_at.empty() && base::ParseRfc3339(record_.retry_at) > now_) return Wait();
    const auto refused = observed_.memory.refused.find(name);
    if (refused != observed_.memory.refused.end()) {
      const base::WallTime again = refused->second.at + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                            RefusalDelay(refused->second.times));
      out_.verdict = RefusedPod(kState, refused->second.refusal);
      out_.wake_at = again;
      if (now_ < again) return std::move(out_);
    } else {
      out_.verdict = Progressing(kState, "Inspecting", What() + Of());
    }
    out_.create_pod = experiment::BuildInspectPod(observed_.task, index_, record_.attempts, settings_.environment);
    return std::move(out_);
  }

  bool FromHub() const { return !inline_facts_ && !spec_.models[index_].id_or_path.starts_with('/'); }

  // What a pod that runs has been waiting for, and the command that says more.
  std::string Unanswered(const PodView& pod, const std::string& since) const {
    const api::ModelSpec& model = spec_.models[index_];
    const std::string files = inline_facts_ ? "the datasets" : "the files in " + model.id_or_path;
    const std::string command =
        settings_.environment.cluster ? " (kubectl logs " + pod.name + " -n " + pod.ns + ")" : "";
    return since + ", no answer from " + (FromHub() ? model.hugging_face.endpoint : files) + " yet" + command;
  }

  // What helps against a hub that cannot be reached.
  std::string HubRemedy() const {
    if (!FromHub()) return "";
    const std::string path = api::ModelPath(spec_, index_);
    return ". " + path + ".huggingFace.endpoint names another hub, " + path +
           ".facts with the model's config.json needs none";
  }

  std::string What() const { return inline_facts_ ? "Reading the datasets" : "Reading the model's configuration"; }

  std::string Title() const { return model_.name.empty() ? "" : api::ModelTitle(spec_, index_) + ": "; }

  // Which of several is meant.
  std::string Of() const { return model_.name.empty() ? "" : " (" + model_.name + ")"; }

  const Observed& observed_;
  const api::TaskSpec& spec_;
  const Settings& settings_;
  const std::size_t index_;
  const base::WallTime now_;
  api::ModelStatus& model_;
  const std::optional<checkpoint::ModelFacts>& inline_facts_;
  api::InspectionStatus& record_;
  Reading out_;
};

// What its facts are of; with them the datasets have been read.
std::string SourceOf(const api::TaskSpec& spec, std::size_t index) {
  const std::string model = ModelSourceOf(spec.models[index]);
  return experiment::ReadsDatasets(spec) ? base::Sha256Hex(model + experiment::DatasetSourceOf(spec)).substr(0, 16)
                                         : model;
}

// What is known of a checkpoint: its facts where they are of the current spec, else only how often it was read.
api::ModelStatus Before(const api::TaskStatus& status, const api::ModelSpec& spec, const std::string& source) {
  api::ModelStatus model{spec.name, std::nullopt, source, {}};
  const auto found = std::ranges::find(status.models, spec.name, &api::ModelStatus::name);
  if (found == status.models.end()) return model;
  model.inspection = found->inspection;
  if (found->source == source) {
    model.facts = found->facts;
  } else if (model.inspection.retry_at.empty()) {
    model.inspection.message.clear();  // of datasets that are no more
    model.inspection.choice_questions = 0;
  }
  return model;
}

}  // namespace

bool AllKnown(const api::TaskStatus& status) {
  return std::ranges::all_of(status.models, [](const api::ModelStatus& model) { return model.facts.has_value(); });
}

Inspection Inspect(const Observed& observed, const Settings& settings, base::WallTime now) {
  const api::TaskSpec& spec = observed.task.spec;
  Inspection out;
  std::optional<Verdict> verdict;
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    api::ModelStatus& model = out.models.emplace_back(Before(observed.task.status, spec.models[i], SourceOf(spec, i)));
    auto inline_facts = InlineFacts(spec, i);
    if (!inline_facts) {
      out.verdict = Failed("InvalidSpec", inline_facts.error().message);
      return out;
    }
    if (*inline_facts && (model.facts || !experiment::ReadsDatasets(spec))) model.facts = *inline_facts;
    if (model.facts) continue;
    Reading reading = Reader(observed, settings, i, now, model, *inline_facts).Read();
    if (!model.facts) model.source.clear();
    if (reading.create_pod) out.create_pods.push_back(*std::move(reading.create_pod));
    if (reading.wake_at && (!out.wake_at || *reading.wake_at < *out.wake_at)) out.wake_at = reading.wake_at;
    // What fails decides; else the first that is waited for is told.
    const bool fails = reading.verdict && reading.verdict->kind == Verdict::Kind::kFailed;
    if (reading.verdict && (!verdict || (fails && verdict->kind != Verdict::Kind::kFailed))) {
      verdict = std::move(reading.verdict);
    }
  }
  out.known = !verdict;
  if (verdict) out.verdict = *std::move(verdict);
  return out;
}

std::vector<PodRef> SurplusInspectPods(const Observed& observed, const api::TaskStatus& status) {
  std::vector<PodRef> surplus;
  for (const PodView& pod : observed.pods) {
    const bool wanted =
        status.state == kState && std::ranges::any_of(status.models, [&](const api::ModelStatus& model) {
          return ReadsModel(pod, model.name) && !model.facts && pod.labels.attempt == model.inspection.attempts;
        });
    if (IsInspectPod(pod) && !pod.deleting && !wanted) surplus.push_back({pod.ns, pod.name, pod.uid});
  }
  return surplus;
}

}  // namespace autotune::reconcile
