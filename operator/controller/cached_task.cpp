#include "operator/controller/cached_task.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "kube/runtime/store.h"
#include "operator/controller/packed_hash.h"
#include "operator/reconcile/verdict.h"

namespace autotune::controller {
namespace {

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

CachedTask::Summary CachedTask::summary() const {
  if (whole_) return SummaryOf(whole_->task.status);
  return {Text(kProgress), Text(kBest), Text(kScore), Text(kGain), Text(kGpuHours)};
}

base::Result<CachedTask> CachedTask::FromText(std::string_view object) {
  // Nine tenths of a finished task, of which nothing is kept.
  static const base::JsonPaths kUnreadOnceFinished = {
      "metadata.annotations", "metadata.labels", "metadata.managedFields", "status.experiments.{attempts,hash,state}"};
  auto finished = FromJson(kube::runtime::ParseObject(object, kUnreadOnceFinished));
  if (finished && finished->settled()) return finished;
  return FromJson(kube::runtime::ParseObject(object));
}

base::Result<CachedTask> CachedTask::FromJson(const nlohmann::json& object) {
  auto observed = reconcile::ObserveTask(object);
  if (!observed) return std::move(observed).error();
  CachedTask cached;
  bool settled = IsSettled(*observed);
  for (const api::ExperimentStatus& experiment : observed->task.status.experiments) {
    if (!settled) break;
    const auto hash = PackedHash(experiment.hash);
    settled = hash && experiment.attempts >= 0 && experiment.attempts <= std::numeric_limits<std::uint16_t>::max();
    if (!settled) break;
    cached.experiments_.push_back({static_cast<std::uint32_t>(*hash >> 32), static_cast<std::uint32_t>(*hash),
                                   static_cast<std::uint16_t>(experiment.attempts),
                                   static_cast<std::uint8_t>(experiment.state)});
  }
  if (!settled) {
    cached.experiments_.clear();
    cached.whole_ = std::make_shared<const reconcile::ObservedTask>(*std::move(observed));
    return cached;
  }
  cached.experiments_.shrink_to_fit();
  const api::ObjectMeta& metadata = observed->task.metadata;
  const api::TaskStatus& status = observed->task.status;
  const Summary summary = SummaryOf(status);
  cached.generation_ = metadata.generation;
  cached.texts_ = base::PackedTexts<kTexts>(
      {metadata.name, metadata.ns, metadata.uid, metadata.resource_version, metadata.creation_timestamp, status.state,
       status.finished_at, summary.progress, summary.best, summary.score, summary.gain, summary.gpu_hours});
  cached.keep_pods_ = observed->task.spec.keep_pods;
  cached.retention_ = observed->task.spec.retention;
  return cached;
}

std::shared_ptr<const reconcile::ObservedTask> CachedTask::Observed() const {
  if (whole_) return whole_;
  auto observed = std::make_shared<reconcile::ObservedTask>();
  api::AutotuneTask& task = observed->task;
  task.metadata.name = Text(kName);
  task.metadata.ns = Text(kNamespace);
  task.metadata.uid = Text(kUid);
  task.metadata.resource_version = Text(kVersion);
  task.metadata.creation_timestamp = Text(kCreated);
  task.metadata.generation = generation_;
  task.spec.keep_pods = keep_pods_;
  task.spec.retention = retention_;
  task.status.observed_generation = generation_;
  task.status.state = Text(kState);
  task.status.finished_at = Text(kFinished);
  for (const Experiment& packed : experiments_) {
    api::ExperimentStatus experiment;
    experiment.hash = UnpackedHash(std::uint64_t{packed.hash_high} << 32 | packed.hash_low);
    experiment.attempts = packed.attempts;
    experiment.state = static_cast<api::ExperimentState>(packed.state);
    task.status.experiments.push_back(std::move(experiment));
  }
  return observed;
}

}  // namespace autotune::controller
