// What one status write changed, for counters: experiments that came to their end, attempts that infrastructure ended,
// and the GPU time that was accounted for. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

using api::kSecondsPerHour;

// What an experiment cost, all attempts together. Of a running one: its earlier attempts.
api::GpuSeconds GpuSecondsOf(const api::ExperimentStatus& experiment);
// What all of the task cost, with what an edit dropped or ran again.
api::GpuSeconds GpuSecondsOf(const api::TaskStatus& status);

struct Tally {
  struct Attempt {
    std::string engine;  // vllm, sglang, tensorrt-llm
    std::string reason;  // "Succeeded", or bench::FailureReasonName
  };
  std::vector<Attempt> finished;
  std::vector<Attempt> retried;
  api::GpuSeconds gpu;
};

Tally TallyOf(const api::TaskSpec& spec, const api::TaskStatus& before, const api::TaskStatus& after);

// The engine of a runtime as status.experiments[] names it; "" where the spec has no such runtime.
std::string EngineOf(const api::TaskSpec& spec, const std::string& runtime);

}  // namespace autotune::reconcile
