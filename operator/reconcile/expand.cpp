#include "operator/reconcile/expand.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/sha256.h"
#include "operator/experiment/node_affinity.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/earlier.h"
#include "operator/reconcile/short_text.h"
#include "operator/reconcile/track.h"

namespace autotune::reconcile {
namespace {

using api::ExperimentState;
using nlohmann::json;

constexpr std::size_t kMaxPrunedReasons = 32;

std::string Hash(const std::string& text) { return base::Sha256Hex(text).substr(0, 16); }

// Without what neither the expansion nor the checks of what goes into a pod read. Everything else counts, fields that
// nobody has thought of included; `context` has what of the others decides which loads are measured.
std::string SpecHash(const api::TaskSpec& spec, const std::string& context) {
  json read = api::ToJson(spec);
  for (const char* field : {"description", "suspend", "parallelism", "keepPods", "retention"}) read.erase(field);
  const auto erase = [&](const char* object, std::initializer_list<const char*> fields) {
    if (!read.contains(object)) return;
    for (const char* field : fields) read[object].erase(field);
    if (read[object].empty()) read.erase(object);
  };
  erase("optimization", {"retries"});
  erase("gpu", {"pricePerHour"});
  // Prices lead an adaptive search where types are compared by cost.
  const bool priced = IsAdaptive(spec) && spec.optimization.objective == api::Objective::kMinimizeCost;
  if (read.contains("gpus") && !priced) {
    for (json& gpu : read["gpus"]) gpu.erase("pricePerHour");
  }
  if (!IsAdaptive(spec)) {
    // They judge what is measured. An adaptive search is led by them: it continues for others.
    read.erase("slo");
    erase("optimization", {"objective"});
  }
  return Hash(read.dump() + context);
}

// Names of what serves, and where.
struct Server {
  std::string model, runtime, gpu;
};

// Texts of what starts the engine are equal: with the same runtime and the same conditions the same is measured.
bool StartsTheSame(const api::ExperimentStatus& experiment, const Server& server, const quant::LaunchPlan& plan) {
  return !experiment.truncated && experiment.model == server.model && experiment.runtime == server.runtime &&
         experiment.gpu == server.gpu && experiment.gpus == plan.gpus && experiment.args == plan.args &&
         experiment.options == plan.options_yaml && experiment.env == plan.env;
}

// Of a fresh start, counted from 1.
std::string FreshHash(const std::string& hash, int number) { return Hash(hash + "/fresh/" + std::to_string(number)); }

bool IsFreshStartOf(const api::ExperimentStatus& experiment, const tuning::Candidate& candidate) {
  constexpr int kMost = 15;  // finalists times confirmations
  for (int number = 1; number <= kMost; ++number) {
    if (experiment.hash == FreshHash(candidate.hash, number)) return true;
  }
  return false;
}

void Fill(const tuning::Candidate& candidate, const Server& server, api::ExperimentStatus& entry) {
  entry.model = server.model;
  entry.runtime = server.runtime;
  entry.gpu = server.gpu;
  entry.args = candidate.plan.args;
  entry.options = candidate.plan.options_yaml;
  entry.env = candidate.plan.env;
  entry.apart_from_cache = candidate.plan.apart_from_cache;
  entry.gpus = candidate.plan.gpus;
  entry.warnings = candidate.plan.warnings;
  for (const quant::Override& replaced : candidate.plan.overrides) {
    entry.warnings.push_back(
        {"parameters." + replaced.flag, "UserParameterWins",
         "The parameter " + replaced.user + " takes precedence over " + replaced.mapped + " of quantConfig"});
  }
}

std::vector<api::PrunedReason> CountPruned(const tuning::Expansion& expansion) {
  std::vector<api::PrunedReason> reasons;
  for (const tuning::Pruned& pruned : expansion.pruned) {
    auto found = std::find_if(reasons.begin(), reasons.end(),
                              [&](const api::PrunedReason& r) { return r.reason == pruned.rejection.reason; });
    if (found == reasons.end()) {
      if (reasons.size() == kMaxPrunedReasons) continue;
      api::PrunedReason reason;
      reason.reason = pruned.rejection.reason;
      reason.example =
          Short(pruned.runtime + " + " + api::ConfigurationName(pruned.model, pruned.quant.name, pruned.gpu) + ": " +
                    pruned.rejection.message,
                512);
      reasons.push_back(std::move(reason));
      found = reasons.end() - 1;
    }
    ++found->count;
  }
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return reasons;
}

api::TaskStatus::Candidates Count(const Space& space) {
  const tuning::Expansion& expansion = space.expansion;
  api::TaskStatus::Candidates count;
  count.total = expansion.total;
  count.duplicates = expansion.duplicates;
  count.pruned = static_cast<int>(expansion.pruned.size());
  count.eligible = static_cast<int>(expansion.candidates.size());
  count.not_run = static_cast<int>(expansion.candidates.size() - space.schedule.size());
  return count;
}

// Whether the dataset has questions by choices, as the inspection has read it.
bool AsksChoices(const api::TaskStatus& status) {
  return std::ranges::any_of(status.models,
                             [](const api::ModelStatus& model) { return model.inspection.choice_questions > 0; });
}

std::vector<quant::Warning> Warnings(const api::TaskSpec& spec, const Space& space, const api::TaskStatus& status) {
  std::vector<quant::Warning> warnings = space.warnings;
  if (!AsksChoices(status)) {
    std::erase_if(warnings, [](const quant::Warning& warning) { return warning.reason == kChoicesNotCompared; });
  }
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    if (!space.gpus[i].product.empty()) continue;
    const std::string& name = spec.gpus[i].name;
    const std::string field = name.empty() ? "gpu" : "gpus." + name;
    const std::string none = "No node that " + api::GpuPath(spec, i) + " allows has ";
    if (experiment::IsAmdResource(spec.gpus[i].resource_name)) {
      warnings.push_back({field, "GpuLabelsMissing",
                          none + "the labels of AMD's node labeller "
                                 "(amd.com/gpu.product-name): pods do not select a product, and requirements on "
                                 "the architecture are not checked. Install the AMD GPU operator or its labeller"});
    } else if (PlacementOf(space, i).min_capability) {
      warnings.push_back({field, "GpuLabelsMissing",
                          none + "GPU labels (nvidia.com/gpu.product): pods select "
                                 "neither a compute capability nor a product. Install GPU Feature Discovery"});
    }
  }
  return warnings;
}

// GPUs that were chosen stay chosen: what was measured on them cannot be compared with others'. Where none were known,
// that stays so as long as there is something to compare with.
std::vector<GpuChoice> ChooseGpus(const Observed& observed, const Settings& settings, const api::TaskStatus& status) {
  const api::TaskSpec& spec = observed.task.spec;
  std::vector<GpuChoice> gpus = GpusOf(spec, status);
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    const bool chose = !gpus[i].product.empty();
    const bool measured = std::any_of(status.experiments.begin(), status.experiments.end(), [&](const auto& entry) {
      return entry.gpu == spec.gpus[i].name && IsFinished(entry);
    });
    if (chose ? StillAllowed(spec.gpus[i], gpus[i], observed.nodes) : measured) continue;
    gpus[i] = ChooseGpu(spec, i, FactsOfModels(status), GpuChoices(spec.gpus[i], observed.nodes), *settings.rules,
                        settings.environment);
  }
  return gpus;
}

// `was`: the entry of before.
api::GpuStatus StatusOf(const api::GpuSpec& spec, const GpuChoice& choice, const api::GpuStatus& was) {
  api::GpuStatus out;
  out.name = spec.name;
  out.product = choice.product;
  out.compute_capability = choice.capability ? choice.capability->ToString() : "";
  out.memory_bytes = choice.memory_bytes;
  out.shared = choice.shared;
  out.price_per_hour = was.price_per_hour;
  return out;
}

Server ServerOf(const Space& space, const tuning::Candidate& candidate) {
  return {space.models[candidate.model].name, space.runtimes[candidate.runtime].spec.name,
          space.gpu_names[candidate.gpu]};
}

// Merges what a status has with what the current spec asks for.
class Merge {
 public:
  Merge(const Observed& observed, const api::TaskStatus& status, const api::ExpandedFor& asked, base::WallTime now)
      : observed_(observed), status_(status), asked_(asked), now_(now) {
    for (const api::ExperimentStatus& entry : status.experiments) {
      const std::string number = entry.name.substr(std::min<std::size_t>(1, entry.name.size()));
      last_number_ = std::max(last_number_, std::atoi(number.c_str()));
      left_.push_back(&entry);
    }
  }

  // Of a candidate that no experiment measures yet.
  api::ExperimentStatus New(const tuning::Candidate& candidate, const Server& server) {
    api::ExperimentStatus entry;
    entry.name = "e" + std::to_string(++last_number_) + "-" + candidate.hash.substr(0, 6);
    entry.hash = candidate.hash;
    entry.quant = candidate.quant;
    entry.baseline = candidate.baseline;
    entry.deployed = candidate.deployed;
    // It was an experiment of this task before, and a pod of then has not gone yet. What that measures does not count,
    // it may run on another GPU product; and its name cannot be given again.
    entry.attempts = LastAttempt(observed_, candidate.hash);
    Fill(candidate, server, entry);
    return entry;
  }

  // Another start of what was measured. Its pods are told apart by a hash of their own.
  api::ExperimentStatus Fresh(const tuning::Candidate& candidate, const Server& server, const std::string& confirmed,
                              const api::TaskStatus& status) {
    const auto before = std::count_if(status.experiments.begin(), status.experiments.end(),
                                      [&](const auto& entry) { return entry.confirms == confirmed; });
    api::ExperimentStatus entry;
    entry.hash = FreshHash(candidate.hash, static_cast<int>(before) + 1);
    entry.name = "e" + std::to_string(++last_number_) + "-" + entry.hash.substr(0, 6);
    entry.quant = candidate.quant;
    entry.confirms = confirmed;
    entry.attempts = LastAttempt(observed_, entry.hash);
    Fill(candidate, server, entry);
    return entry;
  }

  void Run(Expanded& out) {
    static const std::vector<EarlierTask> kNone;
    std::vector<std::string> hashes;
    for (const tuning::Candidate& candidate : out.space.expansion.candidates) hashes.push_back(candidate.hash);
    const Reusable reusable(observed_.memory.earlier ? *observed_.memory.earlier : kNone, hashes);
    for (const std::size_t index : out.space.schedule) {
      const tuning::Candidate& candidate = out.space.expansion.candidates[index];
      const Server server = ServerOf(out.space, candidate);
      const std::string& product = out.space.gpus[candidate.gpu].product;
      if (const api::ExperimentStatus* known = Take(candidate, server)) {
        const bool other_gpus = product != api::GpuOf(status_, known->gpu).product;
        out.experiments.push_back(Kept(*known, candidate, server, other_gpus, out.let_go));
      } else if (const auto* earlier = reusable.Find(candidate.hash, product); MayReuse(earlier)) {
        out.experiments.push_back(Reused(*earlier, candidate, server));
        ++out.reused;
      } else if (!IsAdaptive(observed_.task.spec)) {
        out.experiments.push_back(New(candidate, server));
      }
    }
    KeepFreshStarts(out);
    // What the edit drops was paid for all the same.
    for (const api::ExperimentStatus* entry : left_) out.let_go[entry->gpu] += SpentUntilNow(observed_, *entry, now_);
  }

 private:
  // Those of experiments whose measurements are kept.
  void KeepFreshStarts(Expanded& out) {
    std::vector<api::ExperimentStatus> fresh;
    std::erase_if(left_, [&](const api::ExperimentStatus* entry) {
      const bool kept = !entry->confirms.empty() &&
                        std::any_of(out.experiments.begin(), out.experiments.end(), [&](const auto& other) {
                          return other.name == entry->confirms && other.state == ExperimentState::kSucceeded;
                        });
      if (kept) fresh.push_back(*entry);
      return kept;
    });
    std::move(fresh.begin(), fresh.end(), std::back_inserter(out.experiments));
  }

  // An earlier version's result cannot be judged under a bound on quality.
  [[nodiscard]] bool MayReuse(const api::ExperimentStatus* earlier) const {
    return earlier != nullptr && !(observed_.task.spec.quality.max_degradation && LacksQuality(*earlier));
  }

  // What another task measured, as an experiment of this one. No pod and no GPU time of this task belongs to it.
  api::ExperimentStatus Reused(const api::ExperimentStatus& earlier, const tuning::Candidate& candidate,
                               const Server& server) {
    api::ExperimentStatus entry = earlier;
    entry.gpu = server.gpu;  // the other task may have another name for it
    entry.name = "e" + std::to_string(++last_number_) + "-" + candidate.hash.substr(0, 6);
    entry.baseline = candidate.baseline;
    entry.deployed = candidate.deployed;
    entry.quant = candidate.quant;
    entry.allowed_seconds = 0;
    entry.attempts = LastAttempt(observed_, candidate.hash);
    entry.failures = 0;
    entry.wasted_gpu_hours = 0;
    return entry;
  }

  const api::ExperimentStatus* Take(const tuning::Candidate& candidate, const Server& server) {
    auto found = std::find_if(left_.begin(), left_.end(), [&](const auto* e) { return e->hash == candidate.hash; });
    if (found == left_.end() && status_.expanded_for &&
        MeasuresTheSame(*status_.expanded_for, asked_, api::MeasuredWith(server.runtime, server.model, server.gpu))) {
      found = std::find_if(left_.begin(), left_.end(), [&](const auto* e) {
        return e->confirms.empty() && StartsTheSame(*e, server, candidate.plan);
      });
    }
    if (found == left_.end()) return nullptr;
    const api::ExperimentStatus* entry = *found;
    left_.erase(found);
    return entry;
  }

  api::ExperimentStatus Kept(const api::ExperimentStatus& known, const tuning::Candidate& candidate,
                             const Server& server, bool other_gpus, api::GpuSecondsByType& let_go) const {
    api::ExperimentStatus entry = known;
    // Other GPUs' measurements are not comparable, those that are still at work included; an earlier version's results
    // cannot be judged under a bound on quality.
    if (other_gpus || (observed_.task.spec.quality.max_degradation && LacksQuality(entry))) {
      let_go[known.gpu] += SpentUntilNow(observed_, known, now_);
      entry = Cleared(known);
      // Also a pod that no look has recorded yet is one of then.
      entry.attempts = std::max(entry.attempts, LastAttempt(observed_, known.hash));
    }
    if (entry.state == ExperimentState::kPending) Fill(candidate, server, entry);
    entry.baseline = candidate.baseline;
    entry.deployed = candidate.deployed;
    entry.quant = candidate.quant;
    return entry;
  }

  const Observed& observed_;
  const api::TaskStatus& status_;
  const api::ExpandedFor& asked_;
  const base::WallTime now_;
  std::vector<const api::ExperimentStatus*> left_;  // of the status, not yet found among the candidates
  int last_number_ = 0;
};

}  // namespace

std::vector<checkpoint::ModelFacts> FactsOfModels(const api::TaskStatus& status) {
  std::vector<checkpoint::ModelFacts> facts;
  for (const api::ModelStatus& model : status.models) facts.push_back(model.facts.value_or(checkpoint::ModelFacts()));
  return facts;
}

std::string ModelSourceOf(const api::ModelSpec& model) {
  json source = {{"idOrPath", model.id_or_path}};
  const auto add = [&](const char* key, const json& value) {
    if (!value.is_null() && value != "" && value != json::object()) source[key] = value;
  };
  add("revision", model.OwnRevision());
  add("volume", model.volume);
  add("endpoint", model.hugging_face.endpoint);
  add("facts", model.facts);
  add("quantization", model.quantization);
  return Hash(source.dump());
}

base::Result<api::ExpandedFor> AskedFor(const Observed& observed, const Settings& settings) {
  const api::TaskSpec& spec = observed.task.spec;
  const api::TaskStatus& status = observed.task.status;
  // The same spec, rules and hashes ask for the same: every look at a running task but the first.
  if (status.expanded_for && status.expanded_for->generation == observed.task.metadata.generation &&
      status.expanded_for->hash_scheme == tuning::kHashScheme && status.rules_version == settings.rules->version()) {
    return *status.expanded_for;
  }
  auto runtimes = ResolveRuntimes(spec, *settings.rules);
  if (!runtimes) return std::move(runtimes).error();
  api::ExpandedFor asked;
  asked.generation = observed.task.metadata.generation;
  asked.hash_scheme = tuning::kHashScheme;
  asked.model_source = ModelSourceOf(spec.models.front());
  std::string contexts;
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    if (i > 0) asked.model_source = Hash(asked.model_source + ModelSourceOf(spec.models[i]));
    std::vector<std::string> by_gpu;
    for (std::size_t gpu = 0; gpu < spec.gpus.size(); ++gpu) {
      by_gpu.push_back(experiment::HashedContext(spec, i, gpu));
      contexts += by_gpu.back();
    }
    for (const ResolvedRuntime& runtime : *runtimes) {
      asked.runtimes[api::MeasuredWith(runtime.spec.name, spec.models[i].name, spec.gpus[runtime.gpu].name)] = {
          runtime.spec.image, Hash(IdentityOf(runtime.spec) + by_gpu[runtime.gpu])};
    }
  }
  asked.spec = SpecHash(spec, contexts);
  return asked;
}

bool MeasuresTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked, const std::string& with) {
  const auto before = was.runtimes.find(with);
  const auto now = asked.runtimes.find(with);
  if (before == was.runtimes.end() || now == asked.runtimes.end()) return false;
  if (before->second == now->second) return true;
  // Hashes of two schemes say nothing about each other. The spec has not changed; the image may come with the rules.
  return was.hash_scheme != asked.hash_scheme && was.generation == asked.generation &&
         before->second.image == now->second.image;
}

bool AsksTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked) {
  if (was.generation == asked.generation) return true;
  return was.hash_scheme == asked.hash_scheme && was.spec == asked.spec && was.model_source == asked.model_source;
}

bool IsExpanded(const api::TaskSpec& spec, const api::TaskStatus& status, const api::ExpandedFor& asked,
                const Settings& settings) {
  if (!status.expanded_for || !AsksTheSame(*status.expanded_for, asked)) return false;
  // Experiments of a runtime that is missing were let go.
  const auto& runtimes = status.expanded_for->runtimes;
  if (!std::all_of(asked.runtimes.begin(), asked.runtimes.end(),
                   [&](const auto& runtime) { return runtimes.contains(runtime.first); })) {
    return false;
  }
  const bool as_then = status.expanded_for->hash_scheme == asked.hash_scheme &&
                       status.expanded_for->runtimes == asked.runtimes &&
                       status.rules_version == settings.rules->version();
  const bool over = !status.experiments.empty() && (status.search || !IsAdaptive(spec)) &&
                    std::all_of(status.experiments.begin(), status.experiments.end(), IsFinished);
  return as_then || over;
}

std::vector<GpuChoice> GpusOf(const api::TaskSpec& spec, const api::TaskStatus& status) {
  std::vector<GpuChoice> gpus;
  for (const api::GpuSpec& type : spec.gpus) {
    const api::GpuStatus& known = api::GpuOf(status, type.name);
    // What an AMD product is, BuildSpace finds from its name.
    gpus.push_back({known.product, quant::ComputeCapability::Parse(known.compute_capability), known.memory_bytes, "",
                    known.shared});
  }
  return gpus;
}

const tuning::Candidate* CandidateOf(const Space& space, const api::ExperimentStatus& experiment) {
  const auto& candidates = space.expansion.candidates;
  auto found = std::find_if(candidates.begin(), candidates.end(),
                            [&](const tuning::Candidate& candidate) { return candidate.hash == experiment.hash; });
  if (found == candidates.end()) {
    found = std::find_if(candidates.begin(), candidates.end(), [&](const tuning::Candidate& candidate) {
      return StartsTheSame(experiment, ServerOf(space, candidate), candidate.plan);
    });
  }
  if (found == candidates.end() && !experiment.confirms.empty()) {
    found = std::find_if(candidates.begin(), candidates.end(),
                         [&](const tuning::Candidate& candidate) { return IsFreshStartOf(experiment, candidate); });
  }
  return found == candidates.end() ? nullptr : &*found;
}

api::ExperimentStatus Cleared(const api::ExperimentStatus& experiment) {
  api::ExperimentStatus entry;
  entry.name = experiment.name;
  entry.hash = experiment.hash;
  entry.model = experiment.model;
  entry.runtime = experiment.runtime;
  entry.gpu = experiment.gpu;
  entry.quant = experiment.quant;
  entry.baseline = experiment.baseline;
  entry.deployed = experiment.deployed;
  entry.confirms = experiment.confirms;
  entry.allowed_seconds = experiment.allowed_seconds;
  entry.args = experiment.args;
  entry.options = experiment.options;
  entry.env = experiment.env;
  entry.apart_from_cache = experiment.apart_from_cache;
  entry.gpus = experiment.gpus;
  entry.warnings = experiment.warnings;
  std::erase_if(entry.warnings, [](const quant::Warning& warning) {
    return warning.reason == kQualityNotMeasured || warning.reason == kQualityPartlyMeasured ||
           warning.reason == kQualityUndecided || warning.reason == kCacheNotExercised ||
           warning.reason == kTokenizersDiffer || warning.reason == kRateNotMeasured ||
           warning.reason == kRanElsewhere || warning.reason == kMeasuredWith;
  });
  entry.attempts = experiment.attempts;
  entry.truncated = experiment.truncated;
  return entry;
}

void AddExperiments(const Observed& observed, const Space& space, const std::vector<NewExperiment>& added,
                    base::WallTime now, api::TaskStatus& status) {
  Merge merge(observed, status, *status.expanded_for, now);
  std::vector<api::ExperimentStatus> entries;
  for (const NewExperiment& one : added) {
    const tuning::Candidate& candidate = space.expansion.candidates[one.candidate];
    const Server server = ServerOf(space, candidate);
    entries.push_back(one.confirms.empty() ? merge.New(candidate, server)
                                           : merge.Fresh(candidate, server, one.confirms, status));
    entries.back().allowed_seconds = one.allowed_seconds;
  }
  std::move(entries.begin(), entries.end(), std::back_inserter(status.experiments));
}

base::Result<Expanded> Expand(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                              const api::ExpandedFor& asked, base::WallTime now) {
  const api::TaskSpec& spec = observed.task.spec;
  Expanded out;
  out.expanded_for = asked;
  out.rules_version = settings.rules->version();
  const std::vector<GpuChoice> gpus = ChooseGpus(observed, settings, status);
  for (std::size_t i = 0; i < gpus.size(); ++i) {
    out.gpus.push_back(StatusOf(spec.gpus[i], gpus[i], api::GpuOf(status, spec.gpus[i].name)));
  }
  auto space = BuildSpace(spec, FactsOfModels(status), gpus, *settings.rules, settings.environment);
  if (!space) return std::move(space).error();
  out.space = std::move(*space);
  out.candidates = Count(out.space);
  out.pruned_reasons = CountPruned(out.space.expansion);
  out.warnings = Warnings(spec, out.space, status);
  Merge(observed, status, asked, now).Run(out);
  return out;
}

}  // namespace autotune::reconcile
