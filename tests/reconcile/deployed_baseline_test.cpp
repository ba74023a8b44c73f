#include "operator/reconcile/deployed_baseline.h"

#include <gmock/gmock.h>

#include "operator/deploy/running_server.h"
#include "operator/reconcile/accounting.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/measured_server_spec.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kModel = "meta-llama/Llama-3.1-8B-Instruct";

void MeasureWell(FakeCluster& cluster, nlohmann::json& pod) { cluster.Finish(pod, ResultMessage(1000, 7), 0); }

json TaskWith(const json& baseline, const std::function<void(json&)>& edit = {}) {
  json object = SmallTask();
  object["spec"]["parameters"] = {{"max-num-seqs", {64, 256}}, {"gpu-memory-utilization", 0.9}};
  object["spec"]["optimization"]["baseline"] = baseline;
  if (edit) edit(object["spec"]);
  return object;
}

base::Result<Space> SpaceOf(const json& object) {
  const auto task = api::TaskFromJson(object);
  if (!task) return task.error();
  std::vector<checkpoint::ModelFacts> facts;
  for (std::size_t i = 0; i < task->spec.models.size(); ++i) facts.push_back(**InlineFacts(task->spec, i));
  return BuildSpace(task->spec, facts, {}, Rules(), {});
}

// The arguments of the first candidate, or the refusal.
std::string BaselineOf(const std::string& command, const std::function<void(json&)>& edit = {}) {
  const auto space = SpaceOf(TaskWith({{"command", command}}, edit));
  if (!space) return space.error().message;
  const tuning::Candidate& first = space->expansion.candidates.front();
  std::string text = first.baseline && first.deployed ? "" : "not the baseline: ";
  for (const auto& [name, value] : first.plan.env) text += name + "=" + value + " ";
  for (const std::string& arg : first.plan.args) text += arg + " ";
  return text;
}

TEST(DeployedBaseline, IsWhatWasTypedAndNothingElse) {
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --port 80 --max-num-seqs 128"), "--max-num-seqs 128 ");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel), "") << "nothing of spec.parameters is added";
  EXPECT_EQ(BaselineOf("vllm serve --enable-chunked-prefill " + kModel + " --max-num-seqs=128"),
            "--enable-chunked-prefill --max-num-seqs 128 ");
  EXPECT_EQ(BaselineOf("vllm serve --no-enable-prefix-caching --model " + kModel), "--no-enable-prefix-caching ");
  EXPECT_EQ(BaselineOf("VLLM_X=1 vllm serve " + kModel + " --max_num_seqs 128"), "VLLM_X=1 --max-num-seqs 128 ");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + R"( --compilation-config '{"cudagraph_mode": "NONE"}')"),
            R"(--compilation-config {"cudagraph_mode":"NONE"} )");
  // A member of a JSON flag is JSON, else a number with a suffix, else text; "+" makes a list.
  EXPECT_EQ(BaselineOf("vllm serve " + kModel +
                       " --additional-config.a true --additional-config.b.c=2 --additional-config.d=false "
                       "--additional-config.e NONE --additional_config.f 2k --additional-config.g+ x,y"),
            R"(--additional-config {"a":true,"b":{"c":2},"d":false,"e":"NONE","f":2000,"g":["x","y"]} )");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " -cc.cudagraph_mode=NONE"),
            R"(--compilation-config {"cudagraph_mode":"NONE"} )");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " -O3"), "--optimization-level 3 ");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " -O=2"), "--optimization-level 2 ");
  EXPECT_EQ(BaselineOf("docker run -p 80:80 vllm/vllm-openai:v0.24.0 --model " + kModel + " --max-num-seqs 128"),
            "--max-num-seqs 128 ");
  EXPECT_EQ(BaselineOf("vllm serve /models/llama --served-model-name " + kModel), "")
      << "the model on another disk, under the task's name";
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --nnodes 1"), "");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --revision main"), "") << "what is loaded without it";
  EXPECT_THAT(BaselineOf("vllm serve " + kModel + " --disable-log-requests --max-logprobs 5"),
              HasSubstr("has --disable-log-requests, and vllm 0.24.0 has no such option"))
      << "a release that has no such flag";
}

TEST(DeployedBaseline, SaysByNameWhatIsNoBaselineOfThisTask) {
  const std::string path = "spec.optimization.baseline.command: ";
  EXPECT_EQ(BaselineOf("vllm serve org/other"), path + "serves org/other, and spec.model is " + kModel);
  EXPECT_EQ(BaselineOf("vllm serve"), path + "does not name a model");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " N"), path + "contains \"N\", which is not the value of a flag");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --revision v2"),
            path + "serves revision v2, and that of spec.model is not set");
  EXPECT_EQ(BaselineOf("python3 -m sglang.launch_server --model-path " + kModel),
            path + "starts sglang, and the task's runtimes are of vllm");
  EXPECT_EQ(BaselineOf("docker run lmsysorg/sglang:latest --model " + kModel),
            path + "runs image lmsysorg/sglang:latest, one of sglang, and the task's runtimes are of vllm");
  EXPECT_EQ(BaselineOf("docker run corp/llm:prod --model " + kModel),
            path +
                "runs image corp/llm:prod, which does not say the engine: write the program behind the image (vllm "
                "serve, python3 -m sglang.launch_server, trtllm-serve), or set baseline.runtime");
  EXPECT_THAT(BaselineOf("ssh gpu1 vllm serve " + kModel), HasSubstr(path + "begins with \"ssh\": a command"));
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --max-num-seqs $(nproc)"),
            path + "has $(nproc) for --max-num-seqs, but the command is parsed without a shell: write the value");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --max-num-seqs $SEQS"),
            path + "has $SEQS for --max-num-seqs, but the command is parsed without a shell: write the value");
  EXPECT_EQ(BaselineOf("vllm serve $MODEL"),
            path + "has $MODEL for the model, but the command is parsed without a shell: write the value");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --api-key $KEY"), "") << "left out";
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " $ARGS"),
            path + "contains \"$ARGS\", which is not the value of a flag");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --config x.yaml"),
            path +
                "--config names a file that the operator cannot read: give what is in it as baseline.parameters "
                "instead of a command");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --nnodes 2"),
            path + "--nnodes 2 cannot be part of a baseline: an experiment is one server on one node");
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --headless --max-num-seqs 1e3 --enable-prefix-caching=false"),
            path +
                "--max-num-seqs takes an integer, and the parser does not read \"1e3\" as one; "
                "--enable-prefix-caching takes no value, and the command gives it \"false\"; to set it to false, "
                "write --no-enable-prefix-caching; --headless cannot be part of a baseline: an experiment is one "
                "server on one node")
      << "all at once";
  EXPECT_EQ(BaselineOf("vllm serve " + kModel + " --enforce-eager true"),
            path + "--enforce-eager takes no value, and \"true\" follows it");
  EXPECT_THAT(BaselineOf("vllm serve " + kModel + " --no-such-flag 1"),
              HasSubstr(path + "runtime vllm is not started with it: vLLM 0.24.0 has no flag \"no-such-flag\""));
  EXPECT_THAT(BaselineOf("vllm serve " + kModel + " --max-num-seqs many"), HasSubstr("takes an integer"));
}

TEST(DeployedBaseline, HasTheEngineOfAnyImageAndTheModelOfAMount) {
  EXPECT_EQ(BaselineOf("docker run registry.corp:5000/ml/vllm:nightly --model " + kModel + " --max-num-seqs 8"),
            "--max-num-seqs 8 ");
  EXPECT_EQ(BaselineOf("docker run corp/llm:prod vllm serve " + kModel + " --max-num-seqs 8"), "--max-num-seqs 8 ");
  EXPECT_EQ(BaselineOf("docker run corp/llm:prod --model " + kModel + " --max-num-seqs 8",
                       [](json& spec) { spec["optimization"]["baseline"]["runtime"] = "vllm"; }),
            "--max-num-seqs 8 ");
  EXPECT_THAT(BaselineOf("docker run -v /data:/models vllm/vllm-openai --model /models/llama"),
              HasSubstr("serves /models/llama, and spec.model is " + kModel +
                        "; a path of the command's container (/data/llama outside) is known to the task by"));
  EXPECT_EQ(BaselineOf("docker run -v /data:/models vllm/vllm-openai --model /models/llama --max-num-seqs 8",
                       [](json& spec) {
                         spec["model"]["idOrPath"] = "/llama";
                         spec["model"]["volume"] = {{"persistentVolumeClaim", {{"claimName", "models"}}}};
                       }),
            "--max-num-seqs 8 ");
}

TEST(DeployedBaseline, WarnsOfFilesAndOfVariablesThatHaveNoEffect) {
  const auto warnings = [](const std::string& command) {
    const auto space = SpaceOf(TaskWith({{"command", command}}));
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    std::string text;
    for (const quant::Warning& one : space ? space->warnings : std::vector<quant::Warning>()) {
      if (one.reason == "VariableNotRead" || one.reason == "FilesOfBaseline")
        text += one.reason + ": " + one.message + "\n";
    }
    return text;
  };
  EXPECT_EQ(
      warnings("VLLM_USE_V1=1 VLLM_ATTENTION_BACKEND=FLASHINFER TOKENIZERS_PARALLELISM=false vllm serve " + kModel),
      "VariableNotRead: vLLM 0.24.0 does not read VLLM_ATTENTION_BACKEND (removed in 0.15.0); --attention-backend "
      "replaces it\nVariableNotRead: vLLM 0.24.0 does not read VLLM_USE_V1 (removed in 0.11.2)\n");
  EXPECT_EQ(warnings("docker run -v /data/l:/loras vllm/vllm-openai --model " + kModel +
                     " --enable-lora --lora-modules sql=/loras/sql --chat-template /t.jinja"),
            "FilesOfBaseline: --lora-modules names /loras/sql, which the command mounts from /data/l/sql: an "
            "experiment's pod has it only if spec.podTemplate.volumes and volumeMounts mount it at this path\n");
}

TEST(DeployedBaseline, IsOfTheRuntimeThatIsNamedOrHasItsImage) {
  const auto two = [](json& spec) {
    spec["runtimes"] = {{{"name", "new"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.24.0"}},
                        {{"name", "old"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.23.0"}}};
    spec.erase("baseRuntime");
  };
  EXPECT_EQ(BaselineOf("vllm serve " + kModel, two),
            "spec.optimization.baseline.command: matches the runtimes new and old: set baseline.runtime");
  const auto named = [&](json& spec) {
    two(spec);
    spec["optimization"]["baseline"]["runtime"] = "old";
  };
  const auto runtime_of = [](const json& object) {
    const auto space = SpaceOf(object);
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    if (!space) return std::string();
    for (const tuning::Candidate& candidate : space->expansion.candidates) {
      if (candidate.deployed) return space->runtimes[candidate.runtime].spec.name;
    }
    return std::string("none");
  };
  EXPECT_EQ(runtime_of(TaskWith({{"command", "vllm serve " + kModel}}, named)), "old");
  EXPECT_EQ(runtime_of(TaskWith({{"command", "docker run vllm/vllm-openai:v0.23.0 --model " + kModel}}, two)), "old");
}

TEST(DeployedBaseline, WarnsOfWhatIsLeftOutAndOfAnotherImage) {
  const auto space = SpaceOf(TaskWith(
      {{"command", "docker run -e HF_TOKEN=x vllm/vllm-openai:v0.20.0 --model " + kModel + " --host 0.0.0.0"}}));
  ASSERT_TRUE(space.ok()) << space.error().message;
  std::vector<std::string> texts;
  for (const quant::Warning& warning : space->warnings) {
    if (warning.field == "optimization.baseline.command") texts.push_back(warning.reason + ": " + warning.message);
  }
  ASSERT_THAT(texts, SizeIs(2));
  EXPECT_THAT(texts[0], HasSubstr("LeftOutOfBaseline: left out of the baseline: HF_TOKEN, --host;"));
  EXPECT_THAT(
      texts[1],
      HasSubstr("OtherImage: image vllm/vllm-openai:v0.20.0 is deployed, and a pasted command is measured on the image "
                "of a runtime: the baseline runs on "));
}

TEST(DeployedBaseline, HasTheNameOfTheConfigurationWhoseFlagsWereTyped) {
  const auto name_of = [](const std::string& flags) {
    const auto space = SpaceOf(TaskWith({{"command", "vllm serve " + kModel + flags}}, [](json& spec) {
      spec["quantConfig"] = {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}};
    }));
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    return space ? space->expansion.candidates.front().quant.name : "";
  };
  EXPECT_EQ(name_of(""), "default");
  EXPECT_EQ(name_of(" --kv-cache-dtype fp8"), "kv-cache-fp8");
  EXPECT_EQ(name_of(" --kv-cache-dtype fp8 --quantization fp8"), "dynamic-fp8") << "the one that says the most";
  EXPECT_EQ(name_of(" --kv-cache-dtype fp8_e5m2"), "default") << "another value";
  EXPECT_EQ(name_of(" --quantization fp8"), "default") << "only a part of dynamic-fp8";
}

TEST(DeployedBaseline, OfAnotherCheckpointIsBesideTheBaselineOfTheReference) {
  const auto two = [](json& spec) {
    json other = spec["model"];
    other["name"] = "served";
    other["idOrPath"] = "org/served";
    spec["model"]["name"] = "bf16";
    spec["models"] = {spec["model"], other};
    spec.erase("model");
  };
  const auto space = SpaceOf(TaskWith({{"command", "vllm serve org/served --max-num-seqs 128"}}, two));
  ASSERT_TRUE(space.ok()) << space.error().message;
  std::vector<std::string> baselines;
  for (const tuning::Candidate& candidate : space->expansion.candidates) {
    if (!candidate.baseline) continue;
    baselines.push_back(space->models[candidate.model].name + (candidate.deployed ? " deployed" : ""));
  }
  EXPECT_THAT(baselines, ElementsAre("bf16", "served deployed"));
}

TEST(ComparedWith, IsWhatIsDeployedAndQualityHasTheReferenceCheckpoint) {
  std::vector<api::ExperimentStatus> experiments(4);
  experiments[0].runtime = experiments[2].runtime = experiments[3].runtime = "vllm";
  experiments[1].runtime = "sglang";
  experiments[0].baseline = experiments[1].baseline = experiments[2].baseline = true;
  EXPECT_EQ(api::ComparedWith(experiments, "sglang"), &experiments[1]);
  experiments[2].deployed = true;
  EXPECT_EQ(api::ComparedWith(experiments, "sglang"), &experiments[2]);
  EXPECT_EQ(api::ComparedWith(experiments, "vllm"), &experiments[2]);
  EXPECT_EQ(api::QualityReference(experiments, "vllm"), &experiments[0]);
  experiments[0].baseline = false;
  EXPECT_EQ(api::QualityReference(experiments, "vllm"), &experiments[2]) << "it serves the reference itself";
  EXPECT_EQ(api::QualityReference(experiments, "tensorrt-llm"), nullptr);
}

json Deployment(const json& args) {
  return {{"kind", "Deployment"},
          {"spec",
           {{"template",
             {{"spec",
               {{"containers", {{{"name", "server"}, {"image", "vllm/vllm-openai:v0.24.0"}, {"args", args}}}}}}}}}}};
}

TEST(Decide, ADeploymentThatIsTheBaselineIsReadOnceBeforeAnythingRuns) {
  FakeCluster cluster(TaskWith({{"deploymentRef", {{"name", "chat"}}}}));
  cluster.deployments["chat"] = Deployment({"--model", kModel, "--max-num-seqs", "128", "--api-key", "sk-1"});
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 1);
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_EQ(status.state, "Complete") << cluster.task["status"].dump();
  ASSERT_TRUE(status.deployed);
  EXPECT_EQ(status.deployed->ref.container, "server");
  EXPECT_THAT(status.deployed->server.words,
              ElementsAre("--model", kModel, "--max-num-seqs", "128", "--api-key", "***"));
  EXPECT_TRUE(status.experiments.front().deployed);
  EXPECT_THAT(api::FindCondition(status.conditions, "Ready")->message,
              HasSubstr("it is what is deployed, and no other"));
  EXPECT_THAT(status.experiments.front().args, ElementsAre("--max-num-seqs", "128"));
  EXPECT_EQ(cluster.task.dump().find("sk-1"), std::string::npos);

  cluster.deployments["chat"] = Deployment({"--model", kModel, "--max-num-seqs", "8"});
  cluster.EditSpec([](json& spec) { spec["optimization"]["baseline"]["deploymentRef"]["container"] = "server"; });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 1) << "it is the one that was read";
  cluster.deployments["next"] = Deployment({"--model", kModel, "--max-num-seqs", "8"});
  cluster.EditSpec([](json& spec) { spec["optimization"]["baseline"]["deploymentRef"]["name"] = "next"; });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 2);
  EXPECT_THAT(cluster.Task().status.experiments.front().args, ElementsAre("--max-num-seqs", "8"));
  cluster.EditSpec([](json& spec) { spec["optimization"].erase("baseline"); });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_FALSE(cluster.Task().status.deployed);
}

// A task whose Deployment has this container, beside what every one has.
json TaskFor(const json& container, const std::function<void(json&)>& edit = {}) {
  json full = {{"name", "server"}, {"image", "vllm/vllm-openai:v0.22.0"}, {"command", {"vllm", "serve", kModel}}};
  full.update(container);
  const json workload = {{"spec", {{"template", {{"spec", {{"containers", {full}}}}}}}}};
  const auto read = deploy::ReadWorkloadContainer(workload, {"Deployment", "chat", ""}, "nvidia.com/gpu");
  EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
  json object = TaskWith({{"deploymentRef", {{"name", "chat"}}}}, edit);
  if (!read) return object;
  api::TaskStatus status;
  status.deployed = api::ReadWorkload{{"Deployment", "chat", "server"}, "2026-11-22T12:00:00Z", read->server};
  object["status"] = api::ToJson(status);
  return object;
}

const ResolvedRuntime& RuntimeOfDeployed(const Space& space) {
  return space.runtimes[space.expansion.candidates.at(0).runtime];
}

// The warnings of these reasons.
std::vector<std::string> Warnings(const Space& space, const std::string& reason) {
  std::vector<std::string> out;
  for (const quant::Warning& warning : space.warnings) {
    if (warning.reason == reason) out.push_back(warning.message);
  }
  return out;
}

TEST(DeployedRuntime, HasTheImageAndTheResourcesOfTheContainer) {
  const auto space =
      SpaceOf(TaskFor({{"args", {"--max-num-seqs", "128"}},
                       {"resources",
                        {{"limits", {{"cpu", 16}, {"memory", "64Gi"}, {"nvidia.com/gpu", 1}, {"rdma/ib", 1}}},
                         {"requests", {{"cpu", "8"}, {"nvidia.com/gpu", 1}}}}}}));
  ASSERT_TRUE(space.ok()) << space.error().message;
  std::vector<std::string> baselines;
  for (const tuning::Candidate& candidate : space->expansion.candidates) {
    const std::string& runtime = space->runtimes[candidate.runtime].spec.name;
    if (candidate.baseline) baselines.push_back(runtime + (candidate.deployed ? " deployed" : ""));
    EXPECT_EQ(candidate.deployed, runtime == "vllm-deployed") << "it is the only candidate of its runtime";
  }
  EXPECT_THAT(baselines, ::testing::UnorderedElementsAre("vllm", "vllm-deployed deployed"));
  const auto deployed = std::ranges::find_if(space->expansion.candidates, &tuning::Candidate::deployed);
  ASSERT_NE(deployed, space->expansion.candidates.end());
  const ResolvedRuntime& runtime = space->runtimes[deployed->runtime];
  EXPECT_EQ(runtime.spec.image, "vllm/vllm-openai:v0.22.0");
  EXPECT_EQ(runtime.release.version.ToString(), "0.22.0");
  EXPECT_EQ(runtime.spec.resources, R"({"limits": {"cpu": "16", "memory": "64Gi"}, "requests": {"cpu": "8"}})"_json);
  EXPECT_THAT(deployed->plan.args, ElementsAre("--max-num-seqs", "128"));
  EXPECT_EQ(deployed->plan.gpus, 1);
  EXPECT_THAT(Warnings(*space, "OtherImage"), ::testing::IsEmpty());
  EXPECT_THAT(Warnings(*space, "DeployedGpusDiffer"), ::testing::IsEmpty());
  EXPECT_THAT(Warnings(*space, "LeftOutOfBaseline"), ElementsAre(HasSubstr("left out of the baseline: rdma/ib;")));
  EXPECT_EQ(EngineOf(api::TaskFromJson(TaskFor(json::object()))->spec, "vllm-deployed"), "vllm");
}

TEST(DeployedRuntime, IsNoneWhereTheContainerHasWhatTheRuntimeHas) {
  const auto own = [](const json& container, const std::function<void(json&)>& edit = {}) {
    const auto space = SpaceOf(TaskFor(container, edit));
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    return space && std::ranges::any_of(space->runtimes, &ResolvedRuntime::deployed);
  };
  const json same = {{"image", "docker.io/vllm/vllm-openai:v0.24.0"}};
  const json memory = {{"image", "vllm/vllm-openai:v0.24.0"}, {"resources", {{"limits", {{"memory", "64Gi"}}}}}};
  EXPECT_FALSE(own(same));
  EXPECT_TRUE(own(memory)) << "other resources";
  EXPECT_FALSE(own(memory, [](json& spec) {
    spec.erase("baseRuntime");
    spec["runtimes"] = {{{"name", "vllm"}, {"engine", "vllm"}, {"resources", {{"limits", {{"memory", "64Gi"}}}}}}};
  }));
  const auto beside = SpaceOf(TaskFor(memory, [](json& spec) {
    spec.erase("baseRuntime");
    spec["runtimes"] = R"([{"name": "vllm", "engine": "vllm", "resources": {
        "limits": {"memory": "32Gi", "rdma/ib": 1}, "requests": {"cpu": 4}}}])"_json;
  }));
  ASSERT_TRUE(beside.ok()) << beside.error().message;
  EXPECT_EQ(beside->runtimes.back().spec.resources, R"({"limits": {"memory": "64Gi", "rdma/ib": 1}})"_json)
      << "other resources are those of the runtime";
  const auto taken = SpaceOf(TaskFor(json::object(), [](json& spec) {
    spec.erase("baseRuntime");
    spec["runtimes"] = {{{"name", "vllm"}, {"engine", "vllm"}}, {{"name", "vllm-deployed"}, {"engine", "sglang"}}};
  }));
  ASSERT_FALSE(taken.ok());
  EXPECT_THAT(taken.error().message, HasSubstr("spec.runtimes: the name vllm-deployed is that of the image"));
}

TEST(DeployedRuntime, HasTheGpusOfTheContainer) {
  const auto with = [](const json& resources, const json& args) {
    auto space = SpaceOf(TaskFor({{"args", args}, {"resources", {{"limits", resources}}}}));
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    return *std::move(space);
  };
  const auto gpus = [](const Space& space) {
    return std::ranges::find_if(space.expansion.candidates, &tuning::Candidate::deployed)->plan.gpus;
  };
  const Space idle = with({{"nvidia.com/gpu", 4}}, {"--tensor-parallel-size", "2"});
  EXPECT_EQ(gpus(idle), 4);
  EXPECT_THAT(Warnings(idle, "DeployedGpusDiffer"),
              ElementsAre("the container has 4 nvidia.com/gpu, and its arguments use 2: the baseline runs with 4, and "
                          "its throughput is per GPU of all of them"));
  const Space few = with({{"nvidia.com/gpu", "1"}}, {"--tensor-parallel-size", "2"});
  EXPECT_EQ(gpus(few), 2);
  EXPECT_THAT(Warnings(few, "DeployedGpusDiffer"),
              ElementsAre(HasSubstr("its arguments use 2: the baseline runs with 2")));
  const Space part = with({{"nvidia.com/mig-1g.10gb", 1}}, json::array());
  EXPECT_THAT(Warnings(part, "DeployedGpusDiffer"),
              ElementsAre("the container has nvidia.com/mig-1g.10gb, and the baseline runs with nvidia.com/gpu "
                          "(spec.gpu.resourceName)"));
  EXPECT_EQ(RuntimeOfDeployed(part).spec.image.empty(), false);
}

TEST(DeployedRuntime, SaysWhyAnImageIsNotTakenOver) {
  const auto why = [](const json& container) {
    const auto space = SpaceOf(TaskFor(container));
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    if (!space) return std::vector<std::string>();
    EXPECT_FALSE(std::ranges::any_of(space->runtimes, &ResolvedRuntime::deployed));
    return Warnings(*space, "OtherImage");
  };
  EXPECT_THAT(why({{"image", ""}}), ElementsAre(HasSubstr("the workload names no image: the baseline runs on vllm/")));
  EXPECT_THAT(
      why({{"image", "lmsysorg/sglang:v0.5.15"}}),
      ElementsAre(HasSubstr("image lmsysorg/sglang:v0.5.15 is deployed, which is one of SGLang, and its command "
                            "starts vLLM: the baseline runs on ")));
  EXPECT_THAT(why({{"image", "corp/vllm-rocm:v0.22.0"}, {"resources", {{"limits", {{"amd.com/gpu", 1}}}}}}),
              ElementsAre(HasSubstr("image corp/vllm-rocm:v0.22.0 is deployed on amd.com/gpu: the baseline runs on ")));
}

TEST(DeployedRuntime, SaysThatTheReleaseOfADigestIsNotKnown) {
  const std::string image = "vllm/vllm-openai@sha256:" + std::string(64, 'a');
  const auto space = SpaceOf(TaskFor({{"image", image}}));
  ASSERT_TRUE(space.ok()) << space.error().message;
  EXPECT_THAT(Warnings(*space, "UnknownEngineVersion"), ElementsAre(HasSubstr("the release of image " + image)));
}

TEST(DeployedRuntime, IsCheckedByTheRulesOfItsRelease) {
  const auto refused = [](const std::string& release) {
    const auto space =
        SpaceOf(TaskFor({{"image", "vllm/vllm-openai:v" + release}, {"args", {"--linear-backend", "auto"}}}));
    return space ? std::string() : space.error().message;
  };
  EXPECT_THAT(refused("0.20.0"), HasSubstr("runtime vllm-deployed is not started with it: vLLM 0.20.0"));
  EXPECT_EQ(refused("0.23.0"), "");
}

TEST(DeployedRuntime, NamesThePullSecretsThatTheTaskLacks) {
  const auto warned = [](const json& secrets) {
    json object = TaskFor({{"image", "corp/vllm:v0.22.0"}},
                          [&](json& spec) { spec["podTemplate"]["imagePullSecrets"] = secrets; });
    object["status"]["deployed"]["imagePullSecrets"] = {"registry"};
    const auto space = SpaceOf(object);
    EXPECT_TRUE(space.ok()) << (space ? "" : space.error().message);
    return space ? Warnings(*space, "PullSecretsNotTakenOver") : std::vector<std::string>();
  };
  EXPECT_THAT(warned(json::array()), ElementsAre(HasSubstr("pulls image corp/vllm:v0.22.0 with registry: ")));
  EXPECT_THAT(warned({{{"name", "registry"}}}), ::testing::IsEmpty());
}

TEST(QualityReference, OfWhatIsDeployedOnItsOwnImageIsTheRuntimesBaseline) {
  std::vector<api::ExperimentStatus> experiments(2);
  experiments[0].runtime = "vllm-deployed";
  experiments[0].baseline = experiments[0].deployed = experiments[1].baseline = true;
  experiments[1].runtime = "vllm";
  EXPECT_EQ(api::QualityReference(experiments, "vllm-deployed"), &experiments[1]);
  EXPECT_EQ(api::QualityReference(experiments, "vllm"), &experiments[1]);
  experiments.pop_back();
  EXPECT_EQ(api::QualityReference(experiments, "vllm-deployed"), &experiments[0]);
}

TEST(Decide, WhatIsDeployedRunsInItsOwnImageWithItsOwnResources) {
  FakeCluster cluster(TaskWith({{"deploymentRef", {{"name", "chat"}}}}));
  cluster.deployments["chat"] = Deployment({"--model", kModel, "--max-num-seqs", "128"});
  json& container = cluster.deployments["chat"]["spec"]["template"]["spec"]["containers"][0];
  container["image"] = "vllm/vllm-openai:v0.22.0";
  container["resources"] = R"({"limits": {"memory": "64Gi", "nvidia.com/gpu": 2}})"_json;
  std::map<std::string, json> engines;  // by image
  ASSERT_TRUE(cluster.RunUntilQuiet([&](FakeCluster& self, json& pod) {
    const json& engine = pod["spec"]["initContainers"][1];
    engines[engine["image"]] = engine["resources"];
    MeasureWell(self, pod);
  }));
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_EQ(status.state, "Complete") << cluster.task["status"].dump();
  ASSERT_TRUE(engines.contains("vllm/vllm-openai:v0.22.0"));
  ASSERT_TRUE(engines.contains("vllm/vllm-openai:v0.24.0"));
  EXPECT_EQ(engines["vllm/vllm-openai:v0.22.0"]["limits"], R"({"memory": "64Gi", "nvidia.com/gpu": "2"})"_json);
  EXPECT_FALSE(engines["vllm/vllm-openai:v0.24.0"]["limits"].contains("memory"));
  const auto deployed = std::ranges::find_if(status.experiments, &api::ExperimentStatus::deployed);
  ASSERT_NE(deployed, status.experiments.end());
  EXPECT_EQ(deployed->runtime, "vllm-deployed");
  EXPECT_EQ(deployed->gpus, 2);
  // Its manifest has the image, too.
  const auto server = MeasuredServerSpec(cluster.Task(), *deployed, Rules(), {});
  ASSERT_TRUE(server.ok()) << server.error().message;
  EXPECT_EQ(server->Engine()["image"], "vllm/vllm-openai:v0.22.0");
  EXPECT_EQ(server->Engine()["resources"]["limits"]["memory"], "64Gi");
}

TEST(Decide, WithoutTheRightToReadTheBaselineSaysWhatToGrantAndAsksAgain) {
  FakeCluster cluster(TaskWith({{"deploymentRef", {{"name", "chat"}, {"kind", "LLMInferenceService"}}}}));
  cluster.refuse_reads = base::Error{base::Code::kDenied, "the operator may not read it: the chart's value allows it"};
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  const api::AutotuneTask task = cluster.Task();
  const api::Condition* ready = api::FindCondition(task.status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "BaselineNotRead");
  EXPECT_EQ(ready->message,
            "spec.optimization.baseline.deploymentRef: the operator may not read it: the chart's value allows it");
  EXPECT_NE(api::FindCondition(task.status.conditions, "Stalled"), nullptr);
  EXPECT_TRUE(cluster.created.empty());
  ASSERT_TRUE(cluster.wake_at);

  cluster.refuse_reads.reset();
  cluster.deployments["chat"] = {
      {"spec", {{"model", {{"uri", "hf://" + kModel}}}, {"template", {{"containers", json::array()}}}}}};
  cluster.clock.Advance(std::chrono::seconds(20));
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 2);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
}

TEST(Decide, AWorkloadThatCannotBeTheBaselineEndsTheTaskByName) {
  FakeCluster cluster(TaskWith({{"deploymentRef", {{"name", "chat"}}}}));
  cluster.deployments["chat"] = {
      {"spec", {{"template", {{"spec", {{"containers", {{{"name", "a"}}, {{"name", "b"}}}}}}}}}}};
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(task.status.state, "Failed");
  EXPECT_EQ(api::FindCondition(task.status.conditions, "Stalled")->message,
            "spec.optimization.baseline.deploymentRef: Deployment chat has several containers that may serve the model "
            "(a, b): deploymentRef.container says which");
}

}  // namespace
}  // namespace autotune::reconcile
