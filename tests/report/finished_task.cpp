#include "finished_task.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace autotune::report {

using nlohmann::json;

// Built from the API's own types, then written and read as kubectl would deliver it.
api::AutotuneTask Finished() {
  const json object = {{"apiVersion", "autotuner.io/v1alpha1"},
                       {"kind", "AutotuneTask"},
                       {"metadata", {{"name", "llama"}, {"namespace", "ml"}}},
                       {"spec",
                        {{"baseRuntime", "vllm"},
                         {"description", "Which KV cache?"},
                         {"model", {{"idOrPath", "org/model"}}},
                         {"slo", {{"ttft", {{"p99", "500ms"}}}}}}}};
  auto parsed = api::TaskFromJson(object);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  api::AutotuneTask task = *parsed;
  api::TaskStatus& status = task.status;
  status.state = "Complete";
  status.progress = "3/3";
  status.candidates = {5, 1, 1, 3, 0};
  status.pruned_reasons = {{"NoSuchThing", 1, "vllm + mine: cannot"}};
  status.gpus.front().product = "NVIDIA-H100-80GB-HBM3";
  const auto add = [&](const char* name, const char* quant, std::vector<std::string> args, double tokens) {
    api::ExperimentStatus experiment;
    experiment.name = name;
    experiment.hash = "0123456789abcdef";
    experiment.runtime = "vllm";
    experiment.quant.name = quant;
    experiment.gpus = 1;
    experiment.args = std::move(args);
    experiment.state = tokens > 0 ? api::ExperimentState::kSucceeded : api::ExperimentState::kFailed;
    if (tokens > 0) {
      measurement::Point load;
      load.scenario = "D(512,128)";
      load.load = measurement::Concurrency(8);
      load.requests = 100;
      load.output_tokens_per_second = tokens;
      load.requests_per_second = 8;
      load.ttft = {60, 61, 90, 95, 310};
      load.tpot = {7, 7.2, 8, 8, 9};
      load.e2e = {900, 950, 970, 980, 1000};
      experiment.loads = {{load, true}, {load, true}};
      experiment.loads[1].measured.load = measurement::Concurrency(32);
      experiment.loads[1].measured.ttft.p99 = 900;
      experiment.loads[1].meets_slo = false;
    } else {
      experiment.reason = "OutOfMemory";
      experiment.message = "torch.OutOfMemoryError: CUDA out of memory";
    }
    status.experiments.push_back(experiment);
  };
  add("e1-aaaaaa", "default", {"--max-num-seqs", "64"}, 1000);
  add("e2-bbbbbb", "kv-cache-fp8", {"--max-num-seqs", "64", "--kv-cache-dtype", "fp8"}, 1413);
  add("e3-cccccc", "dynamic-fp8", {"--max-num-seqs", "64", "--quantization", "fp8"}, 0);
  status.experiments[0].baseline = true;
  status.best = api::TaskStatus::Best{"e2-bbbbbb", "vllm", "kv-cache-fp8", "1413", "+41.3%", "", 8, "", "", "", {}};
  status.pareto = {"e2-bbbbbb"};
  status.cost.gpu_hours = "0.42";
  status.conditions = {{"Ready", "True", "Succeeded", "Best: e2", 1, ""}};
  return task;
}

measurement::Quality BlocksOf(double loss) {
  measurement::Quality quality;
  quality.text = "corpus-3";
  for (std::uint16_t i = 0; i < measurement::kQualityBlocks; ++i) {
    const double nll = 2 + (loss > 0 ? loss + (i / measurement::kQualityGroups % 2 == 0 ? 0.005 : -0.005) : 0);
    const auto print = static_cast<std::uint16_t>(loss > 0 ? i : i + 100);
    quality.blocks.push_back({measurement::TextKind::kLong, 1, nll, {print, print, print}, std::nullopt});
  }
  return quality;
}

}  // namespace autotune::report
