// What a prediction costs: a curve of six loads in virtual time, and the same in closed form.
#include <benchmark/benchmark.h>

#include <array>

#include "engine_model/closed_form.h"
#include "engine_model/load_curve.h"

namespace autotune::engine_model {
namespace {

constexpr std::array<int, 6> kLoads = {1, 8, 32, 64, 128, 256};

ModelShape Llama8b() {
  ModelShape model;
  model.layers = 32;
  model.hidden = 4096;
  model.heads = 32;
  model.kv_heads = 8;
  model.head_dim = 128;
  model.intermediate = 14336;
  model.vocabulary = 128256;
  return model;
}

void VirtualTime(benchmark::State& state, const char* scenario, int prefix_tokens) {
  const Deployment deployment = DeploymentOf(EngineKind::kVllm, Llama8b(), *FindGpu("h100"), {});
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
  const ModelShape model = Llama8b();
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
