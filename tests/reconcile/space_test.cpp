#include "operator/reconcile/space.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

experiment::NodeView GpuNode(const std::string& name, const std::string& product, int gpus, const std::string& major,
                             const std::string& minor) {
  return experiment::NodeViewFromJson({{"metadata",
                                        {{"name", name},
                                         {"labels",
                                          {{"nvidia.com/gpu.product", product},
                                           {"nvidia.com/gpu.memory", "81559"},
                                           {"nvidia.com/gpu.compute.major", major},
                                           {"nvidia.com/gpu.compute.minor", minor}}}}},
                                       {"status", {{"allocatable", {{"nvidia.com/gpu", std::to_string(gpus)}}}}}});
}

TEST(GpuChoices, AreOrderedByTheNumberOfGpus) {
  const std::vector<GpuChoice> choices = GpuChoices(
      {}, {GpuNode("a", "NVIDIA-A100-SXM4-80GB", 8, "8", "0"), GpuNode("b", "NVIDIA-H100-80GB-HBM3", 8, "9", "0"),
           GpuNode("c", "NVIDIA-H100-80GB-HBM3", 8, "9", "0")});
  ASSERT_EQ(choices.size(), 2U);
  EXPECT_EQ(choices[0].product, "NVIDIA-H100-80GB-HBM3");
  ASSERT_TRUE(choices[0].capability.has_value());
  EXPECT_EQ(choices[0].capability->ToString(), "9.0");
  EXPECT_EQ(choices[0].memory_bytes, 81559LL << 20);
}

TEST(GpuChoices, KnowSharesThatNoLabelNames) {
  experiment::NodeView node = GpuNode("a", "NVIDIA-A10G", 10, "8", "6");
  const experiment::NodeView whole = GpuNode("b", "NVIDIA-A10G", 1, "8", "6");
  EXPECT_FALSE(GpuChoices({}, {node, whole}).front().shared);
  node.labels["nvidia.com/gpu.count"] = "1";
  EXPECT_TRUE(GpuChoices({}, {node, whole}).front().shared);
  EXPECT_TRUE(GpuChoices({}, {whole, node}).front().shared);
  EXPECT_EQ(GpuChoices({}, {node, whole}).size(), 1U);
}

// network-operator issue 211: the mixed MIG strategy with a labeller that does not label the product of partitions.
TEST(GpuChoices, HaveTheLeastMemoryOfNodesThatDiffer) {
  const auto l4 = [](const std::string& name, const char* mebibytes) {
    experiment::NodeView node;
    node.name = name;
    node.labels = {{"karpenter.k8s.aws/instance-gpu-name", "l4"}, {"karpenter.k8s.aws/instance-gpu-memory", mebibytes}};
    node.allocatable["nvidia.com/gpu"] = 1;
    return node;
  };
  for (const auto& nodes : {std::vector{l4("a", "22888"), l4("b", "23034"), l4("part", "5722")},
                            std::vector{l4("b", "23034"), l4("part", "5722"), l4("a", "22888")}}) {
    const std::vector<GpuChoice> choices = GpuChoices({}, nodes);
    ASSERT_EQ(choices.size(), 2U) << "a part of a card is another product";
    EXPECT_EQ(choices[0].product, "l4");
    EXPECT_EQ(choices[0].memory_bytes, std::int64_t{22888} << 20);
  }
}

TEST(GpuChoices, LeaveOutNodesWhoseTaintsPodsDoNotTolerate) {
  experiment::NodeView dedicated = GpuNode("a", "NVIDIA-H100-80GB-HBM3", 8, "9", "0");
  dedicated.taints = {{"dedicated", "ml", "NoSchedule"}};
  const experiment::NodeView open = GpuNode("b", "NVIDIA-L4", 1, "8", "9");
  ASSERT_EQ(GpuChoices({}, {dedicated, open}).size(), 1U);
  EXPECT_EQ(GpuChoices({}, {dedicated, open})[0].product, "NVIDIA-L4");
  EXPECT_EQ(NodesFor({}, "", {dedicated, open}).size(), 1U);
  api::GpuSpec tolerant;
  tolerant.tolerations = {{{"key", "dedicated"}, {"operator", "Exists"}}};
  EXPECT_EQ(GpuChoices(tolerant, {dedicated, open})[0].product, "NVIDIA-H100-80GB-HBM3");
}

TEST(GpuChoices, TakePartitionsWithoutAProduct) {
  experiment::NodeView node = GpuNode("a", "A100-PCIE-40GB", 0, "8", "0");
  node.allocatable["nvidia.com/mig-1g.10gb"] = 4;
  node.labels["nvidia.com/mig-1g.10gb.memory"] = "9728";
  api::GpuSpec spec;
  spec.resource_name = "nvidia.com/mig-1g.10gb";
  const std::vector<GpuChoice> choices = GpuChoices(spec, {node});
  ASSERT_EQ(choices.size(), 1U);
  EXPECT_EQ(choices[0].product, "");
  EXPECT_EQ(choices[0].memory_bytes, 9728LL << 20);
  EXPECT_EQ(choices[0].capability, (quant::ComputeCapability{8, 0}));
  // The same profile of another card: what is not the same is not known.
  experiment::NodeView other = GpuNode("b", "NVIDIA-H100-80GB-HBM3", 0, "9", "0");
  other.allocatable["nvidia.com/mig-1g.10gb"] = 7;
  other.labels["nvidia.com/mig-1g.10gb.memory"] = "9856";
  for (const auto& nodes : {std::vector{node, other}, std::vector{other, node}}) {
    ASSERT_EQ(GpuChoices(spec, nodes).size(), 1U);
    EXPECT_EQ(GpuChoices(spec, nodes)[0].memory_bytes, 9728LL << 20);
    EXPECT_FALSE(GpuChoices(spec, nodes)[0].capability.has_value());
  }
}

TEST(GpuChoices, HonourWhatTheSpecAllows) {
  const std::vector<experiment::NodeView> nodes = {GpuNode("a", "NVIDIA-A100-SXM4-80GB", 16, "8", "0"),
                                                   GpuNode("b", "NVIDIA-H100-80GB-HBM3", 8, "9", "0")};
  api::GpuSpec spec;
  spec.min_compute_capability = "8.9";
  ASSERT_EQ(GpuChoices(spec, nodes).size(), 1U);
  EXPECT_EQ(GpuChoices(spec, nodes)[0].product, "NVIDIA-H100-80GB-HBM3");
  spec.products = {"NVIDIA-L4"};
  EXPECT_TRUE(GpuChoices(spec, nodes).empty());
}

experiment::NodeView AmdNode(const std::string& name, const std::string& product, int gpus) {
  return experiment::NodeViewFromJson(
      {{"metadata",
        {{"name", name}, {"labels", {{"amd.com/gpu.product-name", product}, {"amd.com/gpu.vram", "192G"}}}}},
       {"status", {{"allocatable", {{"amd.com/gpu", std::to_string(gpus)}}}}}});
}

api::AutotuneTask AmdTask(const json& runtimes, const json& quant = {{"gemmDtype", "fp8"}}) {
  json object = SmallTask();
  object["spec"]["runtimes"] = runtimes;
  object["spec"]["quantConfig"] = quant;
  object["spec"]["gpu"]["resourceName"] = "amd.com/gpu";
  auto task = api::TaskFromJson(object);
  EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
  return *task;
}

Space AmdSpace(const api::AutotuneTask& task, const GpuChoice& gpu) {
  const auto facts = InlineFacts(task.spec, 0);
  auto space = BuildSpace(task.spec, {**facts}, {gpu}, Rules(), {});
  EXPECT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
  return *std::move(space);
}

bool Warns(const std::vector<quant::Warning>& warnings, const std::string& reason) {
  return std::any_of(warnings.begin(), warnings.end(), [&](const auto& warning) { return warning.reason == reason; });
}

TEST(GpuChoices, OfAnAmdTaskAreAmdGpus) {
  api::GpuSpec spec;
  spec.resource_name = "amd.com/gpu";
  const auto choices = GpuChoices(
      spec, {GpuNode("a", "NVIDIA-H100-80GB-HBM3", 8, "9", "0"), AmdNode("b", "AMD_Instinct_MI300X_OAM", 8)});
  ASSERT_EQ(choices.size(), 1U);
  EXPECT_EQ(choices[0].product, "AMD_Instinct_MI300X_OAM");
  EXPECT_EQ(choices[0].amd_architecture, "gfx942");
  EXPECT_EQ(choices[0].memory_bytes, std::int64_t{192} << 30);
  EXPECT_FALSE(choices[0].capability.has_value());
}

TEST(BuildSpace, AsksTheRulesAboutTheAmdGpuOfTheTask) {
  const json sglang = {{{"name", "r"}, {"engine", "sglang"}, {"image", "lmsysorg/sglang:v0.5.15-rocm720-mi35x"}}};
  const api::AutotuneTask task = AmdTask(sglang, {{"moeDtype", "mxfp4"}});
  const auto eligible = [&](const GpuChoice& gpu) {
    checkpoint::ModelFacts experts = **InlineFacts(task.spec, 0);
    experts.experts = 8;
    experts.experts_per_token = 2;
    experts.moe_intermediate_size = 14336;
    const auto space = BuildSpace(task.spec, {experts}, {gpu}, Rules(), {});
    EXPECT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
    return std::count_if(space->expansion.candidates.begin(), space->expansion.candidates.end(),
                         [](const auto& candidate) { return !candidate.baseline; });
  };
  // MXFP4 made at load time is for gfx95*.
  EXPECT_EQ(eligible({"AMD_Instinct_MI355X_OAM", {}, 0, "gfx950"}), 1);
  EXPECT_EQ(eligible({"AMD_Instinct_MI300X_OAM", {}, 0, "gfx942"}), 0);
  EXPECT_EQ(eligible({"AMD_Instinct_MI355X_OAM", {}, 0, ""}), 1);  // as a finished task remembers it
  EXPECT_EQ(eligible({}), 0);
}

TEST(BuildSpace, OnAmdNothingIsAskedOfAComputeCapability) {
  const api::AutotuneTask task = AmdTask({{{"name", "r"}, {"engine", "vllm"}}});
  for (const GpuChoice& gpu : {GpuChoice{}, GpuChoice{"AMD_Instinct_MI300X_OAM", {}, 0, "gfx942"}}) {
    const Space space = AmdSpace(task, gpu);
    ASSERT_FALSE(space.schedule.empty());
    EXPECT_FALSE(PlacementOf(space, 0).min_capability.has_value());
    for (const tuning::Candidate& candidate : space.expansion.candidates) {
      EXPECT_TRUE(Warns(candidate.plan.warnings, "RulesAreForNvidia"));
    }
  }
}

TEST(BuildSpace, OnAmdTakesTheRocmImageOrSaysThatItHasNone) {
  struct Row {
    const char* engine;
    const char* image;  // "" = the engine's own
    const char* runs;
    bool warns;
  };
  for (const Row& row : {
           Row{"vllm", "", "vllm/vllm-openai-rocm:v0.24.0", false},
           Row{"vllm", "docker.io/vllm/vllm-openai:v0.23.0", "docker.io/vllm/vllm-openai:v0.23.0", true},
           Row{"vllm", "registry:5000/own/vllm:0.24.0", "registry:5000/own/vllm:0.24.0", false},
           Row{"sglang", "", "lmsysorg/sglang:v0.5.15", true},
           Row{"sglang", "lmsysorg/sglang:v0.5.15-rocm720-mi30x", "lmsysorg/sglang:v0.5.15-rocm720-mi30x", false},
       }) {
    SCOPED_TRACE(std::string(row.engine) + " " + row.image);
    json runtime = {{"name", "r"}, {"engine", row.engine}};
    if (*row.image != '\0') runtime["image"] = row.image;
    const Space space = AmdSpace(AmdTask(json::array({runtime})), {"", {}, 0, "gfx942"});
    EXPECT_EQ(space.runtimes[0].spec.image, row.runs);
    EXPECT_EQ(Warns(space.warnings, "ImageIsForNvidia"), row.warns);
    EXPECT_FALSE(Warns(space.warnings, "UnknownEngineVersion"));
  }
}

TEST(BuildSpace, OnAmdRejectsTensorRtLlm) {
  const json presets = {{"presets", {"default", "kv-cache-fp8"}}};
  const Space space = AmdSpace(AmdTask({{{"name", "r"}, {"engine", "tensorrt-llm"}}}, presets), {});
  EXPECT_TRUE(space.expansion.candidates.empty());
  ASSERT_FALSE(space.expansion.pruned.empty());
  for (const tuning::Pruned& pruned : space.expansion.pruned) {
    EXPECT_EQ(pruned.rejection.reason, "GpuNotSupported");
    EXPECT_EQ(pruned.rejection.message, "TensorRT-LLM runs on NVIDIA GPUs only");
  }
  EXPECT_FALSE(Warns(space.warnings, "ImageIsForNvidia"));  // there is no other build to name
}

TEST(BuildSpace, SaysWhatPartsOfCardsAreNotGoodFor) {
  json object = SmallTask();
  object["spec"]["parameters"]["tensor-parallel-size"] = {1, 2};
  const auto space = [&](const GpuChoice& gpu) {
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto facts = InlineFacts(task->spec, 0);
    auto built = BuildSpace(task->spec, {**facts}, {gpu}, Rules(), {});
    EXPECT_TRUE(built.ok()) << (built.ok() ? "" : built.error().message);
    return *std::move(built);
  };
  const GpuChoice card = {"NVIDIA-A10G", quant::ComputeCapability{8, 6}, 23028LL << 20};
  GpuChoice share = card;
  share.shared = true;
  const auto several = [](const Space& of) {
    return std::ranges::any_of(of.expansion.candidates, [](const auto& candidate) { return candidate.plan.gpus > 1; });
  };
  EXPECT_TRUE(several(space(card)));
  EXPECT_FALSE(Warns(space(card).warnings, "GpuIsShared"));
  EXPECT_FALSE(several(space(share)));
  EXPECT_TRUE(Warns(space(share).warnings, "GpuIsShared"));
  EXPECT_FALSE(Warns(space(card).warnings, "GpuIsPartition"));
  EXPECT_TRUE(
      Warns(space({"NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", quant::ComputeCapability{9, 0}, 40320LL << 20}).warnings,
            "GpuIsPartition"));
  object["spec"]["gpu"]["resourceName"] = "nvidia.com/mig-3g.40gb";
  EXPECT_TRUE(Warns(space({"", quant::ComputeCapability{9, 0}, 40320LL << 20}).warnings, "GpuIsPartition"));
  object["spec"]["parameters"]["tensor-parallel-size"] = {1};
  EXPECT_FALSE(Warns(space({"", quant::ComputeCapability{9, 0}, 40320LL << 20}).warnings, "GpuIsPartition"));
}

TEST(ChooseGpu, TakesTheProductThatTheMostCandidatesCanRunOn) {
  const std::vector<GpuChoice> choices =
      GpuChoices({}, {GpuNode("a", "Tesla-T4", 64, "7", "5"), GpuNode("b", "NVIDIA-H100-80GB-HBM3", 8, "9", "0"),
                      GpuNode("c", "NVIDIA-H200", 4, "9", "0")});
  ASSERT_EQ(choices.size(), 3U);
  const auto chosen = [&](const json& quant) {
    json object = SmallTask();
    object["spec"]["quantConfig"] = quant;
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto facts = InlineFacts(task->spec, 0);
    return ChooseGpu(task->spec, 0, {**facts}, choices, Rules(), {}).product;
  };
  // bfloat16 needs 8.0: H100 and H200 can run it, of them there are more H100s.
  EXPECT_EQ(chosen({{"presets", {"default", "bf16-stable"}}}), "NVIDIA-H100-80GB-HBM3");
  // Everything runs everywhere: the most numerous.
  EXPECT_EQ(chosen({{"gemmDtype", "float16"}}), "Tesla-T4");
  EXPECT_EQ(ChooseGpu({}, 0, {}, {}, Rules(), {}).product, "");
}

// Tasks that are at work carry these hashes. With the arguments below still right and a hash that differs, the text
// that is hashed is another one: count tuning::kHashScheme up, and write the new hashes here.
TEST(BuildSpace, HashesOfSchemeOneAreThese) {
  ASSERT_EQ(tuning::kHashScheme, 2);
  json object = SmallTask();
  object["spec"].merge_patch(json::parse(R"json({
    "model": {"idOrPath": "/models/llama", "revision": "v2", "volume": {"persistentVolumeClaim": {"claimName": "c"}}},
    "runtimes": [{"name": "vllm", "engine": "vllm", "image": "vllm/vllm-openai:v0.24.0", "args": ["--seed", "7"],
                  "env": [{"name": "A", "value": "1"}], "resources": {"limits": {"memory": "64Gi"}},
                  "securityContext": {"runAsUser": 1000}}],
    "gpu": {"products": ["NVIDIA-H200"], "minMemory": "70Gi", "minComputeCapability": "9.0",
            "nodeSelector": {"pool": "a"}, "runtimeClassName": "nvidia"},
    "slo": {"ttft": {"p99": "1s"}, "errorRate": "0.01", "attainment": "0.9"},
    "benchmark": {"load": null, "image": "bench:1", "resources": {"limits": {"cpu": "2"}}, "env": [{"name": "B", "value": "2"}],
                  "seed": 3},
    "podTemplate": {"securityContext": {"fsGroup": 1000}, "volumes": [{"name": "v", "emptyDir": {}}],
                    "volumeMounts": [{"name": "v", "mountPath": "/v"}]}})json"));
  struct Row {
    json task;
    std::vector<std::string> arguments;
    const char* hash;
  };
  for (const Row& row : {Row{SmallTask(), {}, "49b54f513892ce18"}, Row{object, {"--seed", "7"}, "6eeba23067468adf"}}) {
    const auto task = api::TaskFromJson(row.task);
    ASSERT_TRUE(task.ok()) << task.error().message;
    const auto facts = InlineFacts(task->spec, 0);
    const auto space = BuildSpace(task->spec, {**facts}, {}, Rules(), {});
    ASSERT_TRUE(space.ok()) << space.error().message;
    const tuning::Candidate& baseline = space->expansion.candidates.at(0);
    EXPECT_EQ(baseline.plan.distinct_args, row.arguments) << "the rules give other arguments";
    EXPECT_EQ(baseline.hash, row.hash);
  }
}

TEST(ResolveRuntimes, GivesABaseRuntimeTheEnginesDefaultImage) {
  api::TaskSpec spec;
  spec.base_runtime = "sglang";
  const auto runtimes = ResolveRuntimes(spec, Rules());
  ASSERT_TRUE(runtimes.ok());
  EXPECT_EQ(runtimes->at(0).spec.image, "lmsysorg/sglang:v0.5.15");
  EXPECT_EQ(runtimes->at(0).release.version.ToString(), "0.5.15");
  EXPECT_EQ(runtimes->at(0).release.assumption, "");
}

TEST(ResolveRuntimes, NamesTheFieldOfAnUnknownEngine) {
  api::TaskSpec spec;
  spec.runtimes.resize(1);
  spec.runtimes[0].name = "x";
  spec.runtimes[0].engine = "llamacpp";
  const auto runtimes = ResolveRuntimes(spec, Rules());
  ASSERT_FALSE(runtimes.ok());
  EXPECT_NE(runtimes.error().message.find("spec.runtimes[0].engine"), std::string::npos) << runtimes.error().message;
}

TEST(BuildSpace, WarnsWhenRuleTablesAreRefused) {
  const auto task = api::TaskFromJson(SmallTask());
  ASSERT_TRUE(task.ok()) << task.error().message;
  const auto facts = InlineFacts(task->spec, 0);
  const auto rules = quant::RuleSet::FromDirectoryOrBuiltIn("/no/such/directory");
  ASSERT_TRUE(rules.ok());
  const auto space = BuildSpace(task->spec, {**facts}, {}, *rules, {});
  ASSERT_TRUE(space.ok()) << space.error().message;
  ASSERT_EQ(space->warnings.size(), 1U);
  EXPECT_EQ(space->warnings[0].reason, "RuleTablesRefused");
  EXPECT_NE(space->warnings[0].message.find("/no/such/directory"), std::string::npos);
  EXPECT_FALSE(space->expansion.candidates.empty());  // it works on
}

TEST(BuildSpace, SaysWhichEngineCannotBeAskedQuestionsByChoices) {
  const auto warns = [](const char* engine, bool dataset) {
    json object = SmallTask();
    object["spec"]["runtimes"] = {{{"name", "r"}, {"engine", engine}}};
    if (dataset) object["spec"]["quality"]["dataset"] = {{"configMap", {{"name", "exam"}, {"key", "exam.jsonl"}}}};
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto space = BuildSpace(task->spec, {**InlineFacts(task->spec, 0)}, {}, Rules(), {});
    EXPECT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
    return Warns(space->warnings, kChoicesNotCompared);
  };
  EXPECT_TRUE(warns("tensorrt-llm", true));
  EXPECT_FALSE(warns("tensorrt-llm", false));
  EXPECT_FALSE(warns("vllm", true));
}

TEST(BuildSpace, PrunesARevisionThatTheEngineCannotBeTold) {
  const auto pruned = [](const std::string& image, const std::string& id, const char* revision) {
    json object = SmallTask();
    object["spec"]["model"]["idOrPath"] = id;
    object["spec"]["model"]["revision"] = revision;
    object["spec"].erase("baseRuntime");
    object["spec"]["runtimes"] = {{{"name", "trt"}, {"engine", "tensorrt-llm"}, {"image", image}}};
    object["spec"]["parameters"] = json::object();
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto facts = InlineFacts(task->spec, 0);
    const auto space = BuildSpace(task->spec, {**facts}, {}, Rules(), {});
    EXPECT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
    return std::any_of(space->expansion.pruned.begin(), space->expansion.pruned.end(),
                       [](const auto& one) { return one.rejection.reason == "RevisionNotSupported"; });
  };
  EXPECT_TRUE(pruned("trt:1.1.0", "org/model", "abc123"));
  EXPECT_FALSE(pruned("trt:1.2.0", "org/model", "abc123"));
  EXPECT_FALSE(pruned("trt:1.1.0", "org/model", "main"));
}

TEST(BuildSpace, RefusesRequestsThatAreLongerThanTheModelsContext) {
  const auto build = [](const std::function<void(json & spec)>& edit) {
    json object = SmallTask();
    object["spec"]["benchmark"] = {{"scenarios", {"D(131000,128)"}}};
    edit(object["spec"]);
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    return BuildSpace(task->spec, {**InlineFacts(task->spec, 0)}, {}, Rules(), {});
  };
  const auto refused = build([](json&) {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "spec.benchmark.scenarios[0]: D(131000,128) has requests of up to 131128 tokens; the context holds 131072");
  EXPECT_TRUE(build([](json& spec) { spec["benchmark"]["scenarios"] = {"D(130000,128)"}; }).ok());
  EXPECT_TRUE(build([](json& spec) { spec["parameters"] = {{"max-model-len", {262144}}}; }).ok());
  EXPECT_FALSE(build([](json& spec) { spec["parameters"] = {{"max-model-len", {4096, 131072}}}; }).ok());
  EXPECT_TRUE(build([](json& spec) { spec["model"]["facts"]["rope_scaling"] = {{"factor", 4.0}}; }).ok());
}

TEST(BuildSpace, WarnsOfBytesWithoutTheirUnit) {
  const auto warns = [](const json& limit) {
    json object = SmallTask();
    object["spec"].erase("baseRuntime");
    object["spec"]["runtimes"] =
        json::array({{{"name", "r"}, {"engine", "vllm"}, {"resources", {{"limits", {{"memory", limit}}}}}}});
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto space = BuildSpace(task->spec, {**InlineFacts(task->spec, 0)}, {}, Rules(), {});
    EXPECT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
    return Warns(space->warnings, "TooFewBytes");
  };
  EXPECT_TRUE(warns(64));
  EXPECT_TRUE(warns("64"));
  EXPECT_FALSE(warns("64Gi"));
  EXPECT_FALSE(warns("68719476736"));
}

TEST(BuildSpace, WarnsOfWhatTheBenchmarksPromptsDoNotShow) {
  const auto warns = [](const json& benchmark, const char* reason) {
    json object = SmallTask();
    object["spec"]["parameters"] = {{"enable-prefix-caching", {"true"}},
                                    {"speculative-config", {R"({"method": "ngram", "num_speculative_tokens": 2})"}}};
    object["spec"]["benchmark"] = benchmark;
    const auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    const auto facts = InlineFacts(task->spec, 0);
    const auto space = BuildSpace(task->spec, {**facts}, {}, Rules(), {});
    EXPECT_TRUE(space.ok() && !space->expansion.candidates.empty());
    return Warns(space->expansion.candidates.front().plan.warnings, reason);
  };
  const json random = {{"scenarios", {"D(512,128)"}}};
  const json shared = {{"scenarios", {"D(2048,128)"}}, {"prefix", {{"tokens", 1024}, {"groups", 8}}}};
  const json recorded = {
      {"dataset", {{"format", "JSONL"}, {"configMap", {{"name", "prompts"}, {"key", "prompts.jsonl"}}}}}};
  EXPECT_TRUE(warns(random, "PrefixCacheNotMeasured"));
  EXPECT_FALSE(warns(shared, "PrefixCacheNotMeasured"));
  EXPECT_FALSE(warns(recorded, "PrefixCacheNotMeasured"));
  EXPECT_TRUE(warns(random, "SpeculationOnRandomText"));
  EXPECT_TRUE(warns(shared, "SpeculationOnRandomText"));
  EXPECT_FALSE(warns(recorded, "SpeculationOnRandomText"));
}

TEST(BuildSpace, WarnsOfAnUnknownEngineVersion) {
  json object = SmallTask();
  object["spec"]["runtimes"][0]["image"] = "vllm/vllm-openai:nightly";
  const auto task = api::TaskFromJson(object);
  ASSERT_TRUE(task.ok()) << task.error().message;
  const auto facts = InlineFacts(task->spec, 0);
  ASSERT_TRUE(facts.ok() && facts->has_value());
  const auto space = BuildSpace(task->spec, {**facts}, {}, Rules(), {});
  ASSERT_TRUE(space.ok()) << space.error().message;
  ASSERT_EQ(space->warnings.size(), 1U);
  EXPECT_EQ(space->warnings[0].reason, "UnknownEngineVersion");
}

}  // namespace
}  // namespace autotune::reconcile
