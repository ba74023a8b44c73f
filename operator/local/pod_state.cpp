#include "operator/local/pod_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace autotune::local {
namespace {

using nlohmann::json;

json TerminationJson(const ContainerState::Termination& end) {
  json terminated = {{"exitCode", end.exit_code},
                     {"reason", end.reason},
                     {"startedAt", base::FormatRfc3339(end.started_at)},
                     {"finishedAt", base::FormatRfc3339(end.finished_at)}};
  if (end.signal != 0) terminated["signal"] = end.signal;
  if (!end.message.empty()) terminated["message"] = end.message;
  return terminated;
}

json ContainerJson(const ContainerState& container) {
  json state;
  bool ready = false;
  switch (container.phase) {
    case ContainerState::Phase::kWaiting:
      state["waiting"] = {{"reason", container.waiting_reason}};
      if (!container.waiting_message.empty()) state["waiting"]["message"] = container.waiting_message;
      break;
    case ContainerState::Phase::kRunning:
      state["running"] = {{"startedAt", base::FormatRfc3339(container.started_at)}};
      ready = container.started;
      break;
    case ContainerState::Phase::kTerminated:
      if (container.terminated) {
        state["terminated"] = TerminationJson(*container.terminated);
        ready = container.init && !container.sidecar && container.terminated->exit_code == 0;
      }
      break;
  }
  json last = json::object();
  if (container.last_terminated) last["terminated"] = TerminationJson(*container.last_terminated);
  return {{"name", container.name},
          {"image", container.image},
          {"imageID", container.image},
          {"restartCount", container.restarts},
          {"started", container.phase == ContainerState::Phase::kRunning && container.started},
          {"ready", ready},
          {"state", state},
          {"lastState", last}};
}

}  // namespace

json PodStatusJson(const PodState& state) {
  json status = {{"phase", state.phase}};
  if (!state.reason.empty()) status["reason"] = state.reason;
  if (!state.message.empty()) status["message"] = state.message;
  if (!state.scheduled) {
    status["conditions"] = json::array({{{"type", "PodScheduled"},
                                         {"status", "False"},
                                         {"reason", "GpusInUse"},
                                         {"message", state.unschedulable_message}}});
    return status;
  }
  const bool initialized = std::all_of(state.containers.begin(), state.containers.end(), [](const ContainerState& c) {
    if (!c.init) return true;
    return c.sidecar ? c.started : c.terminated && c.terminated->exit_code == 0;
  });
  const std::string scheduled_at = base::FormatRfc3339(state.scheduled_at);
  status["startTime"] = scheduled_at;
  status["hostIP"] = "127.0.0.1";
  status["podIP"] = "127.0.0.1";
  status["conditions"] = json::array(
      {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", scheduled_at}},
       {{"type", "Initialized"}, {"status", initialized ? "True" : "False"}, {"lastTransitionTime", scheduled_at}}});
  status["initContainerStatuses"] = json::array();
  status["containerStatuses"] = json::array();
  for (const ContainerState& container : state.containers) {
    status[container.init ? "initContainerStatuses" : "containerStatuses"].push_back(ContainerJson(container));
  }
  return status;
}

std::vector<ContainerState> ContainersOf(const json& pod) {
  std::vector<ContainerState> containers;
  const auto spec = pod.find("spec");
  if (spec == pod.end()) return containers;
  for (const char* list : {"initContainers", "containers"}) {
    const auto found = spec->find(list);
    if (found == spec->end()) continue;
    for (const json& entry : *found) {
      ContainerState container;
      container.name = entry.value("name", "");
      container.image = entry.value("image", "");
      container.init = list == std::string("initContainers");
      container.sidecar = container.init && entry.value("restartPolicy", "") == "Always";
      containers.push_back(std::move(container));
    }
  }
  return containers;
}

}  // namespace autotune::local
