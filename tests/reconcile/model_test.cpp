// A model-based test: whatever a user edits, the API server refuses, nodes do or an upgrade changes, in whatever order,
// a task ends with the answer that a fresh task with the same spec comes to, or says why not.
//
// AUTOTUNE_MODEL_SEQUENCES sets how many random sequences run (default 60), AUTOTUNE_MODEL_SEED the first one's seed. A
// failure names its seed: AUTOTUNE_MODEL_SEED=<it> AUTOTUNE_MODEL_SEQUENCES=1 runs it alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "operator/reconcile/observed_task.h"
#include "tests/api/schema.h"
#include "tests/reconcile/fake_cluster.h"
#include "tests/temporary_directory.h"
#include "tuning/candidate.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using std::chrono::seconds;

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// ---- The machine: what a pod measures depends on what it runs and on nothing else
// ------------------------------------

bool IsInspect(const json& pod) { return pod["metadata"]["labels"][experiment::kRoleLabel] == "inspect"; }

std::string ProductOf(const std::string& node) {
  return node.starts_with("h200") ? "NVIDIA-H200" : "NVIDIA-H100-80GB-HBM3";
}

// What the spec says of a measurement and the pod does not show, or not alone, on the pod.
constexpr const char* kSpecAnnotation = "test/spec";
void NoteSpec(json spec, json& pod) {
  json noted = json::object();
  for (const json& type : spec.value("gpus", json::array())) {
    if (type["name"] == pod["metadata"]["labels"].value(experiment::kGpuLabel, "")) spec["gpu"] = type;
  }
  for (const char* field :
       {"/gpu/resourceName", "/gpu/products", "/gpu/minMemory", "/gpu/minComputeCapability", "/gpu/nodeSelector",
        "/gpu/affinity", "/gpu/runtimeClassName", "/model/volume", "/benchmark/image", "/benchmark/env",
        "/benchmark/dataset", "/podTemplate/volumes", "/podTemplate/volumeMounts"}) {
    const json value = spec.value(json::json_pointer(field), json());
    if (!value.empty()) noted[field] = value;
  }
  if (json& volume = noted["/model/volume"]; volume.contains("image")) volume["image"].erase("pullPolicy");
  json& annotations = pod["metadata"]["annotations"];
  if (!annotations.contains(kSpecAnnotation)) annotations[kSpecAnnotation] = noted.dump();
}

// Everything of a pod that a measurement depends on.
std::uint64_t Digest(const json& pod, const std::string& product) {
  const json& engine = pod["spec"]["initContainers"][1];
  const json& bench = pod["spec"]["containers"][0];
  json spec;
  for (const json& word : bench["args"]) {
    if (word.get<std::string>().starts_with('{')) spec = json::parse(word.get<std::string>());
  }
  // Hints for finding the limit, from the facts and from what was measured before.
  for (const char* hint : {"experimentTimeoutMs", "vocabSize", "maxModelLen", "gpus", "scoreToBeat", "predictions",
                           "scoreToBeatCi", "allowedMs", "start", "confirms", "reference", "records"}) {
    spec.erase(hint);
  }
  // What is known of the baseline's quality only says when to stop reading the corpus.
  if (json& quality = spec["quality"]; quality.is_object()) {
    for (const char* hint : {"reference", "maxGrowth", "onlyCacheDiffers"}) quality.erase(hint);
  }
  if (spec["quality"].empty()) spec.erase("quality");  // the default
  // Bounds say which loads are measured only where those are searched.
  if (spec["load"].contains("fixed") && !spec.value("/slo/attainment"_json_pointer, json()).is_number())
    spec.erase("slo");
  // Token and cache decide whether and how fast the weights arrive.
  json env = json::array();
  for (const json& variable : engine.value("env", json::array())) {
    if (variable["name"] != "HF_TOKEN" && variable["name"] != "HF_HOME") env.push_back(variable);
  }
  // "main" is the revision that an engine loads without being told.
  std::vector<std::string> argv = EngineArgv(pod);
  if (const auto at = std::ranges::find(argv, "main"); at != argv.end() && at != argv.begin())
    argv.erase(at - 1, at + 1);
  const json measured = {engine["image"],
                         argv,
                         env,
                         engine["resources"],
                         engine.value("securityContext", json()),
                         spec,
                         bench["resources"],
                         pod["spec"].value("securityContext", json()),
                         pod["metadata"]["annotations"][kSpecAnnotation],
                         product};
  return std::stoull(base::Sha256Hex(measured.dump()).substr(0, 12), nullptr, 16);
}

bool IsRejected(std::uint64_t digest) { return digest % 11 == 0; }
int Speed(std::uint64_t digest) { return 500 + static_cast<int>(digest % 100'000); }

void EndWithResult(FakeCluster& cluster, json& pod) {
  if (IsInspect(pod)) {
    bench::InspectResult inspected;
    inspected.model.architecture = "LlamaForCausalLM";
    cluster.FinishInspect(pod, inspected, 0);
    return;
  }
  const std::uint64_t digest = Digest(pod, ProductOf(pod["spec"]["nodeName"]));
  if (IsRejected(digest)) {
    cluster.Finish(pod, FailureMessage(bench::FailureReason::kEngineRejectedConfiguration, "ValueError: no"), 10);
  } else {
    // As precise as the next one, so that bounds on quality change what is best.
    cluster.Finish(pod, ResultMessage(Speed(digest), 1 + static_cast<double>(digest % 7) / 100, ""), 0);
  }
}

json Node(const std::string& name) {
  return {{"metadata",
           {{"name", name},
            {"labels",
             {{"nvidia.com/gpu.product", ProductOf(name)},
              {"nvidia.com/gpu.memory", name.starts_with("h200") ? "143771" : "81559"},
              {"nvidia.com/gpu.compute.major", "9"},
              {"nvidia.com/gpu.compute.minor", "0"},
              {"pool", name.substr(0, 4)}}}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

bool Admits(const json& pod, const json& node) {
  if (node.value("/spec/unschedulable"_json_pointer, false)) return false;
  const json selector = pod["spec"].value("nodeSelector", json::object());
  for (const auto& [key, value] : selector.items()) {
    if (node["metadata"]["labels"].value(key, "") != value) return false;
  }
  const std::string affinity = pod["spec"].value("affinity", json()).dump();
  const std::string product = node["metadata"]["labels"]["nvidia.com/gpu.product"];
  return affinity.find("gpu.product") == std::string::npos || affinity.find(product) != std::string::npos;
}

// ---- Rules: of another version, and with another default image -----------------------------------------------------

const quant::RuleSet& RulesOf(int which) {
  static std::map<int, quant::RuleSet> sets;
  if (which == 0) return Rules();
  if (const auto found = sets.find(which); found != sets.end()) return found->second;
  const TemporaryDirectory directory;
  for (const char* name : {"vllm.yaml", "vllm.flags.yaml"}) {
    std::string text(quant::RuleSet::BuiltInFile(name).value());
    if (which == 2) {
      const std::string image = "image: vllm/vllm-openai:v0.24.0";
      if (const std::size_t at = text.find(image); at != std::string::npos) text.insert(at + image.size(), ".post1");
    }
    directory.Write(name, text + "# version " + std::to_string(which) + "\n");
  }
  auto rules = quant::RuleSet::FromDirectory(directory.path());
  if (!rules) throw std::runtime_error(rules.error().message);
  return sets.emplace(which, std::move(*rules)).first->second;
}

const quant::RuleSet* RulesOfVersion(const std::string& version) {
  for (int which = 0; which < 3; ++which) {
    if (RulesOf(which).version() == version) return &RulesOf(which);
  }
  return nullptr;
}

// ---- Edits: of each field of the schema, JSON merge patches with some of its values --------------------------------

const json& SpecEdits() {
  static const json edits = json::parse(R"json([
    [{"description": "text"}, {"description": "another"}, {"description": null}],
    [{"suspend": true}, {"suspend": false}],
    [{"suspend": true}, {"suspend": false}],
    [{"parallelism": 1}, {"parallelism": 2}, {"parallelism": 3}],
    [{"model": {"idOrPath": "org/a", "volume": null}}, {"model": {"idOrPath": "org/b", "volume": null}}],
    [{"model": {"idOrPath": "org/a", "volume": null}}, {"model": {"idOrPath": "org/b", "volume": null}}],
    [{"model": {"idOrPath": "/m/a", "volume": {"persistentVolumeClaim": {"claimName": "c", "subPath": "s"}, "image": null, "hostPath": null}}},
     {"model": {"idOrPath": "/m/a", "volume": {"image": {"reference": "models:1", "pullPolicy": "Always"}, "persistentVolumeClaim": null, "hostPath": null}}},
     {"model": {"idOrPath": "/m/a", "volume": {"image": {"reference": "models:1", "pullPolicy": "Never"}, "persistentVolumeClaim": null, "hostPath": null}}},
     {"model": {"idOrPath": "/m/a", "volume": {"hostPath": {"path": "/srv"}, "persistentVolumeClaim": null, "image": null}}}],
    [{"model": {"revision": "main"}}, {"model": {"revision": "v2"}}, {"model": {"revision": null}}],
    [{"model": {"facts": null}},
     {"model": {"facts": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": 4096,
       "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
       "vocab_size": 128256, "max_position_embeddings": 131072}}}],
    [{"model": {"quantization": "awq"}}, {"model": {"quantization": null}}],
    [{"model": {"huggingFace": {"tokenSecretRef": {"name": "hf", "key": "token"}}}},
     {"model": {"huggingFace": {"tokenSecretRef": {"name": "other", "key": "token"}}}},
     {"model": {"huggingFace": {"endpoint": "https://mirror.example"}}}, {"model": {"huggingFace": {"cacheClaim": "cache"}}},
     {"model": {"huggingFace": null}}],
    [{"model": null, "models": [{"name": "a", "idOrPath": "org/a"}, {"name": "b", "idOrPath": "org/b", "revision": "v2", "reference": true}]},
     {"model": null, "models": [{"name": "a", "idOrPath": "org/a"}, {"name": "b", "idOrPath": "org/b", "quantization": "awq",
       "huggingFace": {"tokenSecretRef": {"name": "hf", "key": "token"}, "endpoint": "https://mirror.example", "cacheClaim": "cache"}}]},
     {"model": null, "models": [{"name": "a", "idOrPath": "/m/a", "volume": {"persistentVolumeClaim": {"claimName": "c", "subPath": "s"}}},
       {"name": "b", "idOrPath": "/m/a", "volume": {"image": {"reference": "models:1", "pullPolicy": "Always"}}},
       {"name": "c", "idOrPath": "/m/a", "volume": {"hostPath": {"path": "/srv"}}},
       {"name": "d", "idOrPath": "org/a", "facts": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16"}}]},
     {"model": {"idOrPath": "org/a"}, "models": null}, {"model": {"idOrPath": "org/a"}, "models": null}],
    [{"baseRuntime": "sglang", "runtimes": null},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "image": "vllm/vllm-openai:v0.24.0"}]}],
    [{"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm"}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "image": "vllm/vllm-openai:v0.20.1"}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "image": "private:1", "version": "0.24.0"}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "version": "not a version"}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm"}, {"name": "sg", "engine": "sglang"}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "args": ["--enforce-eager"]}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "command": ["vllm", "serve", "{model}", "--port={port}", "{args}"]}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "env": [{"name": "A", "value": "1"}]}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "resources": {"limits": {"memory": "64Gi"}, "requests": {"cpu": "4"}}}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "securityContext": {"runAsUser": 1000}}]},
     {"baseRuntime": null, "runtimes": [{"name": "vllm", "engine": "vllm", "securityContext": {"privileged": true}}]}],
    [{"quantConfig": null}],
    [{"quantConfig": null}, {"quantConfig": {"presets": ["default"], "preset": null, "sweep": null, "custom": null}},
     {"quantConfig": {"presets": ["default", "kv-cache-fp8"], "preset": null, "sweep": null, "custom": null}},
     {"quantConfig": {"presets": ["default", "kv-cache-fp8", "dynamic-fp8"], "preset": null, "sweep": null, "custom": null}},
     {"quantConfig": {"preset": "kv-cache-fp8", "presets": null, "sweep": null, "custom": null}},
     {"quantConfig": {"sweep": {"gemmDtype": ["auto", "fp8"], "kvcacheDtype": ["auto", "fp8"], "attentionDtype": ["auto"], "moeDtype": ["auto"]},
       "presets": null, "preset": null, "custom": null}},
     {"quantConfig": {"custom": [{"name": "mine", "gemmDtype": "fp8", "kvcacheDtype": "auto", "attentionDtype": "auto", "moeDtype": "auto"}],
       "presets": null, "preset": null, "sweep": null}}],
    [{"quantConfig": {"gemmDtype": "fp8"}}, {"quantConfig": {"gemmDtype": "fp9"}}, {"quantConfig": {"gemmDtype": null}},
     {"quantConfig": {"kvcacheDtype": "fp8_e5m2"}}, {"quantConfig": {"attentionDtype": "fp8"}}, {"quantConfig": {"moeDtype": "int8"}}],
    [{"parameters": {"max-num-seqs": [64, 128]}}, {"parameters": {"max-num-seqs": [64]}}, {"parameters": null},
     {"parameters": {"no-such-flag": [1]}}],
    [{"parallelConfig": {"tensorParallel": [1, 2]}}, {"parallelConfig": {"pipelineParallel": [1]}},
     {"parallelConfig": {"dataParallel": [2]}}, {"parallelConfig": {"expertParallel": [1]}}, {"parallelConfig": null}],
    [{"gpu": {"products": null}}, {"gpu": {"products": ["NVIDIA-H200"]}}, {"gpu": {"products": ["NVIDIA-H100-80GB-HBM3"]}}],
    [{"gpu": {"nodeSelector": {"pool": "h200"}}}, {"gpu": {"nodeSelector": null}}],
    [{"gpu": {"resourceName": "nvidia.com/gpu.shared"}}, {"gpu": {"resourceName": null}}],
    [{"gpu": {"minMemory": "100Gi"}}, {"gpu": {"minMemory": "70Gi"}}, {"gpu": {"minMemory": null}}],
    [{"gpu": {"minComputeCapability": "8.0"}}, {"gpu": {"minComputeCapability": "9.9"}}, {"gpu": {"minComputeCapability": null}}],
    [{"gpu": {"tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5}]}}, {"gpu": {"tolerations": null}}],
    [{"gpu": {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}},
     {"gpu": {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}},
     {"gpu": {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}}, {"gpu": {"affinity": null}}],
    [{"gpu": {"runtimeClassName": "nvidia"}}, {"gpu": {"runtimeClassName": null}}],
    [{"gpu": {"priorityClassName": "low"}}, {"gpu": {"schedulerName": "kai"}}, {"gpu": {"queueName": "team"}},
     {"gpu": {"priorityClassName": null, "schedulerName": null, "queueName": null}}],
    [{"gpu": null, "gpus": [{"name": "h100", "products": ["NVIDIA-H100-80GB-HBM3"]}, {"name": "h200", "products": ["NVIDIA-H200"]}]},
     {"gpu": null, "gpus": [{"name": "h200", "products": ["NVIDIA-H200"], "pricePerHour": "3"}, {"name": "h100", "products": ["NVIDIA-H100-80GB-HBM3"], "pricePerHour": "2"}]},
     {"gpu": null, "gpus": [{"name": "h100", "nodeSelector": {"pool": "h100"}, "minComputeCapability": "8.0", "images": {"vllm": "vllm/vllm-openai:v0.20.1"}},
       {"name": "large", "minMemory": "100Gi", "resourceName": "nvidia.com/gpu", "priorityClassName": "low", "schedulerName": "kai", "queueName": "team",
        "runtimeClassName": "nvidia", "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}, "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
                     "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}]},
     {"gpu": null, "gpus": [{"name": "a"}, {"name": "b"}]},
     {"gpu": {}, "gpus": null}, {"gpu": {}, "gpus": null}],
    [{"gpu": {"pricePerHour": "2"}}, {"gpu": {"pricePerHour": "3"}}, {"gpu": {"pricePerHour": null}}],
    [{"optimization": {"strategy": "Adaptive"}}, {"optimization": {"strategy": "Grid"}}, {"optimization": {"strategy": "Grid"}},
     {"optimization": {"strategy": "Random"}}],
    [{"optimization": {"objective": "MaximizeThroughput"}}, {"optimization": {"objective": "MinimizeTPOT"}},
     {"optimization": {"objective": "MaximizeGoodput"}}, {"optimization": {"objective": "MinimizeCost"}}],
    [{"optimization": {"budget": {"gpuHours": "1"}}}, {"optimization": {"budget": {"deadline": "8h"}}}, {"optimization": {"budget": null}}],
    [{"optimization": {"maxExperiments": 1}}, {"optimization": {"maxExperiments": 3}}, {"optimization": {"maxExperiments": null}}],
    [{"optimization": {"seed": 2}}, {"optimization": {"seed": null}}],
    [{"optimization": {"baseline": {"preset": "kv-cache-fp8", "gpu": null, "runtime": null, "parameters": null, "command": null, "deploymentRef": null}}},
     {"optimization": {"baseline": {"runtime": "vllm", "parameters": {"max-num-seqs": 48}, "preset": null, "command": null, "deploymentRef": null}}},
     {"optimization": {"baseline": {"command": "vllm serve meta-llama/Llama-3.1-8B-Instruct --max-num-seqs 32", "runtime": null, "parameters": null, "preset": null, "deploymentRef": null}}},
     {"optimization": {"baseline": {"command": "vllm serve other | tee log", "runtime": null, "parameters": null, "preset": null, "deploymentRef": null}}},
     {"optimization": {"baseline": {"deploymentRef": {"name": "chat", "kind": "Deployment", "container": null}, "command": null, "runtime": null, "parameters": null, "preset": null}}},
     {"optimization": {"baseline": {"deploymentRef": {"name": "chat", "kind": "Deployment", "container": "server"}, "command": null, "runtime": null, "parameters": null, "preset": null}}},
     {"optimization": {"baseline": {"deploymentRef": {"name": "chat", "kind": "LeaderWorkerSet", "container": null}, "command": null, "runtime": null, "parameters": null, "preset": null}}},
     {"optimization": {"baseline": {"gpu": "h200", "deploymentRef": null, "command": null, "runtime": null, "parameters": null, "preset": null}}},
     {"optimization": {"baseline": null}}],
    [{"optimization": {"confirmations": 1}}, {"optimization": {"confirmations": 0}}, {"optimization": {"confirmations": null}}],
    [{"optimization": {"reuse": "Namespace"}}, {"optimization": {"reuse": "None"}}, {"optimization": {"reuse": null}}],
    [{"optimization": {"experimentTimeout": "1h"}}, {"optimization": {"startupTimeout": "20m"}},
     {"optimization": {"schedulingTimeout": "10m"}}, {"optimization": {"imagePullTimeout": "10m"}},
     {"optimization": {"experimentTimeout": null, "startupTimeout": null, "schedulingTimeout": null, "imagePullTimeout": null}}],
    [{"optimization": {"retries": 0}}, {"optimization": {"retries": 3}}, {"optimization": {"retries": null}}],
    [{"slo": {"tpot": {"p95": "1ms"}}}, {"slo": {"tpot": {"p95": "900ms"}}}, {"slo": {"ttft": {"p99": "1s"}}},
     {"slo": {"itl": {"p99": "1s"}}}, {"slo": {"e2eLatency": {"p90": "9s"}}}, {"slo": {"errorRate": "0.5"}}, {"slo": null}],
    [{"slo": {"ttft": {"p99": "1s"}, "attainment": "0.9"}}, {"slo": {"attainment": null}}],
    [{"quality": {"measure": "Off", "maxDegradation": null, "dataset": null}}, {"quality": {"maxDegradation": "0.01", "measure": null}},
     {"quality": {"measure": null, "dataset": {"configMap": {"name": "exam", "key": "a.jsonl"}, "persistentVolumeClaim": null, "answerTokens": 32}}},
     {"quality": {"measure": null, "dataset": {"configMap": null, "persistentVolumeClaim": {"claimName": "exam", "path": "a"}, "answerTokens": null}}},
     {"quality": null}],
    [{"benchmark": {"endpoint": "Chat"}}, {"benchmark": {"endpoint": null}}],
    [{"benchmark": {"scenarios": ["D(512,128)"], "dataset": null}}, {"benchmark": {"scenarios": ["D(64,16)"], "dataset": null}},
     {"benchmark": {"scenarios": null, "dataset": {"configMap": {"name": "data", "key": "a.jsonl"}, "persistentVolumeClaim": null, "format": "JSONL", "outputTokens": 64}}},
     {"benchmark": {"scenarios": null, "dataset": {"configMap": {"name": "more", "key": "a.jsonl"}, "persistentVolumeClaim": null, "format": "JSONL", "outputTokens": 64}}},
     {"benchmark": {"scenarios": null, "dataset": {"configMap": null, "persistentVolumeClaim": {"claimName": "data", "path": "a"}, "format": "ShareGPT", "outputTokens": null}}}],
    [{"benchmark": {"prefix": {"tokens": 64, "groups": 2}}}, {"benchmark": {"turns": {"mean": "2.5"}}}, {"benchmark": {"prefix": null, "turns": null}}],
    [{"benchmark": {"load": {"concurrency": [8], "auto": null, "requestRate": null}, "arrival": null}},
     {"benchmark": {"load": {"auto": {"by": "Concurrency", "max": 64, "resolution": "0.1"}, "concurrency": null, "requestRate": null}, "arrival": null}},
     {"benchmark": {"load": {"requestRate": ["2"], "auto": null, "concurrency": null}, "arrival": {"process": "Gamma", "burstiness": "0.5"}}},
     {"benchmark": {"load": null, "arrival": null}}],
    [{"benchmark": {"duration": "10s"}}, {"benchmark": {"duration": "20s"}}],
    [{"benchmark": {"drain": "10s"}}, {"benchmark": {"warmup": "5s"}}, {"benchmark": {"requestTimeout": "1m"}},
     {"benchmark": {"drain": null, "warmup": null, "requestTimeout": null}}],
    [{"benchmark": {"records": {"persistentVolumeClaim": {"claimName": "raw"}}}}, {"benchmark": {"records": null}}],
    [{"benchmark": {"seed": 2}}, {"benchmark": {"seed": null}}],
    [{"benchmark": {"image": "bench:2"}}, {"benchmark": {"image": null}}],
    [{"benchmark": {"resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}}}, {"benchmark": {"resources": null}}],
    [{"benchmark": {"env": [{"name": "TZ", "value": "UTC"}]}}, {"benchmark": {"env": null}}],
    [{"podTemplate": {"labels": {"team": "a"}}}, {"podTemplate": {"labels": {"team": "b"}}}, {"podTemplate": {"annotations": {"note": "x"}}}],
    [{"podTemplate": {"securityContext": {"fsGroup": 1000}}}, {"podTemplate": {"securityContext": null}}],
    [{"podTemplate": {"serviceAccountName": "default"}}, {"podTemplate": {"serviceAccountName": "admin"}}, {"podTemplate": {"serviceAccountName": null}}],
    [{"podTemplate": {"imagePullSecrets": [{"name": "registry"}]}}, {"podTemplate": {"imagePullSecrets": null}}],
    [{"podTemplate": {"volumes": [{"name": "scratch", "emptyDir": {}}], "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}},
     {"podTemplate": {"volumes": null, "volumeMounts": null}}],
    [{"recommendation": {"targets": ["LLMD", "Command"]}}, {"recommendation": null}],
    [{"recommendation": {"diffAgainst": {"deployment": "chat"}}}, {"recommendation": {"diffAgainst": {"deployment": "chat", "container": "x"}}},
     {"recommendation": {"diffAgainst": null}}],
    [{"keepPods": "Never"}, {"keepPods": "OnFailure"}, {"keepPods": "Always"}],
    [{"retention": {"pods": "0s"}}, {"retention": {"pods": "10m"}}, {"retention": {"task": "1h"}}, {"retention": null}]
  ])json");
  return edits;
}

TEST(Model, EditsEveryFieldOfTheSchema) {
  const json schema = api::LoadSchema()["properties"]["spec"];
  std::set<std::string> edited;
  for (const json& of_one_field : SpecEdits()) {
    for (const json& edit : of_one_field) edited.merge(api::LeafPaths(schema, edit, "spec"));
  }
  for (const std::string& path : api::LeafPaths(schema, "spec")) EXPECT_TRUE(edited.contains(path)) << path;
}

// What edits of deploymentRef name.
json Chat() {
  const json container = {{"name", "server"},
                          {"image", "vllm/vllm-openai:v0.22.0"},
                          {"resources", {{"limits", {{"memory", "64Gi"}, {"nvidia.com/gpu", 1}}}}},
                          {"args", {"--model", "meta-llama/Llama-3.1-8B-Instruct", "--max-num-seqs", "24"}}};
  return {{"kind", "Deployment"}, {"spec", {{"template", {{"spec", {{"containers", {container}}}}}}}}};
}

// ---- What a fresh task comes to ------------------------------------------------------------------------------------

struct Fresh {
  std::set<int> speeds;  // of all that is measured
  api::TaskStatus status;
};

std::vector<std::string> ProductsOf(const api::TaskStatus& status) {
  std::vector<std::string> products;
  for (const api::GpuStatus& gpu : status.gpus) products.push_back(gpu.product);
  return products;
}

// Nothing where the spec cannot be carried out on these GPUs, or they are not known. `products`: of its types.
std::optional<Fresh> RunFresh(json spec, const std::vector<std::string>& products, const quant::RuleSet& rules) {
  static std::map<std::string, std::optional<Fresh>> known;
  std::string all;
  for (const std::string& product : products) {
    if (product.empty()) return std::nullopt;
    all += product + " ";
  }
  spec["suspend"] = false;
  spec["parallelism"] = 16;
  // Which candidates an adaptive search measures depends on what it has seen. All of them are what it may report.
  if (spec["optimization"].value("strategy", "") != "Grid") {
    spec["optimization"]["strategy"] = "Grid";
    spec["optimization"]["maxExperiments"] = 256;
  }
  const std::string key = spec.dump() + all + rules.version();
  if (const auto found = known.find(key); found != known.end()) return found->second;
  json task = SmallTask();
  task["spec"] = spec;
  FakeCluster cluster(task);
  cluster.settings.rules = &rules;
  cluster.deployments["chat"] = Chat();
  for (const std::string name : {"h100-0", "h200-0"}) {
    if (std::ranges::find(products, ProductOf(name)) != products.end()) cluster.nodes.push_back(Node(name));
  }
  const json read = api::ToJson(cluster.Task().spec);
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    const auto node = std::ranges::find_if(self.nodes, [&](const json& one) { return Admits(pod, one); });
    pod["spec"]["nodeName"] = (node == self.nodes.end() ? self.nodes.front() : *node)["metadata"]["name"];
    NoteSpec(read, pod);
    EndWithResult(self, pod);
  });
  std::optional<Fresh> fresh = Fresh{{}, cluster.Task().status};
  for (const api::ExperimentStatus& entry : fresh->status.experiments) {
    if (entry.state != api::ExperimentState::kSucceeded) continue;
    fresh->speeds.insert(static_cast<int>(entry.loads.at(0).measured.output_tokens_per_second));
  }
  if (ProductsOf(fresh->status) != products || !fresh->status.expanded_for) fresh.reset();
  known[key] = fresh;
  return fresh;
}

// ---- A sequence ----------------------------------------------------------------------------------------------------

class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : random_(seed), cluster_(FirstTask()) {
    cluster_.deployments["chat"] = Chat();
    cluster_.nodes = {Node("h100-0"), Node("h200-0")};
    cluster_.clock.Advance(seconds(1));
    cluster_.admission = [this](const json& pod) { return OnCreate(pod); };
    cluster_.crash = [this](const std::string& what) {
      if (what == "status") before_write_ = cluster_.task;
      return crash_in_ > 0 && --crash_in_ == 0;
    };
  }

  void Run() {
    const int steps = static_cast<int>(Below(60)) + 20;
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      Happen();
      Look();
    }
    if (!testing::Test::HasFailure()) End();
    if (testing::Test::HasFailure()) {
      for (const std::string& line : log_) std::cerr << "  " << line << "\n";
      std::cerr << cluster_.task.dump(1) << "\n";
    }
  }

 private:
  std::uint64_t Below(std::uint64_t n) { return random_() % n; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  template <typename T>
  const T& OneOf(const std::vector<T>& of) {
    return of[Below(of.size())];
  }
  void Note(std::string line) { log_.push_back(base::FormatRfc3339(cluster_.clock.Wall()) + " " + std::move(line)); }

  json FirstTask() {
    json task = SmallTask();
    if (OneIn(3)) task["spec"]["model"] = {{"idOrPath", "org/a"}};
    if (OneIn(2)) task["spec"]["runtimes"][0].erase("image");
    task["spec"]["parallelism"] = 1 + Below(3);
    task["spec"]["optimization"]["strategy"] = OneIn(4) ? "Adaptive" : "Grid";
    return task;
  }

  // ---- What may happen ----

  void Edit() {
    const json before = cluster_.task["spec"];
    if (OneIn(5)) {
      cluster_.EditSpec([&](json& spec) { spec = OneOf(specs_); });  // somebody takes an edit back
    } else {
      const json& edits = SpecEdits();
      const json& of_one_field = edits[Below(edits.size())];
      cluster_.EditSpec([&](json& spec) { spec.merge_patch(of_one_field[Below(of_one_field.size())]); });
    }
    specs_.push_back(cluster_.task["spec"]);
    Note("edit: " + json::diff(before, cluster_.task["spec"]).dump());
    most_parallel_ = std::max(most_parallel_, cluster_.task["spec"].value("parallelism", 1));
  }

  void Refuse() {
    static const std::vector<base::Error> kRefusals = {
        {base::Code::kRetry, "pods is forbidden: User cannot create resource", std::nullopt, 403},
        {base::Code::kRetry, "Unauthorized", std::nullopt, 401},
        {base::Code::kRetry, "ValidatingAdmissionPolicy denied request", std::nullopt, 422},
        {base::Code::kRetry, "exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4", std::nullopt, 403},
        {base::Code::kInvalid, "Pod is invalid", std::nullopt, 422},
        {base::Code::kAlreadyExists, "exists and belongs to another object", std::nullopt, 409},
        {base::Code::kRetry, "the server is overloaded", std::nullopt, 503}};
    std::optional<base::Error> error;
    if (OneIn(2)) error = OneOf(kRefusals);
    const std::string words = error ? error->message : "nothing";
    switch (Below(4)) {
      case 0:
        refuse_ = error;
        Note("pods are refused: " + words);
        break;
      case 1:
        if (error) error->code = base::Code::kRetry;
        cluster_.refuse_deletes = error;
        Note("deletes are refused: " + words);
        break;
      case 2:
        cluster_.refuse_config_maps = error;
        Note("ConfigMaps are refused: " + words);
        break;
      default:
        if (error) error->code = base::Code::kRetry;
        cluster_.refuse_status = OneIn(2) ? error : std::nullopt;
        Note(std::string("status is refused: ") + (cluster_.refuse_status ? words : "nothing"));
    }
  }

  void Nodes() {
    const std::string name = OneOf(std::vector<std::string>{"h100-0", "h100-1", "h200-0", "h200-1"});
    const auto at = std::find_if(cluster_.nodes.begin(), cluster_.nodes.end(),
                                 [&](const json& node) { return node["metadata"]["name"] == name; });
    if (at == cluster_.nodes.end()) {
      cluster_.nodes.push_back(Node(name));
      cluster_.lost_nodes.erase(name);
      Note("node " + name + " comes");
    } else if (OneIn(3)) {
      (*at)["spec"]["unschedulable"] = !at->value("/spec/unschedulable"_json_pointer, false);
      Note("node " + name + " is cordoned or not");
    } else if (OneIn(2)) {
      if (!cluster_.lost_nodes.erase(name)) cluster_.lost_nodes.insert(name);
      Note("node " + name + " is lost or back");
    } else {
      cluster_.nodes.erase(at);
      cluster_.lost_nodes.erase(name);
      std::erase_if(cluster_.pods, [&](const auto& pod) { return pod.second["spec"].value("nodeName", "") == name; });
      Note("node " + name + " goes, with its pods");
    }
  }

  void Upgrade() {
    switch (Below(4)) {
      case 0:
        cluster_.NameExperimentsOtherwise(true);
        Note("upgrade: another scheme of hashes");
        break;
      case 1:
        cluster_.NameExperimentsOtherwise(false);
        Note("upgrade: other hashes under the same number");
        break;
      case 2:
        cluster_.settings.rules = &RulesOf(static_cast<int>(Below(3)));
        cluster_.Restart();
        Note("upgrade: rules " + cluster_.settings.rules->version());
        break;
      default:
        cluster_.Restart();
        Note("restart");
    }
  }

  void HarmAPod() {
    if (cluster_.pods.empty()) return;
    auto at = cluster_.pods.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(Below(cluster_.pods.size())));
    json& pod = at->second;
    Note("harm to pod " + at->first);
    switch (Below(3)) {
      case 0:
        Delete(at->first);
        break;
      case 1:
        if (!pod["spec"].contains("nodeName") || HasEnded(pod)) return;
        cluster_.SetPhaseRunning(pod);
        pod["status"]["phase"] = "Failed";
        pod["status"]["reason"] = "NodeLost";
        break;
      default:
        if (!pod["spec"].contains("nodeName") || HasEnded(pod) || IsInspect(pod)) return;
        cluster_.Finish(pod, MachineFaultMessage("NCCL error: unhandled system error"), 10);
    }
  }

  void Happen() {
    switch (Below(12)) {
      case 0:
      case 1:
        return Edit();
      case 2:
        return Refuse();
      case 3:
        return Nodes();
      case 4:
        return OneIn(2) ? Upgrade() : HarmAPod();
      case 5:
        if (OneIn(2)) {
          OneIn(2) ? cluster_.LagTasks() : cluster_.LagPods();
          Note("a cache lags");
        } else {
          cluster_.CatchUp();
          Note("the caches catch up");
        }
        return;
      case 6:
        crash_in_ = static_cast<int>(Below(4)) + 1;
        Note("killed at the " + std::to_string(crash_in_) + ". write from now");
        return;
      case 7:
      case 8:
        cluster_.clock.Advance(seconds(1 + Below(OneIn(4) ? 3000 : 60)));
        return;
      default:
        return Kubelet();
    }
  }

  static bool HasEnded(const json& pod) {
    return pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed";
  }

  // By somebody else.
  void Delete(const std::string& name) {
    const int crash = std::exchange(crash_in_, 0);
    FakeCluster& c = cluster_;
    json& pod = c.pods[name];
    if (!pod["spec"].contains("nodeName")) {
      c.pods.erase(name);
    } else if (!pod["metadata"].contains("deletionTimestamp")) {
      pod["metadata"]["deletionTimestamp"] = base::FormatRfc3339(c.clock.Wall() + seconds(30));
    }
    crash_in_ = crash;
  }

  // Scheduler, kubelets and node controller.
  void Kubelet(bool to_the_end = false) {
    cluster_.Terminate();
    std::vector<std::string> names;
    for (const auto& [name, pod] : cluster_.pods) names.push_back(name);
    for (const std::string& name : names) {
      json& pod = cluster_.pods[name];
      if (HasEnded(pod) || pod["metadata"].contains("deletionTimestamp")) continue;
      if (cluster_.OnLostNode(pod)) {
        if (to_the_end || OneIn(3)) Delete(name);
        continue;
      }
      if (!to_the_end && OneIn(3)) continue;
      if (!pod["spec"].contains("nodeName")) {
        Schedule(pod);
      } else if (pod["status"]["phase"] == "Pending") {
        cluster_.SetPhaseRunning(pod);
      } else {
        EndWithResult(cluster_, pod);
      }
    }
  }

  void Schedule(json& pod) {
    const std::string now = base::FormatRfc3339(cluster_.clock.Wall());
    for (const json& node : cluster_.nodes) {
      const std::string name = node["metadata"]["name"];
      if (cluster_.lost_nodes.contains(name) || !(IsInspect(pod) || Admits(pod, node))) continue;
      pod["spec"]["nodeName"] = name;
      pod["status"]["conditions"] = {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}}};
      return;
    }
    pod["status"]["conditions"] = {{{"type", "PodScheduled"},
                                    {"status", "False"},
                                    {"reason", "Unschedulable"},
                                    {"message", "0/2 nodes are available"},
                                    {"lastTransitionTime", now}}};
  }

  // ---- What must hold ----

  std::optional<base::Error> OnCreate(const json& pod) {
    if (refuse_) return refuse_;
    if (IsInspect(pod)) return std::nullopt;
    const api::TaskStatus status = cluster_.Task().status;
    const std::string hash = pod["metadata"]["labels"][experiment::kHashLabel];
    const auto entry = std::find_if(status.experiments.begin(), status.experiments.end(),
                                    [&](const auto& one) { return one.hash == hash; });
    EXPECT_TRUE(entry != status.experiments.end()) << "a pod without an owner in the status";
    if (entry != status.experiments.end()) {
      EXPECT_NE(entry->state, api::ExperimentState::kSucceeded) << entry->name << " is measured again";
    }
    int holding = 0;
    for (const auto& [name, other] : cluster_.pods) {
      const bool deleting = other["metadata"].contains("deletionTimestamp");
      holding += !IsInspect(other) && !HasEnded(other) && !deleting ? 1 : 0;
    }
    EXPECT_LT(holding, most_parallel_);
    return std::nullopt;
  }

  // What an operator's writes change.
  std::string Written() const {
    std::string written = cluster_.task["metadata"]["resourceVersion"];
    for (const auto& [name, pod] : cluster_.pods) {
      written += " " + name + (pod["metadata"].contains("deletionTimestamp") ? "-" : "");
    }
    return written;
  }

  void Look() {
    before_write_ = cluster_.task;
    const int writes = cluster_.status_writes;
    const bool crashes = crash_in_ > 0;
    const json seen = api::ToJson(cluster_.Observe()->task.spec);
    const std::string was = Written();
    const bool applied = cluster_.Reconcile().ok();
    // What changed something is looked at again when the watch shows that, and what failed is repeated by the queue.
    if (applied && was == Written()) {
      const std::string state = cluster_.Task().status.state;
      const bool rests = state == "Complete" || state == "Failed" || state == "Suspended";
      EXPECT_TRUE(rests || cluster_.wake_at) << "it waits, and nothing will wake it";
    }
    for (auto& [name, pod] : cluster_.pods) NoteSpec(seen, pod);
    if (cluster_.status_writes != writes) CheckWrite();
    if (crashes && crash_in_ == 0) {
      Note("killed");
      cluster_.Restart();
    }
  }

  static std::map<std::string, int> SpeedsOf(const api::TaskStatus& status) {
    std::map<std::string, int> speeds;
    for (const api::ExperimentStatus& entry : status.experiments) {
      if (entry.state != api::ExperimentState::kSucceeded) continue;
      speeds[entry.name] = static_cast<int>(entry.loads.at(0).measured.output_tokens_per_second);
    }
    return speeds;
  }

  // A checkpoint or a type of GPU of another name is another one (docs/api.md), also if it is the same.
  static bool KeepsNames(const api::AutotuneTask& before, const api::AutotuneTask& after) {
    return std::ranges::all_of(before.status.models,
                               [&](const api::ModelStatus& was) {
                                 return std::ranges::any_of(
                                     after.spec.models, [&](const api::ModelSpec& is) { return is.name == was.name; });
                               }) &&
           std::ranges::all_of(before.status.gpus, [&](const api::GpuStatus& was) {
             return std::ranges::any_of(after.spec.gpus, [&](const api::GpuSpec& is) { return is.name == was.name; });
           });
  }

  void CheckWrite() {
    const api::AutotuneTask before = ObserveTask(before_write_)->task, after = cluster_.Task();
    Note("status: " + after.status.state + " " + after.status.progress + " " +
         api::FindCondition(after.status.conditions, "Ready")->message);
    if (after.status.best) {
      ASSERT_TRUE(after.status.expanded_for);
      EXPECT_EQ(after.status.expanded_for->generation, after.status.observed_generation);
    }
    const bool ready = api::FindCondition(after.status.conditions, "Ready")->status == "True";
    EXPECT_EQ(ready, after.status.state == "Complete");
    EXPECT_EQ(api::FindCondition(after.status.conditions, "Feasible") != nullptr, ready);

    const std::map<std::string, int> was = SpeedsOf(before.status), is = SpeedsOf(after.status);
    const bool present = after.status.expanded_for &&
                         after.status.expanded_for->generation == after.metadata.generation &&
                         after.status.observed_generation == after.metadata.generation;
    const quant::RuleSet* rules = present ? RulesOfVersion(after.status.rules_version) : nullptr;
    if (rules != nullptr && !is.empty()) {
      if (const auto fresh = RunFresh(cluster_.task["spec"], ProductsOf(after.status), *rules)) {
        for (const auto& [name, speed] : is) {
          EXPECT_TRUE(fresh->speeds.contains(speed)) << name << " was not measured for the present spec: " << speed;
        }
      }
    }
    // Nothing that the present spec asks for is let go of. Edited and upgraded to another scheme of hashes at once, the
    // two cannot be compared.
    const bool comparable =
        (!before.status.expanded_for || before.status.expanded_for->hash_scheme == tuning::kHashScheme ||
         before.status.expanded_for->generation == after.metadata.generation) &&
        KeepsNames(before, after);
    std::optional<Fresh> fresh;
    for (const auto& [name, speed] : was) {
      if (is.contains(name) || !comparable) continue;
      if (!fresh) fresh = RunFresh(cluster_.task["spec"], ProductsOf(before.status), *cluster_.settings.rules);
      EXPECT_FALSE(fresh && fresh->speeds.contains(speed)) << name << " is let go of";
    }
  }

  // ---- The end ----

  void End() {
    Note("everything heals");
    refuse_.reset();
    cluster_.refuse_deletes.reset();
    cluster_.refuse_config_maps.reset();
    cluster_.refuse_status.reset();
    cluster_.lost_nodes.clear();
    cluster_.CatchUp();
    crash_in_ = 0;
    cluster_.nodes = {Node("h100-0"), Node("h200-0")};
    cluster_.EditSpec([](json& spec) { spec["suspend"] = false; });
    for (int jump = 0; jump < 400 && !testing::Test::HasFailure(); ++jump) {
      if (!Settle()) break;
    }
    if (!testing::Test::HasFailure()) CheckEnd();
  }

  // Runs until nothing changes. True when the clock has been moved on and there is more to see.
  bool Settle() {
    for (int step = 0; step < 200; ++step) {
      const json before = {cluster_.task, cluster_.pods};
      Look();
      Kubelet(true);
      const bool again = cluster_.wake_at && *cluster_.wake_at <= cluster_.clock.Wall();
      if (testing::Test::HasFailure()) return false;
      if (again || before != json{cluster_.task, cluster_.pods}) continue;
      if (!cluster_.wake_at) return false;
      cluster_.clock.Advance(*cluster_.wake_at - cluster_.clock.Wall());
      return true;
    }
    ADD_FAILURE() << "the task does not come to rest";
    return false;
  }

  void CheckEnd() {
    const api::TaskStatus status = cluster_.Task().status;
    ASSERT_TRUE(status.state == "Complete" || status.state == "Failed") << "it hangs without a wake-up";
    EXPECT_EQ(status.observed_generation, cluster_.task["metadata"]["generation"]);
    std::set<std::string> hashes;
    for (const api::ExperimentStatus& entry : status.experiments) hashes.insert(entry.hash);
    for (const auto& [name, pod] : cluster_.pods) {
      EXPECT_FALSE(IsInspect(pod)) << "a pod is left: " << name;
      EXPECT_TRUE(HasEnded(pod)) << "a pod runs on: " << name;
      EXPECT_TRUE(IsInspect(pod) || hashes.contains(pod["metadata"]["labels"][experiment::kHashLabel]));
    }
    EXPECT_EQ(api::FindCondition(status.conditions, "PodsNotDeleted"), nullptr);
    const api::Condition* ready = api::FindCondition(status.conditions, "Ready");
    if (status.state == "Failed") {
      EXPECT_THAT(ready->reason,
                  testing::AnyOf("InvalidSpec", "BudgetTooSmall", "AllExperimentsFailed", "ModelUnreadable"));
      EXPECT_FALSE(status.best);
    }
    if (!status.expanded_for || ready->reason == "InvalidSpec" || ready->reason == "ModelUnreadable" ||
        ready->reason == "BudgetTooSmall") {
      return;
    }
    const quant::RuleSet* rules = RulesOfVersion(status.rules_version);
    ASSERT_NE(rules, nullptr);
    const auto fresh = RunFresh(cluster_.task["spec"], ProductsOf(status), *rules);
    if (!fresh) return;
    EXPECT_EQ(status.candidates.total, fresh->status.candidates.total);
    if (cluster_.task["spec"]["optimization"]["strategy"] != "Grid") return;
    EXPECT_EQ(status.experiments.size(), fresh->status.experiments.size());
    // What the infrastructure ended for good is a named failure; everything else has to be as it is for a fresh task.
    for (const api::ExperimentStatus& entry : status.experiments) {
      const bool deterministic =
          entry.state == api::ExperimentState::kSucceeded || entry.reason == "EngineRejectedConfiguration";
      if (!deterministic) return;
    }
    EXPECT_EQ(status.state, fresh->status.state);
    EXPECT_EQ(ready->reason, api::FindCondition(fresh->status.conditions, "Ready")->reason);
    ASSERT_EQ(status.best.has_value(), fresh->status.best.has_value());
    if (!status.best) return;
    EXPECT_EQ(status.best->score, fresh->status.best->score);
    EXPECT_EQ(status.best->improvement_over_baseline, fresh->status.best->improvement_over_baseline);
    EXPECT_EQ(status.recommendation_config_map, "llama-best");
    EXPECT_EQ(status.difference.has_value(), fresh->status.difference.has_value());
    EXPECT_EQ(api::FindCondition(status.conditions, "RecommendationFailed"), nullptr);
  }

  std::mt19937_64 random_;
  FakeCluster cluster_;
  std::optional<base::Error> refuse_;
  int crash_in_ = 0;
  int most_parallel_ = 3;
  std::vector<json> specs_ = {cluster_.task["spec"]};  // that the task has had
  json before_write_;
  std::vector<std::string> log_;
};

TEST(Model, WhateverHappensTheTaskEndsWithTheAnswerToItsPresentSpecOrSaysWhyNot) {
  const std::uint64_t first = Number("AUTOTUNE_MODEL_SEED", 1);
  const std::uint64_t sequences = Number("AUTOTUNE_MODEL_SEQUENCES", 60);
  for (std::uint64_t seed = first; seed < first + sequences; ++seed) {
    SCOPED_TRACE("AUTOTUNE_MODEL_SEED=" + std::to_string(seed));
    Sequence(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace autotune::reconcile
