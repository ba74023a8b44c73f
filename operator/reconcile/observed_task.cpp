#include "operator/reconcile/observed_task.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace autotune::reconcile {
namespace {

using nlohmann::json;

// The conditions of a status that cannot be read otherwise: they are Kubernetes' own, and every version has them.
json ConditionsOf(const json& object) {
  const json conditions = object.value("/status/conditions"_json_pointer, json::array());
  json only = {{"conditions", conditions.is_array() ? conditions : json::array()}};
  return api::StatusFromJson(only) ? only : json::object();
}

}  // namespace

base::Result<ObservedTask> ObserveTask(const json& object) {
  auto task = api::TaskFromJson(object);
  if (task) return ObservedTask{std::move(*task), "", ""};

  ObservedTask observed;
  json readable = object;
  if (object.is_object() && object.contains("status")) {
    if (auto status = api::StatusFromJson(object["status"]); !status) {
      observed.status_error = status.error().message;
      readable["status"] = ConditionsOf(object);
      task = api::TaskFromJson(readable);
    }
  }
  if (!task) {
    observed.spec_error = task.error().message;
    readable["spec"] = {{"model", {{"idOrPath", "unreadable"}}}, {"baseRuntime", "vllm"}};
    task = api::TaskFromJson(readable);
  }
  if (!task) return std::move(task).error();
  observed.task = std::move(*task);
  return observed;
}

}  // namespace autotune::reconcile
