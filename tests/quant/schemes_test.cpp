// What a release loads of a method: schemes (bits, inputs, packing) and the tensors that its loader has a place for.
// Expected values are the releases' own answers, from their sources.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string engine, version, gpu, method, family, scheme, expected;  // "" = taken without a word
};

LaunchPlan PlanOf(const Case& c, const Flags& flags = {}) {
  const bool experts = c.scheme.starts_with("experts");
  checkpoint::ModelFacts facts = Quantized(experts ? Moe() : Dense(), c.method, c.family);
  facts.schemes = {c.scheme};
  LaunchRequest request = Request(c.engine, c.version, facts);
  request.gpu = ComputeCapability::Parse(c.gpu);
  if (c.gpu.starts_with("gfx")) request.amd_architecture = c.gpu;
  return Plan(request, Preset("default"), flags);
}

std::string Said(const LaunchPlan& plan) {
  if (plan.rejection) return plan.rejection->reason;
  for (const char* reason : {"SchemeNotCertain", "TensorsNotExpected", "TensorsNotDeclared", "TensorsNotQuantized"}) {
    if (Warns(plan, reason)) return reason;
  }
  return "";
}

TEST(Schemes, AreTakenByTheReleaseAndTheGpuThatHaveAKernel) {
  const std::string ct = "compressed-tensors", packed = "pack-quantized";
  const std::vector<Case> cases = {
      // Tensors that no file declares.
      {"vllm", "0.33.0", "9.0", "auto-round", "mixed", "undeclared fp8 linear -", "SchemeNotSupported"},
      {"sglang", "0.5.23", "9.0", "auto-round", "mixed", "undeclared fp8 linear -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "gptq", "mixed", "undeclared fp8 linear -", "SchemeNotCertain"},
      {"sglang", "0.5.15", "9.0", ct, "mixed", "undeclared fp8 experts -", "SchemeNotCertain"},
      // W4A8 with fp8 inputs: Hopper alone, groups of 128.
      {"vllm", "0.24.0", "9.0", ct, "w4a8", "linear int4-group128 fp8-token-dynamic " + packed, ""},
      {"vllm", "0.24.0", "10.0", ct, "w4a8", "linear int4-group128 fp8-token-dynamic " + packed,
       "QuantizationNotOnThisGpu"},
      {"vllm", "0.24.0", "9.0", ct, "w4a8", "linear int4-group32 fp8-token-dynamic " + packed, "SchemeNotSupported"},
      // W4A8 with int8 inputs: a CPU's, until Humming's kernels.
      {"vllm", "0.24.0", "9.0", ct, "w4a8", "linear int4-channel int8-token-dynamic int-quantized",
       "SchemeNotSupported"},
      {"vllm", "0.26.0", "9.0", ct, "w4a8", "linear int4-group128 int8-token-dynamic " + packed, ""},
      {"vllm", "0.24.0", "8.0", ct, "w4a8", "linear int4-group128 int8-token-dynamic " + packed, "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", ct, "w4a8", "experts int4-group128 int8-token-dynamic int-quantized",
       "SchemeNotSupported"},
      // torchao has no kernel for fp8 inputs before Ada; without them weights are computed in 16 bits.
      {"vllm", "0.24.0", "8.0", "torchao", "fp8", "linear float8dynamicactivationfloat8weightconfi - -",
       "QuantizationNotOnThisGpu"},
      {"vllm", "0.24.0", "8.9", "torchao", "fp8", "linear float8dq - -", "SchemeNotCertain"},
      {"vllm", "0.24.0", "8.0", "torchao", "fp8", "linear float8weightonlyconfig - -", "SchemeNotCertain"},
      // Integer weights alone have to be packed.
      {"vllm", "0.24.0", "9.0", ct, "int8-w8a16", "linear int8-channel none int-quantized", "SchemeNotSupported"},
      {"vllm", "0.24.0", "7.5", ct, "int4-wna16", "linear int4-group128-asym none " + packed, ""},
      {"vllm", "0.11.2", "7.5", ct, "int4-wna16", "linear int4-group128 none " + packed, "CapabilityTooLow"},
      {"vllm", "0.24.0", "9.0", ct, "int2-wna16", "linear int2-channel none " + packed, ""},
      {"vllm", "0.22.0", "9.0", ct, "int2-wna16", "linear int2-channel none " + packed, "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", ct, "int8-w8a8", "linear int8-channel-asym int8-token-dynamic int-quantized",
       "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", ct, "fp8", "linear fp8-group128 fp8-group128-dynamic float-quantized",
       "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", ct, "fp8", "experts fp8-block128x128 fp8-group128-dynamic float-quantized", ""},
      {"vllm", "0.18.0", "9.0", ct, "mxfp8", "linear fp8-group32 fp8-group32-dynamic mxfp8-quantized",
       "SchemeNotSupported"},
      {"vllm", "0.13.0", "9.0", ct, "mxfp4", "linear fp4-group32 none mxfp4-pack-quantized", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", ct, "other", "linear fp6-tensor none -", "SchemeNotCertain"},
      {"sglang", "0.5.15", "9.0", ct, "int8-w8a8", "experts int8-channel int8-token-dynamic int-quantized",
       "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", ct, "int8-w8a8", "linear int8-channel int8-token-dynamic int-quantized", ""},
      {"sglang", "0.5.12", "9.0", ct, "int4-wna16", "linear int4-group128-asym none " + packed, "SchemeNotSupported"},
      {"sglang", "0.5.21", "9.0", ct, "fp8-w8a16", "linear fp8-channel none float-quantized", "SchemeNotSupported"},
      {"sglang", "0.5.22", "9.0", ct, "fp8-w8a16", "linear fp8-channel none float-quantized", ""},
      {"sglang", "0.5.22", "9.0", ct, "nvfp4", "linear fp4-tensor_group16 none nvfp4-pack-quantized", ""},
      {"sglang", "0.5.23", "9.0", ct, "mxfp4", "linear fp4-group32 none mxfp4-pack-quantized", "SchemeNotSupported"},
      // Quark
      {"vllm", "0.24.0", "9.0", "quark", "w4a8", "experts fp8-tensor+int4-channel fp8-tensor-dynamic -",
       "SchemeNotSupported"},
      {"vllm", "0.24.0", "gfx942", "quark", "w4a8", "experts fp8-tensor+int4-channel fp8-tensor-dynamic -",
       "SchemeNotCertain"},
      {"sglang", "0.5.19", "gfx942", "quark", "w4a8", "experts fp8-tensor+int4-channel fp8-tensor-dynamic -",
       "SchemeNotSupported"},
      {"vllm", "0.24.0", "8.0", "quark", "fp8", "linear fp8-tensor fp8-tensor -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "quark", "fp8", "linear fp8-tensor fp8-tensor -", ""},
      {"vllm", "0.24.0", "9.0", "quark", "fp8", "ignored glob - -", "SchemeNotCertain"},
      {"vllm", "0.24.0", "9.0", "compressed-tensors", "fp8", "ignored fused-part - -", "SchemeNotCertain"},
      {"sglang", "0.5.15", "9.0", "compressed-tensors", "fp8", "ignored fused-part - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.2.0", "9.0", "modelopt", "fp8", "ignored fused-part - -", ""},
      {"vllm", "0.24.0", "9.0", "quark", "int4-wna16", "linear uint4-group128-asym none -", "SchemeNotSupported"},
      {"vllm", "0.31.0", "9.0", "quark", "int4-wna16", "linear uint4-group128-asym none -", ""},
      // ModelOpt
      {"vllm", "0.24.0", "9.0", "modelopt", "fp8-w8a16", "linear fp8_pb_wo - -", ""},
      {"vllm", "0.13.0", "9.0", "modelopt", "fp8-w8a16", "linear fp8_pb_wo - -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "modelopt", "w4a8", "linear w4a8_awq - -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "modelopt", "mixed", "linear mxfp8 - mixed", "SchemeNotSupported"},
      {"vllm", "0.21.0", "9.0", "modelopt", "mixed", "experts w4a16_nvfp4 - mixed", "SchemeNotSupported"},
      {"vllm", "0.22.0", "9.0", "modelopt", "mixed", "experts w4a16_nvfp4 - mixed", ""},
      {"vllm", "0.21.0", "9.0", "modelopt", "nvfp4", "linear w4a16_nvfp4 - -", ""},
      {"vllm", "0.22.1", "9.0", "modelopt", "mixed", "head w4a16_nvfp4 - mixed", "SchemeNotSupported"},
      {"vllm", "0.23.0", "9.0", "modelopt", "mixed", "head w4a16_nvfp4 - mixed", ""},
      {"sglang", "0.5.14", "9.0", "modelopt", "mixed", "head fp8 - mixed", "SchemeNotCertain"},
      {"sglang", "0.5.15", "9.0", "modelopt", "mixed", "head fp8 - mixed", ""},
      {"tensorrt-llm", "1.2.0", "9.0", "modelopt", "fp8", "nameless quantization_config - -", ""},
      {"sglang", "0.5.15", "9.0", "modelopt", "fp8", "nameless quantization_config - -", ""},
      {"vllm", "0.23.0", "9.0", "modelopt", "fp8", "nameless quantization_config - -", "SchemeNotSupported"},
      {"vllm", "0.30.0", "9.0", "modelopt", "mixed", "linear mxfp8 - mixed", ""},
      {"vllm", "0.16.0", "9.0", "modelopt", "mixed", "linear fp8 - mixed", "SchemeNotSupported"},
      {"sglang", "0.5.15", "10.0", "modelopt", "mixed", "linear fp8_pb_wo - mixed", "SchemeNotSupported"},
      {"sglang", "0.5.19", "10.0", "modelopt", "mixed", "linear fp8_pb_wo - mixed", ""},
      {"sglang", "0.5.17", "10.0", "modelopt", "mxfp8", "linear mxfp8 - -", "SchemeNotSupported"},
      {"sglang", "0.5.18", "10.0", "modelopt", "mxfp8", "linear mxfp8 - -", ""},
      {"sglang", "0.5.18", "9.0", "modelopt", "mxfp8", "linear mxfp8 - -", "CapabilityTooLow"},
      {"sglang", "0.5.18", "12.0", "modelopt", "mxfp8", "experts mxfp8 - -", "QuantizationNotOnThisGpu"},
      {"sglang", "0.5.23", "9.0", "mxfp8", "mxfp8", "linear mxfp8 - -", "CapabilityTooLow"},
      {"sglang", "0.5.23", "12.0", "mxfp8", "mxfp8", "experts mxfp8 - -", "QuantizationNotOnThisGpu"},
      {"sglang", "0.5.23", "10.0", "mxfp8", "mxfp8", "experts mxfp8 - -", ""},
      {"sglang", "0.5.17", "gfx950", "modelopt", "mxfp8", "linear mxfp8 - -", "QuantizationNotOnThisGpu"},
      {"sglang", "0.5.18", "gfx950", "modelopt", "mxfp8", "linear mxfp8 - -", ""},
      {"sglang", "0.5.18", "10.0", "modelopt", "nvfp4", "linear w4a16_nvfp4 - -", "SchemeNotSupported"},
      {"sglang", "0.5.19", "8.0", "modelopt", "nvfp4", "linear w4a16_nvfp4 - -", ""},
      {"sglang", "0.5.16", "10.0", "modelopt", "nvfp4", "linear nvfp4_awq - -", "SchemeNotSupported"},
      {"sglang", "0.5.17", "10.0", "modelopt", "nvfp4", "linear nvfp4_awq - -", ""},
      {"sglang", "0.5.23", "10.0", "modelopt", "fp8", "linear fp8_per_channel_per_token - -", "SchemeNotSupported"},
      {"sglang", "0.5.15", "10.0", "modelopt", "w4a8", "linear w4a8_awq - -", "SchemeNotSupported"},
      // TensorRT-LLM, by the release that read it first.
      {"tensorrt-llm", "1.2.0", "10.0", "modelopt", "mixed", "linear w4a16_nvfp4 - mixed", "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc20", "10.0", "modelopt", "mixed", "head w4a16_nvfp4 - mixed", "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc21", "10.0", "modelopt", "nvfp4", "linear w4a16_nvfp4 - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.3.0rc22", "10.0", "modelopt", "nvfp4", "linear w4a16_nvfp4 - -", ""},
      {"tensorrt-llm", "1.2.0", "10.0", "modelopt", "nvfp4", "linear nvfp4 - -", ""},
      {"tensorrt-llm", "1.2.0", "10.0", "modelopt", "nvfp4", "linear nvfp4_awq - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.3.0rc15", "10.0", "modelopt", "mxfp8", "linear mxfp8 - -", "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc22", "10.0", "modelopt", "mxfp8", "linear mxfp8 - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.3.0rc15", "10.0", "mxfp8", "mxfp8", "linear mxfp8 - -", "CheckpointNotSupported"},
      {"tensorrt-llm", "1.1.0", "10.0", ct, "fp8", "linear fp8-block128x128 fp8-group128-dynamic float-quantized",
       "CheckpointNotSupported"},
      {"tensorrt-llm", "1.2.0", "10.0", ct, "fp8", "linear fp8-block128x128 fp8-group128-dynamic float-quantized", ""},
      {"tensorrt-llm", "1.3.0rc15", "10.0", ct, "fp8", "linear fp8-channel fp8-token-dynamic float-quantized",
       "SchemeNotCertain"},
      {"tensorrt-llm", "1.3.0rc22", "10.0", ct, "fp8", "linear fp8-channel fp8-token-dynamic float-quantized", ""},
      {"tensorrt-llm", "1.3.0rc15", "10.0", ct, "nvfp4",
       "experts fp4-tensor_group16 fp4-tensor_group16-dynamic nvfp4-pack-quantized", "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc16", "10.0", ct, "nvfp4",
       "experts fp4-tensor_group16 fp4-tensor_group16-dynamic nvfp4-pack-quantized", ""},
      {"tensorrt-llm", "1.3.0rc23", "10.0", ct, "mxfp4", "experts fp4-group32 none mxfp4-pack-quantized",
       "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc24", "10.0", ct, "mxfp4", "experts fp4-group32 none mxfp4-pack-quantized",
       "SchemeNotCertain"},
      {"tensorrt-llm", "1.3.0rc25", "10.0", ct, "mxfp4", "experts fp4-group32 none mxfp4-pack-quantized", ""},
      {"tensorrt-llm", "1.3.0rc24", "10.0", ct, "mixed",
       "linear fp4-tensor_group16 fp4-tensor_group16-dynamic mixed:nvfp4-pack-quantized", "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc25", "10.0", ct, "mixed",
       "linear fp4-tensor_group16 fp4-tensor_group16-dynamic mixed:nvfp4-pack-quantized", "SchemeNotCertain"},
      // GPTQ, AWQ, AutoRound, others
      {"vllm", "0.24.0", "9.0", "moe_wna16", "int4-wna16", "experts int4-group128 none -", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", "moe_wna16", "int4-wna16", "experts int4-group128 none -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "unlisted modules - -", ""},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "unlisted fused-part - -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "unlisted experts - -", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", "gptq", "int4-wna16", "unlisted modules - -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "awq", "int4-wna16", "ignored experts - -", ""},
      {"sglang", "0.5.6.post2", "9.0", "awq", "int4-wna16", "ignored experts - -", "SchemeNotSupported"},
      {"sglang", "0.5.12.post1", "9.0", "awq", "int4-wna16", "ignored experts - -", "SchemeNotSupported"},
      {"sglang", "0.5.13", "9.0", "awq", "int4-wna16", "ignored experts - -", ""},
      {"vllm", "0.24.0", "9.0", "awq", "int4-wna16", "declared llm_config int4-group128-asym -", ""},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "dynamic projections - -", "SchemeNotCertain"},
      {"sglang", "0.5.15", "9.0", "gptq", "int4-wna16", "dynamic projections - -", "SchemeNotCertain"},
      {"vllm", "0.21.0", "9.0", "gptq", "int3-wna16", "linear int3-group128 none -", "SchemeNotSupported"},
      {"vllm", "0.21.0", "7.5", "gptq", "int3-wna16", "linear int3-group128 none -", ""},  // computes in float16
      {"sglang", "0.5.23", "9.0", "gptq", "int4-wna16", "linear int4-group128-asym none gptq", "SchemeNotSupported"},
      {"sglang", "0.5.23", "9.0", "gptq", "int4-wna16", "linear int4-group128 none gptq", ""},
      {"vllm", "0.24.0", "9.0", "gptq", "int3-wna16", "linear int3-group128 none -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "linear int4-group128-asym none gptq", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "gptq", "int4-wna16", "linear int4-group128-actorder none gptq", ""},
      {"vllm", "0.24.0", "9.0", "awq", "int4-wna16", "linear int4-group128-asym none gemm", ""},
      {"vllm", "0.24.0", "9.0", "awq", "int4-wna16", "linear int4-group128-asym none gemv", "SchemeNotCertain"},
      {"vllm", "0.24.0", "9.0", "auto-round", "mxfp4", "linear mx_fp-group32 mx_fp auto_round:llm_compressor",
       "SchemeNotSupported"},
      {"vllm", "0.27.0", "9.0", "auto-round", "mxfp4", "linear mx_fp-group32 mx_fp auto_round:llm_compressor", ""},
      {"sglang", "0.5.15", "9.0", "auto-round", "mxfp4", "linear mx_fp-group32 mx_fp auto_round:llm_compressor",
       "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "fp8", "fp8", "linear fp8-block128x128 fp8-static -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "bitsandbytes", "bnb", "experts int8 - -", "SchemeNotSupported"},
      {"vllm", "0.24.0", "9.0", "bitsandbytes", "bnb", "linear nf4 - storage-bfloat16", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", "bitsandbytes", "bnb", "linear nf4 - storage-bfloat16", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", "bitsandbytes", "bnb", "linear nf4 - -", ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Said(PlanOf(c)), c.expected)
        << c.engine << " " << c.version << " " << c.gpu << " " << c.method << " " << c.scheme;
  }
  // Another loader for the same files.
  EXPECT_EQ(Said(PlanOf({"sglang", "0.5.15", "9.0", ct, "int8-w8a8",
                         "experts int8-channel int8-token-dynamic int-quantized", ""},
                        {{"quantization", "w8a8_int8"}})),
            "");
}

// kv_cache_scheme, and groups that quantize attention and have no weights.
TEST(Schemes, OfTheKvCacheAndOfAttentionAreReadByTheRelease) {
  const std::string ct = "compressed-tensors";
  const std::vector<Case> cases = {
      {"vllm", "0.16.0", "9.0", ct, "fp8", "kv fp8-attn_head - -", "SchemeNotSupported"},
      {"vllm", "0.17.0", "9.0", ct, "fp8", "kv fp8-attn_head - -", ""},
      {"vllm", "0.24.0", "8.9", ct, "fp8", "kv fp8-attn_head - -", "BackendNotForKvCache"},
      {"vllm", "0.24.0", "12.0", ct, "fp8", "kv fp8-attn_head - -", "BackendNotForKvCache"},
      {"vllm", "0.24.0", "10.0", ct, "fp8", "kv fp8-attn_head - -", "SchemeNotCertain"},
      {"vllm", "0.24.0", "9.0", ct, "fp8", "kv int8-tensor - -", "SchemeNotSupported"},
      {"vllm", "0.23.0", "9.0", ct, "fp8", "kv int8-tensor - -", "SchemeNotCertain"},
      {"vllm", "0.24.0", "9.0", ct, "fp8", "kv fp8-tensor-asym - -", "SchemeNotSupported"},
      {"sglang", "0.5.19", "9.0", ct, "fp8", "kv fp8-attn_head - -", ""},
      {"tensorrt-llm", "1.3.0rc15", "9.0", ct, "fp8", "kv int8-tensor - -", ""},
      {"tensorrt-llm", "1.3.0rc16", "9.0", ct, "fp8", "kv int8-tensor - -", "SchemeNotSupported"},
      {"vllm", "0.14.1", "9.0", ct, "fp8", "attention none fp8-attn_head class", "SchemeNotSupported"},
      {"vllm", "0.15.0", "9.0", ct, "fp8", "attention none fp8-attn_head class", ""},
      {"vllm", "0.24.0", "9.0", ct, "fp8", "attention none fp8-attn_head pattern", "SchemeNotSupported"},
      {"sglang", "0.5.23", "9.0", ct, "fp8", "attention none fp8-tensor class", "SchemeNotSupported"},
      {"tensorrt-llm", "1.2.0", "9.0", ct, "fp8", "attention none fp8-tensor class", "SchemeNotSupported"},
      {"vllm", "0.21.0", "9.0", ct, "fp8", "sparse 2:4 - sparse-24-bitmask", ""},
      {"vllm", "0.21.0", "8.9", ct, "fp8", "sparse 2:4 - sparse-24-bitmask", "SchemeNotSupported"},
      {"vllm", "0.21.0", "10.0", ct, "fp8", "sparse 2:4 - sparse-24-bitmask", "SchemeNotCertain"},
      {"vllm", "0.22.0", "9.0", ct, "fp8", "sparse 2:4 - sparse-24-bitmask", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", ct, "fp8", "sparse 2:4 - dense", "SchemeNotSupported"},
      {"sglang", "0.5.15", "9.0", ct, "int4-wna16", "sparse 2:4 - dense", "SchemeNotCertain"},
      {"vllm", "0.24.0", "9.0", ct, "nvfp4", "transform - - -", ""},
      {"sglang", "0.5.15", "10.0", ct, "nvfp4", "transform - - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.2.0", "10.0", ct, "nvfp4", "transform - - -", "SchemeNotCertain"},
      {"tensorrt-llm", "1.2.0", "9.0", ct, "int4-wna16", "linear int4-group32 none pack-quantized",
       "SchemeNotSupported"},
      {"tensorrt-llm", "1.3.0rc20", "9.0", ct, "fp8", "linear fp8-channel fp8-token-dynamic float-quantized", ""},
      {"vllm", "0.24.0", "10.0", "modelopt", "mixed", "linear mixed_precision - empty", "SchemeNotSupported"},
      {"sglang", "0.5.23", "10.0", "modelopt", "mixed", "linear mixed_precision - empty", "SchemeNotCertain"},
      {"tensorrt-llm", "1.2.0", "10.0", "modelopt", "mixed", "linear mixed_precision - empty", "SchemeNotCertain"},
      {"vllm", "0.32.0", "10.0", "modelopt", "mixed", "file hf_quant_config.json mixed_precision -",
       "SchemeNotSupported"},
      {"vllm", "0.33.0", "10.0", "modelopt", "mixed", "file hf_quant_config.json mixed_precision -", ""},
      {"vllm", "0.33.0", "10.0", "modelopt", "mxfp8", "file hf_quant_config.json mxfp8 -", "SchemeNotSupported"},
      {"sglang", "0.5.23", "10.0", "modelopt", "mxfp8", "file hf_quant_config.json mxfp8 -", "SchemeNotSupported"},
      {"sglang", "0.5.23", "10.0", "modelopt", "nvfp4", "file hf_quant_config.json w4a16_nvfp4 -", ""},
      {"vllm", "0.33.0", "9.0", "quark", "mxfp4", "unlisted none - -", "SchemeNotCertain"},
      // Methods that an engine does not have on GPUs of AMD.
      {"vllm", "0.19.0", "gfx942", "modelopt", "nvfp4", "linear nvfp4 - -", "QuantizationNotOnThisGpu"},
      {"vllm", "0.20.0", "gfx942", "modelopt", "fp8", "linear fp8 - -", "QuantizationNotOnThisGpu"},
      {"vllm", "0.21.0", "gfx942", "modelopt", "fp8", "linear fp8 - -", ""},
      {"vllm", "0.27.0", "gfx942", "auto-round", "int4-wna16", "linear int4-group128 none auto_round:auto_gptq",
       "QuantizationNotOnThisGpu"},
      {"vllm", "0.28.0", "gfx942", "auto-round", "int4-wna16", "linear int4-group128 none auto_round:auto_gptq", ""},
      {"sglang", "0.5.19", "gfx942", "gptq", "int4-wna16", "linear int4-group128 none gptq", ""},
      {"sglang", "0.5.20", "gfx942", "gptq", "int4-wna16", "linear int4-group128 none gptq",
       "QuantizationNotOnThisGpu"},
      {"sglang", "0.5.15", "gfx942", "modelopt", "fp8", "linear fp8 - -", "QuantizationNotOnThisGpu"},
      {"sglang", "0.5.15", "gfx942", "bitsandbytes", "bnb", "linear nf4 - -", "QuantizationNotOnThisGpu"},
      // What a release no longer has.
      {"sglang", "0.5.15", "9.0", "fbgemm_fp8", "fp8", "linear fp8-channel fp8-dynamic -", ""},
      {"sglang", "0.5.16", "9.0", "fbgemm_fp8", "fp8", "linear fp8-channel fp8-dynamic -", "CheckpointNotSupported"},
      {"sglang", "0.5.23", "9.0", "eetq", "int8-w8a16", "linear int8 - -", "CheckpointNotSupported"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Said(PlanOf(c)), c.expected) << c.engine << " " << c.version << " " << c.gpu << " " << c.scheme;
  }
  EXPECT_EQ(
      PlanOf({"vllm", "0.24.0", "9.0", ct, "fp8", "kv fp8-attn_head - -", ""}, {{"attention-backend", "FLASHINFER"}})
          .rejection.value()
          .reason,
      "BackendNotForKvCache");
}

// What only quantize_config.json or quant_config.json declares is read for a method that was asked for.
TEST(Schemes, OfAFileThatEnginesDoNotLookForAreAskedFor) {
  struct Row {
    std::string engine, version, gpu, method, scheme, expected;
  };
  const std::vector<Row> rows = {
      {"vllm", "0.21.0", "8.0", "gptq", "declared quantize_config.json int4-group128 -", "gptq_marlin"},
      {"vllm", "0.21.0", "7.5", "gptq", "declared quantize_config.json int4-group128 -", "gptq"},
      {"vllm", "0.21.0", "8.0", "gptq", "declared quantize_config.json int4-group128-asym -", "gptq"},
      {"vllm", "0.24.0", "8.0", "awq", "declared quant_config.json int4-group128-asym -", "awq"},
      {"sglang", "0.5.15", "8.0", "gptq", "declared quantize_config.json int4-group128-actorder -", "gptq_marlin"},
      {"sglang", "0.5.15", "8.0", "awq", "declared quant_config.json int4-group128-asym -", "awq"},
  };
  for (const Row& row : rows) {
    const LaunchPlan plan = PlanOf({row.engine, row.version, row.gpu, row.method, "int4-wna16", row.scheme, ""});
    EXPECT_THAT(Line(plan), HasSubstr("--quantization " + row.expected)) << row.engine << " " << row.scheme;
    EXPECT_TRUE(Warns(plan, "QuantizationOnlyInFile")) << row.engine;
  }
  const LaunchPlan asked =
      PlanOf({"vllm", "0.21.0", "8.0", "gptq", "int4-wna16", rows.front().scheme, ""}, {{"quantization", "moe_wna16"}});
  EXPECT_FALSE(Warns(asked, "QuantizationOnlyInFile"));
  EXPECT_TRUE(PlanOf({"tensorrt-llm", "1.2.0", "8.0", "gptq", "int4-wna16", rows.front().scheme, ""}).rejection);
}

TEST(Schemes, AreNamedInTheMessage) {
  const LaunchPlan plan = PlanOf({"vllm", "0.24.0", "9.0", "compressed-tensors", "w4a8",
                                  "linear int4-channel int8-token-dynamic int-quantized", ""});
  ASSERT_TRUE(plan.rejection);
  EXPECT_THAT(plan.rejection->message, HasSubstr("no GPU runs the checkpoint's linear layers (int4-channel, "
                                                 "int8-token-dynamic, int-quantized)"));
}

TEST(Tensors, ThatAMethodHasNoPlaceForAreToldOf) {
  struct Kind {
    std::string engine, version, method, tensor, expected;
  };
  const std::vector<Kind> kinds = {
      {"vllm", "0.29.0", "compressed-tensors", "linear.weight_packed", ""},
      {"vllm", "0.29.0", "compressed-tensors", "linear.weight_shape:I64", ""},
      {"vllm", "0.29.0", "compressed-tensors", "linear.qweight", "TensorsNotExpected"},
      {"vllm", "0.22.1", "modelopt", "head.input_scale", "TensorsNotExpected"},
      {"vllm", "0.24.0", "modelopt", "head.input_scale", ""},
      {"vllm", "0.24.0", "modelopt", "linear.pre_quant_scale", "TensorsNotExpected"},
      {"vllm", "0.24.0", "modelopt", "attention.k_scale:F32", ""},
      {"vllm", "0.24.0", "fp8", "linear.weight_scale_inv:F32", "TensorsNotExpected"},  // no weight_block_size
      {"vllm", "0.24.0", "gptq", "linear.g_idx:I32", ""},
      {"vllm", "0.24.0", "awq", "linear.g_idx:I32", "TensorsNotExpected"},
      {"vllm", "0.24.0", "fp8", "plain", "TensorsNotQuantized"},
      {"vllm", "0.24.0", "none", "linear.qweight", "TensorsNotDeclared"},
      {"vllm", "0.24.0", "none", "linear.weight:F8_E4M3", "TensorsNotDeclared"},
      {"vllm", "0.24.0", "none", "linear.weight:BF16", ""},
      {"sglang", "0.5.14", "modelopt", "head.input_scale", "TensorsNotExpected"},
      {"sglang", "0.5.15", "modelopt", "head.input_scale", ""},
      {"sglang", "0.5.15", "fp8", "linear.weight:F8_E4M3", ""},
      {"sglang", "0.5.18", "compressed-tensors", "head.weight_scale", "TensorsNotExpected"},
      {"sglang", "0.5.23", "fp8", "head.weight:F8_E4M3", "TensorsNotExpected"},
      {"sglang", "0.5.18", "compressed-tensors", "head.weight_packed", "TensorsNotExpected"},
      {"sglang", "0.5.19", "compressed-tensors", "head.weight_scale", ""},
  };
  for (const Kind& kind : kinds) {
    checkpoint::ModelFacts facts = kind.method == "none" ? Dense() : Quantized(Dense(), kind.method, "fp8");
    facts.tensors = {kind.tensor};
    LaunchRequest request = Request(kind.engine, kind.version, facts);
    request.gpu = ComputeCapability::Parse("9.0");
    EXPECT_EQ(Said(Plan(request, Preset("default"))), kind.expected)
        << kind.engine << " " << kind.version << " " << kind.method << " " << kind.tensor;
  }
}

// A router that is quantized, and the scales of a KV cache inside of the projections, by architecture.
TEST(Tensors, AreExpectedByTheModelToo) {
  struct Row {
    std::string engine, version, architecture, method, tensor, expected;
  };
  const std::string ct = "compressed-tensors", scale = "attention.k_proj.k_scale:F32";
  const std::vector<Row> rows = {
      {"vllm", "0.24.0", "Gemma4ForConditionalGeneration", ct, "router.weight_scale:BF16", "reject"},
      {"vllm", "0.24.0", "Qwen3MoeForCausalLM", "gptq", "router.qweight:I32", ""},
      {"vllm", "0.24.0", "MixtralForCausalLM", ct, "router.weight_scale:BF16", "warn"},
      {"sglang", "0.5.15", "Gemma4ForConditionalGeneration", ct, "router.weight_scale:BF16", "warn"},
      {"sglang", "0.5.13", "Gemma3ForCausalLM", "modelopt", scale, "reject"},
      {"sglang", "0.5.14", "Gemma3ForCausalLM", "modelopt", scale, ""},
      {"sglang", "0.5.23", "MixtralForCausalLM", "modelopt", scale, "reject"},
      {"sglang", "0.5.15", "Qwen3MoeForCausalLM", "modelopt", scale, "warn"},
      {"sglang", "0.5.15", "LlamaForCausalLM", "modelopt", scale, ""},
      {"sglang", "0.5.15", "MixtralForCausalLM", ct, "attention.k_scale:F32", ""},
      {"vllm", "0.24.0", "MixtralForCausalLM", "modelopt", scale, ""},
  };
  for (const Row& row : rows) {
    checkpoint::ModelFacts facts = Quantized(Moe(), row.method, "fp8");
    facts.architecture = row.architecture;
    facts.tensors = {row.tensor};
    LaunchRequest request = Request(row.engine, row.version, facts);
    request.gpu = ComputeCapability::Parse("9.0");
    const LaunchPlan plan = Plan(request, Preset("default"));
    const bool rejected = plan.rejection && plan.rejection->reason == "TensorsNotExpected";
    EXPECT_EQ(rejected                            ? "reject"
              : Warns(plan, "TensorsNotExpected") ? "warn"
                                                  : "",
              row.expected)
        << row.engine << " " << row.version << " " << row.architecture << " " << row.tensor;
  }
}

// A checkpoint of FP-Quant keeps the inverse of its rotation, which no release has a place for.
TEST(Tensors, ABackwardHadamardMatrixIsToldOf) {
  checkpoint::ModelFacts facts = Quantized(Dense(), "fp_quant", "mxfp4");
  facts.tensors = {"linear.backward_hadamard_matrix:BF16", "linear.forward_hadamard_matrix:BF16", "linear.qweight:U8"};
  LaunchRequest request = Request("vllm", "0.21.0", facts);
  request.gpu = ComputeCapability::Parse("10.0");
  const LaunchPlan plan = Plan(request, Preset("default"));
  EXPECT_TRUE(Warns(plan, "TensorsNotExpected"));
}

TEST(Speculation, AssertsOfOneArchitectureAreRefused) {
  checkpoint::ModelFacts facts = Latent(Moe());
  facts.architecture = "DeepseekV4ForCausalLM";
  const auto refusal = [&](const std::string& version, const Flags& flags) {
    LaunchRequest request = Request("sglang", version, facts);
    const LaunchPlan plan = Plan(request, Preset("default"), flags);
    return plan.rejection ? plan.rejection->reason : "";
  };
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "NEXTN"}}), "SpeculationNotForModel");
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "EAGLE"}}), "SpeculationNotForModel");
  const Flags whole = {{"speculative-algorithm", "EAGLE"},
                       {"speculative-eagle-topk", "1"},
                       {"speculative-num-steps", "2"},
                       {"speculative-num-draft-tokens", "3"}};
  EXPECT_EQ(refusal("0.5.19", whole), "");
  Flags tree = whole;
  tree["speculative-eagle-topk"] = "4";
  EXPECT_EQ(refusal("0.5.23", tree), "SpeculationNotForModel");
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "DSPARK"}}), "");
  EXPECT_EQ(refusal("0.5.15", {{"speculative-algorithm", "DSPARK"}}), "SpeculationNotForModel");
  EXPECT_EQ(refusal("0.5.23", {{"speculative-algorithm", "NGRAM"}}), "SpeculationNotForModel");
  facts.architecture = "Qwen3MoeForCausalLM";
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "EAGLE3"}}), "");
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "DFLASH"}}), "SpeculationNotComplete");
  EXPECT_EQ(refusal("0.5.19", {{"speculative-algorithm", "EAGLE"}, {"speculative-eagle-topk", "1"}}),
            "SpeculationNotComplete");
}

TEST(Speculation, AConfigOfVllmNeedsWhatItsMethodNeeds) {
  const auto refusal = [&](const std::string& config) {
    const LaunchPlan plan = Plan(Request("vllm", "0.24.0"), Preset("default"), {{"speculative-config", config}});
    return plan.rejection ? plan.rejection->reason : "";
  };
  EXPECT_EQ(refusal(R"({"method":"mtp","num_speculative_tokens":2})"), "SpeculationNotForModel");
  EXPECT_EQ(refusal(R"({"method":"ngram","num_speculative_tokens":2})"), "");
  EXPECT_EQ(refusal(R"({"method":"ngram"})"), "SpeculationNotComplete");
  EXPECT_EQ(refusal(R"({"method":"eagle3","num_speculative_tokens":2})"), "SpeculationNotComplete");
  EXPECT_EQ(refusal(R"({"method":"eagle3","model":"a/b","num_speculative_tokens":2})"), "");
  EXPECT_EQ(refusal(R"({"model":"a/b","num_speculative_tokens":2,"tensor_parallel_size":2})"),
            "SpeculationNotComplete");
  EXPECT_EQ(refusal(R"({"method":"ngram","num_speculative_tokens":0})"), "SpeculationNotComplete");
  // Its short flags set the same keys.
  const LaunchPlan plan = Plan(Request("vllm", "0.33.0"), Preset("default"),
                               {{"spec-model", "a/b"},
                                {"spec-method", "eagle3"},
                                {"spec-tokens", "7"},
                                {"speculative-config", R"({"kv_cache_dtype":"bfloat16"})"}});
  EXPECT_FALSE(plan.rejection) << plan.rejection->message;
}

}  // namespace
}  // namespace autotune::quant
