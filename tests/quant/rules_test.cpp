#include "quant/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "quant/engine_table.h"
#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using ::testing::ElementsAre;

TEST(RuleSet, CarriesThreeEngines) {
  EXPECT_THAT(Rules().engines(), ElementsAre("sglang", "tensorrt-llm", "vllm"));
  EXPECT_TRUE(std::regex_match(Rules().version(), std::regex("20[0-9]{2}-[0-9]{2}-[0-9]{2}\\+[0-9a-f]{8}")));
  EXPECT_EQ(Rules().Find("llama.cpp"), nullptr);
  EXPECT_EQ(Rules().Traits("llama.cpp", {}).error().message,
            "engine \"llama.cpp\" is not one of sglang, tensorrt-llm, vllm");
}

TEST(RuleSet, ResolvesTheReleaseFromImageOrVersion) {
  struct Case {
    std::string engine, image, version, release;
    bool assumed;
  };
  const std::vector<Case> cases = {
      {"vllm", "vllm/vllm-openai:v0.20.1", "", "0.20.1", false},
      {"vllm", "", "", "0.24.0", false},
      {"vllm", "registry:5000/vllm", "0.18.1", "0.18.1", false},
      {"vllm", "registry:5000/vllm", "", "0.33.0", true},
      {"vllm", "vllm/vllm-openai:latest", "", "0.33.0", true},
      {"vllm", "vllm/vllm-openai@sha256:0123", "", "0.33.0", true},
      {"vllm", "vllm/vllm-openai:v0.20.1@sha256:0123", "", "0.20.1", false},
      {"vllm", "vllm/vllm-openai:v0.40.0", "", "0.40.0", true},
      {"vllm", "vllm/vllm-openai:v0.9.0", "", "0.9.0", true},
      {"vllm", "registry:5000/mirror/vllm-openai:v0.9.0", "", "0.9.0", true},
      {"vllm", "registry:5000/vllm:v0.20.1-x86_64", "", "0.20.1", false},
      {"vllm", "corp/vllm:v0.11.0-x86_64", "", "0.11.0", true},
      {"vllm", "corp/vllm-plus:0.1.3", "", "0.33.0", true},
      {"vllm", "nvcr.io/nvidia/vllm:25.09-py3", "", "0.33.0", true},
      // Numbers of other projects.
      {"vllm", "kserve/huggingfaceserver:v0.17.0-gpu", "", "0.33.0", true},
      {"vllm", "ghcr.io/llm-d/llm-d-cuda:v0.12.0", "", "0.33.0", true},
      {"sglang", "nvcr.io/nvidia/ai-dynamo/sglang-runtime:0.7.1", "", "0.5.23", true},
      {"vllm", "corp/nim:dynamo-1.4.1-vllm0.26.0-p1", "", "0.26.0", false},
      {"vllm", "rocm/vllm:rocm6.4.1_vllm_0.18.1_20250909", "", "0.18.1", false},
      {"sglang", "lmsysorg/sglang:v0.5.6.post2-cu126-runtime", "", "0.5.6.post2", false},
      {"tensorrt-llm", "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc7", "", "1.3.0rc7", false},
  };
  for (const Case& c : cases) {
    const base::Result<EngineRelease> release = Rules().Resolve(c.engine, c.image, c.version);
    ASSERT_TRUE(release.ok()) << c.image;
    EXPECT_EQ(release->version.ToString(), c.release) << c.image;
    EXPECT_EQ(!release->assumption.empty(), c.assumed) << c.image << " " << release->assumption;
  }
  EXPECT_EQ(Rules().Resolve("vllm", "", "newest").error().message,
            "version \"newest\" is not a release number such as 0.24.0");
}

TEST(RuleSet, AReleaseIsNewerThanTheTableBehindTheLastOneThatItNames) {
  const auto assumption = [](const char* engine, const char* version) {
    return Rules().Resolve(engine, "", version)->assumption;
  };
  // Recorded is 1.3.0rc21; later releases have rules of their own.
  for (const char* version : {"1.3.0rc21", "1.3.0rc22", "1.3.0rc23", "1.3.0rc25"})
    EXPECT_EQ(assumption("tensorrt-llm", version), "") << version;
  EXPECT_EQ(assumption("tensorrt-llm", "1.3.0rc26"),
            "TensorRT-LLM 1.3.0rc26 is newer than the compatibility table; the rules of 1.3.0rc25 are used");
  EXPECT_EQ(assumption("tensorrt-llm", "1.3.0"),
            "TensorRT-LLM 1.3.0 is newer than the compatibility table; the rules of 1.3.0rc25 are used");
  EXPECT_EQ(assumption("vllm", "0.33.1"),
            "vLLM 0.33.1 is newer than the compatibility table; the rules of 0.33.0 are used");
  // What is read from releases is not to be looked up in one that was not read.
  for (const char* engine : {"vllm", "sglang"})
    EXPECT_EQ(Rules().Find(engine)->latest(), Rules().Find(engine)->newest()) << engine;
}

TEST(EngineTable, KnowsWhichVariablesAReleaseDoesNotRead) {
  const EngineTable& vllm = *Rules().Find("vllm");
  const auto why = [&](const char* name, const char* version) {
    return vllm.WhyIgnored(name, *Version::Parse(version));
  };
  EXPECT_EQ(why("VLLM_ATTENTION_BACKEND", "0.14.1"), "");
  EXPECT_EQ(why("VLLM_ATTENTION_BACKEND", "0.24.0"),
            "vLLM 0.24.0 does not read VLLM_ATTENTION_BACKEND (removed in 0.15.0); --attention-backend replaces it");
  EXPECT_EQ(why("VLLM_USE_V1", "0.24.0"), "vLLM 0.24.0 does not read VLLM_USE_V1 (removed in 0.11.2)");
  EXPECT_EQ(why("VLLM_USE_FLASHINFER_MOE_FP8", "0.23.0"), "");
  EXPECT_EQ(why("VLLM_USE_FLASHINFER_MOE_FP8", "0.24.0"),
            "vLLM 0.24.0 does not read VLLM_USE_FLASHINFER_MOE_FP8 (removed in 0.24.0); --moe-backend replaces it");
  // From the recorded list.
  EXPECT_EQ(why("VLLM_TORCH_PROFILER_WITH_FLOPS", "0.15.1"), "");
  EXPECT_EQ(why("VLLM_TORCH_PROFILER_WITH_FLOPS", "0.16.0"),
            "vLLM 0.16.0 does not read VLLM_TORCH_PROFILER_WITH_FLOPS (removed in 0.16.0)");
  EXPECT_EQ(why("VLLM_TORCH_PROFILER_WITH_FLOPS", "0.40.0"),
            "vLLM 0.40.0 does not read VLLM_TORCH_PROFILER_WITH_FLOPS (removed in 0.16.0)");
  EXPECT_EQ(why("VLLM_TORCH_PROFILER_WITH_FLOPS", "0.10.0"), "");
  EXPECT_EQ(why("VLLM_NOT_OF_ANY_RELEASE", "0.24.0"), "") << "a plug-in may read it";
  EXPECT_THAT(Rules().Find("sglang")->WhyIgnored("SGLANG_ENABLE_SPEC_V2", *Version::Parse("0.5.21")),
              ::testing::HasSubstr("(removed in 0.5.21)"));
  EXPECT_EQ(Rules().Find("sglang")->WhyIgnored("SGLANG_ENABLE_SPEC_V2", *Version::Parse("0.5.20")), "");
  EXPECT_EQ(why("VLLM_LOGGING_LEVEL", "0.33.0"), "");
  EXPECT_EQ(Rules().Find("sglang")->WhyIgnored("SGLANG_SCHEDULER_DECREASE_PREFILL_IDLE", *Version::Parse("0.5.15")),
            "SGLang 0.5.15 does not read SGLANG_SCHEDULER_DECREASE_PREFILL_IDLE (removed in 0.5.9); "
            "--enable-prefill-delayer replaces it");
}

TEST(EngineTable, KnowsWhatAnUnsetFlagStandsFor) {
  constexpr std::int64_t kGib = std::int64_t{1} << 30;
  const EngineTable& vllm = *Rules().Find("vllm");
  const Version version = *Version::Parse("0.24.0");
  EXPECT_EQ(vllm.DefaultOf("max-num-seqs", version, "NVIDIA-H100-80GB-HBM3", 79 * kGib), "1024");
  EXPECT_EQ(vllm.DefaultOf("max-num-seqs", version, "NVIDIA-A100-SXM4-80GB", 79 * kGib), "256");
  EXPECT_EQ(vllm.DefaultOf("max-num-seqs", version, "NVIDIA-L40S", 45 * kGib), "256");
  EXPECT_EQ(vllm.DefaultOf("max-num-seqs", version, "", 0), "") << "it follows from the GPU, which is not known";
  EXPECT_EQ(vllm.DefaultOf("gpu-memory-utilization", version, "", 0), "0.92");
  EXPECT_EQ(vllm.DefaultOf("gpu-memory-utilization", *Version::Parse("0.18.1"), "", 0), "0.9");
  EXPECT_EQ(vllm.DefaultOf("block-size", version, "", 0), "") << "not known";
}

// A small engine, so that a mistake can be put into one line of it.
const std::string kFlags = R"(engine: toy
releases: [1.0.0, 2.0.0]
flags:
  model: [{in: 0-1, is: text}]
  dtype: [{in: 0-1, is: text}]
  tp: [{in: 0-1, is: int}]
  quant: [{in: 1, is: text, of: [a, b]}]
)";

std::string ToyRules(const std::string& rule = "",
                     const std::string& kv = "auto, fp16, bfloat16, fp8, fp8_e5m2, fp8_e4m3, int8, int4") {
  return R"(engine: toy
title: Toy
date: 2026-01-01
start: {image: toy, health: /health, command: [toy], reserved: [model]}
flags: {dtype: dtype, tensor: tp}
gpus: [{flag: tp}]
fields:
  gemmDtype: {"auto, float16, bfloat16, float32, fp8, int8": [{verdict: already-so, reason: X, message: m, source: s}]}
  kvcacheDtype: {")" +
         kv + R"(": [{verdict: already-so, reason: X, message: m, source: s}]}
  attentionDtype: {"auto, float16, bfloat16, fp8, fp8_e5m2, fp8_e4m3, fp8_block": [{verdict: already-so, reason: X, message: m, source: s}]}
  moeDtype: {"auto, float16, bfloat16, fp8, w4afp8, mxfp4, int8": [{verdict: already-so, reason: X, message: m, source: s}]}
)" + rule;
}

std::string LoadError(const std::string& rules, const std::string& flags = kFlags) {
  const auto table = EngineTable::Load({"toy.yaml", rules}, {"toy.flags.yaml", flags});
  return table.ok() ? "loaded" : table.error().message;
}

TEST(RuleTable, LoadsWhenNothingIsWrong) { EXPECT_EQ(LoadError(ToyRules()), "loaded"); }

TEST(RuleTable, IsRefusedWithFileLineAndReason) {
  const std::string good = "then: reject, blame: [quant], reason: R, message: m, source: s}";
  struct Case {
    std::string rule, message;
  };
  const std::vector<Case> cases = {
      {"rules: [{when: {--quant: a}, then: explode, blame: [quant], reason: R, message: m, source: s}]",
       "toy.yaml:12: \"explode\" is not one of adjust, reject, warn, require, accept"},
      {"rules: [{when: {--qaunt: a}, " + good + "]", "toy.yaml:12: \"qaunt\" is not the canonical name of a flag"},
      {"rules: [{when: {weather: a}, " + good + "]", "toy.yaml:12: \"weather\" is not a key of a condition"},
      {"rules: [{when: {gpu: fast}, " + good + "]", "toy.yaml:12: \"fast\" is not a pattern for gpu"},
      {"rules: [{when: {}, " + good + "]", "toy.yaml:12: a rule requires a condition under when"},
      {"rules:\n  - {when: {--quant: a}, then: reject, blame: [quant], reason: not camel, message: m, source: s}",
       "toy.yaml:13: reason \"not camel\" is not CamelCase"},
      {"rules: [{when: {--quant: a}, since: 2.0.0, until: 1.0.0, " + good + "]",
       "toy.yaml:12: since is not before until"},
      {"rules: [{when: {--quant: a}, since: new, " + good + "]", "toy.yaml:12: \"new\" is not a release number"},
      {"colour: red",
       "toy.yaml:12: \"colour\" is not one of engine, title, date, start, completesFlags, aliases, hints, forbidden, "
       "order, bounds, limits, values, autoDtype, followsDeclaredKv, flags, parallel, gpus, memory, scheduler, fields, "
       "rules, models, expertBlocks, leastGpu, schemes, tensors, between, defaults, tiles, overwrites, environment, "
       "chooses, sharedExperts, members, tornKeys"},
      {"chooses: [{flag: quant, is: a, message: m, source: s}]",
       "toy.yaml:12: an entry of chooses requires a condition under when"},
      {"chooses: [{when: {checkpoint: fp8}, flag: quantt, is: a, message: m, source: s}]",
       "toy.yaml:12: \"quantt\" is not the canonical name of a flag"},
      {"overwrites: [{when: {--quant: a}, flag: quantt, message: m, source: s}]",
       "toy.yaml:12: \"quantt\" is not the canonical name of a flag"},
      {"overwrites: [{when: {--quant: a}, flag: quant, of: quant, is: b, message: m, source: s}]",
       "toy.yaml:12: of and is exclude each other"},
      {"sharedExperts: [{when: {--quant: a}, are: split, source: s}]",
       "toy.yaml:12: \"split\" is not whole, routed or padded"},
      {"sharedExperts: [{are: whole, source: s}]",
       "toy.yaml:12: an entry of sharedExperts requires a condition under when"},
      {"tiles: [{when: {--quant: a}, part: linear, kernel: K, tiles: 64, source: s}]",
       "toy.yaml:12: \"64\" is not outputs x inputs such as 64x128"},
      {"tiles: [{when: {--quant: a}, part: all, kernel: K, tiles: 64x128, source: s}]",
       "toy.yaml:12: \"all\" is not linear, experts or vision"},
      {"tiles: [{when: {--quant: a}, part: linear, gates: none, kernel: K, tiles: 64x128, source: s}]",
       "toy.yaml:12: \"none\" is not split or whole, of linear layers"},
      {"tiles: [{part: linear, kernel: K, tiles: 64x128, source: s}]",
       "toy.yaml:12: an entry of tiles requires a condition under when"},
      {"defaults: {qaunt: [{value: a}]}", "toy.yaml:12: \"qaunt\" is not the canonical name of a flag"},
      {"defaults: {quant: [{memory: 70}]}",
       "toy.yaml:12: \"memory\" is not one of since, until, leastGib, exceptGpu, value"},
      {"bounds: [{flag: quant, since: 1.0.0}]",
       "toy.yaml:12: the bound of quant contradicts release 1.0.0, which does not have it"},
      {"bounds: [{flag: quant, value: a, since: 3.0.0}]",
       "toy.yaml:12: the bound of quant a contradicts release 2.0.0, which has it"},
      {"rules: [{when: {--quant: a}, then: accept, source: s}]",
       "toy.yaml:12: accept belongs to the lists of schemes and tensors"},
      {"between: {flags: {quant: 1.5.0}, values: {}}", "toy.yaml:12: \"1.5.0\" is no range such as 0.13.0-0.30.0"},
      {"between: {flags: {quant: 1.0.0-}, values: {}}",
       "toy.yaml:12: the bound of quant contradicts release 1.0.0, which does not have it"},
      {"limits: {tp: {min: one}}", "toy.yaml:12: \"one\" is not a number"},
      {"limits: {tp: {most: 1}}", "toy.yaml:12: \"most\" is not one of above, min, max, below"},
      {"values: {quant: {case: lower}}", "toy.yaml:12: \"lower\" is not upper"},
      {"values: {quant: {is: real}}", "toy.yaml:12: \"real\" is not a kind of value"},
      {"values: {qaunt: {of: [a]}}", "toy.yaml:12: \"qaunt\" is not the canonical name of a flag"},
      {"autoDtype: [{model: float32, gpu: old, dtype: float16}]", "toy.yaml:12: \"old\" is not a pattern for gpu"},
      {"autoDtype: [{model: float32}]", "toy.yaml:12: \"dtype\" is missing"},
      {"autoDtype: [{model: none, when: {dtype: float16}, dtype: float16}]",
       "toy.yaml:12: autoDtype cannot depend on flags or on dtype"},
      {"memory: {share: 1}",
       "toy.yaml:12: \"share\" is not one of fraction, default, context, wholeSequence, kvCache, batch, smallestBatch, "
       "activationsInShare, expertsOverData, sharesContext, bits, unless, indexCache, loadedWhole"},
      {"memory: {default: [{share: 1.5}]}", "toy.yaml:12: is not above 0 and at most 1"},
      {"memory: {context: length}", "toy.yaml:12: \"length\" is not the canonical name of a flag"},
      {"rules: [{when: {--quant: a}, until: 2.0.0, certain: 1.0.0, " + good + "]",
       "toy.yaml:12: certain is not after until"},
      {"rules: [{when: {hiddenSize: \"%0\"}, " + good + "]", "toy.yaml:12: \"%0\" is not a pattern for hiddenSize"},
      {"rules: [{when: {--tp: \">few\"}, " + good + "]", "toy.yaml:12: \">few\" is not a pattern for --tp"},
      {"rules: [{when: {--tp: \"<{size}\"}, " + good + "]", "toy.yaml:12: \"<{size}\" is not a pattern for --tp"},
      {"rules: [{when: {--tp: \"<{--pt}\"}, " + good + "]", "toy.yaml:12: \"pt\" is not the canonical name of a flag"},
      {"rules: [", "toy.yaml:12: end of sequence flow not found"},
  };
  for (const Case& c : cases) EXPECT_EQ(LoadError(ToyRules(c.rule)), c.message) << c.rule;
}

TEST(RuleTable, NeedsAVerdictForEveryValue) {
  EXPECT_EQ(LoadError(ToyRules("", "auto, fp16")), "toy.yaml:9: kvcacheDtype bfloat16 has no verdict");
  EXPECT_EQ(LoadError(ToyRules("", "auto, fp17")), "toy.yaml:9: \"fp17\" is not a value of kvcacheDtype");
}

TEST(FlagCatalogue, IsRefusedWithFileLineAndReason) {
  EXPECT_EQ(LoadError(ToyRules(), "engine: toy\nreleases: [2.0.0, 1.0.0]\nflags: {}\n"),
            "toy.flags.yaml:2: releases are not in ascending order");
  EXPECT_EQ(LoadError(ToyRules(), "engine: toy\nreleases: [1.0.0]\nflags:\n  tp: [{in: 3, is: int}]\n"),
            "toy.flags.yaml:4: \"3\" is not a list of positions in releases");
  EXPECT_EQ(LoadError(ToyRules(), "engine: toy\nreleases: [1.0.0]\nflags:\n  tp: [{in: 0, is: real}]\n"),
            "toy.flags.yaml:4: \"real\" is not a kind of value");
  EXPECT_EQ(LoadError(ToyRules(), "engine: toy\nreleases: [1.0.0]\nflags:\n  tp: [{in: 0, is: text, case: upper}]\n"),
            "toy.flags.yaml:4: \"upper\" is not any");
  EXPECT_EQ(LoadError(ToyRules(), "engine: toy\nreleases: [1.0.0]\nflags:\n  tp: [{in: 0, is: text, open: wide}]\n"),
            "toy.flags.yaml:4: \"wide\" is not one of any, path");
}

class RuleDirectory : public testing::Test {
 protected:
  RuleDirectory() {
    path_ = std::filesystem::path(testing::TempDir()) /
            ("rules-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~RuleDirectory() override { std::filesystem::remove_all(path_); }
  void Write(const std::string& name, const std::string& text) { std::ofstream(path_ / name) << text; }
  std::filesystem::path path_;
};

TEST_F(RuleDirectory, AddsAnEngineAndKeepsTheOthers) {
  Write("toy.yaml", ToyRules());
  Write("toy.flags.yaml", kFlags);
  Write("..data", "what a ConfigMap mount also holds");
  const base::Result<RuleSet> rules = RuleSet::FromDirectory(path_);
  ASSERT_TRUE(rules.ok()) << rules.error().message;
  EXPECT_THAT(rules->engines(), ElementsAre("sglang", "tensorrt-llm", "toy", "vllm"));
  EXPECT_NE(rules->version(), Rules().version());
}

TEST_F(RuleDirectory, IsRefusedAsAWholeWhenOneTableIsWrong) {
  Write("vllm.yaml", "engine: vllm\ntitle: vLLM\n");
  const base::Result<RuleSet> rules = RuleSet::FromDirectory(path_);
  ASSERT_FALSE(rules.ok());
  EXPECT_EQ(rules.error().message, (path_ / "vllm.yaml").string() + ":1: \"date\" is missing");
}

TEST_F(RuleDirectory, HasToExist) {
  EXPECT_EQ(RuleSet::FromDirectory(path_ / "none").error().message,
            (path_ / "none").string() + ": No such file or directory");
}

}  // namespace
}  // namespace autotune::quant
