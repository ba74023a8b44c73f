// The whole pod of each engine and variant against golden/*.json, which are read in reviews like code. After a wanted
// change: AUTOTUNE_UPDATE_GOLDENS=1 experiment_test --gtest_filter='*Golden*'. A real API server takes every golden in
// tests/e2e/test_golden_pods.py.
#include "operator/experiment/pod_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "sample_task.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

struct GoldenPod {
  const char* name;
  const char* spec;  // merged into the sample task's spec
  int gpus = 1;
  Placement placement = {std::nullopt, "NVIDIA-H100-80GB-HBM3", true};
};

const GoldenPod kExperiments[] = {
    {"vllm", R"({})"},
    {"sglang", R"({"baseRuntime": "sglang"})", 2},
    {"tensorrt-llm", R"({"baseRuntime": "tensorrt-llm"})"},
    {"volume-claim",
     R"({"model": {"idOrPath": "/8b-instruct", "volume": {"persistentVolumeClaim": {"claimName": "models", "subPath": "llama"}}}})"},
    {"image-volume",
     R"({"model": {"idOrPath": "/", "volume": {"image": {"reference": "registry.example/weights/llama:1"}}}})"},
    {"host-path", R"({"model": {"idOrPath": "/llama", "volume": {"hostPath": {"path": "/data/models"}}}})"},
    {"hub-token-and-cache",
     R"({"model": {"revision": "0123abc", "huggingFace": {"tokenSecretRef": {"name": "hf", "key": "token"},
                   "endpoint": "https://hub.example", "cacheClaim": "hf-cache"}}})"},
    {"queue",
     R"({"gpu": {"queueName": "team-a", "priorityClassName": "low", "schedulerName": "other-scheduler", "runtimeClassName": "nvidia"}})"},
    {"other-user",
     R"({"baseRuntime": null, "runtimes": [{"name": "vllm-020", "engine": "vllm", "image": "vllm/vllm-openai:v0.20.1",
         "args": ["--max-model-len", "8192"],
         "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}, {"name": "TRITON_CACHE_DIR", "value": "/home/autotune/triton"}],
         "resources": {"requests": {"cpu": "4", "memory": "32Gi"}, "limits": {"memory": "64Gi"}},
         "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": true, "readOnlyRootFilesystem": true}}]})"},
    {"pod-template",
     R"x({"podTemplate": {"labels": {"team": "a"}, "annotations": {"sidecar.istio.io/inject": "false"},
         "securityContext": {"fsGroup": 2000}, "serviceAccountName": "runner", "imagePullSecrets": [{"name": "registry"}],
         "volumes": [{"name": "ca", "configMap": {"name": "ca"}}, {"name": "big-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Gi"}}],
         "volumeMounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": true}, {"name": "big-shm", "mountPath": "/dev/shm"}]},
         "benchmark": {"scenarios": ["D(512,128)", "D(2048,256)"], "load": {"concurrency": [1, 8]}, "image": "mirror.example/autotune:0.1.0",
                       "resources": {"requests": {"cpu": "2"}}, "env": [{"name": "SSL_CERT_FILE", "value": "/etc/ca/ca.crt"}]}})x"},
    {"placement",
     R"({"gpu": {"products": ["NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S"], "minMemory": "40Gi",
         "nodeSelector": {"pool": "inference"}, "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"}],
         "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
            [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]}]}}}}})",
     1,
     {quant::ComputeCapability{8, 9}, "", true}},
    {"unlabelled-nodes", R"({})", 1, {quant::ComputeCapability{8, 9}, "", false}},
};

std::filesystem::path Goldens() { return std::filesystem::path(TESTDATA_DIR) / "experiment" / "golden"; }

void ExpectGolden(const std::string& name, const json& pod) {
  const auto path = Goldens() / (name + ".json");
  const std::string text = pod.dump(2) + "\n";
  if (std::getenv("AUTOTUNE_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), text) << path;
}

json Build(const std::string& patch, const Placement& placement = {}, const PodEnvironment& env = SampleEnvironment()) {
  const api::AutotuneTask task = SampleTask(patch);
  return BuildExperimentPod(task, SampleExperiment(task), placement, env);
}

const json& Container(const json& pod, const std::string& name) {
  for (const char* list : {"initContainers", "containers"}) {
    if (!pod["spec"].contains(list)) continue;
    for (const json& container : pod["spec"][list]) {
      if (container["name"] == name) return container;
    }
  }
  static const json kNone;
  ADD_FAILURE() << "no container " << name;
  return kNone;
}

std::string EnvValue(const json& container, const std::string& name) {
  std::string value;
  int found = 0;
  if (!container.contains("env")) return "(unset)";
  for (const json& entry : container["env"]) {
    if (entry["name"] != name) continue;
    value = entry.value("value", entry.dump());
    ++found;
  }
  EXPECT_LE(found, 1) << name << " stands there " << found << " times";
  return found == 0 ? "(unset)" : value;
}

TEST(PodBuilder, GoldenExperimentPods) {
  PodEnvironment environment = SampleEnvironment();
  environment.policy = PodPolicy::Everything();  // another test's subject
  for (const GoldenPod& row : kExperiments) {
    SCOPED_TRACE(row.name);
    const api::AutotuneTask task = SampleTask(row.spec);
    const Experiment experiment = SampleExperiment(task, row.gpus);
    const auto checked = CheckPodInputs(task.spec, {experiment.traits}, environment);
    EXPECT_TRUE(checked.ok()) << checked.error().message;
    ExpectGolden(row.name, BuildExperimentPod(task, experiment, row.placement, environment));
  }
}

TEST(PodBuilder, GoldenInspectPods) {
  const auto pod = [](const char* patch) { return BuildInspectPod(SampleTask(patch), 0, 1, SampleEnvironment()); };
  ExpectGolden(
      "inspect-hub",
      pod(R"({"model": {"revision": "main", "huggingFace": {"tokenSecretRef": {"name": "hf", "key": "token"}}}})"));
  ExpectGolden("inspect-volume",
               pod(R"({"model": {"idOrPath": "/8b", "volume": {"persistentVolumeClaim": {"claimName": "models"}}}})"));
}

TEST(PodBuilder, InspectPodsReadTheDatasetsWithoutAGpu) {
  const char* questions = R"({"quality": {"dataset": {"configMap": {"name": "exam", "key": "a.jsonl"}}},
    "model": {"facts": {"architectures": ["LlamaForCausalLM"]}}})";
  const json pod = BuildInspectPod(SampleTask(questions), 0, 1, SampleEnvironment());
  const json& container = pod["spec"]["containers"][0];
  EXPECT_EQ(container["args"][1], "--spec") << "the facts are given, so that no model is read";
  EXPECT_EQ(json::parse(container["args"][2].get<std::string>())["quality"]["questions"]["path"], "/questions/a.jsonl");
  EXPECT_EQ(container["volumeMounts"][0]["mountPath"], "/questions");
  EXPECT_EQ(pod["spec"]["volumes"][0]["configMap"]["name"], "exam");
  EXPECT_FALSE(container["resources"]["limits"].contains("nvidia.com/gpu"));
  EXPECT_NE(InspectPodName(SampleTask(questions), 0, 1),
            InspectPodName(SampleTask(R"({"quality": {"dataset": {"configMap": {"name": "exam", "key": "b.jsonl"}}}})"),
                           0, 1));
  EXPECT_EQ(InspectPodName(SampleTask(), 0, 1), InspectPodName(SampleTask(R"({"quality": {"measure": "Off"}})"), 0, 1));
}

TEST(PodBuilder, InspectPodsKnowTheContextThatDatasetsHaveToFit) {
  const auto args = [](const std::string& patch) {
    json spec = json::parse(R"({"quality": {"dataset": {"configMap": {"name": "exam", "key": "a.jsonl"}}}})");
    spec.merge_patch(json::parse(patch));
    return BuildInspectPod(SampleTask(spec.dump()), 0, 1, SampleEnvironment())["spec"]["containers"][0]["args"];
  };
  const auto context = [](const json& words) {
    const auto at = std::find(words.begin(), words.end(), "--spec");
    return json::parse((at + 1)->get<std::string>()).value("maxModelLen", 0);
  };
  const auto models = [](const json& words) { return std::count(words.begin(), words.end(), "--models-context"); };
  const json own = args("{}");  // the pod knows more, once it has read the model
  EXPECT_EQ(context(own), 0);
  EXPECT_EQ(models(own), 1);
  const json set = args(R"({"parameters": {"max-model-len": [1024, 2048]}})");
  EXPECT_EQ(context(set), 2048);
  EXPECT_EQ(models(set), 0);
  const json open = args(R"({"parameters": {"hf-overrides": {"rope_scaling": {"factor": 4}}}})");
  EXPECT_EQ(context(open), 0);
  EXPECT_EQ(models(open), 0);
  const json given = args(R"({"model": {"facts": {"max_position_embeddings": 512}}})");
  EXPECT_EQ(context(given), 512);
  EXPECT_EQ(models(given), 0);
}

TEST(PodBuilder, EveryGoldenBelongsToACase) {
  std::set<std::string> known = {"inspect-hub", "inspect-volume"};
  for (const GoldenPod& row : kExperiments) known.insert(row.name);
  for (const auto& entry : std::filesystem::directory_iterator(Goldens())) {
    EXPECT_TRUE(known.contains(entry.path().stem().string())) << entry.path();
  }
}

TEST(PodName, IsADnsLabelThatOnlyItsIdentityDecides) {
  const std::regex label("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  api::AutotuneTask task = SampleTask();
  for (const char* name : {"llama", "llama.70b.prod", "7b", "a",
                           "a-name-that-is-far-too-long-for-a-pod-because-it-has-more-than-sixty-three-characters",
                           "this-name-is-cut-just-after-a-dash-and-dots-.......-are-here-too"}) {
    task.metadata.name = name;
    for (const std::string& pod : {PodName(task, "3fa2c1d400112233", 1), InspectPodName(task, 0, 1)}) {
      EXPECT_TRUE(std::regex_match(pod, label)) << pod;
    }
  }
  task.metadata.name = "llama";
  const std::string first = PodName(task, "3fa2c1d400112233", 1);
  EXPECT_TRUE(std::regex_match(first, std::regex("llama-[0-9a-f]{10}"))) << first;
  EXPECT_EQ(first, PodName(task, "3fa2c1d400112233", 1));
  EXPECT_NE(first, PodName(task, "3fa2c1d400112233", 2));
  EXPECT_NE(first, PodName(task, "3fa2c1d400112234", 1));
  task.metadata.uid = "another";
  EXPECT_NE(first, PodName(task, "3fa2c1d400112233", 1)) << "a task that was deleted and made again has its own pods";
}

TEST(PodName, OfAnInspectPodChangesWithTheModel) {
  const std::string first = InspectPodName(SampleTask(), 0, 1);
  EXPECT_NE(first, InspectPodName(SampleTask(), 0, 2));
  EXPECT_NE(first, InspectPodName(SampleTask(R"({"model": {"idOrPath": "meta-llama/Llama-3.2-1B"}})"), 0, 1));
  EXPECT_NE(first, InspectPodName(SampleTask(R"({"model": {"revision": "v2"}})"), 0, 1));
  EXPECT_EQ(first, InspectPodName(SampleTask(R"({"parallelism": 4})"), 0, 1));
}

TEST(PodBuilder, DeadlinesCoverWhatTheTaskAllows) {
  const json pod =
      Build(R"({"optimization": {"schedulingTimeout": "1m", "imagePullTimeout": "2m", "startupTimeout": "10m",
                                              "experimentTimeout": "20m"}})");
  EXPECT_EQ(pod["spec"]["activeDeadlineSeconds"], 60 + 120 + 600 + 1200 + 300);
  const json& probe = Container(pod, "engine")["startupProbe"];
  EXPECT_THAT(probe["exec"]["command"],
              ElementsAre("/autotune/autotune-launch", "ready", "--dir", "/autotune", "--wait", "900"))
      << "one process that waits: a probe that fails is a Warning event of a healthy experiment";
  EXPECT_GT(probe["timeoutSeconds"], 900);
  EXPECT_THAT(Container(pod, "engine")["command"],
              ElementsAre("/autotune/autotune-launch", "run", "--dir", "/autotune", "--port", "8000", "--health-path",
                          "/health", "--startup-timeout", "600", "--"));
  const auto spec = bench::BenchSpecFromJson(json::parse(Container(pod, "bench")["args"][6].get<std::string>()));
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->experiment_timeout, std::chrono::minutes(20));
}

TEST(PodBuilder, TheBenchIsToldOfQuestionsAndOfWeightsThatAreMadeUp) {
  api::AutotuneTask task = SampleTask(
      R"({"quality": {"maxDegradation": "0.01", "dataset": {"configMap": {"name": "q", "key": "exam.jsonl"}, "answerTokens": 32}}})");
  Experiment experiment = SampleExperiment(task);
  experiment.plan.args.insert(experiment.plan.args.end(), {"--load-format", "dummy"});
  experiment.hints.quality_reference.emplace().text = "corpus-3";
  const json pod = BuildExperimentPod(task, experiment, {}, SampleEnvironment());
  const auto spec = bench::BenchSpecFromJson(json::parse(Container(pod, "bench")["args"][6].get<std::string>()));
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->quality.questions, (bench::QuestionSet{"/questions/exam.jsonl", 32}));
  EXPECT_TRUE(spec->quality.made_up_weights);
  EXPECT_EQ(spec->quality.max_growth, 0.01);
  EXPECT_TRUE(spec->quality.reference.has_value());
  EXPECT_THAT(pod["spec"]["volumes"], Contains(json{{"name", "questions"}, {"configMap", {{"name", "q"}}}}));
  EXPECT_THAT(Container(pod, "bench")["volumeMounts"],
              Contains(json{{"name", "questions"}, {"mountPath", "/questions"}, {"readOnly", true}}));
}

TEST(PodBuilder, EveryExperimentLoadsTheCommitThatWasRead) {
  api::AutotuneTask task = SampleTask(R"({"model": {"revision": "main"}})");
  EXPECT_EQ(ModelRevision(task, 0), "main");
  task.status.models.front().facts.emplace();
  EXPECT_EQ(ModelRevision(task, 0), "main") << "a hub that says no commit";
  task.status.models.front().facts->commit = std::string(40, 'a');
  Experiment experiment = SampleExperiment(task);
  experiment.traits.revision_args = {"--revision", "{revision}"};
  const json pod = BuildExperimentPod(task, experiment, {}, SampleEnvironment());
  const json& args = Container(pod, "engine")["args"];
  ASSERT_EQ(std::count(args.begin(), args.end(), "--revision"), 1);
  const auto flag = std::find(args.begin(), args.end(), "--revision");
  ASSERT_NE(flag + 1, args.end());
  EXPECT_EQ(*(flag + 1), std::string(40, 'a'));
}

TEST(PodBuilder, AUsersCommandKeepsItsOwnPlaceForEveryPlaceholder) {
  const json pod =
      Build(R"({"model": {"revision": "abc"}, "baseRuntime": null, "runtimes": [{"name": "v", "engine": "vllm",
      "image": "example/vllm:0.20.1", "args": ["--seed", "7"],
      "command": ["/start.sh", "--port={port}", "{model}@{revision}", "{\"a\": 1}"]}]})");
  EXPECT_THAT(Container(pod, "engine")["args"],
              ElementsAre("/start.sh", "--port=8000", "meta-llama/Llama-3.1-8B-Instruct@abc", "{\"a\": 1}",
                          "--kv-cache-dtype", "fp8", "--tensor-parallel-size", "1", "--seed", "7"));
}

TEST(PodBuilder, TheUsersEnvironmentWinsAndStandsOnce) {
  api::AutotuneTask task =
      SampleTask(R"({"baseRuntime": null, "runtimes": [{"name": "s", "engine": "sglang", "image": "s:0.5.15",
      "env": [{"name": "FROM_TABLE", "value": "user"}, {"name": "FROM_PLAN", "value": "user"}, {"name": "OWN", "value": "1"}]}]})");
  Experiment experiment = SampleExperiment(task);
  experiment.traits.env = {{"FROM_TABLE", "table"}, {"KEPT", "table"}};
  experiment.plan.env = {{"FROM_PLAN", "plan"}, {"KEPT", "plan"}};
  const json pod = BuildExperimentPod(task, experiment, {}, SampleEnvironment());
  const json& engine = Container(pod, "engine");
  EXPECT_EQ(EnvValue(engine, "FROM_TABLE"), "user");
  EXPECT_EQ(EnvValue(engine, "FROM_PLAN"), "user");
  EXPECT_EQ(EnvValue(engine, "KEPT"), "plan");
  EXPECT_EQ(EnvValue(engine, "OWN"), "1");
  EXPECT_EQ(EnvValue(Container(pod, "bench"), "OWN"), "(unset)");
}

// A cluster may assign the user (OpenShift), of which the pod says nothing.
TEST(PodBuilder, HomeUserAndCachesAreAlwaysSet) {
  const json pod = Build("{}");
  EXPECT_EQ(EnvValue(Container(pod, "engine"), "HOME"), "/home/autotune");
  EXPECT_EQ(EnvValue(Container(pod, "engine"), "USER"), "autotune");
  EXPECT_EQ(EnvValue(Container(pod, "engine"), "HF_HOME"), "/home/autotune/.cache/huggingface");
  EXPECT_EQ(EnvValue(Container(pod, "engine"), "TRITON_CACHE_DIR"), "/home/autotune/.cache/triton");
  PodEnvironment at_home = SampleEnvironment();
  at_home.home_dir.clear();
  EXPECT_EQ(EnvValue(Container(Build("{}", {}, at_home), "engine"), "HOME"), "(unset)") << "local mode";
  // A claim for the hub's files is still the place for them.
  const json cached = Build(R"({"podTemplate": {"securityContext": {"runAsUser": 1000}},
                                "model": {"huggingFace": {"cacheClaim": "hf"}}})");
  EXPECT_EQ(EnvValue(Container(cached, "engine"), "HF_HOME"), "/cache");
}

TEST(PodBuilder, TheTokenIsAReferenceInEngineAndInspectOnly) {
  const char* patch = R"({"model": {"huggingFace": {"tokenSecretRef": {"name": "hf", "key": "t"}}}})";
  const json pod = Build(patch);
  EXPECT_THAT(EnvValue(Container(pod, "engine"), "HF_TOKEN"), HasSubstr(R"("secretKeyRef":{"key":"t","name":"hf"})"));
  EXPECT_EQ(EnvValue(Container(pod, "bench"), "HF_TOKEN"), "(unset)");
  EXPECT_EQ(EnvValue(Container(pod, "install"), "HF_TOKEN"), "(unset)");
  const json inspect = BuildInspectPod(SampleTask(patch), 0, 1, SampleEnvironment());
  EXPECT_THAT(EnvValue(Container(inspect, "inspect"), "HF_TOKEN"), HasSubstr("secretKeyRef"));
}

TEST(PodBuilder, OurContainersAreRestrictedWhateverTheUserAsksFor) {
  const json pod = Build(R"({"podTemplate": {"securityContext": {"runAsUser": 0}}, "baseRuntime": null,
      "runtimes": [{"name": "v", "engine": "vllm", "image": "v:0.20.1", "securityContext": {"privileged": true}}]})");
  for (const char* name : {"install", "bench"}) {
    const json& context = Container(pod, name)["securityContext"];
    EXPECT_EQ(context["runAsNonRoot"], true);
    EXPECT_EQ(context["runAsUser"], 65532) << "the pod says root, which runAsNonRoot would refuse";
    EXPECT_EQ(context["allowPrivilegeEscalation"], false);
    EXPECT_EQ(context["capabilities"]["drop"], json::array({"ALL"}));
  }
  const json& engine = Container(pod, "engine")["securityContext"];
  EXPECT_EQ(engine["privileged"], true);
  EXPECT_FALSE(engine.contains("allowPrivilegeEscalation")) << "the API server refuses false beside privileged";
}

TEST(PodBuilder, AnEnginesSecurityContextIsMergedIntoTheDefault) {
  const json pod = Build(R"({"baseRuntime": null, "runtimes": [{"name": "v", "engine": "vllm", "image": "v:0.20.1",
                             "securityContext": {"capabilities": {"add": ["IPC_LOCK"]}}}]})");
  EXPECT_EQ(Container(pod, "engine")["securityContext"],
            json::parse(R"({"allowPrivilegeEscalation": false, "capabilities": {"add": ["IPC_LOCK"], "drop": ["ALL"]},
                            "seccompProfile": {"type": "RuntimeDefault"}})"));
}

TEST(PodBuilder, LocalModesPlacesAreCopiedAsTheyAre) {
  PodEnvironment local = SampleEnvironment();
  local.port = "$(AUTOTUNE_PORT)";
  local.host = "127.0.0.1";
  local.shared_dir = "$(AUTOTUNE_POD_DIR)";
  local.options_dir = "$(AUTOTUNE_POD_DIR)";
  local.model_dir = "";
  local.termination_log = "$(AUTOTUNE_POD_DIR)/result";
  const json pod = Build(R"({"baseRuntime": "tensorrt-llm", "model": {"idOrPath": "/data/llama"}})", {}, local);
  const json& engine = Container(pod, "engine");
  EXPECT_EQ(engine["command"][0], "$(AUTOTUNE_POD_DIR)/autotune-launch");
  EXPECT_EQ(engine["command"][5], "$(AUTOTUNE_PORT)");
  EXPECT_EQ(engine["args"][2], "/data/llama");
  const auto of = [](const json& args, const char* flag) {
    const auto at = std::find(args.begin(), args.end(), flag);
    return at == args.end() || at + 1 == args.end() ? json() : *(at + 1);
  };
  EXPECT_EQ(of(engine["args"], "--extra_llm_api_options"), "$(AUTOTUNE_POD_DIR)/options.yaml");
  EXPECT_EQ(of(Container(pod, "bench")["args"], "--termination-log"), "$(AUTOTUNE_POD_DIR)/result");
}

TEST(PodBuilder, AnInspectPodRunsOnGpuNodesOnlyToReadTheirDisks) {
  const char* patch = R"({"gpu": {"nodeSelector": {"pool": "gpu"}}, "model": {"idOrPath": "/m", "volume": %}})";
  const auto pod = [&](const std::string& volume) {
    std::string text = patch;
    text.replace(text.find('%'), 1, volume);
    return BuildInspectPod(SampleTask(text), 0, 1, SampleEnvironment());
  };
  EXPECT_FALSE(pod(R"({"persistentVolumeClaim": {"claimName": "m"}})")["spec"].contains("nodeSelector"));
  EXPECT_TRUE(pod(R"({"hostPath": {"path": "/data"}})")["spec"].contains("nodeSelector"));
}

}  // namespace
}  // namespace autotune::experiment
