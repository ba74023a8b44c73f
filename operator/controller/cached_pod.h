// CachedPod: a pod in the cache. An ended pod whose report is in its task's status takes a few bytes: only whether it
// is kept remains to be decided.
//
// Immutable, safe to share.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "kube/runtime/object_key.h"
#include "operator/experiment/pod_view.h"

namespace autotune::controller {

class CachedPod {
 public:
  explicit CachedPod(experiment::PodView pod);
  // The few bytes, if the pod has ended and they say what decides about its end; else all of it.
  [[nodiscard]] CachedPod Ended() const;

  // All of the pod is here.
  [[nodiscard]] bool whole() const { return whole_ != nullptr; }
  // The pod; of one that is not whole name, namespace, UID, version, owner, role, hash, attempt, phase and `deleting`.
  [[nodiscard]] experiment::PodView View(const kube::runtime::ObjectMeta& meta) const;

 private:
  CachedPod() = default;

  std::shared_ptr<const experiment::PodView> whole_;
  std::uint64_t hash_ = 0;
  std::int32_t attempt_ = 0;
  bool succeeded_ = false;
};

// A v1 Pod as JSON text. What a PodView has nothing of is not parsed. Throws what nlohmann's parser throws.
experiment::PodView PodViewFromText(std::string_view pod);

}  // namespace autotune::controller
