// CachedPod: a pod in the cache. After a pod has ended and its report is in the task's status, only a few bytes of it
// are kept: those that decide whether it is deleted.
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
  // The reduced form, if the pod has ended and the reduced form is sufficient; else the whole pod.
  [[nodiscard]] CachedPod Ended() const;

  // True if all of the pod is stored.
  [[nodiscard]] bool whole() const { return whole_ != nullptr; }
  // The pod. If not whole(): only name, namespace, UID, version, owner, role, hash, attempt, phase and `deleting`.
  [[nodiscard]] experiment::PodView View(const kube::runtime::ObjectMeta& meta) const;

 private:
  CachedPod() = default;

  std::shared_ptr<const experiment::PodView> whole_;
  std::uint64_t hash_ = 0;
  std::int32_t attempt_ = 0;
  bool succeeded_ = false;
};

// Parses a v1 Pod from JSON text, without fields that PodView does not use. Throws nlohmann's exceptions.
experiment::PodView PodViewFromText(std::string_view pod);

}  // namespace autotune::controller
