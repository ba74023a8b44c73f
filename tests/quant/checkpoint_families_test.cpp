// Checkpoints of every family in circulation, as their files declare them (checkpoints/<name>/, written for this
// project), and what asking for fp8 weights and an fp8 KV cache makes of them: a quantized checkpoint keeps its weights
// and says so, the KV cache applies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/checkpoint.h"
#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kFolder = std::filesystem::path(TESTDATA_DIR) / "checkpoint" / "checkpoints";

checkpoint::ModelFacts Read(const std::string& name) {
  const auto parse = [&](const char* file) {
    std::ifstream stream(kFolder / name / file);
    return stream ? json::parse(stream) : json();
  };
  const json config = parse("config.json");
  const json hf_quant_config = parse("hf_quant_config.json");
  checkpoint::CheckpointParts parts;
  parts.config = &config;
  if (!hf_quant_config.is_null()) parts.hf_quant_config = &hf_quant_config;
  parts.only_gguf = name == "gguf";
  parts.name = name == "named-awq" ? "someone/Llama-3.1-8B-AWQ" : "";
  const auto facts = checkpoint::FactsOf(parts);
  EXPECT_TRUE(facts.ok()) << name;
  return facts.ok() ? *facts : checkpoint::ModelFacts{};
}

// "warn: --kv-cache-dtype fp8": the verdict about the weights and what runs; or "reject Reason".
std::string Asked(const std::string& engine, const std::string& version, const checkpoint::ModelFacts& facts) {
  LaunchRequest request = Request(engine, version, facts);
  request.quant = QuantConfig{"x", "fp8", "fp8", "auto", "auto"};
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  if (plan.rejection) return "reject " + plan.rejection->reason;
  EXPECT_EQ(plan.verdicts[0].kind == VerdictKind::kWarn, Warns(plan, "CheckpointKeepsItsWeights")) << Line(plan);
  return std::string(VerdictKindName(plan.verdicts[0].kind)) + ": " + Line(plan);
}

struct Row {
  std::string name, method, family, kv_cache, vllm, sglang, tensorrt;
};

const std::string kKeepsVllm = "warn: --kv-cache-dtype fp8";
const std::string kHasVllm = "needs-checkpoint: --kv-cache-dtype fp8";
const std::string kKeepsSglang = "warn: --kv-cache-dtype fp8_e4m3";
const std::string kHasSglang = "needs-checkpoint: --kv-cache-dtype fp8_e4m3";
const std::string kKeepsTrt = "warn: YAML: kv_cache_config: /   dtype: fp8";
const std::string kHasTrt = "needs-checkpoint: YAML: kv_cache_config: /   dtype: fp8";
const std::string kNo = "reject CheckpointNotSupported";
const std::string kNoScheme = "reject SchemeNotSupported";
const std::string kLowGpu = "reject CapabilityTooLow";
const std::string kOtherKv = "reject KvDtypeNotCheckpoints";

// On an H100, with vLLM 0.24.0, SGLang 0.5.15 and TensorRT-LLM 1.2.0.
const std::vector<Row>& Rows() {
  static const std::vector<Row> kRows = {
      {"plain", "none", "none", "none", "map: --quantization fp8 --kv-cache-dtype fp8",
       "map: --quantization fp8 --kv-cache-dtype fp8_e4m3", "reject NoOnlineQuantization"},
      {"plain-moe", "none", "none", "none", "map: --quantization fp8 --kv-cache-dtype fp8",
       "map: --quantization fp8 --kv-cache-dtype fp8_e4m3", "reject NoOnlineQuantization"},
      {"named-awq", "none", "none", "none", "map: --quantization fp8 --kv-cache-dtype fp8",
       "map: --quantization fp8 --kv-cache-dtype fp8_e4m3", "reject NoOnlineQuantization"},
      {"awq", "awq", "int4-wna16", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"gptq", "gptq", "int4-wna16", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"gptq-8bit", "gptq", "int8-w8a16", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"auto-round", "auto-round", "int4-wna16", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"gguf", "gguf", "gguf", "none", kNo, kKeepsSglang, kNo},
      {"bitsandbytes-nf4", "bitsandbytes", "bnb", "none", kKeepsVllm, kKeepsSglang + " --load-format bitsandbytes",
       kNo},
      {"bitsandbytes-int8", "bitsandbytes", "bnb", "none", kKeepsVllm, kKeepsSglang + " --load-format bitsandbytes",
       kNo},
      {"hqq", "hqq", "other", "none", kNo, kNo, kNo},
      {"compressed-tensors-fp8", "compressed-tensors", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"compressed-tensors-fp8-kv", "compressed-tensors", "fp8", "fp8", kHasVllm, kHasSglang, kNoScheme},
      {"compressed-tensors-fp8-block", "compressed-tensors", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"compression-config-fp8", "compressed-tensors", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"compressed-tensors-int8", "compressed-tensors", "int8-w8a8", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"compressed-tensors-w4a16", "compressed-tensors", "int4-wna16", "none", kKeepsVllm, kKeepsSglang, kNoScheme},
      {"compressed-tensors-w4a8-moe", "compressed-tensors", "w4a8", "none", kKeepsVllm, kNoScheme, kNoScheme},
      {"compressed-tensors-nvfp4", "compressed-tensors", "nvfp4", "none", kKeepsVllm, kLowGpu, kLowGpu},
      {"compressed-tensors-mixed", "compressed-tensors", "mixed", "none", kKeepsVllm, kNoScheme, kNo},
      {"modelopt-fp8", "modelopt", "fp8", "fp8", kHasVllm, kHasSglang, kHasTrt},
      {"modelopt-fp8-in-config", "modelopt", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"modelopt-fp8-block", "modelopt", "fp8", "none", kNoScheme, kNoScheme, kHasTrt},
      {"modelopt-nvfp4", "modelopt", "nvfp4", "fp8", kKeepsVllm, kKeepsSglang, kLowGpu},
      {"modelopt-nvfp4-kv", "modelopt", "nvfp4", "nvfp4", kKeepsVllm, kKeepsSglang, kOtherKv},
      {"modelopt-w4a8-nvfp4", "modelopt", "nvfp4", "none", kNoScheme, kNoScheme, kLowGpu},
      {"modelopt-w4a8-mxfp4-moe", "modelopt", "mxfp4", "none", kNoScheme, kNoScheme, kKeepsTrt},
      {"modelopt-w4a8-awq-moe", "modelopt", "w4a8", "none", kNoScheme, kHasSglang, kHasTrt},
      {"modelopt-mixed", "modelopt", "mixed", "fp8", kNoScheme, kHasSglang, kLowGpu},
      {"fp8", "fp8", "fp8", "none", kHasVllm, kHasSglang, kNoScheme},
      {"fp8-block-moe", "fp8", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"deepseek-fp8", "fp8", "fp8", "none", kHasVllm, kHasSglang, kHasTrt},
      {"nested-fp8", "fp8", "fp8", "none", kHasVllm, kHasSglang, kNoScheme},
      {"fbgemm-fp8", "fbgemm_fp8", "fp8", "none", kHasVllm + " --allow-deprecated-quantization", kHasSglang, kNo},
      {"mxfp4-moe", "mxfp4", "mxfp4", "none", kKeepsVllm, kKeepsSglang, kKeepsTrt},
      {"quark-fp8", "quark", "fp8", "none", kHasVllm, kHasSglang, kNo},
      {"quark-mxfp4-moe", "quark", "mxfp4", "none", kKeepsVllm, kKeepsSglang, kNo},
      {"torchao-fp8", "torchao", "fp8", "none", kHasVllm, kNo, kNo},
      {"torchao-int4", "torchao", "int4-wna16", "none", kKeepsVllm, kNo, kNo},
      {"w4afp8-moe", "w4afp8", "w4a8", "none", kNo, kHasSglang, kNo},
      {"conflicting", "awq", "int4-wna16", "fp8", kKeepsVllm, kKeepsSglang, kNo},
  };
  return kRows;
}

TEST(CheckpointFamilies, KeepTheirWeightsAndTakeTheKvCache) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    const checkpoint::ModelFacts facts = Read(row.name);
    EXPECT_EQ(facts.quantization, row.method);
    EXPECT_EQ(facts.family, row.family);
    EXPECT_EQ(facts.kv_cache, row.kv_cache);
    EXPECT_EQ(Asked("vllm", "0.24.0", facts), row.vllm);
    EXPECT_EQ(Asked("sglang", "0.5.15", facts), row.sglang);
    EXPECT_EQ(Asked("tensorrt-llm", "1.2.0", facts), row.tensorrt);
  }
}

TEST(CheckpointFamilies, AreAllInTheTable) {
  std::set<std::string> listed;
  for (const Row& row : Rows()) EXPECT_TRUE(listed.insert(row.name).second) << row.name;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    EXPECT_TRUE(listed.contains(entry.path().filename().string())) << entry.path();
}

TEST(CheckpointFamilies, SayWhatIsOddAboutTheirFiles) {
  for (const Row& row : Rows()) {
    const checkpoint::ModelFacts facts = Read(row.name);
    if (row.name == "conflicting") {
      EXPECT_THAT(facts.notes, ElementsAre(HasSubstr("hf_quant_config.json says fp8")));
    } else if (row.name == "named-awq") {
      EXPECT_THAT(facts.notes, ElementsAre(HasSubstr("no file declares a quantization")));
    } else {
      EXPECT_THAT(facts.notes, IsEmpty()) << row.name;
    }
  }
}

TEST(CheckpointFamilies, TellTheirBlocksAndLayers) {
  EXPECT_EQ(Read("deepseek-fp8").weight_block, (checkpoint::WeightBlock{128, 128}));
  EXPECT_EQ(Read("deepseek-fp8").caches->front().elements, 576);
  EXPECT_EQ(Read("compressed-tensors-fp8-block").weight_block, (checkpoint::WeightBlock{128, 128}));
  EXPECT_EQ(Read("modelopt-fp8-block").weight_block, (checkpoint::WeightBlock{128, 128}));
  EXPECT_FALSE(Read("fp8").weight_block);
  // Sliding windows need less cache: only the other layers keep the whole context.
  EXPECT_EQ(Read("plain").full_attention_layers, 32);
  EXPECT_EQ(Read("mxfp4-moe").full_attention_layers, 12);
  EXPECT_EQ(Read("nested-fp8").hidden_size, 5120);
}

// The experts of a checkpoint that carries them need no argument; others are not turned into it.
TEST(CheckpointFamilies, CarryTheirExperts) {
  struct Case {
    std::string name, engine, version, moe, reason;
    ComputeCapability gpu;
  };
  const std::vector<Case> cases = {
      {"mxfp4-moe", "vllm", "0.11.2", "mxfp4", "", {9, 0}},
      {"mxfp4-moe", "sglang", "0.5.23", "mxfp4", "", {9, 0}},
      {"mxfp4-moe", "tensorrt-llm", "1.0.0", "mxfp4", "", {10, 0}},
      {"quark-mxfp4-moe", "vllm", "0.24.0", "mxfp4", "", {9, 0}},
      {"modelopt-w4a8-mxfp4-moe", "tensorrt-llm", "1.2.0", "mxfp4", "", {10, 0}},
      {"compressed-tensors-w4a8-moe", "vllm", "0.24.0", "w4afp8", "", {9, 0}},
      {"w4afp8-moe", "sglang", "0.5.15", "w4afp8", "", {9, 0}},
      {"modelopt-w4a8-awq-moe", "sglang", "0.5.15", "w4afp8", "", {9, 0}},
      {"modelopt-w4a8-awq-moe", "tensorrt-llm", "1.2.0", "w4afp8", "", {9, 0}},
      {"modelopt-w4a8-awq-moe", "vllm", "0.24.0", "w4afp8", "NeedsCheckpoint", {9, 0}},
      {"fp8-block-moe", "vllm", "0.24.0", "w4afp8", "NeedsCheckpoint", {9, 0}},
      {"fp8-block-moe", "sglang", "0.5.15", "fp8", "", {9, 0}},
      {"fp8-block-moe", "tensorrt-llm", "1.2.0", "fp8", "", {9, 0}},
      {"fp8-block-moe", "tensorrt-llm", "1.2.0", "fp8", "QuantizationNotOnThisGpu", {8, 9}},
  };
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, c.version, Read(c.name));
    request.gpu = c.gpu;
    request.quant.moe = c.moe;
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    EXPECT_EQ(plan.rejection ? plan.rejection->reason : "", c.reason) << c.name << " " << c.engine;
    if (plan.rejection) continue;
    EXPECT_EQ(plan.verdicts[3].reason, "CheckpointCarriesIt") << c.name << " " << c.engine;
    EXPECT_EQ(Line(plan), "") << c.name << " " << c.engine;
  }
}

// "Quantization method" is what the release's registry says: what left it is refused before a pod exists.
TEST(CheckpointFamilies, LeaveTheEnginesWithTheirReleases) {
  struct Case {
    std::string name, engine, last, first_without;
  };
  const std::vector<Case> cases = {{"gguf", "vllm", "0.23.0", "0.24.0"},
                                   {"bitsandbytes-nf4", "vllm", "0.27.0", "0.28.0"},
                                   {"hqq", "vllm", "0.14.1", "0.15.0"}};
  for (const Case& c : cases) {
    EXPECT_FALSE(PlanLaunch(Rules(), Request(c.engine, c.last, Read(c.name))).rejection) << c.name << " " << c.last;
    const LaunchPlan plan = PlanLaunch(Rules(), Request(c.engine, c.first_without, Read(c.name)));
    ASSERT_TRUE(plan.rejection) << c.name << " " << c.first_without;
    EXPECT_EQ(plan.rejection->reason, "CheckpointNotSupported");
  }
}

}  // namespace
}  // namespace autotune::quant
