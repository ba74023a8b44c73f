#include "tuning/candidate.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/sha256.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::tuning {
namespace {

using quant::FlagValue;
using quant::QuantConfig;
using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::SizeIs;

RuntimeInput Runtime(const std::string& engine, const std::string& version, const std::string& name = "") {
  const auto release = Rules().Resolve(engine, "", version);
  EXPECT_TRUE(release.ok());
  return {name.empty() ? engine : name, *release, {}, engine + "@" + version};
}

QuantConfig Preset(const char* name) { return *quant::FindPreset(name); }

SpaceInput DenseOnH100() {
  SpaceInput input;
  input.runtimes = {Runtime("vllm", "0.24.0")};
  input.quants = {Preset("default")};
  input.models.front().facts.architecture = "LlamaForCausalLM";
  input.models.front().facts.layers = 32;
  input.models.front().facts.attention_heads = 32;
  input.models.front().facts.kv_heads = 8;
  input.models.front().facts.hidden_size = 4096;
  input.models.front().facts.head_dim = 128;
  input.gpus.front().capability = quant::ComputeCapability{9, 0};
  input.models.front().contexts = {"{}"};
  return input;
}

Expansion MustExpand(const SpaceInput& input) {
  auto expansion = ExpandCandidates(Rules(), input);
  if (!expansion) {
    ADD_FAILURE() << expansion.error().message;
    return {};
  }
  // Nothing is dropped silently, whatever a test expands.
  EXPECT_EQ(static_cast<std::size_t>(expansion->total),
            static_cast<std::size_t>(expansion->duplicates) + expansion->pruned.size() + expansion->candidates.size());
  std::set<std::string> hashes;
  int duplicates = 0;
  for (const Candidate& candidate : expansion->candidates) {
    EXPECT_THAT(candidate.hash, SizeIs(16));
    EXPECT_TRUE(hashes.insert(candidate.hash).second);
    EXPECT_FALSE(candidate.plan.rejection.has_value());
    duplicates += candidate.duplicates;
  }
  EXPECT_EQ(duplicates, expansion->duplicates);
  return *std::move(expansion);
}

std::vector<std::string> Points(const Expansion& expansion) {
  std::vector<std::string> points;
  for (const Candidate& candidate : expansion.candidates) {
    std::string text = std::to_string(candidate.runtime) + " " + candidate.quant.name;
    for (const auto& [name, value] : candidate.parameters) text += " " + name + "=" + value.ToString();
    points.push_back(text);
  }
  return points;
}

TEST(Expand, WalksTheGridWithTheLastParameterFastest) {
  SpaceInput input = DenseOnH100();
  input.quants = {Preset("default"), Preset("kv-cache-fp8")};
  input.parameters["max-num-batched-tokens"] = {FlagValue::Number("4096"), FlagValue::Number("8192")};
  input.parameters["max-num-seqs"] = {FlagValue::Number("64"), FlagValue::Number("128")};
  const Expansion expansion = MustExpand(input);
  // The baseline is the engine's own defaults.
  EXPECT_THAT(Points(expansion),
              ::testing::ElementsAre("0 default", "0 default max-num-batched-tokens=4096 max-num-seqs=64",
                                     "0 default max-num-batched-tokens=4096 max-num-seqs=128",
                                     "0 default max-num-batched-tokens=8192 max-num-seqs=64",
                                     "0 default max-num-batched-tokens=8192 max-num-seqs=128",
                                     "0 kv-cache-fp8 max-num-batched-tokens=4096 max-num-seqs=64",
                                     "0 kv-cache-fp8 max-num-batched-tokens=4096 max-num-seqs=128",
                                     "0 kv-cache-fp8 max-num-batched-tokens=8192 max-num-seqs=64",
                                     "0 kv-cache-fp8 max-num-batched-tokens=8192 max-num-seqs=128"));
  EXPECT_TRUE(expansion.candidates.front().baseline);
  EXPECT_EQ(std::count_if(expansion.candidates.begin(), expansion.candidates.end(),
                          [](const Candidate& candidate) { return candidate.baseline; }),
            1);
}

TEST(Expand, AddsEachRuntimesBaselineWhereItWasNotAskedFor) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("vllm", "0.24.0"), Runtime("sglang", "0.5.15")};
  input.quants = {Preset("kv-cache-fp8")};
  const Expansion expansion = MustExpand(input);
  EXPECT_THAT(Points(expansion), ::testing::ElementsAre("0 default", "0 kv-cache-fp8", "1 default", "1 kv-cache-fp8"));
  EXPECT_TRUE(expansion.candidates[0].baseline);
  EXPECT_TRUE(expansion.candidates[2].baseline);
  EXPECT_EQ(expansion.total, 4);
}

TEST(Expand, PutsABaselineThatWasAskedForLaterFirst) {
  SpaceInput input = DenseOnH100();
  input.quants = {Preset("kv-cache-fp8"), Preset("default")};
  EXPECT_THAT(Points(MustExpand(input)), ::testing::ElementsAre("0 default", "0 kv-cache-fp8"));
  EXPECT_EQ(MustExpand(input).total, 2);
}

TEST(Expand, TakesACustomConfigurationOfFourAutosAsTheBaseline) {
  SpaceInput input = DenseOnH100();
  QuantConfig mine;
  mine.name = "mine";
  input.quants = {mine};
  EXPECT_THAT(Points(MustExpand(input)), ::testing::ElementsAre("0 mine"));
  EXPECT_TRUE(MustExpand(input).candidates[0].baseline);
}

TEST(Expand, KeepsFixedParametersInTheBaseline) {
  SpaceInput input = DenseOnH100();
  input.parameters["max-model-len"] = {FlagValue::Number("4096")};
  input.parameters["max-num-seqs"] = {FlagValue::Number("64"), FlagValue::Number("128")};
  EXPECT_THAT(Points(MustExpand(input)),
              ::testing::ElementsAre("0 default max-model-len=4096", "0 default max-model-len=4096 max-num-seqs=64",
                                     "0 default max-model-len=4096 max-num-seqs=128"));
}

TEST(Expand, PrunesAContextThatDoesNotHoldTheLongestRequest) {
  SpaceInput input = DenseOnH100();
  input.parameters["max-model-len"] = {FlagValue::Number("4096"), FlagValue::Number("8192"), FlagValue::Text("auto")};
  input.longest_request = 4097;
  const Expansion expansion = MustExpand(input);
  EXPECT_THAT(Points(expansion),
              ::testing::ElementsAre("0 default", "0 default max-model-len=8192", "0 default max-model-len=auto"));
  ASSERT_EQ(expansion.pruned.size(), 1U);
  EXPECT_EQ(expansion.pruned[0].rejection.reason, "ContextTooShort");
  EXPECT_EQ(expansion.pruned[0].rejection.message,
            "max-model-len is 4096: too short for requests of up to 4097 tokens (benchmark.scenarios)");
  input.longest_request = 4096;
  EXPECT_TRUE(MustExpand(input).pruned.empty());
}

TEST(Expand, FindsAContextThatIsTooShortUnderEverySpellingOfEveryEngine) {
  const struct {
    const char *engine, *version, *flag;
  } kCases[] = {
      {"vllm", "0.24.0", "max-model-len"},      {"vllm", "0.24.0", "max_model_len"},
      {"vllm", "0.24.0", "--max-model-len"},    {"sglang", "0.5.15", "context-length"},
      {"sglang", "0.5.15", "context_length"},   {"tensorrt-llm", "1.2.0", "max_seq_len"},
      {"tensorrt-llm", "1.2.0", "max-seq-len"},
  };
  for (const auto& row : kCases) {
    SpaceInput input = DenseOnH100();
    input.runtimes = {Runtime(row.engine, row.version)};
    input.longest_request = 640;
    input.parameters[row.flag] = {FlagValue::Number("256"), FlagValue::Number("640")};
    const Expansion expansion = MustExpand(input);
    ASSERT_THAT(expansion.pruned, SizeIs(1)) << row.engine << " " << row.flag;
    EXPECT_EQ(expansion.pruned[0].rejection.reason, "ContextTooShort");
    EXPECT_EQ(expansion.pruned[0].rejection.field, std::string("parameters.") + row.flag);
  }
  SpaceInput input = DenseOnH100();
  input.longest_request = 640;
  input.runtimes.front().extra_args = {"--max-model-len", "256"};
  ASSERT_THAT(MustExpand(input).pruned, SizeIs(1));
  EXPECT_EQ(MustExpand(input).pruned[0].rejection.field, "runtimes[].args");
}

TEST(Expand, RefusesABaselineWhoseContextIsTooShort) {
  SpaceInput input = DenseOnH100();
  input.longest_request = 640;
  for (const bool deployed : {false, true}) {
    input.baseline = NamedBaseline{};
    input.baseline->runtime = "vllm";
    input.baseline->deployed = deployed;
    input.baseline->field = deployed ? "spec.optimization.baseline.command" : "spec.optimization.baseline";
    input.baseline->parameters = {{"max-model-len", FlagValue::Number("256")}};
    const auto expansion = ExpandCandidates(Rules(), input);
    ASSERT_FALSE(expansion.ok());
    EXPECT_EQ(expansion.error().message, input.baseline->field + ": runtime vllm is not started with it: " +
                                             (deployed ? "" : "parameters.max-model-len: ") +
                                             "max-model-len is 256: too short for requests of up to 640 tokens "
                                             "(benchmark.scenarios)");
    input.baseline->parameters = {{"max-model-len", FlagValue::Number("640")}};
    EXPECT_TRUE(ExpandCandidates(Rules(), input).ok());
  }
}

TEST(Expand, TakesTheFirstValuesAsTheBaselineWhereTheDefaultsDoNotStart) {
  SpaceInput input = DenseOnH100();
  input.gpus.front().memory_bytes = std::int64_t{80} << 30;
  input.models.front().facts.weight_bytes = std::int64_t{140} << 30;  // more than one GPU holds
  input.tensor_parallel = {4, 8};
  const Expansion expansion = MustExpand(input);
  ASSERT_THAT(expansion.candidates, SizeIs(2));
  EXPECT_TRUE(expansion.candidates[0].baseline);
  EXPECT_EQ(expansion.candidates[0].parallel.tensor, 4);
  EXPECT_EQ(expansion.total, 2);
}

TEST(Expand, ComparesWithABaselineThatWasNamed) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("vllm", "0.24.0"), Runtime("sglang", "0.5.15")};
  input.baseline = {"vllm", Preset("kv-cache-fp8"), {{"max-num-seqs", FlagValue::Number("200")}}};
  const Expansion expansion = MustExpand(input);
  EXPECT_EQ(Points(expansion).front(), "0 kv-cache-fp8 max-num-seqs=200");
  EXPECT_TRUE(expansion.candidates.front().baseline);
  EXPECT_FALSE(expansion.candidates.front().deployed);
  EXPECT_EQ(expansion.total, 3) << "the default configuration of its runtime is of the grid";
  // The other runtime has its own.
  EXPECT_EQ(std::count_if(expansion.candidates.begin(), expansion.candidates.end(),
                          [](const Candidate& c) { return c.baseline && c.runtime == 1; }),
            1);
}

TEST(Expand, RefusesANamedBaselineThatItsEngineIsNotStartedWith) {
  SpaceInput input = DenseOnH100();
  input.baseline = {"", std::nullopt, {{"no-such-flag", FlagValue::Number("200")}}};
  const auto expansion = ExpandCandidates(Rules(), input);
  ASSERT_FALSE(expansion.ok());
  EXPECT_EQ(expansion.error().code, base::Code::kInvalid);
  EXPECT_THAT(expansion.error().message, HasSubstr("spec.optimization.baseline: runtime vllm is not started with it"));
  EXPECT_THAT(expansion.error().message, HasSubstr("no-such-flag"));
}

TEST(Expand, CollapsesWhatUserParametersMakeEqual) {
  SpaceInput input = DenseOnH100();
  input.quants = {Preset("default"), Preset("kv-cache-fp8")};
  input.parameters["kv_cache_dtype"] = {FlagValue::Text("fp8"), FlagValue::Text("auto")};
  const Expansion expansion = MustExpand(input);
  EXPECT_EQ(expansion.total, 5);
  ASSERT_THAT(expansion.candidates, SizeIs(3));
  EXPECT_EQ(expansion.candidates[1].duplicates, 1);
  EXPECT_EQ(expansion.candidates[2].duplicates, 1);
  ASSERT_THAT(expansion.duplicate_of, SizeIs(2));
  EXPECT_EQ(expansion.duplicate_of[0].quant.name, "kv-cache-fp8");
  EXPECT_EQ(expansion.duplicate_of[0].of, 1U);
}

TEST(Expand, CollapsesTheKvCacheThatTheCheckpointDeclaresOnlyWhereTheEngineSurelyFollowsIt) {
  const struct {
    const char *engine, *version, *method, *declared;
    bool same;
    std::vector<std::string> schemes = {};
  } kCases[] = {
      {"vllm", "0.24.0", "modelopt", "fp8", false, {"kv fp8-tensor-dynamic - -"}},
      {"vllm", "0.24.0", "modelopt", "fp8", true},
      {"vllm", "0.24.0", "modelopt", "none", false},
      {"vllm", "0.13.0", "modelopt", "fp8", false},
      {"vllm", "0.24.0", "compressed-tensors", "fp8", false},
      {"sglang", "0.5.15", "modelopt", "fp8", true},
      {"sglang", "0.5.15", "modelopt", "none", false},
  };
  for (const auto& row : kCases) {
    SpaceInput input = DenseOnH100();
    input.runtimes = {Runtime(row.engine, row.version)};
    input.quants = {Preset("default"), Preset("kv-cache-fp8")};
    checkpoint::ModelFacts& facts = input.models.front().facts;
    facts.quantization = row.method;
    facts.family = facts.linear_format = facts.activations = "fp8";
    facts.kv_cache = row.declared;
    facts.schemes = row.schemes;
    const Expansion expansion = MustExpand(input);
    ASSERT_THAT(expansion.candidates, SizeIs(row.same ? 1 : 2)) << row.engine << row.version << row.method;
    if (!row.same) continue;
    ASSERT_THAT(expansion.duplicate_of, SizeIs(1));
    EXPECT_EQ(expansion.duplicate_of[0].reason, "the checkpoint declares this KV cache, and " +
                                                    std::string(row.engine == std::string("vllm") ? "vLLM" : "SGLang") +
                                                    " follows it: kv-cache-dtype has no effect");
  }
}

TEST(Expand, SaysWhyWhatTheEngineReplacesIsADuplicate) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("sglang", "0.5.15")};
  input.parameters["speculative-algorithm"] = {FlagValue::Text("EAGLE")};
  input.parameters["speculative-draft-model-path"] = {FlagValue::Text("org/draft")};
  input.parameters["speculative-num-steps"] = {FlagValue::Number("1")};
  input.parameters["speculative-eagle-topk"] = {FlagValue::Number("1")};
  input.parameters["speculative-num-draft-tokens"] = {FlagValue::Number("2"), FlagValue::Number("1")};
  const Expansion expansion = MustExpand(input);
  // The baseline leaves the number of tokens to the engine.
  ASSERT_THAT(expansion.duplicate_of, SizeIs(2));
  EXPECT_EQ(expansion.duplicate_of.front().reason, "");
  EXPECT_THAT(expansion.duplicate_of.back().reason, HasSubstr("speculative-num-draft-tokens is 2, and not 1"));
}

TEST(Expand, ListsTheFirstDuplicates) {
  SpaceInput input = DenseOnH100();
  input.parameters["max-num-seqs"].assign(kMaxListedDuplicates + 2, FlagValue::Number("64"));
  const Expansion expansion = MustExpand(input);
  EXPECT_EQ(expansion.duplicates, static_cast<int>(kMaxListedDuplicates) + 1);
  EXPECT_THAT(expansion.duplicate_of, SizeIs(kMaxListedDuplicates));
}

TEST(Expand, CollapsesTwoSpellingsOfOneNumber) {
  SpaceInput input = DenseOnH100();
  input.parameters["gpu-memory-utilization"] = {FlagValue::Number("0.90"), FlagValue::Text("0.9")};
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(2));  // one of them is the baseline, without the flag
}

TEST(Expand, CollapsesIdenticalRuntimes) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("vllm", "0.24.0", "a"), Runtime("vllm", "0.24.0", "b")};
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(1));
  input.runtimes[1].identity = "another image";
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(2));
}

TEST(Expand, PrunesWithTheFieldAndAReason) {
  SpaceInput input = DenseOnH100();
  QuantConfig config;
  config.name = "mine";
  config.kvcache = "int4";
  input.quants = {Preset("default"), config};
  const Expansion expansion = MustExpand(input);
  EXPECT_THAT(expansion.candidates, SizeIs(1));
  ASSERT_THAT(expansion.pruned, SizeIs(1));
  EXPECT_EQ(expansion.pruned[0].runtime, "vllm");
  EXPECT_EQ(expansion.pruned[0].quant.name, "mine");
  EXPECT_EQ(expansion.pruned[0].rejection.field, "kvcacheDtype");
  EXPECT_EQ(expansion.pruned[0].rejection.reason, "KvDtypeNotSupported");
  EXPECT_FALSE(expansion.pruned[0].baseline);
}

TEST(Expand, TellsTheRulesTheRevisionAndTheKindOfGpu) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("tensorrt-llm", "1.1.0")};
  input.models.front().revision = "abc";
  ASSERT_THAT(MustExpand(input).pruned, SizeIs(1));
  EXPECT_EQ(MustExpand(input).pruned[0].rejection.reason, "RevisionNotSupported");
  input.models.front().revision.clear();
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(1));
  input.gpus.front().capability.reset();
  input.gpus.front().amd_architecture = "gfx942";
  ASSERT_THAT(MustExpand(input).pruned, SizeIs(1));
  EXPECT_EQ(MustExpand(input).pruned[0].rejection.reason, "GpuNotSupported");
  input = DenseOnH100();
  input.gpus.front().shared = true;
  input.tensor_parallel = {2};
  ASSERT_THAT(MustExpand(input).pruned, SizeIs(1)) << "the shares may be of one card";
}

TEST(Expand, TellsTheRulesWhatThePromptsAre) {
  const auto warns = [](quant::Prompts prompts) {
    SpaceInput input = DenseOnH100();
    input.models.front().facts.verifier = "org/base";
    input.models.front().facts.draft_method = "eagle3";
    input.prompts = prompts;
    const std::vector<quant::Warning> warnings = MustExpand(input).candidates.at(0).plan.warnings;
    return std::ranges::any_of(warnings, [](const auto& one) { return one.reason == "SpeculationOnRandomText"; });
  };
  EXPECT_TRUE(warns(quant::Prompts::kRandom));
  EXPECT_FALSE(warns(quant::Prompts::kRecorded));
}

TEST(Expand, SaysWhenItIsTheBaselineThatIsPruned) {
  SpaceInput input = DenseOnH100();
  input.parameters["no-such-flag"] = {FlagValue::Number("1")};
  const Expansion expansion = MustExpand(input);
  ASSERT_THAT(expansion.pruned, SizeIs(1));
  EXPECT_TRUE(expansion.pruned[0].baseline);
  EXPECT_THAT(expansion.candidates, SizeIs(0));
}

TEST(Expand, ExpandsParallelSizes) {
  SpaceInput input = DenseOnH100();
  input.tensor_parallel = {1, 2, 4};
  const Expansion expansion = MustExpand(input);
  ASSERT_THAT(expansion.candidates, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    // One GPU is what the engine does by itself: the baseline stands for it.
    EXPECT_EQ(expansion.candidates[i].parallel.tensor.value_or(1), 1 << i);
    EXPECT_EQ(expansion.candidates[i].plan.gpus, 1 << i);
  }
}

TEST(Expand, ExpandsEachKindOfParallelSize) {
  using quant::ParallelSizes;
  const struct {
    std::vector<int> SpaceInput::*sizes;
    std::optional<int> ParallelSizes::*size;
  } kKinds[] = {{&SpaceInput::tensor_parallel, &ParallelSizes::tensor},
                {&SpaceInput::pipeline_parallel, &ParallelSizes::pipeline},
                {&SpaceInput::data_parallel, &ParallelSizes::data}};
  for (const auto& kind : kKinds) {
    SpaceInput input = DenseOnH100();
    input.*kind.sizes = {1, 2};
    const Expansion expansion = MustExpand(input);
    ASSERT_THAT(expansion.candidates, SizeIs(2));
    EXPECT_EQ(expansion.candidates[1].parallel.*kind.size, 2);
    EXPECT_EQ(expansion.candidates[1].plan.gpus, 2);
  }
}

TEST(Expand, ExpandsSizesOfExpertParallelism) {
  SpaceInput input = DenseOnH100();
  input.runtimes = {Runtime("sglang", "0.5.15")};
  input.models.front().facts.architecture = "Qwen3MoeForCausalLM";
  input.models.front().facts.experts = 64;
  input.tensor_parallel = {2};
  input.expert_parallel = {1, 2};
  const Expansion expansion = MustExpand(input);
  ASSERT_THAT(expansion.candidates, SizeIs(2));
  EXPECT_EQ(expansion.candidates[1].parallel.expert, 2);
}

// What is hashed, written out: a running task finds its experiments by it (kHashScheme).
TEST(Expand, HashesLengthPrefixedParts) {
  SpaceInput input = DenseOnH100();
  input.runtimes[0].extra_args = {"--seed", "7"};
  EXPECT_EQ(MustExpand(input).candidates.at(0).hash,
            base::Sha256Hex("4:vllm11:vllm@0.24.02:{}0:2;6:--seed1:7").substr(0, 16));
  input.runtimes = {Runtime("tensorrt-llm", "1.2.0")};
  input.runtimes[0].identity = "";
  input.quants = {Preset("kv-cache-fp8")};
  const Expansion trtllm = MustExpand(input);
  ASSERT_THAT(trtllm.candidates, SizeIs(2));
  const std::string& yaml = trtllm.candidates[1].plan.distinct_yaml;
  EXPECT_EQ(trtllm.candidates[1].hash,
            base::Sha256Hex("12:tensorrt-llm0:2:{}" + std::to_string(yaml.size()) + ":" + yaml + "0;").substr(0, 16));
}

TEST(Expand, HashesTheFinalConfigurationAndTheContext) {
  const SpaceInput input = DenseOnH100();
  const std::string hash = MustExpand(input).candidates.at(0).hash;
  EXPECT_EQ(MustExpand(input).candidates.at(0).hash, hash);

  SpaceInput context = input;
  context.models.front().contexts = {R"({"benchmark":"longer"})"};
  EXPECT_NE(MustExpand(context).candidates.at(0).hash, hash);

  SpaceInput image = input;
  image.runtimes[0].identity = "vllm@another";
  EXPECT_NE(MustExpand(image).candidates.at(0).hash, hash);

  SpaceInput arguments = input;
  arguments.runtimes[0].extra_args = {"--seed", "7"};
  EXPECT_NE(MustExpand(arguments).candidates.at(0).hash, hash);

  SpaceInput name = input;  // names are for people
  name.runtimes[0].name = "renamed";
  name.quants[0].name = "renamed";
  EXPECT_EQ(MustExpand(name).candidates.at(0).hash, hash);
}

TEST(Expand, RefusesMoreCombinationsThanItLooksAtAndSaysWhatToShrink) {
  SpaceInput input = DenseOnH100();
  std::vector<FlagValue> values;
  for (int i = 1; i <= 400; ++i) values.push_back(FlagValue::Number(std::to_string(i)));
  input.parameters["max-num-seqs"] = values;
  input.parameters["max-num-batched-tokens"] = values;
  const auto refusal = [](const SpaceInput& of) {
    const auto expansion = ExpandCandidates(Rules(), of);
    EXPECT_FALSE(expansion.ok());
    if (expansion.ok()) return std::string();
    EXPECT_EQ(expansion.error().code, base::Code::kInvalid);
    return expansion.error().message;
  };
  EXPECT_EQ(refusal(input),
            "spec: 1 runtimes x 1 quantization configurations x 400 values of parameters.max-num-batched-tokens x 400 "
            "values of parameters.max-num-seqs are more than 100000 combinations; remove values");
  // All that has several values is named, and nothing else.
  input.models.resize(2);
  input.gpus.resize(2);
  input.runtimes = {Runtime("vllm", "0.24.0"), Runtime("sglang", "0.5.15"), Runtime("vllm", "0.24.0"),
                    Runtime("sglang", "0.5.15"), Runtime("vllm", "0.23.0", "deployed")};
  input.runtimes[2].gpu = input.runtimes[3].gpu = 1;
  input.runtimes[4].only_deployed = true;
  input.tensor_parallel = {1, 2};
  input.parameters.erase("max-num-batched-tokens");
  input.parameters["seed"] = values;
  input.parameters["max-model-len"] = {FlagValue::Number("4096")};
  EXPECT_EQ(refusal(input),
            "spec: 2 models x 2 GPU types x 2 runtimes x 1 quantization configurations x 2 values of parallelConfig x "
            "400 values of parameters.max-num-seqs x 400 values of parameters.seed are more than 100000 combinations; "
            "remove values");
}

// Without configurations to expand: only the product is looked at.
TEST(Expand, TakesAsManyCombinationsAsAreAllowed) {
  SpaceInput input = DenseOnH100();
  input.quants.clear();
  for (const auto& [name, count] : {std::pair("max-num-seqs", 10), std::pair("seed", 10'000)}) {
    for (int i = 1; i <= count; ++i) input.parameters[name].push_back(FlagValue::Number(std::to_string(i)));
  }
  EXPECT_EQ(10 * 10'000, static_cast<int>(kMaxCombinations));
  EXPECT_TRUE(ExpandCandidates(Rules(), input).ok());
  SpaceInput models = input, runtimes = input, quants = input;
  models.models.resize(2);
  EXPECT_FALSE(ExpandCandidates(Rules(), models).ok());
  runtimes.runtimes.push_back(Runtime("sglang", "0.5.15"));
  EXPECT_FALSE(ExpandCandidates(Rules(), runtimes).ok());
  quants.quants = {Preset("default"), Preset("kv-cache-fp8")};
  EXPECT_FALSE(ExpandCandidates(Rules(), quants).ok());
}

TEST(Expand, RefusesOneCombinationTooMany) {
  SpaceInput input = DenseOnH100();
  input.quants.clear();
  for (const auto& [name, count] : {std::pair("max-num-seqs", 11), std::pair("seed", 9091)}) {
    for (int i = 1; i <= count; ++i) input.parameters[name].push_back(FlagValue::Number(std::to_string(i)));
  }
  EXPECT_EQ(11 * 9091, static_cast<int>(kMaxCombinations) + 1);
  EXPECT_FALSE(ExpandCandidates(Rules(), input).ok());
  input.parameters["max-num-seqs"].pop_back();
  EXPECT_TRUE(ExpandCandidates(Rules(), input).ok());
}

TEST(Expand, RefusesAProductThatOverflows) {
  SpaceInput input = DenseOnH100();
  const std::vector<FlagValue> values(1 << 16, FlagValue::Number("1"));
  for (const char* name : {"a", "b", "c", "d"}) input.parameters[name] = values;
  EXPECT_FALSE(ExpandCandidates(Rules(), input).ok());
}

TEST(Expand, RefusesAnAxisWithoutValues) {
  SpaceInput input = DenseOnH100();
  input.parameters["max-num-seqs"] = {};
  const auto expansion = ExpandCandidates(Rules(), input);
  ASSERT_FALSE(expansion.ok());
  EXPECT_THAT(expansion.error().message, HasSubstr("parameters.max-num-seqs"));
}

TEST(Expand, CollapsesADtypeThatTheEngineComputesInAnyway) {
  SpaceInput input = DenseOnH100();
  input.models.front().facts.dtype = "bfloat16";
  input.quants = {Preset("default"), Preset("kv-cache-fp8"), Preset("bf16-stable")};
  Expansion expansion = MustExpand(input);
  ASSERT_THAT(expansion.candidates, SizeIs(2));
  EXPECT_EQ(expansion.candidates[1].quant.name, "kv-cache-fp8");
  EXPECT_EQ(expansion.candidates[1].duplicates, 1);
  // Alone it is what was asked for.
  input.quants = {Preset("default"), Preset("bf16-stable")};
  expansion = MustExpand(input);
  ASSERT_THAT(expansion.candidates, SizeIs(2));
  EXPECT_THAT(expansion.candidates[1].plan.args,
              ::testing::ElementsAre("--dtype", "bfloat16", "--kv-cache-dtype", "fp8"));
  // TensorRT-LLM's dtype is in its options file.
  input.runtimes = {Runtime("tensorrt-llm", "1.2.0")};
  input.quants = {Preset("default"), Preset("kv-cache-fp8"), Preset("bf16-stable")};
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(2));
  // Another dtype is another run; so may be the same one on a GPU that is not known, since Turing computes in float16.
  input.runtimes = {Runtime("vllm", "0.24.0")};
  input.models.front().facts.dtype = "float16";
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(3));
  input.models.front().facts.dtype = "bfloat16";
  input.gpus.front().capability.reset();
  EXPECT_THAT(MustExpand(input).candidates, SizeIs(3));
}

TEST(Expand, GivesFivePresetsDistinctFinalArguments) {
  // What the predecessor got wrong first: all presets ended in the same arguments.
  SpaceInput input = DenseOnH100();
  input.models.front().facts.dtype = "float16";
  input.quants.assign(quant::Presets().begin(), quant::Presets().end());
  const Expansion expansion = MustExpand(input);
  std::set<std::vector<std::string>> arguments;
  for (const Candidate& candidate : expansion.candidates) arguments.insert(candidate.plan.args);
  EXPECT_EQ(arguments.size(), expansion.candidates.size());
  EXPECT_GE(arguments.size(), 4U);
}

// bf16, AWQ, and one whose weights no GPU of this kind holds.
SpaceInput ThreeCheckpoints() {
  SpaceInput input = DenseOnH100();
  input.quants = {Preset("default"), Preset("kv-cache-fp8"), Preset("dynamic-fp8")};
  input.gpus.front().memory_bytes = std::int64_t{80} << 30;
  ModelInput& first = input.models.front();
  first.name = "bf16";
  first.facts.dtype = "bfloat16";
  first.facts.weight_bytes = std::int64_t{16} << 30;
  ModelInput awq = first, large = first;
  awq.name = "awq";
  awq.contexts = {R"({"model":"awq"})"};
  awq.facts.quantization = "awq";
  awq.facts.family = awq.facts.linear_format = "int4-wna16";
  awq.facts.weight_bytes = std::int64_t{5} << 30;
  large.name = "huge";
  large.contexts = {R"({"model":"huge"})"};
  large.facts.weight_bytes = std::int64_t{300} << 30;
  input.models = {first, awq, large};
  return input;
}

TEST(Expand, JudgesEachCheckpointWithItsOwnFacts) {
  const Expansion expansion = MustExpand(ThreeCheckpoints());
  EXPECT_EQ(expansion.total, 9);
  std::map<std::string, int> pruned;
  for (const Pruned& one : expansion.pruned) ++pruned[one.model];
  EXPECT_EQ(pruned["huge"], 3) << "300 GiB do not fit on 80, in FP8 neither";
  EXPECT_EQ(pruned["bf16"], 0);
  EXPECT_EQ(expansion.pruned.front().rejection.reason, "ModelDoesNotFit");
  EXPECT_THAT(expansion.pruned.front().rejection.message, ::testing::Not(HasSubstr("which the CPU shares")));
  SpaceInput shared = ThreeCheckpoints();
  shared.gpus.front().memory_bound = true;
  EXPECT_THAT(MustExpand(shared).pruned.front().rejection.message, HasSubstr("which the CPU shares"));
  // Its weights stay as they are: dynamic-fp8 is kv-cache-fp8 there.
  for (const Duplicate& one : expansion.duplicate_of) EXPECT_EQ(one.model, "awq");
  EXPECT_EQ(expansion.duplicates, 1);
}

// The AWQ checkpoint is what vLLM serves today.
SpaceInput WithDeployed() {
  SpaceInput input = ThreeCheckpoints();
  input.models.pop_back();
  input.runtimes = {Runtime("vllm", "0.24.0"), Runtime("sglang", "0.5.15")};
  input.runtimes[0].extra_args = {"--seed", "7"};
  input.parameters["max-model-len"] = {FlagValue::Number("4096")};
  NamedBaseline& deployed = input.baseline.emplace();
  deployed.runtime = "vllm";
  deployed.deployed = true;
  deployed.model = 1;
  return input;
}

TEST(Expand, WhatIsDeployedIsABaselineOfItsOwnRuntimeAndCheckpoint) {
  SpaceInput input = WithDeployed();
  input.parameters.clear();  // SGLang has another name for it
  input.baseline->parameters = {{"max-num-seqs", FlagValue::Number("128")}};
  std::vector<std::string> baselines;
  for (const Candidate& candidate : MustExpand(input).candidates) {
    if (!candidate.baseline) continue;
    baselines.push_back(std::to_string(candidate.model) + " " + input.runtimes[candidate.runtime].name +
                        (candidate.deployed ? " deployed" : ""));
  }
  EXPECT_THAT(baselines, ::testing::ElementsAre("0 vllm", "0 sglang", "1 vllm deployed"));
  input.baseline->model = 0;
  baselines.clear();
  for (const Candidate& candidate : MustExpand(input).candidates) {
    if (candidate.deployed) baselines.push_back(std::to_string(candidate.model) + " " + candidate.quant.name);
  }
  EXPECT_THAT(baselines, ::testing::ElementsAre("0 default"));
}

TEST(Expand, OnlyTheReferenceAndWhatIsDeployedHaveBaselines) {
  SpaceInput input = ThreeCheckpoints();
  input.models[2].facts.weight_bytes = std::int64_t{20} << 30;
  input.reference = 1;
  const auto baselines = [&input] {
    std::vector<std::string> out;
    std::set<std::size_t> models;
    for (const Candidate& candidate : MustExpand(input).candidates) {
      models.insert(candidate.model);
      if (!candidate.baseline) continue;
      out.push_back(std::to_string(candidate.model) + " " + input.runtimes[candidate.runtime].name);
      for (const auto& [name, value] : candidate.parameters) out.back() += " " + name + "=" + value.ToString();
    }
    EXPECT_THAT(models, SizeIs(3)) << "the grid has all of them";
    return out;
  };
  input.baseline = {"vllm", std::nullopt, {{"max-num-seqs", FlagValue::Number("128")}}};
  EXPECT_THAT(baselines(), ::testing::ElementsAre("1 vllm max-num-seqs=128"));
  input.runtimes.push_back(Runtime("vllm", "0.23.0", "vllm-deployed"));
  input.runtimes.back().only_deployed = true;
  EXPECT_THAT(baselines(), ::testing::ElementsAre("1 vllm max-num-seqs=128")) << "nothing is deployed";
  input.baseline->runtime = "vllm-deployed";
  input.baseline->deployed = true;
  EXPECT_THAT(baselines(), ::testing::ElementsAre("1 vllm", "0 vllm-deployed max-num-seqs=128"));
}

TEST(Expand, WhatIsDeployedWithoutIdleGpusIsTheCandidateOfTheGrid) {
  const auto duplicates = [](int gpus) {
    SpaceInput input = DenseOnH100();
    input.baseline = NamedBaseline{};
    input.baseline->runtime = "vllm";
    input.baseline->deployed = true;
    input.baseline->gpus = gpus;
    return MustExpand(input).duplicates;
  };
  EXPECT_EQ(duplicates(0), 1) << "not known: as many as it uses";
  EXPECT_EQ(duplicates(1), 1);
  EXPECT_EQ(duplicates(2), 0) << "one of them is idle";
}

TEST(Expand, ARuntimeThatIsOnlyDeployedNeedsNoOther) {
  SpaceInput input = DenseOnH100();
  input.runtimes.front().only_deployed = true;
  input.baseline = NamedBaseline{};
  input.baseline->runtime = "vllm";
  input.baseline->deployed = true;
  EXPECT_EQ(MustExpand(input).total, 1);
}

TEST(Expand, TheEnvironmentOfWhatIsDeployedIsHashed) {
  const auto hash = [](const char* name, const char* value) {
    SpaceInput input = WithDeployed();
    input.baseline->env = {{name, value}};
    const Expansion expansion = MustExpand(input);
    return std::ranges::find_if(expansion.candidates, &Candidate::deployed)->hash;
  };
  const std::set<std::string> different = {hash("A", "1"), hash("A", "2"), hash("B", "1")};
  EXPECT_THAT(different, SizeIs(3));
}

TEST(Expand, ABaselineOfOneValueEachIsTheFirstOfTheGrid) {
  SpaceInput input = DenseOnH100();
  input.parameters["max-model-len"] = {FlagValue::Number("4096")};
  const Expansion expansion = MustExpand(input);
  EXPECT_EQ(expansion.total, 1);
  EXPECT_TRUE(expansion.candidates.at(0).baseline);
}

TEST(Expand, WhatIsDeployedRunsAsItWasTyped) {
  SpaceInput input = WithDeployed();
  input.baseline->parameters = {{"max-num-seqs", FlagValue::Number("128")}};
  input.baseline->env = {{"VLLM_X", "1"}};
  input.baseline->gpus = 3;
  input.tensor_parallel = {2};
  const Expansion expansion = MustExpand(input);
  const auto deployed = std::ranges::find_if(expansion.candidates, &Candidate::deployed);
  ASSERT_NE(deployed, expansion.candidates.end());
  EXPECT_THAT(deployed->plan.args, ::testing::ElementsAre("--max-num-seqs", "128"));
  EXPECT_THAT(deployed->plan.env, ::testing::Contains(::testing::Pair("VLLM_X", "1")));
  EXPECT_EQ(deployed->plan.gpus, 3);
  EXPECT_EQ(deployed->idle_gpus, 2);
  for (const Candidate& candidate : expansion.candidates) EXPECT_EQ(candidate.idle_gpus > 0, candidate.deployed);
  // Its idle GPUs make it another experiment.
  input.baseline->gpus = 1;
  const Expansion whole = MustExpand(input);
  const auto busy = std::ranges::find_if(whole.candidates, &Candidate::deployed);
  ASSERT_NE(busy, whole.candidates.end());
  EXPECT_EQ(busy->idle_gpus, 0);
  EXPECT_NE(busy->hash, deployed->hash);
}

TEST(Expand, WhatIsDeployedHasTheConfigurationThatItsFlagsAreOf) {
  const auto typed = [](std::map<std::string, FlagValue> flags) {
    SpaceInput input = WithDeployed();
    input.baseline->model = 0;
    QuantConfig mine = Preset("kv-cache-fp8"), refused = mine;
    mine.name = "mine";
    mine.moe = "fp8";  // says nothing: the model has no experts
    refused.name = "refused";
    refused.gemm = "fp8";
    refused.kvcache = "int4";
    input.quants = {refused,           Preset("bf16-stable"),  Preset("dynamic-fp8"),
                    Preset("default"), Preset("kv-cache-fp8"), mine};
    input.models.front().facts.experts = 0;
    input.baseline->parameters = std::move(flags);
    const Expansion expansion = MustExpand(input);
    const auto deployed = std::ranges::find_if(expansion.candidates, &Candidate::deployed);
    return deployed == expansion.candidates.end() ? "none" : deployed->quant.name;
  };
  const FlagValue fp8 = FlagValue::Text("fp8");
  EXPECT_EQ(typed({{"max-num-seqs", FlagValue::Number("128")}}), "default");
  EXPECT_EQ(typed({{"kv-cache-dtype", fp8}}), "kv-cache-fp8");
  EXPECT_EQ(typed({{"quantization", fp8}, {"kv-cache-dtype", fp8}}), "dynamic-fp8") << "it says more";
  EXPECT_EQ(typed({{"kv-cache-dtype", FlagValue::Text("fp8_e5m2")}}), "default") << "of none of them";
  EXPECT_EQ(typed({{"quantization", fp8}}), "default") << "the one that would add nothing else is not started";
  // What is in the options file was not typed.
  SpaceInput input = WithDeployed();
  input.runtimes = {Runtime("tensorrt-llm", "1.2.0")};
  input.parameters.clear();
  input.baseline->runtime = "tensorrt-llm";
  input.baseline->model = 0;
  input.baseline->parameters = {{"max_batch_size", FlagValue::Number("64")}};
  const Expansion expansion = MustExpand(input);
  const auto deployed = std::ranges::find_if(expansion.candidates, &Candidate::deployed);
  ASSERT_NE(deployed, expansion.candidates.end());
  EXPECT_EQ(deployed->quant.name, "default");
}

SpaceInput TwoGpuTypes() {
  SpaceInput input = DenseOnH100();
  input.quants = {Preset("default"), Preset("kv-cache-fp8"), Preset("dynamic-fp8")};
  ModelInput& model = input.models.front();
  model.facts.dtype = "bfloat16";
  model.facts.weight_bytes = std::int64_t{40} << 30;
  model.contexts = {R"({"gpu":"h100"})", R"({"gpu":"l4"})"};
  input.gpus = {{"h100", quant::ComputeCapability{9, 0}, std::int64_t{80} << 30, ""},
                {"l4", quant::ComputeCapability{8, 9}, std::int64_t{24} << 30, ""}};
  input.runtimes.push_back(input.runtimes.front());
  input.runtimes.back().gpu = 1;
  return input;
}

TEST(Expand, JudgesEachTypeOfGpuByItself) {
  const Expansion expansion = MustExpand(TwoGpuTypes());
  EXPECT_EQ(expansion.total, 6);
  std::map<std::string, int> pruned;
  for (const Pruned& one : expansion.pruned) ++pruned[one.gpu];
  EXPECT_EQ(pruned["h100"], 0);
  EXPECT_EQ(pruned["l4"], 2) << "40 GiB do not fit on 24, in FP8 they do";
  ASSERT_THAT(expansion.candidates, SizeIs(4));
  EXPECT_EQ(expansion.candidates.back().gpu, 1U);
  EXPECT_EQ(expansion.candidates.back().quant.name, "dynamic-fp8");
}

TEST(Expand, GivesARuntimeOneBaselineOnTheFirstTypeThatStartsIt) {
  const auto baselines = [](const SpaceInput& input) {
    std::vector<std::size_t> types;
    for (const Candidate& candidate : MustExpand(input).candidates) {
      if (candidate.baseline) types.push_back(candidate.gpu);
    }
    return types;
  };
  SpaceInput input = TwoGpuTypes();
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(0));
  input.baseline_gpu = 1;
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(0)) << "the weights do not fit on the named one";
  input.models.front().facts.weight_bytes = std::int64_t{10} << 30;
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(1));
  // The one that was named starts where its own configuration fits.
  input = TwoGpuTypes();
  input.baseline_gpu = 1;
  input.baseline = {"vllm", Preset("dynamic-fp8"), {}};
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(1));
  input.baseline->runtime = "";
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(1)) << "every runtime's";
  input.baseline->runtime = "sglang";
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(0)) << "another runtime's";
  input.baseline->runtime = "vllm";
  input.baseline->deployed = true;
  input.models.push_back(input.models.front());
  input.models.back().facts.weight_bytes = std::int64_t{60} << 30;
  input.models.back().name = "served";
  input.baseline->model = 1;
  input.baseline->quant.reset();
  input.baseline->parameters = {{"quantization", FlagValue::Text("fp8")}};
  EXPECT_THAT(baselines(input), ::testing::ElementsAre(0, 0)) << "the reference's weights are not in FP8";
}

TEST(Expand, MeasuresBaselinesOfTheReferenceAlone) {
  SpaceInput input = ThreeCheckpoints();
  input.runtimes = {Runtime("vllm", "0.24.0"), Runtime("sglang", "0.5.15")};
  input.reference = 1;
  int baselines = 0;
  for (const Candidate& candidate : MustExpand(input).candidates) {
    if (!candidate.baseline) continue;
    ++baselines;
    EXPECT_EQ(candidate.model, 1U);
    EXPECT_EQ(candidate.quant.name, "default");
  }
  EXPECT_EQ(baselines, 2);
}

TEST(Expand, GivesACheckpointTheHashesThatItHasAlone) {
  const SpaceInput several = ThreeCheckpoints();
  SpaceInput one = several;
  one.models = {several.models[1]};
  std::set<std::string> among;
  for (const Candidate& candidate : MustExpand(several).candidates) among.insert(candidate.hash);
  for (const Candidate& candidate : MustExpand(one).candidates) EXPECT_TRUE(among.contains(candidate.hash));
}

}  // namespace
}  // namespace autotune::tuning
