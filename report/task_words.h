// Descriptions of a task as text: SLO, workload, model, cost, state. Pure.
#pragma once

#include <string>

#include "measurement/slo.h"
#include "operator/api/autotune_task.h"

namespace autotune::report {

// Image of an experiment's runtime, from the spec or the rules; "" = not known.
std::string ImageOf(const api::AutotuneTask& task, const api::ExperimentStatus& experiment);

inline constexpr const char* kSimulatedNote =
    "Simulated: the engine was a simulated one, a performance model of the GPU. These numbers are not measurements.";

// "TTFT p99 <= 500 ms, error rate <= 1 %".
std::string SloText(const api::SloSpec& slo);
// "TTFT", "E2E latency".
std::string MetricTitle(measurement::Metric metric);
// "slo.ttft.p99 (2.41 s, allowed 2.00 s)".
std::string ViolationText(const measurement::Violation& violation);
// Text about the workload, its loads and their duration.
std::string MeasuredText(const api::AutotuneTask& task);
// "256 prompt tokens in, 64 out"; the name itself for scenarios without lengths, such as "dataset".
std::string ScenarioText(const std::string& scenario);
// "scenario D(256,64) (256 prompt tokens in, 64 out)", "dataset prompts.jsonl, 2.5 turns per conversation".
std::string WorkloadText(const api::BenchmarkSpec& benchmark);
// One sentence: the load of scores and gains.
std::string ScoreRuleText(const api::AutotuneTask& task);
// "0.42 GPU-hours (0.2 starting, 0.22 measuring, 0 wasted), price 1.05".
std::string CostText(const api::TaskStatus::Cost& cost);
// Message of the condition that describes the task's state.
std::string StatusMessage(const api::TaskStatus& status);
// "LlamaForCausalLM, bfloat16, not quantized, 16.1 GB".
std::string ModelText(const checkpoint::ModelFacts& model);
// "meta-llama/Llama-3.1-8B (...)"; with several checkpoints one text each, beginning with its name.
std::vector<std::string> ModelTexts(const api::AutotuneTask& task);
// GPUs of the experiments, for each type with a product: "NVIDIA-H100-80GB-HBM3". With several types one text
// each, with name, cost, and the reason if nothing more starts on it: "l40s: NVIDIA-L40S, 0.42 GPU-hours, price
// 0.38".
std::vector<std::string> GpuTexts(const api::AutotuneTask& task);
// "2 experiments out of 4 combinations (1 duplicate, 1 pruned, 0 not run)"; for a running adaptive search the number of
// candidates.
std::string CandidatesText(const api::AutotuneTask& task);
// "60 of 62 combinations are pruned, ...: little of the space is left to compare", from nine tenths on; "" below.
// `reason`: the most frequent one.
std::string MostPrunedText(int pruned, int total, const std::string& reason);
std::string MostPrunedText(const api::AutotuneTask& task);

}  // namespace autotune::report
