#include "operator/controller/cached_pod.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "kube/runtime/store.h"
#include "operator/controller/packed_hash.h"

namespace autotune::controller {
namespace {

constexpr const char* kExperimentRole = "experiment";

}  // namespace

CachedPod::CachedPod(experiment::PodView pod) : whole_(std::make_shared<const experiment::PodView>(std::move(pod))) {}

CachedPod CachedPod::Ended() const {
  if (!whole_ || (whole_->phase != "Succeeded" && whole_->phase != "Failed")) return *this;
  const auto hash = PackedHash(whole_->labels.hash);
  if (!hash || whole_->labels.role != kExperimentRole) return *this;
  CachedPod ended;
  ended.hash_ = *hash;
  ended.attempt_ = whole_->labels.attempt;
  ended.succeeded_ = whole_->phase == "Succeeded";
  return ended;
}

experiment::PodView CachedPod::View(const kube::runtime::ObjectMeta& meta) const {
  if (whole_) return *whole_;
  experiment::PodView pod;
  pod.name = meta.key.name;
  pod.ns = meta.key.ns;
  pod.uid = meta.uid;
  pod.resource_version = meta.resource_version;
  pod.owner_uid = meta.owner_uid;
  pod.deleting = meta.deleting;
  pod.labels.role = kExperimentRole;
  pod.labels.hash = UnpackedHash(hash_);
  pod.labels.attempt = attempt_;
  pod.phase = succeeded_ ? "Succeeded" : "Failed";
  return pod;
}

experiment::PodView PodViewFromText(std::string_view pod) {
  // What a pod runs is most of its text, and nobody asks the cache for that.
  static const base::JsonPaths kUnread = {"metadata.managedFields.fieldsV1",
                                          "spec.affinity",
                                          "spec.containers",
                                          "spec.initContainers.args",
                                          "spec.initContainers.command",
                                          "spec.initContainers.env",
                                          "spec.initContainers.resources",
                                          "spec.initContainers.volumeMounts",
                                          "spec.initContainers.startupProbe",
                                          "spec.initContainers.securityContext",
                                          "spec.tolerations",
                                          "spec.volumes"};
  return experiment::PodViewFromJson(kube::runtime::ParseObject(pod, kUnread));
}

}  // namespace autotune::controller
