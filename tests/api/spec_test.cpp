#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "operator/api/autotune_task.h"
#include "tests/api/full_task.h"
#include "tests/api/schema.h"

namespace autotune::api {
namespace {

const json kMinimal = {{"model", {{"idOrPath", "a/b"}}}, {"baseRuntime", "vllm"}};

TEST(TaskFromJson, GivesBackEveryFieldOfAFullSpec) {
  for (const json& spec : FullSpecs()) {
    const json object = TaskObject(spec);
    const auto task = TaskFromJson(object);
    ASSERT_TRUE(task.ok()) << task.error().message;
    const json back = ToJson(*task);
    EXPECT_EQ(back["spec"], spec) << json::diff(spec, back["spec"]).dump(1);
    EXPECT_EQ(back["metadata"], object["metadata"]);
  }
}

TEST(TaskFromJson, FillsInWhatTheApiServerFillsIn) {
  json object = TaskObject(kMinimal);
  const auto bare = TaskFromJson(object);
  ASSERT_TRUE(bare.ok()) << bare.error().message;
  ApplyDefaults(LoadSchema(), object);
  const auto defaulted = TaskFromJson(object);
  ASSERT_TRUE(defaulted.ok()) << defaulted.error().message;
  EXPECT_EQ(ToJson(*bare), ToJson(*defaulted));

  // ... and no default is the code's alone: what it writes for the bare task is what the schema has put there, but for
  // the hub's endpoint and the resource of the GPUs, which the schema sets only where huggingFace and gpu are there.
  json spec = ToJson(bare->spec);
  EXPECT_EQ(spec["model"]["huggingFace"]["endpoint"], "https://huggingface.co");
  spec["model"].erase("huggingFace");
  EXPECT_EQ(spec["gpu"], json({{"resourceName", "nvidia.com/gpu"}}));
  spec.erase("gpu");
  const json written = spec.flatten(), expected = object["spec"].flatten();
  for (const auto& [path, value] : expected.items()) EXPECT_TRUE(written.contains(path)) << path << " = " << value;
  for (const auto& [path, value] : written.items()) EXPECT_TRUE(expected.contains(path)) << path << " = " << value;
}

TEST(TaskFromJson, TakesNullForAbsent) {
  json object = TaskObject(kMinimal);
  object["spec"]["gpu"] = nullptr;
  object["spec"]["quantConfig"] = {{"preset", nullptr}};
  object["spec"]["runtimes"] = nullptr;
  const auto task = TaskFromJson(object);
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->spec.gpus.front().resource_name, "nvidia.com/gpu");
  EXPECT_FALSE(task->spec.quant.preset.has_value());
}

TEST(TaskFromJson, KnowsThatATaskIsBeingDeleted) {
  json object = TaskObject(kMinimal);
  EXPECT_FALSE(TaskFromJson(object)->metadata.deleting);
  object["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z";
  EXPECT_TRUE(TaskFromJson(object)->metadata.deleting);
}

TEST(TaskFromJson, ReadsAListAsAnAxisAndAListInAListAsAListValue) {
  json spec = kMinimal;
  spec["parameters"] = json::parse(R"({"a": [1, 2], "b": 1, "c": [[1, 2], [4]], "d": {"unset": true}, "e": "0.90"})");
  const auto task = TaskFromJson(TaskObject(spec));
  ASSERT_TRUE(task.ok()) << task.error().message;
  const auto& parameters = task->spec.parameters;
  EXPECT_EQ(parameters.at("a").size(), 2U);
  EXPECT_EQ(parameters.at("b"), std::vector{quant::FlagValue::Number("1")});
  ASSERT_EQ(parameters.at("c").size(), 2U);
  EXPECT_EQ(parameters.at("c")[0].items, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(parameters.at("d"), std::vector{quant::FlagValue::Unset()});
  EXPECT_EQ(parameters.at("e"), std::vector{quant::FlagValue::Number("0.9")});
}

TEST(TaskFromJson, ReadsSeveralCheckpointsAndOneAsTheOnlyOne) {
  const auto one = TaskFromJson(TaskObject(kMinimal));
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->spec.models.size(), 1U);
  EXPECT_EQ(ModelPath(one->spec, 0), "spec.model");
  json spec = kMinimal;
  spec.erase("model");
  spec["models"] = json::parse(R"([{"name": "bf16", "idOrPath": "org/m"},
                                   {"name": "awq", "idOrPath": "org/m-awq", "revision": "v2", "reference": true}])");
  const auto several = TaskFromJson(TaskObject(spec));
  ASSERT_TRUE(several.ok()) << several.error().message;
  EXPECT_EQ(ReferenceModel(several->spec), 1U);
  EXPECT_EQ(ModelTitle(several->spec, 1), "spec.models[1] (awq)");
  EXPECT_EQ(FindModel(several->spec, "awq"), 1U);
  EXPECT_EQ(FindModel(several->spec, "fp8"), std::nullopt);
}

TEST(TaskFromJson, NamesTheCheckpointThatIsWrong) {
  const struct {
    const char* models;
    const char* message;
  } rows[] = {
      {"[]", "spec.models: must have at least one entry"},
      {R"([{"idOrPath": "org/m"}])", "spec.models[0].name: is required"},
      {R"([{"name": "A B", "idOrPath": "org/m"}])", "spec.models[0].name: \"A B\" is not a name"},
      {R"([{"name": "a", "idOrPath": "org/m"}, {"name": "a", "idOrPath": "org/n"}])",
       "spec.models[1].name: \"a\" is listed twice"},
      {R"([{"name": "a", "idOrPath": "org/m"}, {"name": "b", "idOrPath": "org/m", "quantization": "awq"}])",
       "spec.models[1].idOrPath: \"org/m\" is already listed as checkpoint \"a\""},
      {R"([{"name": "a", "idOrPath": "org/m"}, {"name": "b", "idOrPath": "org/m", "revision": "main"}])",
       "spec.models[1].idOrPath: \"org/m\" is already listed as checkpoint \"a\""},
      {R"([{"name": "a", "idOrPath": "org/m", "reference": true}, {"name": "b", "idOrPath": "org/n", "reference": true}])",
       "spec.models[1].reference: \"a\" is already the reference"},
      {R"([{"name": "a", "idOrPath": "org/m", "volume": {"hostPath": {"path": "/m"}}}])",
       "spec.models[0].idOrPath: must be an absolute path, because spec.models[0].volume is set"},
  };
  for (const auto& row : rows) {
    json spec = kMinimal;
    spec.erase("model");
    spec["models"] = json::parse(row.models);
    const auto task = TaskFromJson(TaskObject(spec));
    ASSERT_FALSE(task.ok()) << row.models;
    EXPECT_TRUE(task.error().message.starts_with(row.message)) << task.error().message;
  }
  json both = kMinimal;
  both["models"] = json::parse(R"([{"name": "a", "idOrPath": "org/m"}])");
  EXPECT_EQ(TaskFromJson(TaskObject(both)).error().message, "spec: set exactly one of model and models");
}

// One field wrong, and the message begins with its path.
TEST(TaskFromJson, NamesThePathOfWhatIsWrong) {
  const struct {
    const char* pointer;
    const char* value;
    const char* message;
  } rows[] = {
      {"/apiVersion", R"("v1")", "apiVersion: \"v1\" is not autotuner.io/v1alpha1"},
      {"/kind", R"("Pod")", "kind: \"Pod\" is not AutotuneTask"},
      {"/metadata/name", "null", "metadata.name: is required"},
      {"/spec", "null", "spec: is required"},
      {"/spec", "[]", "spec: expected an object, got a list"},
      {"/spec/model", "null", "spec.model: set exactly one of model and models"},
      {"/spec/model/idOrPath", "7", "spec.model.idOrPath: expected a string, got an integer"},
      {"/spec/model/volume", "{}", "spec.model.volume: set exactly one of"},
      {"/spec/model/volume", R"({"hostPath": {"path": "/a"}, "image": {"reference": "b"}})",
       "spec.model.volume: set exactly one of"},
      {"/spec/model/volume", R"({"nfs": {}})", "spec.model.volume"},
      {"/spec/model/huggingFace", R"({"endpoint": "ftp://x"})", "spec.model.huggingFace.endpoint: \"ftp://x\""},
      {"/spec/model/huggingFace", R"({"tokenSecretRef": {}})",
       "spec.model.huggingFace.tokenSecretRef.name: is required"},
      {"/spec/baseRuntime", R"("VLLM")", "spec.baseRuntime: \"VLLM\" is not one of vllm, sglang, tensorrt-llm"},
      {"/spec/baseRuntime", "null", "spec: set exactly one of baseRuntime and runtimes"},
      {"/spec/runtimes", R"([{"name": "a", "engine": "vllm"}])", "spec: set exactly one of baseRuntime and runtimes"},
      {"/spec/parallelism", "0", "spec.parallelism: 0 is not between 1 and 64"},
      {"/spec/parallelism", "41", "spec.parallelism: 41 is more than optimization.maxExperiments (40)"},
      {"/spec/parallelism", "18446744073709551615", "spec.parallelism: 18446744073709551615 is not between"},
      {"/spec/paralellism", "1", "spec.paralellism: unknown field; known fields are "},
      {"/spec/gpu", R"({"minMemory": "lots"})", "spec.gpu.minMemory: \"lots\""},
      {"/spec/gpu", R"({"minComputeCapability": "sm_90"})", "spec.gpu.minComputeCapability: \"sm_90\""},
      {"/spec/gpu", R"({"tolerations": {}})", "spec.gpu.tolerations: expected a list, got an object"},
      {"/spec/gpu", R"({"pricePerHour": 2.5})", "spec.gpu.pricePerHour: expected a decimal in quotes, got a number"},
      {"/spec/gpu", R"({"products": ["a", 7]})", "spec.gpu.products[1]: expected a string, got an integer"},
      {"/spec/quantConfig", R"({"gemmDtype": "fp9"})", "spec.quantConfig.gemmDtype: \"fp9\" is not one of auto, "},
      {"/spec/quantConfig", R"({"presets": ["default", "fast"]})", "spec.quantConfig.presets[1]: \"fast\" is not one"},
      {"/spec/quantConfig", R"({"presets": ["default", "default"]})",
       "spec.quantConfig.presets[1]: \"default\" is listed twice"},
      {"/spec/quantConfig", R"({"preset": "default", "presets": ["default"]})", "spec.quantConfig: preset and presets"},
      {"/spec/quantConfig", R"({"custom": [{"name": "default"}]})", "spec.quantConfig.custom[0].name: \"default\""},
      {"/spec/quantConfig", R"({"custom": [{"name": "a"}, {"name": "a"}]})", "spec.quantConfig.custom[1].name: \"a\""},
      {"/spec/quantConfig", R"({"custom": [{"name": "a"}], "moeDtype": "auto"})", "spec.quantConfig: the four fields"},
      {"/spec/quantConfig", R"({"sweep": {"moeDtype": ["auto", "fp4"]}})",
       "spec.quantConfig.sweep.moeDtype[1]: \"fp4\""},
      {"/spec/quantConfig", R"({"sweep": {"moeDtype": []}})", "spec.quantConfig.sweep.moeDtype: is empty"},
      {"/spec/quantConfig", R"({"sweep": {}})", "spec.quantConfig.sweep: must set at least one field"},
      {"/spec/quantConfig", R"({"sweep": {"moeDtype": ["auto"]}, "preset": "default"})",
       "spec.quantConfig: sweep excl"},
      {"/spec/parameters", R"({"-": 1})", "spec.parameters.-: is not the name of an engine flag"},
      {"/spec/parameters", R"({"a b": 1})", "spec.parameters.a b: is not the name of an engine flag"},
      {"/spec/parameters", R"({"tp": []})", "spec.parameters.tp: is an empty list"},
      {"/spec/parallelConfig", R"({"tensorParallel": [1, "2"]})",
       "spec.parallelConfig.tensorParallel[1]: \"2\" is not"},
      {"/spec/optimization", R"({"objective": "MaximizeProfit"})", "spec.optimization.objective: \"MaximizeProfit\""},
      {"/spec/optimization", R"({"maxExperiments": 257})",
       "spec.optimization.maxExperiments: 257 is not between 1 and"},
      {"/spec/optimization", R"({"startupTimeout": "soon"})",
       "spec.optimization.startupTimeout: \"soon\" is not a dur"},
      {"/spec/optimization", R"({"startupTimeout": "1500ms"})",
       "spec.optimization.startupTimeout: \"1500ms\" is not a"},
      {"/spec/optimization", R"({"startupTimeout": "0s"})",
       "spec.optimization.startupTimeout: \"0s\" is not between 1s"},
      {"/spec/slo", R"({"ttft": {"p75": "1s"}})",
       "spec.slo.ttft.p75: unknown field; known fields are mean, p50, p90, p95, p"},
      {"/spec/slo", R"({"ttft": {"p50": "0s"}})", "spec.slo.ttft.p50: must be more than zero"},
      {"/spec/slo", R"({"errorRate": "1.5"})", "spec.slo.errorRate: \"1.5\" is not between 0 and 1"},
      {"/spec/benchmark", R"j({"scenarios": ["N(1,2)"]})j",
       "spec.benchmark.scenarios[0]: \"N(1,2)\" is not a scenario"},
      {"/spec/benchmark", R"({"scenarios": []})", "spec.benchmark.scenarios: is empty"},
      {"/spec/benchmark", R"({"load": {"concurrency": [8, 4]}})",
       "spec.benchmark.load.concurrency: loads must be in ascending order"},
      {"/spec/benchmark", R"j({"scenarios": ["D(1,1)", "D(2,2)", "D(3,3)", "D(4,4)", "D(5,5)"]})j",
       "spec.benchmark: scenarios times loads are 15, more than 12"},
      {"/spec/benchmark", R"({"load": {"requestRate": ["2", "1"]}})",
       "spec.benchmark.load.requestRate: loads must be in asc"},
      {"/spec/benchmark", R"({"load": {"requestRate": ["0"]}})",
       "spec.benchmark.load.requestRate[0]: \"0\" is not a rate"},
      {"/spec/benchmark", R"({"load": {"auto": {}, "concurrency": [1]}})", "spec.benchmark.load: set at most one of"},
      {"/spec/benchmark", R"({"dataset": {"format": "JSONL"}})",
       "spec.benchmark.dataset: set exactly one of configMap"},
      {"/spec/benchmark", R"({"arrival": {"process": "Trace"}})", "spec.benchmark.arrival: process Trace requires"},
      {"/spec/benchmark", R"({"arrival": {"burstiness": "2"}})", "spec.benchmark.arrival.burstiness: requires process"},
      {"/spec/benchmark", R"({"arrival": {"process": "Gamma", "burstiness": "0.001"}})",
       "spec.benchmark.arrival.burstiness: must be at least 0.01"},
      {"/spec/benchmark", R"({"load": {"requestRate": ["99999999"]}})",
       "spec.benchmark.load.requestRate[0]: \"99999999\" is not a rate in requests/s such as \"2.5\", above 0 and up "
       "to 1000000"},
      {"/spec/slo", R"({"attainment": "0.9"})", "spec.slo.attainment: requires a limit"},
      {"/spec/podTemplate", R"({"labels": {"a": 1}})", "spec.podTemplate.labels.a: expected a string, got an integer"},
      {"/spec/podTemplate", R"({"labels": {"autotuner.io/x": "1"}})", "spec.podTemplate.labels.autotuner.io/x: "},
      {"/spec/recommendation", R"({"targets": ["Helm"]})",
       "spec.recommendation.targets[0]: \"Helm\" is not one of Deployment, LLM"},
      {"/spec/recommendation", R"({"diffAgainst": {"container": "engine"}})",
       "spec.recommendation.diffAgainst.deployment"},
      {"/spec/recommendation", R"({"targets": []})", "spec.recommendation.targets: must have at least one entry"},
      {"/spec/keepPods", R"("Sometimes")", "spec.keepPods: \"Sometimes\" is not one of Never, OnFailure, Always"},
      {"/spec/retention", R"({"task": "0s"})", "spec.retention.task: \"0s\" is not between 1s and 8736h"},
      {"/spec/retention", R"({"pods": "8737h"})", "spec.retention.pods: \"8737h\" is not between 0s and 8736h"},
  };
  for (const auto& row : rows) {
    json object = TaskObject(kMinimal);
    object[json::json_pointer(row.pointer)] = json::parse(row.value);
    const auto task = TaskFromJson(object);
    ASSERT_FALSE(task.ok()) << row.pointer << " = " << row.value;
    EXPECT_EQ(task.error().code, base::Code::kInvalid);
    EXPECT_TRUE(task.error().message.starts_with(row.message))
        << row.pointer << " = " << row.value << "\n  got " << task.error().message << "\n  not " << row.message;
  }
}

TEST(TaskFromJson, RefusesAResourceThatTheOperatorComputes) {
  json spec = {{"model", {{"idOrPath", "a/b"}}},
               {"gpu", {{"resourceName", "amd.com/gpu"}}},
               {"runtimes", {{{"name", "a"}, {"engine", "vllm"}, {"resources", {{"limits", {{"amd.com/gpu", 1}}}}}}}}};
  const auto task = TaskFromJson(TaskObject(spec));
  ASSERT_FALSE(task.ok());
  EXPECT_TRUE(task.error().message.starts_with("spec.runtimes[0].resources.limits.amd.com/gpu: "))
      << task.error().message;
  spec["gpu"]["resourceName"] = "nvidia.com/gpu";
  EXPECT_TRUE(TaskFromJson(TaskObject(spec)).ok());
}

TEST(TaskFromJson, NeverThrowsWhateverTypeAFieldHas) {
  for (const json& full : FullSpecs()) {
    const json flat = full.flatten();
    for (const auto& [path, value] : flat.items()) {
      for (const json& wrong : {json(nullptr), json(true), json(-1), json(1e300), json("x"), json::array({json()}),
                                json::object({{"x", 1}})}) {
        // Every ancestor of the leaf in turn, too.
        for (std::string at = path; !at.empty(); at.resize(at.rfind('/'))) {
          json object = TaskObject(full);
          object["spec"][json::json_pointer(at)] = wrong;
          EXPECT_NO_THROW((void)TaskFromJson(object)) << at << " = " << wrong;
        }
      }
    }
  }
}

std::vector<std::filesystem::path> Manifests(const std::string& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// What the API server refuses is refused here too, or the file says why not.
TEST(TaskFromJson, RefusesTheManifestsThatTheApiServerRefuses) {
  const auto paths = Manifests(TESTDATA_DIR "/manifests/invalid");
  EXPECT_GE(paths.size(), 60U);
  for (const auto& path : paths) {
    std::ifstream file(path);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const bool server_only = text.find("\n# server-only: ") != std::string::npos;
    const auto task = TaskFromJson(LoadYaml(path));
    EXPECT_EQ(task.ok(), server_only) << path.filename() << (task.ok() ? "" : ": " + task.error().message);
  }
}

TEST(TaskFromJson, TakesEveryExample) {
  const auto paths = Manifests(TESTDATA_DIR "/../examples");
  EXPECT_GE(paths.size(), 10U);
  for (const auto& path : paths) {
    const auto task = TaskFromJson(LoadYaml(path));
    EXPECT_TRUE(task.ok()) << path.filename() << ": " << task.error().message;
  }
}

}  // namespace
}  // namespace autotune::api
