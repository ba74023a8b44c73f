#include "operator/reconcile/retention.h"

namespace autotune::reconcile {

Expiry ExpiryOf(const api::AutotuneTask& task, const api::RetentionSpec& by_default) {
  const base::WallTime finished = base::ParseRfc3339(task.status.finished_at);
  if (finished == base::WallTime{}) return {};
  const auto after = [&](std::optional<api::Seconds> own, std::optional<api::Seconds> otherwise) {
    const auto time = own ? own : otherwise;
    return time ? std::optional(finished + *time) : std::nullopt;
  };
  const api::RetentionSpec& spec = task.spec.retention;
  return {after(spec.pods, by_default.pods), after(spec.task, by_default.task)};
}

}  // namespace autotune::reconcile
