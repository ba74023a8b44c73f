// How long it takes to map a large candidate space on one core: 100,000 combinations of quantization fields, parallel
// sizes and parameters, each canonicalised, judged by every rule and rendered; then the same with hashing and removal
// of duplicates, as a task's expansion does it.
//
//   cmake --build --preset release --target quant_mapping && build/release/bin/quant_mapping

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "quant/launch_plan.h"
#include "tuning/candidate.h"

namespace autotune {
namespace {

const quant::RuleSet& Rules() {
  static const quant::RuleSet* const kRules = [] {
    base::Result<quant::RuleSet> rules = quant::RuleSet::BuiltIn();
    if (!rules.ok()) {
      std::cerr << rules.error().message << "\n";
      std::abort();
    }
    return new quant::RuleSet(*std::move(rules));
  }();
  return *kRules;
}

// Qwen3-30B-A3B on H100: experts, so that every field matters.
checkpoint::ModelFacts Model() {
  checkpoint::ModelFacts facts;
  facts.architecture = "Qwen3MoeForCausalLM";
  facts.dtype = "bfloat16";
  facts.layers = facts.full_attention_layers = facts.moe_layers = 48;
  facts.hidden_size = 2048;
  facts.attention_heads = 32;
  facts.kv_heads = 4;
  facts.head_dim = 128;
  facts.experts = 128;
  facts.experts_per_token = 8;
  facts.moe_intermediate_size = 768;
  facts.vocab_size = 151936;
  facts.max_position = 40960;
  facts.weight_bytes = 61'100'000'000;
  facts.caches = {{48, 4, 1024, 0}};
  return facts;
}

struct Engine {
  const char* name;
  const char* release;
  const char* sequences;
  const char* tokens;
  const char* memory;
};
constexpr Engine kEngines[] = {
    {"vllm", "0.24.0", "max-num-seqs", "max_num_batched_tokens", "gpu-memory-utilization"},
    {"sglang", "0.5.15", "max-running-requests", "chunked_prefill_size", "mem-fraction-static"},
    {"tensorrt-llm", "1.2.0", "max_batch_size", "max_num_tokens", "kv_cache_free_gpu_memory_fraction"}};

// 6 x 8 x 7 x 7 configurations x 2 tensor parallel sizes x 7 x 3 values of parameters = 98,784 combinations: what one
// task may have at most is 100,000.
tuning::SpaceInput Space(const Engine& engine) {
  tuning::SpaceInput space;
  space.runtimes.push_back({"runtime", *Rules().Resolve(engine.name, "", engine.release), {}, "image"});
  for (const std::string_view gemm : quant::AllowedValues(quant::Field::kGemm))
    for (const std::string_view kvcache : quant::AllowedValues(quant::Field::kKvCache))
      for (const std::string_view attention : quant::AllowedValues(quant::Field::kAttention))
        for (const std::string_view moe : quant::AllowedValues(quant::Field::kMoe))
          space.quants.push_back(
              {"x", std::string(gemm), std::string(kvcache), std::string(attention), std::string(moe)});
  const auto values = [](std::initializer_list<const char*> texts) {
    std::vector<quant::FlagValue> list;
    for (const char* text : texts) list.push_back(quant::FlagValue::Text(text));
    return list;
  };
  space.parameters = {{engine.sequences, values({"16", "32", "64", "96", "128", "192", "256"})},
                      {engine.tokens, values({"2048", "4096", "8192"})},
                      {engine.memory, values({"0.9"})}};
  space.tensor_parallel = {2, 4};
  space.models[0].facts = Model();
  space.gpus[0].capability = quant::ComputeCapability{9, 0};
  space.gpus[0].memory_bytes = 80'000'000'000;
  return space;
}

constexpr std::size_t kCandidates = 100'000;

void MapHundredThousand(benchmark::State& state) {
  const tuning::SpaceInput space = Space(kEngines[state.range(0)]);
  std::size_t rejected = 0;
  for (auto unused : state) {
    static_cast<void>(unused);
    rejected = 0;
    quant::LaunchRequest request;
    request.release = space.runtimes[0].release;
    request.model = space.models[0].facts;
    request.gpu = space.gpus[0].capability;
    request.gpu_memory_bytes = space.gpus[0].memory_bytes;
    for (std::size_t i = 0; i < kCandidates; ++i) {
      std::size_t rest = i;
      request.quant = space.quants[rest % space.quants.size()];
      rest /= space.quants.size();
      request.parallel.tensor = space.tensor_parallel[rest % 2];
      rest /= 2;
      for (const auto& [name, values] : space.parameters) {
        request.parameters[name] = values[rest % values.size()];
        rest /= values.size();
      }
      const quant::LaunchPlan plan = quant::PlanLaunch(Rules(), request);
      if (plan.rejection) ++rejected;
      benchmark::DoNotOptimize(plan.args.data());
    }
  }
  state.SetLabel(kEngines[state.range(0)].name);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCandidates));
  state.counters["rejected"] = static_cast<double>(rejected);
}
BENCHMARK(MapHundredThousand)->DenseRange(0, 2)->Unit(benchmark::kSecond);

void ExpandASpace(benchmark::State& state) {
  const tuning::SpaceInput space = Space(kEngines[state.range(0)]);
  for (auto unused : state) {
    static_cast<void>(unused);
    const base::Result<tuning::Expansion> expansion = tuning::ExpandCandidates(Rules(), space);
    if (!expansion.ok()) return state.SkipWithError(expansion.error().message.c_str());
    state.counters["combinations"] = static_cast<double>(expansion->total);
    state.counters["pruned"] = static_cast<double>(expansion->pruned.size());
    state.counters["duplicates"] = static_cast<double>(expansion->duplicates);
    state.counters["candidates"] = static_cast<double>(expansion->candidates.size());
  }
  state.SetLabel(kEngines[state.range(0)].name);
}
BENCHMARK(ExpandASpace)->DenseRange(0, 2)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace autotune

BENCHMARK_MAIN();
