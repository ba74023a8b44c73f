#include "operator/reconcile/memory.h"

#include <algorithm>
#include <utility>

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

void Memory::ConfigMapWritten(const std::string& digest, std::optional<base::Error> error, base::WallTime now) {
  const bool again = recommended && recommended->digest == digest && recommended->error;
  const int times = again ? recommended->times + 1 : 1;
  recommended = {digest, std::move(error), times, now};
}

void Memory::BaselineRead(base::Result<nlohmann::json> workload, base::WallTime now) {
  const int times = baseline ? baseline->times + 1 : 1;
  baseline = Baseline{std::move(workload), times, now};
}

base::Duration RefusalDelay(int times) {
  constexpr std::chrono::seconds kFirst{15}, kLongest{300};
  return std::min(kLongest, kFirst * (1 << std::clamp(times - 1, 0, 8)));
}

}  // namespace autotune::reconcile
