#include "operator/reconcile/memory.h"

#include <algorithm>
#include <utility>

#include "operator/api/needed_fields.h"

namespace autotune::reconcile {

void Memory::Begin(std::int64_t present_generation) {
  if (generation == present_generation) return;
  generation = present_generation;
  refused.clear();
  last_refused.reset();
  recommended.reset();
  deployment.reset();
  baseline.reset();
  earlier.reset();
}

void Memory::PodTaken(const std::string& name) {
  created.insert(name);
  refused.erase(name);
  last_refused.reset();
}

void Memory::PodRefused(const std::string& name, Refusal refusal, base::WallTime now) {
  Refused& pod = refused[name];
  pod = {refusal, pod.times + 1, now};
  last_refused = {std::move(refusal), last_refused ? last_refused->times + 1 : 1, now};
}

void Memory::PodDeleted(const std::string& name) {
  // Should a pod of that name be wanted again, it is a new one.
  created.erase(name);
  undeleted.erase(name);
}

void Memory::PodNotDeleted(const std::string& name, std::string why) { undeleted[name] = std::move(why); }

void Memory::StatusWritten(const std::string& field, base::WallTime now) {
  if (field.empty()) {
    // A result that was dropped is not written again.
    if (dropped && dropped->needed) dropped.reset();
    return;
  }
  const bool needed = api::IsNeededToContinue(field);
  const bool again = dropped && dropped->needed == needed;
  dropped = Dropped{field, needed, again ? dropped->times + 1 : 1, now};
}

std::optional<base::WallTime> Memory::WaitsForDefinition(base::WallTime now) const {
  if (!dropped || !dropped->needed) return std::nullopt;
  const base::WallTime until =
      dropped->at + std::chrono::duration_cast<std::chrono::milliseconds>(RefusalDelay(dropped->times));
  return now < until ? std::optional(until) : std::nullopt;
}

void Memory::ConfigMapWritten(const std::string& digest, std::optional<base::Error> error, base::WallTime now) {
  const bool again = recommended && recommended->digest == digest && recommended->error;
  const int times = again ? recommended->times + 1 : 1;
  recommended = {digest, std::move(error), times, now};
}

void Memory::BaselineRead(base::Result<nlohmann::json> workload, base::WallTime now) {
  const int times = baseline ? baseline->times + 1 : 1;
  baseline = Baseline{std::move(workload), times, now};
}

std::string DroppedText(const std::string& field) {
  return "The API server dropped " + field +
         ": its CustomResourceDefinition autotunetasks.autotuner.io is older than this operator; upgrade it (chart "
         "value crds.enabled=true, or kubectl apply --server-side --force-conflicts -f crds/autotunetask.yaml)";
}

base::Duration RefusalDelay(int times) {
  constexpr std::chrono::seconds kFirst{15}, kLongest{300};
  return std::min(kLongest, kFirst * (1 << std::clamp(times - 1, 0, 8)));
}

}  // namespace autotune::reconcile
