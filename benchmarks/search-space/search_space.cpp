// What the search's decisions cost in a space of 100,000 combinations, all of which may run: from the spec to the
// candidates, from these to their prices, and one decision.
//
//   cmake --build --preset release --target search_space && build/release/bin/search_space

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "operator/reconcile/expand.h"
#include "operator/reconcile/propose.h"
#include "tuning/search/residual_model.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
namespace search = tuning::search;

template <typename T>
T Checked(base::Result<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << result.error().message << "\n";
  std::abort();
}

const quant::RuleSet& Rules() {
  static const quant::RuleSet* const kRules = new quant::RuleSet(Checked(quant::RuleSet::BuiltIn()));
  return *kRules;
}

// 3 quantizations x 2 tensor parallel sizes x 32 x 26 x 20 values of parameters = 99,840 combinations: what one task
// may have at most is 100,000.
api::AutotuneTask Task() {
  json sequences, tokens, memory;
  for (int i = 1; i <= 32; ++i) sequences.push_back(8 * i);
  for (int i = 1; i <= 26; ++i) tokens.push_back(1024 * i);
  for (int i = 0; i < 20; ++i) memory.push_back("0." + std::to_string(70 + i));
  const json facts = {{"architectures", {"LlamaForCausalLM"}},
                      {"model_type", "llama"},
                      {"torch_dtype", "bfloat16"},
                      {"hidden_size", 4096},
                      {"num_hidden_layers", 32},
                      {"num_attention_heads", 32},
                      {"num_key_value_heads", 8},
                      {"intermediate_size", 14336},
                      {"vocab_size", 128256},
                      {"max_position_embeddings", 131072}};
  const json task = {
      {"apiVersion", "autotuner.io/v1alpha1"},
      {"kind", "AutotuneTask"},
      {"metadata", {{"name", "large"}, {"namespace", "ml"}}},
      {"spec",
       {{"model", {{"idOrPath", "meta-llama/Llama-3.1-8B-Instruct"}, {"facts", facts}}},
        {"runtimes", {{{"name", "vllm"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.24.0"}}}},
        {"quantConfig", {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}}},
        {"parallelConfig", {{"tensorParallel", {1, 2}}}},
        {"parameters",
         {{"max-num-seqs", sequences}, {"max-num-batched-tokens", tokens}, {"gpu-memory-utilization", memory}}},
        {"slo", {{"ttft", {{"p99", "1s"}}}, {"tpot", {{"p95", "30ms"}}}}},
        {"benchmark", {{"scenarios", {"D(512,128)"}}}}}}};
  return Checked(api::TaskFromJson(task));
}

GpuChoice H100() { return {"NVIDIA-H100-80GB-HBM3", quant::ComputeCapability{9, 0}, 81'559'000'000}; }

const Space& Built() {
  static const Space* const kSpace = [] {
    const api::AutotuneTask task = Task();
    const auto model = Checked(InlineFacts(task.spec, 0));
    return new Space(Checked(BuildSpace(task.spec, {*model}, {H100()}, Rules(), {})));
  }();
  return *kSpace;
}

SearchInput Priced() {
  const api::AutotuneTask task = Task();
  api::TaskStatus status;
  status.gpus.front().product = H100().product;
  return SearchInputOf(task.spec, status, Built(), base::WallTime{});
}

void Expansion(benchmark::State& state) {
  const api::AutotuneTask task = Task();
  const auto model = Checked(InlineFacts(task.spec, 0));
  for (auto unused : state) {
    static_cast<void>(unused);
    const auto space = BuildSpace(task.spec, {*model}, {H100()}, Rules(), {});
    if (!space) return state.SkipWithError(space.error().message.c_str());
    state.counters["combinations"] = space->expansion.total;
    state.counters["candidates"] = static_cast<double>(space->expansion.candidates.size());
  }
}
BENCHMARK(Expansion)->Unit(benchmark::kMillisecond);

// Candidates as the search sees them, latencies at every load, and the order.
void Pricing(benchmark::State& state) {
  Built();
  for (auto unused : state) {
    static_cast<void>(unused);
    const SearchInput input = Priced();
    benchmark::DoNotOptimize(input.prior.order.data());
    state.counters["loads"] = static_cast<double>(input.space.candidates.front().loads.size());
  }
}
BENCHMARK(Pricing)->Unit(benchmark::kMillisecond);

// One more start after so many trials with three loads each.
void Decision(benchmark::State& state) {
  SearchInput input = Priced();
  for (int trial = 0; trial < state.range(0); ++trial) {
    const std::size_t i = input.prior.order[static_cast<std::size_t>(trial) * 7];
    input.observations.starts.push_back({i, search::StartOutcome::kOk, 100});
    input.observations.ended.push_back(i);
    for (const std::size_t load : {std::size_t{8}, std::size_t{10}, std::size_t{12}}) {
      const search::LoadPrior& at = input.prior.at[i][load];
      search::Point point;
      point.candidate = i;
      point.load = input.space.candidates[i].loads[load];
      point.ln_ttft_ms = at.ln_ttft_ms + 0.2;
      point.ln_tpot_ms = at.ln_tpot_ms + 0.1;
      point.ln_objective_ms = search::LnObjective(input.space, at) + 0.1;
      point.value = 1000 * point.load * 128 / std::exp(point.ln_objective_ms);
      input.observations.points.push_back(point);
    }
  }
  for (std::size_t i = 0; i < input.space.candidates.size(); ++i) {
    if (input.space.candidates[i].baseline) input.observations.ended.push_back(i);  // else it comes first
  }
  input.limits.exhaust = true;  // the decision whole, not only that it may stop
  for (auto unused : state) {
    static_cast<void>(unused);
    const search::Decision decision =
        search::Decide(input.space, input.bounds, input.prior, input.observations, {}, 1, input.limits);
    benchmark::DoNotOptimize(decision.candidate);
  }
}
BENCHMARK(Decision)->Arg(0)->Arg(4)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace autotune::reconcile

BENCHMARK_MAIN();
