#include "operator/reconcile/observed_task.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace autotune::reconcile {

base::Result<ObservedTask> ObserveTask(const nlohmann::json& object) {
  auto task = api::TaskFromJson(object);
  if (task) return ObservedTask{std::move(*task), ""};
  // The rest of the object still reads: metadata always, the status as far as this operator wrote it.
  nlohmann::json without_spec = object;
  without_spec["spec"] = {{"model", {{"idOrPath", "unreadable"}}}, {"baseRuntime", "vllm"}};
  auto partial = api::TaskFromJson(without_spec);
  if (!partial) {
    without_spec.erase("status");
    partial = api::TaskFromJson(without_spec);
  }
  if (!partial) return std::move(partial).error();
  return ObservedTask{std::move(*partial), task.error().message};
}

}  // namespace autotune::reconcile
