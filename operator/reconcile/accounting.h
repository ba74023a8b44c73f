// Accounting of GPU time: by experiment, by type of GPU and of a task; and the increments of the operator's metrics by
// one write of the status. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

using api::kSecondsPerHour;

// Cost of all attempts of an experiment, without a running one; zero if its measurement is another task's.
api::GpuSeconds GpuSecondsOf(const api::ExperimentStatus& experiment);
// Cost of the whole task, including experiments that an edit removed or repeated.
api::GpuSeconds GpuSecondsOf(const api::TaskStatus& status);
// The same by type of GPU, with an entry for each type in the status.
api::GpuSecondsByType SpentByType(const api::TaskStatus& status);

struct MetricIncrements {
  struct Attempt {
    std::string engine;  // vllm, sglang, tensorrt-llm
    std::string reason;  // "Succeeded", or bench::FailureReasonName
  };
  std::vector<Attempt> finished;  // experiments
  std::vector<Attempt> retried;   // attempts that failed because of the infrastructure
  api::GpuSecondsByType gpu;      // never negative
};

MetricIncrements IncrementsOf(const api::TaskSpec& spec, const api::TaskStatus& before, const api::TaskStatus& after);

// The engine of a runtime in status.experiments[]; "" if the spec no longer has the runtime.
std::string EngineOf(const api::TaskSpec& spec, const std::string& runtime);

}  // namespace autotune::reconcile
