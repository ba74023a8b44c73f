#include "tests/api/full_task.h"

namespace autotune::api {

using nlohmann::json;

json TaskObject(const json& spec) {
  return {{"apiVersion", "autotuner.io/v1alpha1"},
          {"kind", "AutotuneTask"},
          {"metadata",
           {{"name", "llama"},
            {"namespace", "team-a"},
            {"uid", "5daad8df-d0dd-4baf-9dee-8d7a158c27d0"},
            {"resourceVersion", "244"},
            {"generation", 3},
            {"creationTimestamp", "2026-11-22T12:00:00Z"}}},
          {"spec", spec}};
}

std::vector<json> FullSpecs() {
  const json base = json::parse(R"json({
    "description": "Llama for the support desk",
    "suspend": true,
    "parallelism": 3,
    "model": {
      "idOrPath": "/llama-3.1",
      "revision": "main",
      "volume": {"persistentVolumeClaim": {"claimName": "models", "subPath": "llama"}},
      "huggingFace": {
        "tokenSecretRef": {"name": "hf", "key": "hf-token"},
        "endpoint": "https://hub.example.com",
        "cacheClaim": "hf-cache"
      },
      "facts": {"architectures": ["LlamaForCausalLM"], "hidden_size": 4096},
      "quantization": "awq"
    },
    "parameters": {
      "max-num-seqs": [64, 128],
      "gpu-memory-utilization": 0.9,
      "enable-chunked-prefill": [true, false],
      "kv-cache-dtype": "fp8_e4m3",
      "swap-space": {"unset": true},
      "cuda-graph-bs": [[1, 2, 4]],
      "compilation-config": {"level": 3}
    },
    "parallelConfig": {
      "tensorParallel": [1, 2], "pipelineParallel": [1], "dataParallel": [2], "expertParallel": [4]
    },
    "gpu": {
      "resourceName": "nvidia.com/mig-3g.40gb",
      "products": ["NVIDIA-H100-80GB-HBM3", "NVIDIA-H200"],
      "minMemory": "70Gi",
      "minComputeCapability": "8.9",
      "nodeSelector": {"pool": "gpu"},
      "tolerations": [
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 60}
      ],
      "affinity": {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}},
        "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}
      },
      "runtimeClassName": "nvidia",
      "priorityClassName": "low",
      "schedulerName": "kai",
      "queueName": "team-a",
      "pricePerHour": "2.50"
    },
    "optimization": {
      "strategy": "Random",
      "objective": "MinimizeTPOT",
      "maxExperiments": 99,
      "budget": {"gpuHours": "12.5", "deadline": "8h"},
      "baseline": {"runtime": "vllm-020", "preset": "kv-cache-fp8", "parameters": {"max-num-seqs": 256}},
      "confirmations": 2,
      "reuse": "Namespace",
      "seed": 7,
      "experimentTimeout": "1h30m",
      "startupTimeout": "20m",
      "schedulingTimeout": "1h",
      "imagePullTimeout": "10m30s",
      "retries": 5
    },
    "slo": {
      "ttft": {"mean": "300ms", "p50": "250ms", "p90": "400ms", "p95": "450ms", "p99": "500ms"},
      "tpot": {"p95": "40.5ms"},
      "itl": {"p99": "100ms"},
      "e2eLatency": {"p90": "8s"},
      "errorRate": "0.02",
      "attainment": "0.95"
    },
    "quality": {"measure": "Auto", "maxDegradation": "0.01",
                "dataset": {"configMap": {"name": "exam", "key": "exam.jsonl"}, "answerTokens": 64}},
    "benchmark": {
      "endpoint": "Chat",
      "scenarios": ["D(100,100)", "N(2000,200)/(300,150)"],
      "prefix": {"tokens": 64, "groups": 8},
      "turns": {"mean": "2.5"},
      "load": {"concurrency": [2, 16]},
      "arrival": {"process": "Gamma", "burstiness": "0.5"},
      "duration": "30s",
      "drain": "20s",
      "warmup": "10s",
      "requestTimeout": "3m",
      "records": {"persistentVolumeClaim": {"claimName": "raw"}},
      "seed": 11,
      "image": "registry.example.com/bench:1",
      "resources": {"limits": {"memory": "2Gi"}, "requests": {"cpu": "1"}},
      "env": [{"name": "TZ", "value": "UTC"}]
    },
    "podTemplate": {
      "labels": {"team": "a"},
      "annotations": {"note": "tuned"},
      "securityContext": {"fsGroup": 1000},
      "serviceAccountName": "runner",
      "imagePullSecrets": [{"name": "registry"}],
      "volumes": [{"name": "scratch", "emptyDir": {}}],
      "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]
    },
    "recommendation": {"targets": ["LLMD", "Command"], "diffAgainst": {"deployment": "chat", "container": "engine"}},
    "keepPods": "Always",
    "retention": {"pods": "0s", "task": "720h"}
  })json");

  const json runtimes = json::parse(R"json([{
    "name": "vllm-020",
    "engine": "vllm",
    "image": "vllm/vllm-openai:v0.20.1",
    "version": "0.20.1",
    "command": ["vllm", "serve"],
    "args": ["--enforce-eager"],
    "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}],
    "resources": {"limits": {"memory": "64Gi"}, "requests": {"cpu": "8"}},
    "securityContext": {"runAsUser": 1000}
  }, {"name": "sglang", "engine": "sglang"}])json");

  const json fields = json::parse(
      R"({"gemmDtype": "fp8", "kvcacheDtype": "fp8_e5m2", "attentionDtype": "fp8_block", "moeDtype": "w4afp8"})");
  json preset = fields;
  preset["preset"] = "bf16-stable";
  const json presets = {{"presets", {"kv-cache-fp8", "dynamic-fp8"}},
                        {"custom",
                         {{{"name", "mine"},
                           {"gemmDtype", "fp8"},
                           {"kvcacheDtype", "fp8_e4m3"},
                           {"attentionDtype", "fp8"},
                           {"moeDtype", "fp8"}},
                          {{"name", "bare"}}}}};
  const json sweep = {{"sweep",
                       {{"gemmDtype", {"auto", "fp8"}},
                        {"kvcacheDtype", {"auto", "fp8"}},
                        {"attentionDtype", {"auto"}},
                        {"moeDtype", {"auto", "int8"}}}}};

  std::vector<json> specs;
  for (const json& quant : {fields, preset, presets, sweep}) {
    json spec = base;
    spec["quantConfig"] = quant;
    spec["runtimes"] = runtimes;
    specs.push_back(spec);
  }
  json other = base;
  other["baseRuntime"] = "tensorrt-llm";
  other["model"]["volume"] = {{"image", {{"reference", "registry/weights:1"}, {"pullPolicy", "Always"}}}};
  specs.push_back(other);
  other["model"]["volume"] = {{"hostPath", {{"path", "/models"}}}};
  for (const char* field : {"scenarios", "prefix", "turns"}) other["benchmark"].erase(field);
  other["benchmark"]["dataset"] = {
      {"format", "Mooncake"}, {"outputTokens", 64}, {"configMap", {{"name", "prompts"}, {"key", "trace.jsonl"}}}};
  other["benchmark"]["load"] = {{"requestRate", {"0.5", "8"}}};
  other["benchmark"]["arrival"] = {{"process", "Trace"}};
  specs.push_back(other);
  other["benchmark"]["dataset"] = {{"format", "ShareGPT"},
                                   {"persistentVolumeClaim", {{"claimName", "data"}, {"path", "a/b.json"}}}};
  other["quality"]["dataset"] = {{"persistentVolumeClaim", {{"claimName", "exams"}, {"path", "a/b.jsonl"}}},
                                 {"answerTokens", 64}};
  other["benchmark"]["load"] = {{"auto", {{"by", "RequestRate"}, {"max", 64}, {"resolution", "0.1"}}}};
  other["benchmark"]["arrival"] = {{"process", "Constant"}};
  specs.push_back(other);
  json checkpoints = base;
  checkpoints["baseRuntime"] = "vllm";
  const json model = base["model"];
  checkpoints.erase("model");
  for (const char* name : {"bf16", "fp8", "awq"}) {
    checkpoints["models"].push_back(model);
    checkpoints["models"].back()["name"] = name;
  }
  checkpoints["models"][1]["reference"] = true;
  checkpoints["models"][1]["volume"] = {{"image", {{"reference", "registry/weights:1"}, {"pullPolicy", "Always"}}}};
  checkpoints["models"][2]["volume"] = {{"hostPath", {{"path", "/models"}}}};
  checkpoints["optimization"]["baseline"] = {{"command", "vllm serve /llama-3.1 --max-num-seqs 128"}};
  specs.push_back(checkpoints);
  json deployed = checkpoints;
  deployed["optimization"]["baseline"] = {
      {"deploymentRef", {{"kind", "LeaderWorkerSet"}, {"name", "chat"}, {"container", "server"}}}};
  specs.push_back(deployed);
  json types = base;
  types["baseRuntime"] = "vllm";
  types["optimization"]["baseline"] = {{"gpu", "h100"}, {"preset", "kv-cache-fp8"}};
  const json gpu = base["gpu"];
  types.erase("gpu");
  for (const char* name : {"h100", "l40s"}) {
    types["gpus"].push_back(gpu);
    types["gpus"].back()["name"] = name;
  }
  types["gpus"][1]["images"] = {{"vllm", "registry.example.com/vllm:l40s"}};
  specs.push_back(types);
  return specs;
}

json StatusOfCheckpoints() {
  json status = FullStatus();
  status["models"] = json::array();
  for (const char* name : {"bf16", "awq"}) {
    status["models"].push_back({{"name", name},
                                {"facts", status["model"]},
                                {"source", status["modelSource"]},
                                {"inspection", status["inspection"]}});
  }
  for (const char* field : {"model", "modelSource", "inspection"}) status.erase(field);
  return status;
}

json StatusOfGpuTypes() {
  json status = FullStatus();
  json gpu = status["gpu"];
  status.erase("gpu");
  gpu.update(
      {{"name", "h100"}, {"gpuHours", "2.1"}, {"price", "5.25"}, {"unavailable", "e7-3fa2c1 could not be scheduled"}});
  status["gpus"] = {gpu};
  status["experiments"][0]["gpu"] = "h100";
  status["best"]["gpu"] = "h100";
  json earlier = status["cost"]["earlier"];
  status["cost"].erase("earlier");
  earlier["gpu"] = "h100";
  status["cost"]["earlierByGpu"] = {earlier};
  return status;
}

json FullStatus() {
  return json::parse(R"json({
    "observedGeneration": 3,
    "rulesVersion": "2026-11-22+3fa2c1",
    "state": "Searching",
    "progress": "7/40",
    "conditions": [{
      "type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "7 of 40",
      "observedGeneration": 3, "lastTransitionTime": "2026-11-22T12:00:00Z"
    }],
    "model": {
      "architecture": "LlamaForCausalLM", "dtype": "bfloat16", "quantization": "none", "family": "none",
      "kvCache": "none", "layers": 32, "hiddenSize": 4096, "weightBytes": "16060522496"
    },
    "modelSource": "90bb1e",
    "inspection": {"generation": 3, "attempts": 2, "failures": 1, "retryAt": "2026-11-22T12:00:00Z", "message": "busy",
      "choiceQuestions": 80},
    "expandedFor": {"generation": 3, "hashScheme": 1, "modelSource": "90bb1e", "spec": "77aa",
      "runtimes": [{"name": "sglang", "image": "lmsysorg/sglang:v0.5.15", "hash": "01"},
                   {"name": "vllm-020", "image": "vllm/vllm-openai:v0.20.1", "hash": "02"}]},
    "gpu": {"product": "NVIDIA-H100-80GB-HBM3", "computeCapability": "9.0", "memoryBytes": 85899345920, "shared": true,
            "pricePerHour": "4.10"},
    "deployed": {"kind": "Deployment", "name": "chat", "container": "server", "readAt": "2026-11-22T12:00:00Z",
                 "image": "vllm/vllm-openai:v0.24.0", "command": ["vllm", "serve", "/llama-3.1"], "env": {"VLLM_X": "1"},
                 "leftOut": ["HF_TOKEN"], "imagePullSecrets": ["registry"],
                 "resources": {"limits": {"memory": "64Gi", "nvidia.com/gpu": "2"}, "requests": {"cpu": "8"}}},
    "candidates": {"total": 96, "duplicates": 14, "pruned": 22, "eligible": 60, "notRun": 20},
    "prunedReasons": [{"reason": "KvDtypeNeedsOtherWeights", "count": 8, "example": "vllm 0.20.1 + fp8_e5m2"}],
    "notTried": [{"reason": "LowExpectedGain", "count": 31}],
    "estimate": {"experiments": "5-9", "gpuHours": "1.1-2", "duration": "1.1-2 h", "finishAt": "2026-11-22T14:00:00Z",
                 "mostGpuHours": "12.1", "first": {"experiments": "6-11", "gpuHours": "1.3-3", "duration": "1.3-3 h"}},
    "warnings": [{"field": "runtime", "reason": "UnknownEngineVersion", "message": "newest rules"}],
    "experiments": [{
      "name": "e7-3fa2c1",
      "hash": "3fa2c10011223344",
      "state": "Failed",
      "model": "awq",
      "runtime": "vllm-020",
      "quant": {"name": "dynamic-fp8", "gemm": "fp8", "kvcache": "fp8", "attention": "fp8", "moe": "fp8"},
      "baseline": true, "deployed": true, "confirms": "e2-90bb1e", "reusedFrom": "llama-may/e7-90bb1e", "allowedSeconds": "900",
      "args": ["--quantization", "fp8"],
      "options": "kv_cache_config: {dtype: fp8}",
      "env": {"SGLANG_MOE": "1"},
      "apartFromCache": "0123456789abcdef",
      "gpus": 2,
      "node": "gpu-17",
      "gpuProduct": "NVIDIA-H100-80GB-HBM3",
      "driver": "570.124.06",
      "imageID": "docker.io/vllm/vllm-openai@sha256:00",
      "engineVersion": "0.20.1",
      "warnings": [{"field": "attentionDtype", "reason": "NotControllable", "message": "an outcome"}],
      "loads": [{
        "scenario": "D(512,128)", "concurrency": 32, "verdict": "Missed", "window": "60.12s", "requests": 1464,
        "errors": 2, "errorKinds": {"TimedOut": 2}, "censored": 3, "inputTokens": 749568, "outputTokens": 187392,
        "outputTokensPerSecond": "3120.4", "outputTokensPerSecondCi": "31.2", "requestsPerSecond": "24.375",
        "inFlight": "31.8", "saturated": true, "standingQueue": true, "clientLag": "0.2ms", "attainment": "0.9512",
        "itl": {"mean": "6.3ms", "p50": "6.2ms", "p90": "7ms", "p95": "7.6ms", "p99": "31ms"},
        "lowerBounds": ["ttft.p99", "e2eLatency.p95"], "relativeCi": {"ttft": "0.05", "tpot": "0.01"},
        "engine": {"running": "30.5", "waiting": "1.2", "kvCacheUse": "0.71", "preemptions": "4", "prefixHitRate": "0.25",
                   "acceptedDraftTokens": "0.6"},
        "ttft": {"mean": "70.1ms", "p50": "61.3ms", "p90": "99.99ms", "p95": "150.2ms", "p99": "310ms"},
        "tpot": {"mean": "6.27ms", "p50": "6.1ms", "p90": "7ms", "p95": "7.5ms", "p99": "9.04ms"},
        "e2eLatency": {"mean": "1.2s", "p50": "1.1s", "p90": "1.5s", "p95": "1.75s", "p99": "2.001s"},
        "meetsSlo": false
      }, {
        "scenario": "D(512,128)", "requestRate": "12.5", "role": "Reference", "verdict": "Met", "window": "20s", "requests": 250, "errors": 0,
        "inputTokens": 128000, "outputTokens": 32000, "outputTokensPerSecond": "1600", "outputTokensPerSecondCi": "12",
        "requestsPerSecond": "12.5", "inFlight": "14.2", "clientLag": "0.1ms",
        "ttft": {"mean": "70.1ms", "p50": "61.3ms", "p90": "99.99ms", "p95": "150.2ms", "p99": "310ms"},
        "inWindow": {"ttft.p99": "250ms", "e2eLatency.mean": "1.15s"},
        "tpot": {"mean": "6.27ms", "p50": "6.1ms", "p90": "7ms", "p95": "7.5ms", "p99": "9.04ms"},
        "itl": {"mean": "6.3ms", "p50": "6.2ms", "p90": "7ms", "p95": "7.6ms", "p99": "31ms"},
        "e2eLatency": {"mean": "1.2s", "p50": "1.1s", "p90": "1.5s", "p95": "1.75s", "p99": "2.001s"},
        "meetsSlo": true
      }],
      "score": "1560.2", "scoreCi": "21", "scoreBasis": "Estimate", "scoreBound": "1581.2", "stopped": "Found",
      "quality": {"text": "corpus-3", "blocks": "aYpTqABACADlYpTrAEAFAG.YpTs", "tokens": "AUAAUB", "perByte": true, "answers": "ABCDEFG", "dataset": "exam.jsonl#0123abcd",
                  "passed": "7:qA", "lost": 3, "gained": 1, "mean": "1.90671", "delta": "0.0021", "ci": "0.0009",
                  "growth": "0.002102", "cacheExercised": "Partly", "agreement": "0.41", "agreementCi": "0.05",
                  "ownAgreement": "0.98", "passRate": "0.5714", "passRateLow": "0.2505", "passRateHigh": "0.8418",
                  "pValue": "0.625", "gate": "Holds"},
      "simulated": true,
      "reason": "EngineCrashed",
      "message": "CUDA error: an illegal memory access was encountered",
      "startedAt": "2026-11-22T12:00:00Z",
      "finishedAt": "2026-11-22T12:05:00Z",
      "startSeconds": "95.2",
      "measureSeconds": "185.7",
      "attempts": 2, "failures": 1,
      "retryAt": "2026-11-22T12:06:00Z",
      "wastedGpuHours": "0.0521",
      "truncated": true
    }],
    "best": {"experiment": "e7-3fa2c1", "model": "awq", "runtime": "vllm-020", "quantName": "dynamic-fp8", "score": "1560.2",
             "improvementOverBaseline": "+41.3%", "ci": "21", "scoreBasis": "Estimate", "scoreBound": "1581.2", "concurrency": 32, "requestRate": "24.38",
             "tokensPerSecondPerGpu": "1560.2", "pricePerMillionTokens": "0.4452", "pricePerMillionInputTokens": "0.1113", "tiedWith": ["e2-90bb1e"],
             "starts": 2, "confirmed": true, "confirmedRequestRate": "23.1"},
    "referenceLoads": [{"scenario": "D(512,128)", "requestRate": "12.5"}],
    "search": {"stopped": "LowExpectedGain", "message": "nothing gains", "expectedGain": "0.012"},
    "parallelism": 3,
    "pareto": ["e7-3fa2c1", "e2-90bb1e"],
    "cost": {"gpuHours": "3.42", "start": "1.9", "measure": "1.31", "wasted": "0.21", "price": "8.55",
             "earlier": {"start": "0.25", "measure": "0.125", "wasted": "0.0521"}},
    "recommendation": {"configMap": "llama-best", "difference": {
      "deployment": "chat", "container": "engine", "experiment": "e7-3fa2c1", "readAt": "2026-11-22T13:00:00Z",
      "message": "1 more line", "same": 4, "lines": [
        {"part": "Image", "field": "image", "running": "vllm:1", "recommended": "vllm:2"},
        {"part": "Arguments", "field": "max-num-seqs", "recommended": "--max-num-seqs 64"},
        {"part": "NodeSelection", "field": "nodeSelector pool", "running": "a"}]}},
    "startedAt": "2026-11-22T12:00:00Z",
    "finishedAt": "2026-11-22T13:00:00Z"
  })json");
}

}  // namespace autotune::api
