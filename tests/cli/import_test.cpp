#include "cli/import.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "operator/api/autotune_task.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using text::ParseYaml;

std::string Fixture(const std::string& name) {
  std::ifstream file(TESTDATA_DIR "/cli/predecessor/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Imported {
  json spec, metadata;
  std::vector<std::string> notes;
};

Imported ImportOk(const std::string& text) {
  const auto result = Import(text);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  if (!result) return {};
  const auto documents = ParseYaml(result->yaml, "imported");
  EXPECT_TRUE(documents.ok());
  // What is written is a task, by the reader that everything else uses.
  EXPECT_TRUE(api::TaskFromJson((*documents)[0]).ok());
  return {(*documents)[0]["spec"], (*documents)[0]["metadata"], result->notes};
}

// The smallest file, with one key set.
std::string With(const std::string& pointer, const std::string& value) {
  json task =
      json::parse(R"({"task_name": "t", "model": {"id_or_path": "a/b"}, "base_runtime": "vllm", "parameters": {}})");
  task[json::json_pointer(pointer)] = json::parse(value);
  return task.dump();
}

TEST(Import, ReadsATaskOfOnePreset) {
  const Imported imported = ImportOk(Fixture("preset.json"));
  EXPECT_EQ(imported.metadata, json::parse(R"({"name": "llama-kv-fp8", "namespace": "autotuner"})"));
  EXPECT_EQ(imported.spec, json::parse(R"j({
    "description": "quick start",
    "model": {"idOrPath": "meta-llama/Llama-3.1-8B-Instruct"},
    "runtimes": [{"name": "sglang", "engine": "sglang", "image": "lmsysorg/sglang:v0.5.15"}],
    "quantConfig": {"preset": "kv-cache-fp8"},
    "optimization": {"strategy": "Grid", "objective": "MinimizeLatency", "maxExperiments": 8,
                     "startupTimeout": "10m", "experimentTimeout": "10m"},
    "benchmark": {"scenarios": ["D(100,100)"], "load": {"concurrency": [1, 4]}, "duration": "2m"
}
, "slo" : {
  "e2eLatency" : {"p90" : "5000ms", "p99" : "10000ms"}, "ttft" : { "mean" : "250ms" }
}
})j"));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("fp8_e5m2")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("hard_fail")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("minutes")));
  EXPECT_THAT(imported.notes, Not(Contains(HasSubstr("temperature"))));
}

TEST(Import, ReadsATaskOfFourFieldsWithListsAsASweep) {
  const Imported imported = ImportOk(Fixture("custom.json"));
  EXPECT_EQ(imported.metadata["name"], "custom-four-fields");
  EXPECT_EQ(imported.spec["model"], json::parse(R"({
    "idOrPath": "/llama-3.1-8b", "quantization": "awq",
    "volume": {"persistentVolumeClaim": {"claimName": "models", "subPath": "meta"}}
  })"));
  EXPECT_EQ(imported.spec["quantConfig"],
            json::parse(R"({"sweep": {"gemmDtype": ["auto"], "kvcacheDtype": ["auto", "fp8"]}})"));
  EXPECT_EQ(
      imported.spec["parameters"],
      json::parse(R"({"tensor-parallel-size": [1, 2], "max-num-seqs": [64, 128], "gpu-memory-utilization": 0.9})"));
  EXPECT_FALSE(imported.spec["optimization"].contains("strategy"));
  EXPECT_EQ(imported.spec["optimization"]["maxExperiments"], 100) << "the predecessor's default";
  EXPECT_EQ(imported.spec["benchmark"]["duration"], "10m") << "the predecessor's default";
  EXPECT_THAT(imported.notes, Contains(HasSubstr("bayesian")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("parameters.block-size: an empty list")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("n_initial_random")));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("additional_params.temperature: 0.7")));
}

TEST(Import, ReadsATaskOfSeveralPresets) {
  const Imported imported = ImportOk(Fixture("presets.json"));
  EXPECT_EQ(imported.spec["baseRuntime"], "vllm");
  EXPECT_EQ(imported.spec["quantConfig"],
            json::parse(R"({"presets": ["default", "kv-cache-fp8", "dynamic-fp8", "bf16-stable"]})"));
  EXPECT_EQ(imported.spec["parallelConfig"],
            json::parse(R"({"tensorParallel": [2], "pipelineParallel": [1], "dataParallel": [8]})"));
  EXPECT_EQ(imported.spec["parameters"], json::parse(R"({"enable-expert-parallel": true})"));
  EXPECT_EQ(imported.spec["optimization"]["maxExperiments"], 256);
  EXPECT_THAT(imported.notes, Contains(HasSubstr("dataset_url")));
}

TEST(Import, LetsExplicitFieldsOverrideAPreset) {
  const Imported scalar = ImportOk(With("/quant_config", R"({"preset": "bf16-stable", "kvcache_dtype": "fp8_e4m3"})"));
  EXPECT_EQ(scalar.spec["quantConfig"], json::parse(R"({"preset": "bf16-stable", "kvcacheDtype": "fp8_e4m3"})"));
  const Imported list =
      ImportOk(With("/quant_config", R"({"preset": "bf16-stable", "kvcache_dtype": ["auto", "fp8"]})"));
  EXPECT_EQ(list.spec["quantConfig"],
            json::parse(R"({"sweep": {"gemmDtype": ["bfloat16"], "kvcacheDtype": ["auto", "fp8"]}})"));
}

TEST(Import, WritesNoQuantizationWhereThereWasNone) {
  EXPECT_FALSE(ImportOk(With("/quant_config", "{}")).spec.contains("quantConfig"));
  EXPECT_THAT(ImportOk(With("/quant_config", R"({"presets": ["default"]})")).notes,
              Not(Contains(HasSubstr("fp8_e5m2"))));
}

TEST(Import, KnowsTheNamesOfTheEngines) {
  for (const auto& [name, engine] : {std::pair("vllm", "vllm"),
                                     {"SGLang", "sglang"},
                                     {"tensorrt_llm", "tensorrt-llm"},
                                     {"trtllm", "tensorrt-llm"},
                                     {"tensorrt-llm", "tensorrt-llm"}}) {
    EXPECT_EQ(ImportOk(With("/base_runtime", json(name).dump())).spec["baseRuntime"], engine) << name;
  }
}

TEST(Import, TakesATemplateVariableForTheFlagItStoodFor) {
  json task = json::parse(With("/base_runtime", R"("sglang")"));
  task["parameters"] = json::parse(
      R"({"tp_size": [1], "mem_frac": [0.8, 0.9], "max_total_tokens": [4096], "--schedule-policy": ["lpm", "fcfs"],
          "chunked_prefill_size": {"type": "integer", "low": 1, "high": 3}})");
  EXPECT_EQ(ImportOk(task.dump()).spec["parameters"],
            json::parse(R"({"tp-size": 1, "mem-fraction-static": [0.8, 0.9], "max-total-tokens": 4096,
                            "schedule-policy": ["lpm", "fcfs"], "chunked-prefill-size": [1, 2, 3]})"));
}

TEST(Import, ReadsALocalNameAsAPathBelowTheOldBaseDirectory) {
  const Imported imported = ImportOk(With("/model", R"({"id_or_path": "llama-3-2-1b-instruct"})"));
  EXPECT_EQ(
      imported.spec["model"],
      json::parse(R"({"idOrPath": "/llama-3-2-1b-instruct", "volume": {"hostPath": {"path": "/mnt/data/models"}}})"));
  EXPECT_THAT(imported.notes, Contains(HasSubstr("/mnt/data/models")));
}

TEST(Import, RefusesByNameWhatItCannotCarryOver) {
  const struct {
    const char* pointer;
    const char* value;
    const char* message;
  } rows[] = {
      {"/task_name", R"("")", "task_name: is required"},
      {"/task_nam", "1", "task_nam: is not a supported key"},
      {"/base_runtime", R"("llama-3-2-1b-instruct-rt")",
       "base_runtime: \"llama-3-2-1b-instruct-rt\" is an OME ClusterServingRuntime"},
      {"/base_runtime", "null", "base_runtime: is required"},
      {"/model", "{}", "model.id_or_path: is required"},
      {"/model/quantization", R"("magic")", "model.quantization: "},
      {"/parameters/mem-fraction-static", "[0.8]", "parameters.mem-fraction-static: vLLM "},
      {"/parameters/port", "[8000]", "parameters.port: cannot be a parameter: the operator sets it itself"},
      {"/parameters/max-num-seqs", R"({"type": "continuous", "low": 1, "high": 9})",
       "parameters.max-num-seqs: a range"},
      {"/parameters/max-num-seqs", R"({"type": "integer", "low": 1, "high": 1e9})", "parameters.max-num-seqs: a range"},
      {"/parameters", R"({"max-num-seqs": [1], "max_num_seqs": [2]})",
       "parameters.max_num_seqs: the flag max-num-seqs is listed twice"},
      {"/quant_config", R"({"method": "fp8"})", "quant_config.method: is not a supported key"},
      {"/quant_config", R"({"presets": ["universal-fp8"]})", "quant_config.presets: \"universal-fp8\" is not a preset"},
      {"/quant_config", R"({"gemm_dtype": "fp9"})", "the converted task is not a valid AutotuneTask: spec.quantC"},
      {"/parallel_config", R"({"presets": ["single-gpu", "balanced"]})", "parallel_config.presets: several presets"},
      {"/parallel_config", R"({"presets": ["huge"]})", "parallel_config.presets: \"huge\" is not a parallel preset"},
      {"/parallel_config", R"({"moe_dense_tp": 2})", "parallel_config.moe_dense_tp: vLLM "},
      {"/optimization", R"({"strategy": "balanced"})", "optimization.strategy: \"balanced\" is not one of"},
      {"/optimization", R"({"objective": "fastest"})", "optimization.objective: \"fastest\" is not one of"},
      {"/optimization", R"({"timeout_per_iteration": "soon"})", "optimization.timeout_per_iteration: \"soon\" is not"},
      {"/benchmark", R"({"task": "text-to-image"})", "benchmark.task: \"text-to-image\""},
      {"/benchmark", R"j({"traffic_scenarios": ["E(512)"]})j", "benchmark.traffic_scenarios: \"E(512)\""},
      {"/slo", R"({"ttft": {"threshold": 0}})", "slo.ttft.threshold: is not a number of seconds above zero"},
      {"/slo", R"({"latency": {"p75": {"threshold": 1}}})", "slo.latency.p75: is not one of p50, p90, p99"},
      {"/storage", R"({"type": "nfs"})", "storage.type: \"nfs\" is not pvc"},
  };
  for (const auto& row : rows) {
    const auto result = Import(With(row.pointer, row.value));
    ASSERT_FALSE(result.ok()) << row.pointer << " = " << row.value;
    EXPECT_THAT(result.error().message, ::testing::StartsWith(row.message)) << row.pointer << " = " << row.value;
  }
  EXPECT_EQ(Import("task_name: yaml").error().message, "not JSON, the format of task files of inference-autotuner");
  EXPECT_EQ(Import("[]").error().message, "the file: is not an object");
}

}  // namespace
}  // namespace autotune::cli
