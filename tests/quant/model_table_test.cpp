// Which architectures a release serves: what is refused, what is only warned of, and about what nothing is said.

#include "quant/model_table.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

checkpoint::ModelFacts Model(const std::string& architecture, const std::string& type, bool code = false) {
  checkpoint::ModelFacts facts = Dense();
  facts.architecture = architecture;
  facts.model_type = facts.config_type = type;
  facts.remote_code = code;
  return facts;
}

// "Reason: message" of a rejection, "warns: message" of a doubt, "" of neither.
std::string Said(LaunchRequest request, const Flags& flags = {}) {
  const LaunchPlan plan = Plan(std::move(request), Preset("default"), flags);
  if (plan.rejection) return plan.rejection->reason + ": " + plan.rejection->message;
  for (const Warning& warning : plan.warnings) {
    if (warning.reason == "ArchitectureNotCertain") return "warns: " + warning.message;
  }
  return "";
}

std::string Said(const std::string& engine, const std::string& version, const checkpoint::ModelFacts& model,
                 const Flags& flags = {}) {
  return Said(Request(engine, version, model), flags);
}

TEST(ModelTable, AnArchitectureThatTheReleaseHasIsNotWorthAWord) {
  EXPECT_EQ(Said("vllm", "0.24.0", Model("LlamaForCausalLM", "llama")), "");
  EXPECT_EQ(Said("sglang", "0.5.15", Model("Qwen3MoeForCausalLM", "qwen3_moe")), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("Exaone4_5_ForConditionalGeneration", "exaone4_5")), "");
}

TEST(ModelTable, AModelTypeThatNobodyKnowsIsRefused) {
  EXPECT_EQ(Said("vllm", "0.24.0", Model("FooBarForCausalLM", "foobar")),
            "ArchitectureNotSupported: vLLM 0.24.0 cannot read a configuration of model type \"foobar\": neither the "
            "engine nor its transformers library supports it, and the checkpoint contains no code for it");
  // The library has it from 5.13.0, which is younger than vLLM 0.24.0.
  EXPECT_THAT(Said("vllm", "0.24.0", Model("ZayaForCausalLM", "zaya")), StartsWith("ArchitectureNotSupported"));
  EXPECT_THAT(Said("sglang", "0.5.15", Model("FooBarForCausalLM", "foobar")), StartsWith("ArchitectureNotSupported"));
}

// Neither another format nor another setting would help.
TEST(ModelTable, AnUnknownArchitectureIsNamedBeforeFormatsAndSettings) {
  checkpoint::ModelFacts model = Quantized(Model("FooBarForCausalLM", "foobar"), "compressed-tensors", "int4-wna16");
  model.schemes = {"linear int4-group31-sym none unheard-of"};
  EXPECT_THAT(Said("vllm", "0.24.0", model), StartsWith("ArchitectureNotSupported"));
  EXPECT_THAT(Said("vllm", "0.24.0", model, {{"no-such-flag", "1"}}), StartsWith("ArchitectureNotSupported"));
  EXPECT_THAT(Said("sglang", "0.5.15", model), StartsWith("ArchitectureNotSupported"));
  model.architecture = "LlamaForCausalLM";
  model.model_type = model.config_type = "llama";
  EXPECT_THAT(Said("vllm", "0.24.0", model), StartsWith("SchemeNotSupported"));
  // A flag would help there; the format would still be refused.
  model.remote_code = true;
  model.model_type = model.config_type = "foobar";
  EXPECT_THAT(Said("vllm", "0.24.0", model), StartsWith("SchemeNotSupported"));
}

TEST(ModelTable, AClassThatIsGoneIsRefusedWithTheLastReleaseThatHadIt) {
  EXPECT_EQ(Said("vllm", "0.23.0", Model("XverseForCausalLM", "xverse", true), {{"trust-remote-code", "true"}}), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("MiniMaxText01ForCausalLM", "minimax")),
            "ArchitectureNotSupported: vLLM 0.24.0 has no class for MiniMaxText01ForCausalLM; 0.23.0 was the last "
            "release with it");
}

TEST(ModelTable, AClassOfTheTransformersLibraryIsADoubtAndNoRefusal) {
  EXPECT_EQ(Said("vllm", "0.23.0", Model("Dots1ForCausalLM", "dots1")), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("Dots1ForCausalLM", "dots1")),
            "warns: vLLM 0.24.0 has no class for Dots1ForCausalLM and uses the class of the transformers library: "
            "whether it runs with these settings is not known");
}

TEST(ModelTable, CodeOfTheCheckpointIsRunOnlyWhenItIsTrusted) {
  const checkpoint::ModelFacts model = Model("FooBarForCausalLM", "foobar", true);
  EXPECT_EQ(Said("vllm", "0.24.0", model),
            "RemoteCodeNotTrusted: vLLM 0.24.0 reads model type \"foobar\" only with the checkpoint's own code, which "
            "requires a flag: trust-remote-code");
  EXPECT_EQ(Said("vllm", "0.24.0", model, {{"trust-remote-code", "true"}}),
            "warns: vLLM 0.24.0 has no class for FooBarForCausalLM: whether the checkpoint's own code runs in it is "
            "not known");
  LaunchRequest told = Request("sglang", "0.5.15", model);
  told.extra_args = {"--trust-remote-code"};
  EXPECT_THAT(Said(told), StartsWith("warns: "));
  // A class of the engine's own whose configuration only the checkpoint can read.
  EXPECT_EQ(Said("vllm", "0.24.0", Model("LlamaForCausalLM", "foobar", true), {{"trust-remote-code", "true"}}), "");
}

TEST(ModelTable, AConfigurationWithoutAModelTypeNeedsTheCheckpointsCode) {
  const checkpoint::ModelFacts model = Model("CogVLMVideoForCausalLM", "", true);
  EXPECT_EQ(Said("vllm", "0.24.0", model),
            "RemoteCodeNotTrusted: vLLM 0.24.0 reads a configuration without a model type only with the checkpoint's "
            "own code, which requires a flag: trust-remote-code");
  EXPECT_THAT(Said("sglang", "0.5.15", model), StartsWith("RemoteCodeNotTrusted"));
  EXPECT_EQ(Said("vllm", "0.24.0", model, {{"trust-remote-code", "true"}}),
            "warns: vLLM 0.24.0 has no class for CogVLMVideoForCausalLM: whether the checkpoint's own code runs in it "
            "is not known");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("FooBarForCausalLM", "")),
            "warns: vLLM 0.24.0 has no class for FooBarForCausalLM: whether it runs, without a model type, is not "
            "known");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("LlamaForCausalLM", "")), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("LlamaForCausalLM", "", true), {{"trust-remote-code", "true"}}), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("", "")), "");
}

TEST(ModelTable, AnotherEndingOfAnArchitectureIsTheSameClass) {
  EXPECT_EQ(Said("vllm", "0.24.0", Model("Qwen3ForConditionalGeneration", "qwen3")), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("InternVLChatModel", "qwen3")), "");
}

// srt/models/registry.py, _normalize_archs
TEST(ModelTable, SGLangTakesExactNames) {
  EXPECT_EQ(Said("sglang", "0.5.15", Model("Qwen3ForConditionalGeneration", "qwen3")),
            "ArchitectureNotSupported: SGLang 0.5.15 has no class for Qwen3ForConditionalGeneration, and does not run "
            "it with a class of the transformers library");
}

// Public exports of the language model alone. vLLM takes the multimodal class, whose processor requires Qwen3_5Config.
TEST(ModelTable, TheClassOfAMultimodalModelRequiresTheWholeConfiguration) {
  const checkpoint::ModelFacts alone = Model("Qwen3_5ForCausalLM", "qwen3_5_text");
  for (const char* release : {"0.17.0", "0.24.0"})
    EXPECT_EQ(Said("vllm", release, alone),
              "ArchitectureNotSupported: vLLM " + std::string(release) +
                  " has no class for Qwen3_5ForCausalLM: it takes Qwen3_5ForConditionalGeneration, which requires the "
                  "configuration of the whole multimodal model, and \"qwen3_5_text\" is that of the language model "
                  "alone");
  EXPECT_THAT(Said("sglang", "0.5.15", alone),
              StartsWith("ArchitectureNotSupported: SGLang 0.5.15 has no class for Qwen3_5ForCausalLM"));
  checkpoint::ModelFacts whole = Model("Qwen3_5ForConditionalGeneration", "qwen3_5");
  whole.model_type = "qwen3_5_text";
  EXPECT_EQ(Said("vllm", "0.24.0", whole), "");
  EXPECT_EQ(Said("sglang", "0.5.15", whole), "");
  // A class of its own for each.
  EXPECT_EQ(Said("vllm", "0.24.0", Model("Gemma3ForCausalLM", "gemma3_text")), "");
}

checkpoint::ModelFacts Nested(const std::string& architecture, const std::string& outer, const std::string& inner) {
  checkpoint::ModelFacts facts = Model(architecture, outer);
  facts.model_type = inner;
  return facts;
}

TEST(ModelTable, TheLanguageModelOfAMultimodalOneMustBeKnownToo) {
  const checkpoint::ModelFacts small = Nested("Mistral3ForConditionalGeneration", "mistral3", "mistral4");
  EXPECT_EQ(Said("vllm", "0.33.0", Nested("Mistral3ForConditionalGeneration", "mistral3", "mistral")), "");
  EXPECT_EQ(
      Said("vllm", "0.33.0", small),
      "warns: the language model in Mistral3ForConditionalGeneration is of model type \"mistral4\", for which neither "
      "config.json nor the transformers library names a class that generates text: whether vLLM 0.33.0 finds one is "
      "not known");
  for (const char* release : {"0.5.15", "0.5.23"}) EXPECT_THAT(Said("sglang", release, small), HasSubstr("mistral4"));
  // transformers 4.57.1 raises KeyError.
  const checkpoint::ModelFacts ministral = Nested("Mistral3ForConditionalGeneration", "mistral3", "ministral3");
  EXPECT_EQ(Said("vllm", "0.11.2", ministral),
            "ArchitectureNotSupported: the language model in Mistral3ForConditionalGeneration is of model type "
            "\"ministral3\", which vLLM 0.11.2 does not know: neither the engine nor its transformers library can read "
            "it");
  for (const char* release : {"0.5.6.post2", "0.5.9"})
    EXPECT_THAT(Said("sglang", release, ministral), StartsWith("ArchitectureNotSupported")) << release;
  EXPECT_EQ(Said("sglang", "0.5.15", ministral), "");
  EXPECT_EQ(Said("vllm", "0.24.0", Nested("InternVLForConditionalGeneration", "internvl", "qwen3")), "");
  // The class that the file names is one of the transformers library.
  checkpoint::ModelFacts named = small;
  named.language_class = "Mistral4ForCausalLM";
  EXPECT_EQ(Said("vllm", "0.33.0", named),
            "warns: the language model in Mistral3ForConditionalGeneration is of model type \"mistral4\", and vLLM "
            "0.33.0 has no class for Mistral4ForCausalLM and uses the class of the transformers library: whether it "
            "runs with these settings is not known");
}

TEST(ModelTable, ALanguageModelIsNotRefusedWhereAnotherFileOrClassMayServe) {
  checkpoint::ModelFacts both = Nested("Mistral3ForConditionalGeneration", "mistral3", "ministral3");
  both.native_config = true;
  EXPECT_THAT(Said("vllm", "0.11.2", both), HasSubstr("whether it reads params.json instead is not known"));
  EXPECT_THAT(Said("vllm", "0.11.2", both), StartsWith("warns: "));
  checkpoint::ModelFacts named = Nested("Mistral3ForConditionalGeneration", "mistral3", "mistral4");
  named.language_class = "MistralLarge3ForCausalLM";
  EXPECT_EQ(Said("vllm", "0.33.0", named), "");
  // The class has one language model, whatever its type is called.
  EXPECT_EQ(Said("vllm", "0.33.0", Nested("Gemma3ForConditionalGeneration", "gemma3", "gemma3_own")), "");
}

TEST(ModelTable, NothingIsClaimedWhereItIsNotKnown) {
  const checkpoint::ModelFacts unheard = Model("FooBarForCausalLM", "foobar");
  EXPECT_EQ(Said("vllm", "0.24.1", unheard), "");                                    // no such release was read
  EXPECT_EQ(Said("vllm", "9.0.0", unheard), "");                                     // newer than all
  EXPECT_EQ(Said("vllm", "0.24.0", Model("llama", "llama")), "");                    // no architectures in the file
  EXPECT_EQ(Said("vllm", "0.24.0", unheard, {{"hf-overrides", "{\"a\": 1}"}}), "");  // the file is not the last word
  EXPECT_EQ(Said("vllm", "0.24.0", unheard, {{"model-impl", "transformers"}}), "");
}

TEST(ModelTable, AnImageOfSomebodyElseMayHaveMoreInIt) {
  LaunchRequest request = Request("vllm", "0.24.0", Model("FooBarForCausalLM", "foobar"));
  request.release.stock = false;
  EXPECT_THAT(Said(request), HasSubstr("; what the image adds to it is not known"));
}

// Images for one new model, nightly builds: the newest release of the table only stands in for theirs.
TEST(ModelTable, AnImageOfAnUnknownReleaseMayBeNewerThanTheTable) {
  LaunchRequest request = Request("vllm", "0.24.0", Model("FooBarForCausalLM", "foobar"));
  request.release = *Rules().Resolve("vllm", "vllm/vllm-openai:foobar", "");
  EXPECT_TRUE(request.release.stock);
  EXPECT_THAT(Said(request), HasSubstr("; which release the image contains is not known"));
}

TEST(ModelTable, ImagesOfTheProjectAreKnownByTheirNameInAnyRegistry) {
  for (const char* image : {"", "vllm/vllm-openai:v0.24.0", "registry:5000/mirror/vllm-openai:v0.24.0@sha256:aa",
                            "vllm/vllm-openai-rocm:v0.24.0"})
    EXPECT_TRUE(Rules().Resolve("vllm", image, "")->stock) << image;
  for (const char* image : {"ghcr.io/llm-d/llm-d-cuda:v0.24.0", "mine/vllm:v0.24.0"})
    EXPECT_FALSE(Rules().Resolve("vllm", image, "")->stock) << image;
}

TEST(ModelTable, WhatTensorRtLlmDoesNotDocumentIsADoubt) {
  EXPECT_EQ(Said("tensorrt-llm", "1.2.0", Model("LlamaForCausalLM", "llama")), "");
  EXPECT_EQ(Said("tensorrt-llm", "1.0.0", Model("ExaoneForCausalLM", "exaone")),
            "warns: ExaoneForCausalLM is not listed in the documentation of TensorRT-LLM: whether TensorRT-LLM 1.0.0 "
            "supports it is not known");
  const auto on_b200 = [](const char* version) {
    LaunchRequest request = Request("tensorrt-llm", version, Model("DeepseekV4ForCausalLM", "deepseek_v4"));
    request.gpu = {10, 0};
    return Said(request);
  };
  EXPECT_EQ(on_b200("1.2.0"),
            "warns: DeepseekV4ForCausalLM is listed in the documentation of TensorRT-LLM from 1.3.0rc22 on: whether "
            "TensorRT-LLM 1.2.0 supports it is not known");
  EXPECT_EQ(on_b200("1.3.0rc22"), "");
  // params.json names no class: its type stands for one.
  EXPECT_EQ(
      Said("tensorrt-llm", "1.2.0", Model("mistral", "mistral")),
      "warns: no file names the class of the model, of type mistral: whether TensorRT-LLM 1.2.0 supports it is not "
      "known");
  EXPECT_EQ(Said("vllm", "0.24.0", Model("mistral", "mistral")), "");
}

std::string OnGpu(const std::string& engine, const std::string& version, const std::string& capability,
                  bool stock = true) {
  LaunchRequest request = Request(engine, version);
  request.gpu = ComputeCapability::Parse(capability);
  request.release.stock = stock;
  const LaunchPlan plan = Plan(request, Preset("default"));
  return plan.rejection                    ? plan.rejection->reason + ": " + plan.rejection->message
         : Warns(plan, "CapabilityTooLow") ? "warns"
                                           : "";
}

TEST(GpuFloor, KernelsThatAReleaseWasNotBuiltForArePruned) {
  EXPECT_EQ(
      OnGpu("vllm", "0.24.0", "7.0"),
      "CapabilityTooLow: the kernels of vLLM 0.24.0 are built for compute capability 7.5 and later, the GPU has 7.0");
  EXPECT_EQ(OnGpu("vllm", "0.24.0", "7.5"), "");
  EXPECT_EQ(OnGpu("vllm", "0.19.1", "7.0"), "");
  EXPECT_THAT(OnGpu("vllm", "0.19.1", "6.0"), StartsWith("CapabilityTooLow"));
  EXPECT_THAT(OnGpu("sglang", "0.5.15", "7.0"), StartsWith("CapabilityTooLow"));
  EXPECT_EQ(OnGpu("sglang", "0.5.15", "7.5"), "");
  EXPECT_THAT(OnGpu("tensorrt-llm", "1.2.0", "7.5"), StartsWith("CapabilityTooLow"));
  EXPECT_EQ(OnGpu("vllm", "0.24.0", "7.0", false), "warns");
}

}  // namespace
}  // namespace autotune::quant
