// What one status write changed, for counters: experiments that came to their end, attempts that infrastructure ended,
// and the GPU time that was accounted for. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// What an experiment cost, all attempts together. Of a running one: its earlier attempts.
struct GpuSeconds {
  double start = 0;    // loading, of what succeeded
  double measure = 0;  // measuring, of what succeeded
  double wasted = 0;   // all of what failed, was tried again or was stopped
};
GpuSeconds GpuSecondsOf(const api::ExperimentStatus& experiment);

struct Tally {
  struct Attempt {
    std::string engine;  // vllm, sglang, tensorrt-llm
    std::string reason;  // "Succeeded", or bench::FailureReasonName
  };
  std::vector<Attempt> finished;
  std::vector<Attempt> retried;
  GpuSeconds gpu;
};

Tally TallyOf(const api::TaskSpec& spec, const api::TaskStatus& before, const api::TaskStatus& after);

// The engine of a runtime as status.experiments[] names it; "" where the spec has no such runtime.
std::string EngineOf(const api::TaskSpec& spec, const std::string& runtime);

}  // namespace autotune::reconcile
