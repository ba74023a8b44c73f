#include "operator/reconcile/decide.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/sha256.h"
#include "checkpoint/quantization.h"
#include "operator/experiment/node_affinity.h"
#include "operator/experiment/outcome.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/experiments.h"
#include "operator/reconcile/recommendation.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {
namespace {

using api::ExperimentState;
using nlohmann::json;

constexpr std::chrono::seconds kRefusalRetryDelay{15};
constexpr std::size_t kMaxPrunedReasons = 32;
constexpr std::size_t kMaxPareto = 64;
// A generation's attempts at reading the model get numbers of their own, so that a pod of an earlier generation is
// never taken for one of this.
constexpr int kInspectAttemptsPerGeneration = 16;

// At most `limit` bytes, never cut inside a UTF-8 sequence.
std::string Short(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

// Whether an edit of the spec that leaves the content hash as it is (a time-out, a toleration, a pull secret) may
// change how this failure ends.
bool MayEndDifferently(const std::string& reason) {
  const auto known = bench::FailureReasonFromName(reason);
  if (!known) return false;
  switch (*known) {
    case bench::FailureReason::kEngineRejectedArguments:
    case bench::FailureReason::kEngineRejectedConfiguration:
    case bench::FailureReason::kOutOfMemory:
    case bench::FailureReason::kEngineCrashed:
    case bench::FailureReason::kBenchmarkFailed:
    case bench::FailureReason::kStorageLimitExceeded:
    case bench::FailureReason::kModelUnreadable:
      return false;
    case bench::FailureReason::kStartupTimeout:
    case bench::FailureReason::kExperimentTimeout:
    case bench::FailureReason::kImagePullFailed:
    case bench::FailureReason::kInvalidPodConfiguration:
    case bench::FailureReason::kUnschedulable:
    case bench::FailureReason::kEvicted:
    case bench::FailureReason::kNodeLost:
      return true;
  }
  return false;
}

// Whether the API server may take the same pod later, without an edit of the task: a quota gets room, or what the pod
// names is there a moment later, as when a whole directory is applied at once. The API server has no codes for them:
// these are its texts (kubernetes plugin/pkg/admission: resourcequota, gc, serviceaccount, priority, runtimeclass).
bool MayPass(const std::string& refusal) {
  for (const char* text : {"exceeded quota", "cannot find RESTMapping", "error looking up service account",
                           "no PriorityClass with name", "RuntimeClass \""}) {
    if (refusal.find(text) != std::string::npos) return true;
  }
  return false;
}

bool IsOver(const std::string& state) { return state == "Complete" || state == "Failed"; }

class Decider {
 public:
  Decider(const Observed& observed, const Settings& settings, base::WallTime now)
      : observed_(observed),
        task_(observed.task),
        spec_(observed.task.spec),
        settings_(settings),
        now_(now),
        status_(observed.task.status) {}

  Plan Run() {
    // The garbage collector deletes what a deleted task owns; nothing new may start.
    if (task_.metadata.deleting) return {};
    Step();
    Finish();
    return std::move(plan_);
  }

 private:
  void Step() {
    new_generation_ = status_.observed_generation != task_.metadata.generation;
    // A finished task stays as it is until its spec changes, whatever rules or program are newer.
    if (!new_generation_ && IsOver(status_.state)) return;
    if (status_.started_at.empty()) status_.started_at = base::FormatRfc3339(now_);
    if (new_generation_) {
      status_.finished_at.clear();
      status_.recommendation_config_map.clear();
    }
    if (!observed_.spec_error.empty()) return Stall("InvalidSpec", observed_.spec_error);
    if (Refused() && !MayPass(observed_.refusal->message)) return Stall("PodRefused", observed_.refusal->message);
    if (spec_.suspend) return Suspend();
    if (!ReadModel()) return;
    if (new_generation_ || status_.rules_version != settings_.rules->version() || status_.experiments.empty()) {
      if (!ExpandSpace()) return;
    }
    RunExperiments();
  }

  // ---- The model's facts -------------------------------------------------------------------------------------------

  // True when status_.model holds the facts of this spec.
  bool ReadModel() {
    const std::string source = base::Sha256Hex(api::ToJson(spec_).value("model", json::object()).dump()).substr(0, 16);
    auto inline_facts = InlineFacts(spec_.model);
    if (!inline_facts) return Stall("InvalidSpec", inline_facts.error().message), false;
    if (*inline_facts) {
      status_.model = **inline_facts;
      status_.model_source = source;
      return true;
    }
    if (status_.model && status_.model_source == source) {
      DeleteInspectPods(nullptr);
      return true;
    }
    status_.model.reset();
    return Inspect(source);
  }

  // A pod was refused, and it is too early to ask again.
  [[nodiscard]] bool Refused() const { return observed_.refusal && now_ < observed_.refusal->at + kRefusalRetryDelay; }

  bool Inspect(const std::string& source) {
    const int first = static_cast<int>(task_.metadata.generation % 100'000) * kInspectAttemptsPerGeneration;
    const experiment::PodView* latest = nullptr;
    int latest_attempt = first - 1;
    for (const experiment::PodView& pod : observed_.pods) {
      if (!IsInspectPod(pod)) continue;
      const int attempt = std::atoi(LabelOf(pod, experiment::kAttemptLabel).c_str());
      if (attempt < first) continue;
      if (attempt > latest_attempt) {
        latest = &pod;
        latest_attempt = attempt;
      }
    }
    status_.state = "Inspecting";
    if (Refused()) {
      WakeAt(observed_.refusal->at + kRefusalRetryDelay);
      Progressing("WaitingForResources", observed_.refusal->message);
      return false;
    }
    if (latest == nullptr) {
      CreateInspectPod(first);
      Progressing("Inspecting", "Reading the model's configuration");
      return false;
    }
    const experiment::Outcome outcome = experiment::ReadInspectOutcome(*latest, spec_.optimization, now_);
    if (outcome.next_deadline) WakeAt(*outcome.next_deadline);
    switch (outcome.kind) {
      case experiment::Outcome::Kind::kWaiting:
      case experiment::Outcome::Kind::kStarting:
      case experiment::Outcome::Kind::kMeasuring:
        DeleteInspectPods(latest);
        if (outcome.waiting_message.empty()) {
          Progressing("Inspecting", "Reading the model's configuration");
        } else {
          Progressing("WaitingForResources", outcome.waiting_message);
        }
        return false;
      case experiment::Outcome::Kind::kSucceeded:
        status_.model = outcome.inspect ? outcome.inspect->model : checkpoint::ModelFacts{};
        if (!spec_.model.quantization.empty()) {
          if (const auto set = checkpoint::OverrideQuantization(*status_.model, spec_.model.quantization); !set) {
            return Stall("InvalidSpec", "spec.model.quantization: " + set.error().message), false;
          }
        }
        status_.model_source = source;
        DeleteInspectPods(nullptr);
        return true;
      case experiment::Outcome::Kind::kFailed:
        break;
    }
    const bench::Failure failure = outcome.failure.value_or(bench::Failure{});
    const int made = latest_attempt - first + 1;
    if (bench::IsRetryable(failure.reason) && made <= spec_.optimization.retries &&
        made < kInspectAttemptsPerGeneration) {
      CreateInspectPod(latest_attempt + 1);
      Progressing("Inspecting", "Trying again to read the model's configuration: " + failure.message);
      return false;
    }
    std::string message = failure.message;
    if (failure.reason != bench::FailureReason::kModelUnreadable) {
      message = std::string(bench::FailureReasonName(failure.reason)) + ": " + message;
    }
    if (failure.http_status != 0 && message.find(std::to_string(failure.http_status)) == std::string::npos) {
      message += " (HTTP " + std::to_string(failure.http_status) + ")";
    }
    Stall("ModelUnreadable", message);
    return false;
  }

  void CreateInspectPod(int attempt) {
    plan_.create_pods.push_back(experiment::BuildInspectPod(task_, attempt, settings_.environment));
  }

  static std::string LabelOf(const experiment::PodView& pod, const char* name) {
    const auto label = pod.labels.find(name);
    return label == pod.labels.end() ? "" : label->second;
  }
  static bool IsInspectPod(const experiment::PodView& pod) { return LabelOf(pod, experiment::kRoleLabel) == "inspect"; }
  void DeleteInspectPods(const experiment::PodView* keep) {
    for (const experiment::PodView& pod : observed_.pods) {
      if (&pod != keep && IsInspectPod(pod) && !pod.deleting) plan_.delete_pods.push_back({pod.ns, pod.name, pod.uid});
    }
  }

  // ---- The candidates ----------------------------------------------------------------------------------------------

  GpuChoice StatusGpu() const {
    // What an AMD product is, BuildSpace finds from its name.
    return {status_.gpu_product, quant::ComputeCapability::Parse(status_.gpu_compute_capability),
            status_.gpu_memory_bytes};
  }

  // Expands for a new generation (or newer rules, while the search is not over) and merges with what is known: finished
  // experiments with the same hash are kept, removed ones dropped, new ones added.
  bool ExpandSpace() {
    GpuChoice gpu = ChooseGpu(spec_, *status_.model, GpuChoices(spec_.gpu, observed_.nodes), *settings_.rules,
                              settings_.environment);
    const std::vector<std::string>& products = spec_.gpu.products;
    const bool still_allowed =
        products.empty() || std::find(products.begin(), products.end(), status_.gpu_product) != products.end();
    // An autoscaler may have taken every GPU node away: that makes no measurement worthless.
    if (gpu.product.empty() && still_allowed) gpu = StatusGpu();
    const bool product_changed = gpu.product != status_.gpu_product;
    status_.gpu_product = gpu.product;
    status_.gpu_compute_capability = gpu.capability ? gpu.capability->ToString() : "";
    status_.gpu_memory_bytes = gpu.memory_bytes;
    auto space = BuildSpace(spec_, *status_.model, gpu, *settings_.rules, settings_.environment);
    if (!space) return Stall("InvalidSpec", space.error().message), false;
    status_.rules_version = settings_.rules->version();
    status_.warnings = space->warnings;
    const bool amd = experiment::IsAmdResource(spec_.gpu.resource_name);
    if (gpu.product.empty() && amd) {
      status_.warnings.push_back({"gpu", "GpuLabelsMissing",
                                  "No node that spec.gpu allows carries the labels of AMD's node labeller "
                                  "(amd.com/gpu.product-name): pods are not bound to a product, and what depends on "
                                  "the architecture was not checked. Install the AMD GPU operator or its labeller"});
    } else if (gpu.product.empty() && PlacementOf(*space, gpu).min_capability) {
      status_.warnings.push_back({"gpu", "GpuLabelsMissing",
                                  "No node that spec.gpu allows carries GPU labels (nvidia.com/gpu.product): pods are "
                                  "not bound to a compute capability or product. Install GPU Feature Discovery"});
    }

    const tuning::Expansion& expansion = space->expansion;
    status_.candidates = {};
    status_.candidates.total = expansion.total;
    status_.candidates.duplicates = expansion.duplicates;
    status_.candidates.pruned = static_cast<int>(expansion.pruned.size());
    status_.candidates.eligible = static_cast<int>(expansion.candidates.size());
    status_.candidates.not_run = static_cast<int>(expansion.candidates.size() - space->schedule.size());
    CountPruned(expansion, *space);

    std::map<std::string, const api::ExperimentStatus*> known;
    int last_number = 0;
    for (const api::ExperimentStatus& entry : observed_.task.status.experiments) {
      known[entry.hash] = &entry;
      last_number = std::max(last_number, std::atoi(entry.name.c_str() + std::min<std::size_t>(1, entry.name.size())));
    }
    std::vector<api::ExperimentStatus> merged;
    for (const std::size_t index : space->schedule) {
      const tuning::Candidate& candidate = expansion.candidates[index];
      api::ExperimentStatus entry;
      if (const auto found = known.find(candidate.hash); found != known.end()) {
        entry = *found->second;
        const bool again = entry.state == ExperimentState::kFailed && MayEndDifferently(entry.reason);
        const bool unjudged = spec_.quality.max_degradation && LacksQuality(entry);
        // Another GPU product's measurements are not comparable, those that are still at work included; what failed
        // around the engine may end differently; an earlier version's results cannot be judged under a bound on
        // quality.
        if (product_changed || again || unjudged) {
          status_.cost.earlier += SpentUntilNow(observed_, entry, now_);
          const int attempts = entry.attempts;
          entry = NewEntry(*space, candidate, entry.name);
          entry.attempts = attempts;
        }
        entry.baseline = candidate.baseline;
        entry.quant = candidate.quant;
        known.erase(found);
      } else {
        entry = NewEntry(*space, candidate, "e" + std::to_string(++last_number) + "-" + candidate.hash.substr(0, 6));
      }
      merged.push_back(std::move(entry));
    }
    // What the edit drops was paid for all the same.
    for (const auto& [hash, entry] : known) status_.cost.earlier += SpentUntilNow(observed_, *entry, now_);
    status_.experiments = std::move(merged);
    space_ = std::move(*space);
    return true;
  }

  static api::ExperimentStatus NewEntry(const Space& space, const tuning::Candidate& candidate,
                                        const std::string& name) {
    api::ExperimentStatus entry;
    entry.name = name;
    entry.hash = candidate.hash;
    entry.runtime = space.runtimes[candidate.runtime].spec.name;
    entry.quant = candidate.quant;
    entry.baseline = candidate.baseline;
    entry.args = candidate.plan.args;
    entry.options = candidate.plan.options_yaml;
    entry.gpus = candidate.plan.gpus;
    entry.warnings = candidate.plan.warnings;
    for (const quant::Override& replaced : candidate.plan.overrides) {
      entry.warnings.push_back(
          {"parameters." + replaced.flag, "UserParameterWins",
           "The quantization mapping wanted " + replaced.mapped + ", the parameter " + replaced.user + " runs"});
    }
    return entry;
  }

  void CountPruned(const tuning::Expansion& expansion, const Space&) {
    std::vector<api::PrunedReason> reasons;
    for (const tuning::Pruned& pruned : expansion.pruned) {
      auto found = std::find_if(reasons.begin(), reasons.end(),
                                [&](const api::PrunedReason& r) { return r.reason == pruned.rejection.reason; });
      if (found == reasons.end()) {
        if (reasons.size() == kMaxPrunedReasons) continue;
        api::PrunedReason reason;
        reason.reason = pruned.rejection.reason;
        reason.example = Short(pruned.runtime + " + " + pruned.quant.name + ": " + pruned.rejection.message, 512);
        reasons.push_back(std::move(reason));
        found = reasons.end() - 1;
      }
      ++found->count;
    }
    std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    status_.pruned_reasons = std::move(reasons);
  }

  // ---- The experiments ---------------------------------------------------------------------------------------------

  void RunExperiments() {
    status_.state = "Searching";
    Progress progress = TrackExperiments(observed_, status_, now_);
    plan_.events.insert(plan_.events.end(), progress.events.begin(), progress.events.end());
    if (progress.wake_at) WakeAt(*progress.wake_at);

    if (Refused()) {
      WakeAt(observed_.refusal->at + kRefusalRetryDelay);
    } else if (!progress.start.empty() && !CreatePods(progress.start)) {
      return;
    }

    ReadBack();
    const std::string infeasible = Answer(spec_, status_);
    if (std::all_of(status_.experiments.begin(), status_.experiments.end(), IsFinished)) return Complete(infeasible);
    if (Refused()) {
      Progressing("WaitingForResources", observed_.refusal->message);
    } else if (!progress.waiting_message.empty()) {
      Progressing("WaitingForResources", progress.waiting_message);
    } else {
      Progressing("Progressing", ProgressText() + " experiments");
    }
  }

  // Judged and added up as it will be read back, at the API's precision: with more digits than that equals would be
  // ranked, and the next look would rank them otherwise and write again.
  void ReadBack() {
    if (auto read_back = api::StatusFromJson(api::ToJson(status_))) status_ = std::move(*read_back);
  }

  bool CreatePods(const std::vector<std::size_t>& entries) {
    if (!space_) {
      auto space = BuildSpace(spec_, *status_.model, StatusGpu(), *settings_.rules, settings_.environment);
      if (!space) return Stall("InvalidSpec", space.error().message), false;
      space_ = std::move(*space);
    }
    const experiment::Placement placement = PlacementOf(*space_, StatusGpu());
    for (const std::size_t i : entries) {
      const api::ExperimentStatus& entry = status_.experiments[i];
      const tuning::Candidate* candidate = FindCandidate(entry.hash);
      if (candidate == nullptr) continue;  // cannot be: the same spec, rules and GPU give the same hashes
      plan_.create_pods.push_back(experiment::BuildExperimentPod(
          task_, ExperimentOf(*space_, *candidate, entry.attempts + 1), placement, settings_.environment));
    }
    return true;
  }

  const tuning::Candidate* FindCandidate(const std::string& hash) const {
    const auto& candidates = space_->expansion.candidates;
    const auto found =
        std::find_if(candidates.begin(), candidates.end(), [&](const auto& c) { return c.hash == hash; });
    return found == candidates.end() ? nullptr : &*found;
  }

  void Suspend() {
    if (status_.state != "Suspended" && !IsOver(status_.state)) {
      const Progress progress = TrackExperiments(observed_, status_, now_);
      plan_.events.insert(plan_.events.end(), progress.events.begin(), progress.events.end());
    }
    SuspendExperiments(observed_, status_, now_);
    DeleteInspectPods(nullptr);
    ReadBack();
    Answer(spec_, status_);
    status_.state = "Suspended";
    SetReady("False", "Suspended", "spec.suspend is true; results are kept");
    api::RemoveCondition(status_.conditions, "Reconciling");
    api::RemoveCondition(status_.conditions, "Stalled");
  }

  void Complete(const std::string& infeasible) {
    status_.finished_at = base::FormatRfc3339(now_);
    const bool any = std::any_of(status_.experiments.begin(), status_.experiments.end(),
                                 [](const auto& entry) { return entry.state == ExperimentState::kSucceeded; });
    if (!any) return Stall("AllExperimentsFailed", MostFrequentCause());
    status_.state = "Complete";
    api::RemoveCondition(status_.conditions, "Reconciling");
    api::RemoveCondition(status_.conditions, "Stalled");
    if (!status_.best) {
      SetReady("True", "NoFeasibleConfiguration", infeasible);
      plan_.events.push_back({true, "NoFeasibleConfiguration", "Search", Short(infeasible, 1000)});
      return;
    }
    const auto winner = std::find_if(status_.experiments.begin(), status_.experiments.end(),
                                     [&](const auto& entry) { return entry.name == status_.best->experiment; });
    std::string message = "Best: " + winner->name + " (" + winner->runtime + ", " + winner->quant.name + "), score " +
                          status_.best->score;
    if (winner->baseline) {
      message += "; it is the baseline, nothing else was better";
    } else if (!status_.best->improvement_over_baseline.empty()) {
      message += ", " + status_.best->improvement_over_baseline + " over the baseline";
    } else {
      message += "; no improvement is given because " + BaselineProblem(winner->runtime);
    }
    SetReady("True", "Succeeded", message);
    plan_.events.push_back({false, "TaskComplete", "Search", message});
    Recommend(*winner);
  }

  void Recommend(const api::ExperimentStatus& winner) {
    if (!space_) {
      auto space = BuildSpace(spec_, *status_.model, StatusGpu(), *settings_.rules, settings_.environment);
      if (!space) return;
      space_ = std::move(*space);
    }
    const tuning::Candidate* candidate = FindCandidate(winner.hash);
    if (candidate == nullptr) return;
    plan_.config_map = Recommendation(task_, ExperimentOf(*space_, *candidate, winner.attempts),
                                      PlacementOf(*space_, StatusGpu()), settings_.environment);
    status_.recommendation_config_map = RecommendationName(task_);
  }

  std::string BaselineProblem(const std::string& runtime) const {
    for (const api::ExperimentStatus& entry : status_.experiments) {
      if (!entry.baseline || entry.runtime != runtime) continue;
      if (entry.state == ExperimentState::kFailed) return "the baseline failed: " + entry.reason + ": " + entry.message;
      return "the baseline does not meet the SLO";
    }
    return "the baseline was pruned";
  }

  std::string MostFrequentCause() const {
    std::map<std::string, int> counts;
    std::map<std::string, std::string> examples;
    for (const api::ExperimentStatus& entry : status_.experiments) {
      ++counts[entry.reason];
      examples.emplace(entry.reason, entry.message);
    }
    if (counts.empty()) {
      if (status_.pruned_reasons.empty()) return "The task has no candidates";
      const api::PrunedReason& reason = status_.pruned_reasons.front();
      return "Every candidate was pruned; " + std::to_string(reason.count) + " by " + reason.reason + ": " +
             reason.example;
    }
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return std::to_string(most->second) + " of " + std::to_string(status_.experiments.size()) +
           " experiments failed with " + most->first + ": " + examples.at(most->first);
  }

  // ---- Status ------------------------------------------------------------------------------------------------------

  std::string ProgressText() const {
    const auto finished = std::count_if(status_.experiments.begin(), status_.experiments.end(), IsFinished);
    return std::to_string(finished) + "/" + std::to_string(status_.experiments.size());
  }

  void SetReady(const char* value, const std::string& reason, const std::string& message) {
    SetCondition("Ready", value, reason, message);
  }
  void SetCondition(const char* type, const char* value, const std::string& reason, const std::string& message) {
    api::SetCondition(status_.conditions, {type, value, reason, Short(message, 4096), task_.metadata.generation, ""},
                      base::FormatRfc3339(now_));
  }

  void Progressing(const char* reason, const std::string& message) {
    SetReady("Unknown", reason, message);
    SetCondition("Reconciling", "True", reason, message);
    api::RemoveCondition(status_.conditions, "Stalled");
  }

  // The spec cannot be carried out, or nothing of it could: over until the spec changes.
  void Stall(const std::string& reason, const std::string& message) {
    status_.state = "Failed";
    status_.finished_at = base::FormatRfc3339(now_);
    SetReady("False", reason, message);
    SetCondition("Stalled", "True", reason, message);
    api::RemoveCondition(status_.conditions, "Reconciling");
    plan_.create_pods.clear();
    DeleteInspectPods(nullptr);
    SuspendExperiments(observed_, status_, now_);
    ReadBack();
    FillCost(spec_, status_);
    plan_.events.push_back({true, reason, "Reconcile", Short(message, 1000)});
  }

  void WakeAt(base::WallTime at) {
    if (!plan_.wake_at || at < *plan_.wake_at) plan_.wake_at = at;
  }

  void Finish() {
    status_.observed_generation = task_.metadata.generation;
    status_.progress = ProgressText();
    if (status_.pareto.size() > kMaxPareto) status_.pareto.resize(kMaxPareto);
    std::vector<std::string> keep = status_.pareto;
    if (status_.best) keep.push_back(status_.best->experiment);
    for (const api::ExperimentStatus& entry : status_.experiments) {
      if (entry.baseline) keep.push_back(entry.name);
    }
    api::EnforceSizeLimits(status_, keep);
    const std::vector<PodRef> surplus = SurplusPods(observed_, status_);
    plan_.delete_pods.insert(plan_.delete_pods.end(), surplus.begin(), surplus.end());
    if (IsOver(status_.state)) DeleteFinishedInspectPods();
    if (api::ToJson(status_) != api::ToJson(observed_.task.status)) {
      plan_.status = std::move(status_);
    } else {
      plan_.events.clear();  // events tell of changes; a repeated decision tells nothing new
    }
  }

  void DeleteFinishedInspectPods() {
    for (const experiment::PodView& pod : observed_.pods) {
      const PodRef ref{pod.ns, pod.name, pod.uid};
      const bool listed = std::find(plan_.delete_pods.begin(), plan_.delete_pods.end(), ref) != plan_.delete_pods.end();
      if (IsInspectPod(pod) && !pod.deleting && !listed) plan_.delete_pods.push_back(ref);
    }
  }

  const Observed& observed_;
  const api::AutotuneTask& task_;
  const api::TaskSpec& spec_;
  const Settings& settings_;
  const base::WallTime now_;
  api::TaskStatus status_;
  bool new_generation_ = false;
  std::optional<Space> space_;
  Plan plan_;
};

}  // namespace

Plan Decide(const Observed& observed, const Settings& settings, base::WallTime now) {
  return Decider(observed, settings, now).Run();
}

}  // namespace autotune::reconcile
