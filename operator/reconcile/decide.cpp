#include "operator/reconcile/decide.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "operator/reconcile/answer.h"
#include "operator/reconcile/conclude.h"
#include "operator/reconcile/confirm.h"
#include "operator/reconcile/deployed_baseline.h"
#include "operator/reconcile/estimate.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/inspect.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/propose.h"
#include "operator/reconcile/retention.h"
#include "operator/reconcile/short_text.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/track.h"
#include "operator/reconcile/verdict.h"

namespace autotune::reconcile {
namespace {

constexpr std::size_t kMaxPareto = 64;

void WakeAt(std::optional<base::WallTime> at, Plan& plan) {
  if (at && (!plan.wake_at || *at < *plan.wake_at)) plan.wake_at = at;
}

bool AllFinished(const api::TaskStatus& status) {
  return std::all_of(status.experiments.begin(), status.experiments.end(), IsFinished);
}

std::string ProgressText(const api::TaskStatus& status) {
  const auto finished = std::count_if(status.experiments.begin(), status.experiments.end(), IsFinished);
  return std::to_string(finished) + "/" + std::to_string(status.experiments.size());
}

// Judged and added up as it will be read back, at the API's precision: with more digits than that equals would be
// ranked, and the next look would rank them otherwise and write again.
api::TaskStatus ReadBack(api::TaskStatus status) {
  auto read_back = api::StatusFromJson(api::ToJson(status));
  return read_back ? std::move(*read_back) : std::move(status);
}

// Numbers stay as they were measured; what they come to is nothing as long as they are not those of the current spec.
void WithoutAnswer(api::TaskStatus& status) {
  status.best.reset();
  status.reference_loads.clear();
  status.pareto.clear();
  for (api::ExperimentStatus& entry : status.experiments) entry.score.clear();
}

// The status at the begin of a look: of a new generation without what only the earlier one came to.
api::TaskStatus Begun(const Observed& observed, base::WallTime now) {
  api::TaskStatus status = observed.task.status;
  if (status.started_at.empty()) status.started_at = base::FormatRfc3339(now);
  if (status.observed_generation == observed.task.metadata.generation) return status;
  status.observed_generation = observed.task.metadata.generation;
  status.finished_at.clear();
  status.recommendation_config_map.clear();
  status.difference.reset();
  for (api::GpuStatus& gpu : status.gpus) gpu.unavailable.clear();
  for (api::ExperimentStatus& entry : status.experiments) {
    if (!IsFinished(entry)) entry.failures = 0;
    if (!MayEndDifferently(entry)) continue;
    status.cost.earlier[entry.gpu] += SpentUntilNow(observed, entry, now);
    entry = Cleared(entry);
  }
  return status;
}

// Lets go of measurements that were made for another model, workload, image or GPU request: they say nothing about the
// current spec, whatever becomes of that.
void DropOthers(const Observed& observed, const api::ExpandedFor& asked, base::WallTime now, api::TaskStatus& status) {
  if (!status.expanded_for) return;
  std::vector<api::ExperimentStatus> kept;
  for (api::ExperimentStatus& entry : status.experiments) {
    if (MeasuresTheSame(*status.expanded_for, asked, api::MeasuredWith(entry))) {
      kept.push_back(std::move(entry));
    } else {
      status.cost.earlier[entry.gpu] += SpentUntilNow(observed, entry, now);
    }
  }
  const bool whole = kept.size() == status.experiments.size();
  status.experiments = std::move(kept);
  if (whole) return;
  // What is left is not what the earlier spec asked for: an edit that brings that back has to expand again.
  std::erase_if(status.expanded_for->runtimes, [&, was = *status.expanded_for](const auto& runtime) {
    return !MeasuresTheSame(was, asked, runtime.first);
  });
  status.rules_version.clear();
}

void Adopt(Expanded& expanded, api::TaskStatus& status) {
  status.expanded_for = expanded.expanded_for;
  status.rules_version = expanded.rules_version;
  status.gpus = std::move(expanded.gpus);
  status.candidates = expanded.candidates;
  status.pruned_reasons = std::move(expanded.pruned_reasons);
  status.warnings = std::move(expanded.warnings);
  status.experiments = std::move(expanded.experiments);
  status.search.reset();
  status.not_tried.clear();
  for (const auto& [gpu, spent] : expanded.let_go) status.cost.earlier[gpu] += spent;
}

// The refusal that a person should read, among those of pods that are still wanted.
std::optional<Refusal> ShownRefusal(const Observed& observed, const api::TaskStatus& status) {
  std::optional<Refusal> shown;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (entry.state != api::ExperimentState::kPending) continue;
    const auto refused = observed.memory.refused.find(NextPodName(observed.task, entry));
    if (refused == observed.memory.refused.end()) continue;
    if (!shown || refused->second.refusal.kind > shown->kind) shown = refused->second.refusal;
  }
  return shown;
}

// Of pods that have to go and that the API server does not delete.
std::string UndeletedText(const Memory& memory, const std::vector<PodRef>& pods) {
  for (const PodRef& pod : pods) {
    const auto found = memory.undeleted.find(pod.name);
    if (found != memory.undeleted.end())
      return "pod " + pod.name + " cannot be deleted and keeps its resources: " + found->second;
  }
  return "";
}

// Of a task that is over: what was told of it until its pods are gone.
void TellUndeleted(const Observed& observed, const Plan& plan, base::WallTime now,
                   std::vector<api::Condition>& conditions) {
  const std::string undeleted = UndeletedText(observed.memory, plan.delete_pods);
  // After a restart it is not known before they are retried.
  if (undeleted.empty() && !plan.delete_pods.empty()) return;
  SetUndeleted(undeleted, observed.task.metadata.generation, now, conditions);
}

// A pod of the task that another operator created: both then write its status. The event says what to do about it.
std::optional<TaskEvent> OtherOperator(const Observed& observed, const std::string& name) {
  for (const experiment::PodView& pod : observed.pods) {
    if (pod.operator_name.empty() || pod.operator_name == name || pod.deleting) continue;
    return TaskEvent{true, "OtherOperator", "Reconcile",
                     "the operator " + pod.operator_name + " created pod " + pod.name + ", and this one is " + name +
                         ": two operators must not watch one namespace (chart value watchNamespaces). If that one was "
                         "removed, ignore this"};
  }
  return std::nullopt;
}

// One look at a task that is not over. Each step leaves `status_` as it found it to be, and returns the verdict where
// it has to end there.
class Look {
 public:
  Look(const Observed& observed, const Settings& settings, base::WallTime now)
      : observed_(observed), spec_(observed.task.spec), settings_(settings), now_(now), status_(Begun(observed, now)) {}

  Plan Take() {
    // First of all what the pods have to say: a measurement that has ended is recorded whatever the spec is by now.
    Tracked tracked = Track(observed_, std::move(status_.experiments), now_);
    status_.experiments = std::move(tracked.experiments);
    plan_.events = std::move(tracked.events);
    if (auto other = OtherOperator(observed_, settings_.environment.operator_name)) {
      plan_.events.push_back(*std::move(other));
    }
    WakeAt(tracked.wake_at, plan_);
    Settle(Come(tracked));
    return std::move(plan_);
  }

 private:
  Verdict Come(const Tracked& tracked) {
    if (!observed_.spec_error.empty()) return End(Failed("InvalidSpec", observed_.spec_error));
    // Before every step that builds pods, so that no pod has what the operator's restrictions forbid. Flags of engines
    // are checked with the candidates, whose releases know them.
    if (const auto allowed = experiment::CheckPodInputs(spec_, {}, settings_.environment); !allowed) {
      return End(Failed("InvalidSpec", allowed.error().message));
    }
    const auto asked = AskedFor(observed_, settings_);
    if (!asked) return End(Failed("InvalidSpec", asked.error().message));
    expanded_ = IsExpanded(spec_, status_, *asked, settings_);
    if (!expanded_) DropOthers(observed_, *asked, now_, status_);
    if (spec_.suspend) return Suspend(*asked);

    const auto deadline = DeadlineOf(spec_, status_, now_);
    if (deadline && now_ < *deadline) WakeAt(deadline, plan_);
    is_late_ = deadline && now_ >= *deadline;
    if (auto waits = KnowDeployed()) {
      return NotExpanded(*std::move(waits), ", and ");
    }
    Inspection inspection = Inspect(observed_, settings_, now_);
    WakeAt(inspection.wake_at, plan_);
    status_.models = std::move(inspection.models);
    if (!inspection.known) {
      plan_.create_pods = std::move(inspection.create_pods);
      return NotExpanded(std::move(inspection.verdict), ", and the model's configuration is not known: ");
    }
    if (auto problem = ExpandIfNeeded(*asked)) return Ended(std::move(*problem));
    return Search(*asked, tracked);
  }

  // The workload that is the baseline. nullopt: it is known, or there is none.
  std::optional<Verdict> KnowDeployed() {
    const std::optional<api::BaselineSpec>& baseline = spec_.optimization.baseline;
    const bool asks = baseline && baseline->deployment_ref;
    if (asks && baseline->deployed) return std::nullopt;
    status_.deployed.reset();
    if (!asks) return std::nullopt;
    DeployedReading reading = ReadDeployed(*baseline->deployment_ref, spec_.gpus[api::BaselineGpu(spec_)].resource_name,
                                           observed_.memory, now_);
    status_.deployed = std::move(reading.read);
    plan_.read_baseline = std::move(reading.ask);
    WakeAt(reading.wake_at, plan_);
    return std::move(reading.verdict);
  }

  std::optional<Verdict> ExpandIfNeeded(const api::ExpandedFor& asked) {
    if (expanded_) {
      status_.expanded_for->generation = asked.generation;
      return std::nullopt;
    }
    if (spec_.optimization.reuse == api::Reuse::kNamespace && !observed_.memory.earlier) {
      plan_.read_earlier = ReuseQuery{observed_.task.metadata.uid, asked, status_.models};
      return Progressing("Searching", "ReadingEarlierTasks",
                         "reading the measurements of finished tasks in the namespace");
    }
    auto expanded = Expand(observed_, settings_, status_, asked, now_);
    if (!expanded) return Failed("InvalidSpec", expanded.error().message);
    if (expanded->reused > 0) {
      plan_.events.push_back({false, "MeasurementsReused", "Expand",
                              std::to_string(expanded->reused) +
                                  " measurements of finished tasks are reused: configuration, model, workload, limits "
                                  "and GPU product are the same"});
    }
    Adopt(*expanded, status_);
    space_ = std::move(expanded->space);
    input_.reset();
    expanded_ = true;
    return std::nullopt;
  }

  // Types of GPU that pods wait for in vain: what is left of them ends, and the others go on.
  void GiveUpTypes(const Tracked& tracked) {
    for (api::GpuStatus& gpu : status_.gpus) {
      const api::ExperimentStatus* failed =
          gpu.unavailable.empty() ? NeverScheduled(spec_, gpu.name, status_.experiments) : nullptr;
      if (failed != nullptr && IsSmallest(*failed)) {
        gpu.unavailable = failed->name + " could not be scheduled: " + Short(failed->message, kMaxNote);
      }
      if (gpu.unavailable.empty()) continue;
      EndWaiting(observed_, tracked, "not started on " + gpu.name + ": " + gpu.unavailable, gpu.name, now_,
                 status_.experiments, plan_.events);
    }
  }

  // Whether no candidate of its type takes fewer GPUs: where it does not fit, a smaller one may.
  bool IsSmallest(const api::ExperimentStatus& entry) {
    if (!HaveSpace()) return false;
    return std::ranges::none_of(space_->expansion.candidates, [&](const tuning::Candidate& candidate) {
      return space_->gpu_names[candidate.gpu] == entry.gpu && candidate.plan.gpus < entry.gpus;
    });
  }

  // Prices of the operator's configuration, for types that have none of their own.
  void FillPrices() {
    for (std::size_t i = 0; i < spec_.gpus.size() && i < status_.gpus.size(); ++i) {
      const api::GpuSpec& type = spec_.gpus[i];
      status_.gpus[i].price_per_hour =
          type.price_per_hour.empty() ? PriceOf(settings_.gpu_prices, type, status_.gpus[i].product) : "";
    }
  }

  // Without candidates there is no answer. `late`: what stands between the deadline and what was waited for.
  Verdict NotExpanded(Verdict verdict, const std::string& late) {
    if (verdict.kind == Verdict::Kind::kFailed) return End(std::move(verdict));
    if (is_late_) return End(Failed("BudgetTooSmall", DeadlineText(spec_) + late + verdict.message));
    return Waiting(std::move(verdict));
  }

  Verdict Waiting(Verdict verdict) {
    WithoutAnswer(status_);
    FillCost(spec_, status_);
    return verdict;
  }

  // Of an expansion that cannot be carried out, or not yet.
  Verdict Ended(Verdict verdict) {
    return verdict.kind == Verdict::Kind::kFailed ? End(std::move(verdict)) : Waiting(std::move(verdict));
  }

  Verdict Search(const api::ExpandedFor& asked, const Tracked& tracked) {
    FillPrices();
    if (const std::string missing = MissingPrice(spec_, status_); !missing.empty()) {
      return End(Failed("InvalidSpec", missing));
    }
    if (is_late_) {
      EndWaiting(observed_, tracked, DeadlineText(spec_) + " before the experiment began", std::nullopt, now_,
                 status_.experiments, plan_.events);
    }
    if (!is_late_) GiveUpTypes(tracked);
    if (auto problem = ProposeMore()) return End(std::move(*problem));
    Next next = NextToStart(observed_, status_.experiments, ParallelismOf(spec_, status_), now_);
    if (!next.start.empty() && !CanStart(next.start)) {
      // The code that names experiments is another, and nobody has counted the scheme up.
      expanded_ = false;
      if (auto problem = ExpandIfNeeded(asked)) return Ended(std::move(*problem));
      next = NextToStart(observed_, status_.experiments, ParallelismOf(spec_, status_), now_);
    }
    WakeAt(next.wake_at, plan_);
    if (!next.start.empty() && !BuildPods(next.start)) return End(Failed("InvalidSpec", space_error_));

    status_ = ReadBack(std::move(status_));
    const std::string infeasible = Answer(spec_, status_);
    if (AllFinished(status_) && (!IsAdaptive(spec_) || status_.search)) return Finished(infeasible);
    if (const auto refusal = ShownRefusal(observed_, status_)) return RefusedPod("Searching", *refusal);
    if (!tracked.waiting_message.empty()) {
      return Progressing("Searching", "WaitingForResources", tracked.waiting_message);
    }
    const std::string confirming = ConfirmingText(status_);
    if (!confirming.empty()) return Progressing("Confirming", "Progressing", confirming);
    std::string message = ProgressText(status_) + " experiments";
    if (!tracked.active && next.start.empty() && !next.waiting_message.empty()) message += "; " + next.waiting_message;
    return Progressing("Searching", "Progressing", message);
  }

  // Of an adaptive search: the experiments that come next. Returns why the task ends, where the spec allows none.
  std::optional<Verdict> ProposeMore() {
    if (!IsAdaptive(spec_)) return std::nullopt;
    const auto unfinished = std::count_if(status_.experiments.begin(), status_.experiments.end(),
                                          [](const api::ExperimentStatus& entry) { return !IsFinished(entry); });
    if (status_.search || unfinished >= ParallelismOf(spec_, status_)) return std::nullopt;
    if (!HaveSpace()) return Failed("InvalidSpec", space_error_);
    Answer(spec_, status_);
    if (!status_.best) RestartBeaten();
    const SearchInput& input = Input();
    const std::vector<NodeGpus> gpus = GpusByNode(spec_, status_, observed_.nodes);
    status_.parallelism = spec_.parallelism ? 0 : ChooseParallelism(spec_, input, gpus);
    Proposal proposal = Propose(spec_, status_, *space_, input, gpus);
    if (!proposal.refused.empty()) return Failed("BudgetTooSmall", proposal.refused);
    // Parts of GPUs are not predicted: what was measured on them is.
    bool predicted = std::ranges::any_of(status_.experiments, IsFinished);
    if (!predicted) {
      predicted = true;
      for (std::size_t i = 0; i < spec_.gpus.size(); ++i) predicted = predicted && IsPredicted(spec_, status_, i);
    }
    if (!proposal.start.empty() && predicted) status_.estimate = EstimateOf(spec_, status_, input, now_);
    AddExperiments(observed_, *space_, proposal.start, now_, status_);
    const auto tried = std::count_if(status_.experiments.begin(), status_.experiments.end(),
                                     [](const api::ExperimentStatus& entry) { return entry.confirms.empty(); });
    status_.candidates.not_run = status_.candidates.eligible - static_cast<int>(tried);
    if (proposal.start.empty() && unfinished == 0 && !proposal.stopped) {
      proposal.stopped = tuning::search::Reason::kAllTried;
    }
    if (proposal.stopped) {
      status_.search = api::TaskStatus::Search{std::string(tuning::search::ReasonName(*proposal.stopped)),
                                               WhyStopped(proposal), api::FormatDecimal(proposal.expected_gain, 4)};
      status_.not_tried = std::move(proposal.not_tried);
      status_.estimate = TakenBy(status_, now_);
    }
    return std::nullopt;
  }

  // What the search knows: computed once a look. What is proposed in it adds no knowledge.
  const SearchInput& Input() {
    if (!input_) input_ = SearchInputOf(spec_, status_, *space_, now_);
    return *input_;
  }

  // What was given up because of a leader that is no longer there has to be measured after all.
  void RestartBeaten() {
    for (api::ExperimentStatus& entry : status_.experiments) {
      if (entry.stopped != measurement::StopReasonName(measurement::StopReason::kCannotWin)) continue;
      status_.cost.earlier[entry.gpu] += SpentUntilNow(observed_, entry, now_);
      entry = Cleared(entry);
    }
  }

  Verdict Finished(const std::string& infeasible) {
    if (!HaveSpace()) return End(Failed("InvalidSpec", space_error_));
    Conclusion conclusion = Conclude(observed_, settings_, status_, *space_, infeasible, now_);
    WakeAt(conclusion.wake_at, plan_);
    plan_.config_map = std::move(conclusion.config_map);
    plan_.read_deployment = std::move(conclusion.read_deployment);
    status_.difference = std::move(conclusion.difference);
    plan_.events.insert(plan_.events.end(), conclusion.events.begin(), conclusion.events.end());
    status_.recommendation_config_map = conclusion.recommendation;
    return std::move(conclusion.verdict);
  }

  bool HaveSpace() {
    if (space_) return true;
    auto space =
        BuildSpace(spec_, FactsOfModels(status_), GpusOf(spec_, status_), *settings_.rules, settings_.environment);
    if (!space) {
      space_error_ = space.error().message;
      return false;
    }
    space_ = std::move(*space);
    return true;
  }

  bool CanStart(const std::vector<std::size_t>& entries) {
    return !HaveSpace() || std::all_of(entries.begin(), entries.end(), [&](std::size_t i) {
      return CandidateOf(*space_, status_.experiments[i]) != nullptr;
    });
  }

  // False when the spec does not allow any pod.
  bool BuildPods(const std::vector<std::size_t>& entries) {
    if (!HaveSpace()) return false;
    // What was read of the models in this very look is not in the observed task yet.
    api::AutotuneTask task{observed_.task.metadata, spec_, {}};
    task.status.models = status_.models;
    for (const std::size_t i : entries) {
      api::ExperimentStatus& entry = status_.experiments[i];
      const tuning::Candidate* candidate = CandidateOf(*space_, entry);
      if (!HasBudget(*candidate, entry)) continue;
      experiment::Experiment experiment = ExperimentOf(*space_, *candidate, entry.attempts + 1);
      experiment.hash = entry.hash;  // as it was named when it became an experiment of the task
      experiment.hints = HintsFor(spec_, status_, IsAdaptive(spec_) ? &Input() : nullptr, *space_, entry, *candidate);
      experiment::Placement placement = PlacementOf(*space_, candidate->gpu);
      placement.avoided_node = NodeToAvoid(observed_, entry);
      plan_.create_pods.push_back(experiment::BuildExperimentPod(task, experiment, placement, settings_.environment));
    }
    return true;
  }

  // An attempt that infrastructure ended has spent a part of the budget. False: nothing is left for another one.
  bool HasBudget(const tuning::Candidate& candidate, api::ExperimentStatus& entry) {
    if (entry.allowed_seconds == 0) return true;
    const auto index = static_cast<std::size_t>(&candidate - space_->expansion.candidates.data());
    if (const auto allowed = AllowedAgain(Input(), entry, index)) {
      entry.allowed_seconds = *allowed;
      return true;
    }
    entry.state = api::ExperimentState::kFailed;
    entry.retry_at.clear();
    entry.message +=
        std::string(entry.message.empty() ? "" : "; ") + "not started: it does not fit into the rest of the budget";
    return false;
  }

  Verdict Suspend(const api::ExpandedFor& asked) {
    status_.experiments = Suspended(observed_, std::move(status_.experiments), now_);
    status_ = ReadBack(std::move(status_));
    if (expanded_) {
      status_.expanded_for->generation = asked.generation;
      Answer(spec_, status_);
    } else {
      WithoutAnswer(status_);
      FillCost(spec_, status_);
    }
    Verdict verdict = Progressing("Suspended", "Suspended", "spec.suspend is true; results are kept");
    verdict.kind = Verdict::Kind::kSuspended;
    return verdict;
  }

  // The spec cannot be carried out: nothing of it runs on, and what was measured is no answer to it.
  Verdict End(Verdict verdict) {
    status_.experiments = Suspended(observed_, std::move(status_.experiments), now_);
    status_ = ReadBack(std::move(status_));
    WithoutAnswer(status_);
    FillCost(spec_, status_);
    plan_.create_pods.clear();
    plan_.events.push_back({true, verdict.reason, "Reconcile", Short(verdict.message, kMaxNote)});
    return verdict;
  }

  void Settle(Verdict verdict) {
    const api::Condition* told = api::FindCondition(status_.conditions, "Ready");
    if (verdict.reason == "PodRefused" && (told == nullptr || told->reason != verdict.reason)) {
      plan_.events.push_back({true, verdict.reason, "Create", Short(verdict.message, kMaxNote)});
    }
    status_.state = verdict.state;
    if (IsOver(verdict.state)) status_.finished_at = base::FormatRfc3339(now_);
    plan_.delete_pods = SurplusPods(observed_, status_);
    const std::vector<PodRef> inspect = SurplusInspectPods(observed_, status_);
    plan_.delete_pods.insert(plan_.delete_pods.end(), inspect.begin(), inspect.end());
    verdict.undeleted = UndeletedText(observed_.memory, plan_.delete_pods);
    SetConditions(verdict, observed_.task.metadata.generation, now_, status_.conditions);
    status_.progress = ProgressText(status_);
    if (status_.pareto.size() > kMaxPareto) status_.pareto.resize(kMaxPareto);
    std::vector<std::string> keep = status_.pareto;
    if (status_.best) keep.push_back(status_.best->experiment);
    for (const api::ExperimentStatus& entry : status_.experiments) {
      // Fresh starts are part of the score of what they confirm.
      if (entry.baseline || !entry.confirms.empty()) keep.push_back(entry.name);
    }
    api::EnforceSizeLimits(status_, keep);
    if (api::ToJson(status_) != api::ToJson(observed_.task.status)) {
      plan_.status = std::move(status_);
    } else {
      plan_.events.clear();  // events tell of changes; a repeated decision tells nothing new
    }
  }

  const Observed& observed_;
  const api::TaskSpec& spec_;
  const Settings& settings_;
  const base::WallTime now_;
  api::TaskStatus status_;
  bool expanded_ = false;  // status_.experiments are those of the current spec
  bool is_late_ = false;   // the task's deadline is over
  std::optional<Space> space_;
  std::string space_error_;
  std::optional<SearchInput> input_;
  Plan plan_;
};

// Pods of a task that is over: those that nobody wants, and from `expiry` on all.
std::vector<PodRef> PodsToDelete(const Observed& observed, std::optional<base::WallTime> expiry, base::WallTime now) {
  std::vector<PodRef> pods;
  if (expiry && now >= *expiry) {
    for (const experiment::PodView& pod : observed.pods) {
      if (!pod.deleting) pods.push_back({pod.ns, pod.name, pod.uid});
    }
    return pods;
  }
  pods = SurplusPods(observed, observed.task.status);
  const std::vector<PodRef> inspect = SurplusInspectPods(observed, observed.task.status);
  pods.insert(pods.end(), inspect.begin(), inspect.end());
  return pods;
}

// A finished task stays as it is until its spec changes, whatever rules or program are newer. Only a recommendation
// that could not be written is retried, pods that are left go, and the task when its time is over.
Plan AfterTheEnd(const Observed& observed, const Settings& settings, base::WallTime now) {
  Plan plan;
  const Expiry expiry = ExpiryOf(observed.task, settings.retention);
  if (expiry.task && now >= *expiry.task) {
    plan.delete_task = true;
    return plan;
  }
  WakeAt(expiry.task, plan);
  api::TaskStatus status = observed.task.status;
  plan.delete_pods = PodsToDelete(observed, expiry.pods, now);
  if (plan.delete_pods.size() < observed.pods.size() && expiry.pods && now < *expiry.pods) WakeAt(expiry.pods, plan);
  TellUndeleted(observed, plan, now, status.conditions);
  // Nothing else has changed, and of thousands of finished tasks this is asked at every start.
  if (status.conditions != observed.task.status.conditions) plan.status = status;
  const bool open = status.state == "Complete" && status.best && status.recommendation_config_map.empty();
  if (!open || !AllKnown(status) || !observed.spec_error.empty()) return plan;
  const auto space = BuildSpace(observed.task.spec, FactsOfModels(status), GpusOf(observed.task.spec, status),
                                *settings.rules, settings.environment);
  if (!space) return plan;
  Conclusion conclusion = Conclude(observed, settings, status, *space, "", now);
  plan.config_map = std::move(conclusion.config_map);
  plan.read_deployment = std::move(conclusion.read_deployment);
  WakeAt(conclusion.wake_at, plan);
  if (conclusion.verdict.kind != Verdict::Kind::kComplete) return plan;  // it is tried for the first time since a start
  status.recommendation_config_map = conclusion.recommendation;
  status.difference = std::move(conclusion.difference);
  conclusion.verdict.undeleted = UndeletedText(observed.memory, plan.delete_pods);
  SetConditions(conclusion.verdict, observed.task.metadata.generation, now, status.conditions);
  if (api::ToJson(status) == api::ToJson(observed.task.status)) return plan;
  plan.status = std::move(status);
  plan.events = std::move(conclusion.events);
  return plan;
}

// The task waits for a person. Nothing of it is touched but its conditions, the pods neither: they end by themselves
// and keep what they measured.
Plan Untouched(const Observed& observed, std::string reason, std::string message, base::WallTime now) {
  Plan plan;
  api::TaskStatus status = observed.task.status;
  Verdict verdict = Progressing("", std::move(reason), std::move(message));
  verdict.kind = Verdict::Kind::kBlocked;
  const api::Condition* ready = api::FindCondition(status.conditions, "Ready");
  const bool told = ready != nullptr && ready->reason == verdict.reason;
  std::vector<api::Condition> conditions;
  SetConditions(verdict, observed.task.metadata.generation, now, conditions);
  api::RemoveCondition(status.conditions, "Reconciling");
  for (const api::Condition& condition : conditions) {
    api::SetCondition(status.conditions, condition, base::FormatRfc3339(now));
  }
  if (api::ToJson(status) == api::ToJson(observed.task.status)) return plan;
  plan.status = std::move(status);
  if (!told) plan.events.push_back({true, verdict.reason, "Reconcile", Short(verdict.message, kMaxNote)});
  return plan;
}

// Written by a newer operator, and this one is a rollback.
Plan StatusUnreadable(const Observed& observed, base::WallTime now) {
  return Untouched(observed, "StatusUnreadable",
                   "A newer operator wrote the status, and this one does not change it: install the newer operator "
                   "again, or delete the task and create it again. " +
                       observed.status_error,
                   now);
}

// The definition of tasks is older than this operator, and what it drops decides about the next step.
Plan DefinitionOutdated(const Observed& observed, base::WallTime until, base::WallTime now) {
  const Memory::Dropped& dropped = *observed.memory.dropped;
  Plan plan = Untouched(observed, "DefinitionOutdated",
                        DroppedText(dropped.field) +
                            ". The task cannot continue without this field: no pod is created until the definition "
                            "is upgraded. The operator tries again within 5 minutes",
                        now);
  plan.wake_at = until;
  // A retry writes the whole status, with other conditions, and is no news.
  if (dropped.times > 1) plan.events.clear();
  return plan;
}

}  // namespace

Plan Decide(const Observed& observed, const Settings& settings, base::WallTime now) {
  const api::TaskStatus& status = observed.task.status;
  // The garbage collector deletes what a deleted task owns; nothing new may start.
  if (observed.task.metadata.deleting) return {};
  if (!observed.status_error.empty()) return StatusUnreadable(observed, now);
  if (status.observed_generation == observed.task.metadata.generation && IsOver(status.state)) {
    return AfterTheEnd(observed, settings, now);
  }
  if (const auto until = observed.memory.WaitsForDefinition(now)) return DefinitionOutdated(observed, *until, now);
  return Look(observed, settings, now).Take();
}

}  // namespace autotune::reconcile
