#include "operator/experiment/pod_view.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "operator/experiment/json_read.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;

ContainerView::Termination TerminationFromJson(const json& terminated) {
  ContainerView::Termination end;
  end.exit_code = Number(terminated, "exitCode");
  end.signal = Number(terminated, "signal");
  end.reason = Text(terminated, "reason");
  end.message = Text(terminated, "message");
  end.started_at = Time(terminated, "startedAt");
  end.finished_at = Time(terminated, "finishedAt");
  return end;
}

ContainerView ContainerFromJson(const json& status) {
  ContainerView container;
  container.name = Text(status, "name");
  container.started = Flag(status, "started");
  container.ready = Flag(status, "ready");
  container.restart_count = Number(status, "restartCount");
  if (container.name == "engine") container.image_id = Text(status, "imageID");
  const json& state = Member(status, "state");
  if (const json& terminated = Member(state, "terminated"); terminated.is_object()) {
    container.state = ContainerView::State::kTerminated;
    container.terminated = TerminationFromJson(terminated);
  } else if (const json& running = Member(state, "running"); running.is_object()) {
    container.state = ContainerView::State::kRunning;
    container.running_since = Time(running, "startedAt");
  } else {
    container.waiting_reason = Text(Member(state, "waiting"), "reason");
    container.waiting_message = Text(Member(state, "waiting"), "message");
  }
  if (const json& last = Member(Member(status, "lastState"), "terminated"); last.is_object()) {
    container.last_terminated = TerminationFromJson(last);
  }
  return container;
}

std::vector<ContainerView> ContainersFromJson(const json& statuses) {
  std::vector<ContainerView> containers;
  if (!statuses.is_array()) return containers;
  for (const json& status : statuses) containers.push_back(ContainerFromJson(status));
  return containers;
}

// kubernetes.io/docs/concepts/workloads/pods/sidecar-containers: `restartPolicy: Always` of an init container.
void MarkSidecars(const json& spec, std::vector<ContainerView>& containers) {
  const json& specs = Member(spec, "initContainers");
  if (!specs.is_array()) return;
  for (const json& of : specs) {
    if (Text(of, "restartPolicy") != "Always") continue;
    for (ContainerView& container : containers)
      container.restarts = container.restarts || container.name == Text(of, "name");
  }
}

void ReadConditions(const json& conditions, PodView& pod) {
  if (!conditions.is_array()) return;
  for (const json& condition : conditions) {
    const std::string type = Text(condition, "type");
    const bool is_true = Text(condition, "status") == "True";
    const base::WallTime since = Time(condition, "lastTransitionTime");
    pod.last_transition = std::max(pod.last_transition, since);
    if (type == "PodScheduled" && is_true) {
      pod.scheduled = true;
      pod.scheduled_at = since;
    } else if (type == "PodScheduled") {
      pod.unscheduled_reason = Text(condition, "reason");
      pod.unscheduled_message = Text(condition, "message");
    } else if (type == "DisruptionTarget" && is_true) {
      pod.disruption_reason = Text(condition, "reason");
      pod.disruption_message = Text(condition, "message");
    }
  }
}

PodLabels LabelsFromJson(const json& labels) {
  PodLabels own;
  own.role = Text(labels, kRoleLabel);
  own.hash = Text(labels, kHashLabel);
  own.model = Text(labels, kModelLabel);
  own.gpu = Text(labels, kGpuLabel);
  own.attempt = std::atoi(Text(labels, kAttemptLabel).c_str());
  return own;
}

base::WallTime LastChangeOfSpec(const json& metadata) {
  base::WallTime last = Time(metadata, "creationTimestamp");
  const json& managers = Member(metadata, "managedFields");
  if (!managers.is_array()) return last;
  for (const json& manager : managers) {
    if (Text(manager, "subresource").empty()) last = std::max(last, Time(manager, "time"));
  }
  return last;
}

}  // namespace

const ContainerView* PodView::Container(const std::string& container) const {
  for (const auto* list : {&containers, &init_containers}) {
    const auto found =
        std::find_if(list->begin(), list->end(), [&](const ContainerView& c) { return c.name == container; });
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

PodView PodViewFromJson(const json& pod) {
  const json& metadata = Member(pod, "metadata");
  const json& spec = Member(pod, "spec");
  const json& status = Member(pod, "status");

  PodView view;
  view.name = Text(metadata, "name");
  view.ns = Text(metadata, "namespace");
  view.uid = Text(metadata, "uid");
  view.resource_version = Text(metadata, "resourceVersion");
  view.labels = LabelsFromJson(Member(metadata, "labels"));
  view.operator_name = Text(Member(metadata, "annotations"), kOperatorAnnotation);
  view.deleting = !Text(metadata, "deletionTimestamp").empty();
  view.delete_by = Time(metadata, "deletionTimestamp");
  view.created_at = Time(metadata, "creationTimestamp");
  view.schedulable_since = LastChangeOfSpec(metadata);
  if (const json& owners = Member(metadata, "ownerReferences"); owners.is_array()) {
    for (const json& owner : owners) {
      if (Flag(owner, "controller")) view.owner_uid = Text(owner, "uid");
    }
  }

  view.phase = Text(status, "phase");
  view.reason = Text(status, "reason");
  view.message = Text(status, "message");
  view.node = Text(spec, "nodeName");
  ReadConditions(Member(status, "conditions"), view);
  // The binding is the fact; the condition may be missing on a pod that a kubelet rejected at once.
  view.scheduled = view.scheduled || !view.node.empty();
  const json& gates = Member(spec, "schedulingGates");
  view.scheduling_gated =
      !view.scheduled && ((gates.is_array() && !gates.empty()) || view.unscheduled_reason == "SchedulingGated");
  view.init_containers = ContainersFromJson(Member(status, "initContainerStatuses"));
  MarkSidecars(spec, view.init_containers);
  view.containers = ContainersFromJson(Member(status, "containerStatuses"));
  return view;
}

}  // namespace autotune::experiment
