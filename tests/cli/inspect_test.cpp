#include "cli/inspect.h"

#include <gmock/gmock.h>

#include "cli/model_source.h"

namespace autotune::cli {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Inspect, ShowsWhatTheFilesHold) {
  const std::string text = ModelFactsText(DenseModel());
  EXPECT_THAT(text, ContainsRegex("Architecture: +LlamaForCausalLM"));
  EXPECT_THAT(text, ContainsRegex("Quantization: +none\n"));
  EXPECT_THAT(text, Not(HasSubstr("Experts:")));
  EXPECT_THAT(ModelFactsText(ExpertModel()), ContainsRegex("Experts: +128, 8 per token"));
}

TEST(Inspect, NamesSharedExpertsByTheirNumberAndTheirWidth) {
  checkpoint::ModelFacts facts = ExpertModel();
  facts.moe_intermediate_size = 1408;
  facts.moe_layers = 24;
  facts.shared_intermediate_size = 5632;  // all that Qwen's files hold
  const std::string both = "; shared experts together of width 5632";
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("8 per token, width 1408" + both + "; in 24 layers\n"));
  facts.shared_experts = 4;
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("; 4 shared, together of width 5632; in 24 layers\n"));
  facts.shared_intermediate_size.reset();
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("; 4 shared; in 24 layers\n"));
  for (const checkpoint::Size none : {checkpoint::Size(), checkpoint::Size(0)}) {
    facts.shared_experts = facts.shared_intermediate_size = none;
    EXPECT_THAT(ModelFactsText(facts), Not(HasSubstr("shared")));
  }
}

TEST(Inspect, ShowsQuantizedTensorsThatNoFileDeclares) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.tensors = {"linear.qweight:I32", "linear.weight:BF16"};
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("tensors of quantized layers: linear.qweight:I32\n"));
  facts.tensors = {"linear.weight:BF16", "attention.k_scale"};
  EXPECT_THAT(ModelFactsText(facts), Not(HasSubstr("Not declared")));
}

TEST(Inspect, ShowsWhereAKvCacheIsDeclared) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.kv_cache = "fp8";
  facts.kv_form = "beside";
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("fp8, only in hf_quant_config.json\n"));
  facts.kv_form = "nested";
  EXPECT_THAT(ModelFactsText(facts), ContainsRegex("KV cache declared: +fp8\n"));
}

TEST(Inspect, NamesTheKvHeadsOfLayersThatDiffer) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.kv_heads.reset();
  facts.caches = {{50, 16, 8192, 1024}, {10, 4, 4096}};
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("query heads, 16 or 4 KV heads"));
  facts.caches.reset();
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("not known KV heads"));
}

TEST(Inspect, NamesTheInputsOfEachGroup) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.quantization = "compressed-tensors";
  facts.family = facts.linear_format = "mixed";
  facts.activations = "";
  facts.schemes = {"linear fp8-channel fp8-token-dynamic mixed:-", "linear int8-channel int8-token-dynamic mixed:-"};
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("inputs fp8-token-dynamic or int8-token-dynamic in linear layers\n"));
  facts.schemes = {"linear fp8-channel fp8-token-dynamic mixed:-", "experts int4-group128 none mixed:-"};
  EXPECT_THAT(ModelFactsText(facts),
              HasSubstr("inputs fp8-token-dynamic in linear layers, not quantized in experts\n"));
  facts.schemes = {"linear fp8 - mixed"};
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("inputs not known"));
}

TEST(Inspect, SaysWhatIsNotKnown) {
  const std::string text = ModelFactsText({});
  for (const char* row : {"Architecture", "Data type", "Layers", "KV cache", "Hidden size", "Context length"})
    EXPECT_THAT(text, ContainsRegex(std::string(row) + ": +not known")) << row;
}

TEST(Inspect, SaysHowManyTokensShareAnEntryOfACache) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.caches = {{.layers = 30, .elements = 512, .tokens = 4, .bits = 8}};
  facts.index_caches = {{.layers = 21, .elements = 128}};
  const std::string text = ModelFactsText(facts);
  EXPECT_THAT(text, ContainsRegex("KV cache: +30 layers with 512 elements per 4 tokens of at least 8 bits\n"));
  EXPECT_THAT(text, ContainsRegex("Index cache: +21 layers with 128 elements per token\n"));
}

TEST(Inspect, SaysHowManyModulesOfAListAreNotShown) {
  checkpoint::ModelFacts facts = DenseModel();
  facts.ignored_modules = {"lm_head", "visual"};
  EXPECT_THAT(ModelFactsText(facts), ContainsRegex("Not quantized: +lm_head, visual\n"));
  facts.ignored_left_out = 5;
  EXPECT_THAT(ModelFactsText(facts), ContainsRegex("Not quantized: +lm_head, visual, and 5 more\n"));
}

TEST(Inspect, NamesTheFormatOfEachPart) {
  checkpoint::ModelFacts facts = ExpertModel();
  facts.quantization = "modelopt";
  facts.family = facts.expert_format = "nvfp4";
  facts.notes = {"two files disagree"};
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("modelopt (nvfp4): linear layers not quantized, experts nvfp4"));
  EXPECT_THAT(ModelFactsText(facts), HasSubstr("two files disagree"));
}

}  // namespace
}  // namespace autotune::cli
