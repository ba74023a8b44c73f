#include "operator/reconcile/insight.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/clock.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/propose.h"
#include "operator/reconcile/track.h"

namespace autotune::reconcile {

namespace {

namespace search = tuning::search;

}  // namespace

std::map<std::string, std::string> PointOf(const Space& space, const api::ExperimentStatus& experiment) {
  std::map<std::string, std::string> out;
  const tuning::Candidate* candidate = CandidateOf(space, experiment);
  if (candidate == nullptr) return out;
  for (const auto& [name, value] : candidate->parameters) out[name] = value.ToString();
  if (const std::string& model = space.models[candidate->model].name; !model.empty()) out["checkpoint"] = model;
  if (const std::string& gpu = space.gpu_names[candidate->gpu]; !gpu.empty()) out["gpu"] = gpu;
  out["runtime"] = space.runtimes[candidate->runtime].spec.name;
  out["quantization"] = candidate->quant.name;
  const auto size = [&](const char* name, const std::optional<int>& value) {
    if (value) out[name] = std::to_string(*value);
  };
  size("tensorParallel", candidate->parallel.tensor);
  size("pipelineParallel", candidate->parallel.pipeline);
  size("dataParallel", candidate->parallel.data);
  size("expertParallel", candidate->parallel.expert);
  return out;
}

std::vector<search::TrajectoryStep> TrajectoryOf(const api::TaskStatus& status) {
  std::vector<const api::ExperimentStatus*> ended;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (IsFinished(entry)) ended.push_back(&entry);
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [](const auto* a, const auto* b) { return a->finished_at < b->finished_at; });
  std::vector<search::EndedTrial> trials;
  for (const api::ExperimentStatus* entry : ended) {
    search::EndedTrial trial{entry->name, GpuSecondsOf(*entry).Total() / kSecondsPerHour, std::nullopt};
    if (!entry->score.empty()) trial.score = std::strtod(entry->score.c_str(), nullptr);
    trials.push_back(std::move(trial));
  }
  return search::TrajectoryOf(trials, api::SumOf(status.cost.earlier).Total() / kSecondsPerHour);
}

search::Insight InsightOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space) {
  search::Insight out;
  out.trajectory = TrajectoryOf(status);
  // Only the budget's deadline reads the time, and nothing here reads the budget.
  const SearchInput input = SearchInputOf(spec, status, space, base::WallTime{});
  std::map<std::size_t, std::string> names;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (const tuning::Candidate* candidate = CandidateOf(space, entry)) {
      names.emplace(static_cast<std::size_t>(candidate - space.expansion.candidates.data()), entry.name);
    }
  }
  const auto checks = search::CheckPredictions(input.space, input.bounds, input.prior, input.observations);
  out.error = search::ErrorOf(checks);
  for (const search::PredictionCheck& check : checks) out.predictions.push_back({names[check.candidate], check});
  return out;
}

}  // namespace autotune::reconcile
