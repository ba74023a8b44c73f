// What a prediction costs: a curve of six loads in virtual time, and the same in closed form.
#include <benchmark/benchmark.h>

#include <array>

#include "engine_model/closed_form.h"
#include "engine_model/load_curve.h"
#include "tests/engine_model/llama_8b.h"

namespace autotune::engine_model {
namespace {

constexpr std::array<int, 6> kLoads = {1, 8, 32, 64, 128, 256};

void VirtualTime(benchmark::State& state, const char* scenario, int prefix_tokens) {
  const Deployment deployment = DeploymentOf(EngineKind::kVllm, testing::Llama8B(), *FindGpu("h100"), {});
  LoadTest test;
  test.scenario = *measurement::Scenario::Parse(scenario);
  test.prefix = {prefix_tokens, 8};
  test.requests = static_cast<int>(state.range(0));
  for (auto _ : state) {
    for (const int load : kLoads) {
      benchmark::DoNotOptimize(PredictPoint(deployment, test, measurement::Concurrency(load)));
    }
  }
}
BENCHMARK_CAPTURE(VirtualTime, mixed, "N(480,240)/(300,150)", 0)->Arg(100)->Arg(300)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(VirtualTime, fixed, "D(1024,128)", 0)->Arg(100)->Arg(300)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(VirtualTime, prefix, "N(2048,200)/(128,30)", 1536)->Arg(300)->Unit(benchmark::kMillisecond);

void InClosedForm(benchmark::State& state) {
  const ModelShape model = testing::Llama8B();
  const GpuSpec gpu = *FindGpu("h100");
  for (auto _ : state) {
    const ClosedForm closed(model, gpu, CandidateShape{}, Workload{480, 300, false});
    for (const int load : kLoads) benchmark::DoNotOptimize(closed.Predict(load));
  }
}
BENCHMARK(InClosedForm)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace autotune::engine_model

BENCHMARK_MAIN();
