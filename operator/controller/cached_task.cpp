#include "operator/controller/cached_task.h"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "operator/reconcile/verdict.h"

namespace autotune::controller {
namespace {

// The content hash as a number; nullopt if it is not exactly one of 16 digits, so that it would not come back.
std::optional<std::uint64_t> PackedHash(const std::string& hash) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
  const bool whole = error == std::errc() && end == hash.data() + hash.size() && hash.size() == 16;
  return whole ? std::optional(number) : std::nullopt;
}

std::string UnpackedHash(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

bool IsSettled(const reconcile::ObservedTask& observed) {
  const api::AutotuneTask& task = observed.task;
  const api::TaskStatus& status = task.status;
  if (!observed.spec_error.empty() || !observed.status_error.empty() || task.metadata.deleting) return false;
  if (status.observed_generation != task.metadata.generation) return false;
  // Until what was told of its pods is no longer true.
  if (api::FindCondition(status.conditions, reconcile::kPodsNotDeleted) != nullptr) return false;
  if (status.state == "Failed") return true;
  // A recommendation that could not be written is retried.
  return status.state == "Complete" && (!status.best || !status.recommendation_config_map.empty());
}

CachedTask::Summary SummaryOf(const api::TaskStatus& status) {
  CachedTask::Summary summary{status.progress, "", "", "", status.cost.gpu_hours};
  if (status.best) {
    summary.best = api::ConfigurationName(*status.best);
    summary.score = status.best->score;
    summary.gain = status.best->improvement_over_baseline;
  }
  return summary;
}

}  // namespace

CachedTask::Summary CachedTask::summary() const { return whole_ ? SummaryOf(whole_->task.status) : summary_; }

base::Result<CachedTask> CachedTask::FromJson(const nlohmann::json& object) {
  auto observed = reconcile::ObserveTask(object);
  if (!observed) return std::move(observed).error();
  CachedTask cached;
  bool settled = IsSettled(*observed);
  for (const api::ExperimentStatus& experiment : observed->task.status.experiments) {
    if (!settled) break;
    const auto hash = PackedHash(experiment.hash);
    settled = hash && UnpackedHash(*hash) == experiment.hash;
    if (settled) cached.experiments_.push_back({*hash, experiment.attempts, experiment.state});
  }
  if (!settled) {
    cached.experiments_.clear();
    cached.whole_ = std::make_shared<const reconcile::ObservedTask>(*std::move(observed));
    return cached;
  }
  cached.experiments_.shrink_to_fit();
  cached.metadata_ = std::move(observed->task.metadata);
  cached.summary_ = SummaryOf(observed->task.status);
  cached.state_ = std::move(observed->task.status.state);
  cached.finished_at_ = std::move(observed->task.status.finished_at);
  cached.keep_pods_ = observed->task.spec.keep_pods;
  cached.retention_ = observed->task.spec.retention;
  return cached;
}

std::shared_ptr<const reconcile::ObservedTask> CachedTask::Observed() const {
  if (whole_) return whole_;
  auto observed = std::make_shared<reconcile::ObservedTask>();
  api::AutotuneTask& task = observed->task;
  task.metadata = metadata_;
  task.spec.keep_pods = keep_pods_;
  task.spec.retention = retention_;
  task.status.observed_generation = metadata_.generation;
  task.status.state = state_;
  task.status.finished_at = finished_at_;
  for (const Experiment& packed : experiments_) {
    api::ExperimentStatus experiment;
    experiment.hash = UnpackedHash(packed.hash);
    experiment.attempts = packed.attempts;
    experiment.state = packed.state;
    task.status.experiments.push_back(std::move(experiment));
  }
  return observed;
}

}  // namespace autotune::controller
