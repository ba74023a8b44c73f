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

TEST(Inspect, SaysWhatIsNotKnown) {
  const std::string text = ModelFactsText({});
  for (const char* row : {"Architecture", "Data type", "Layers", "KV cache", "Hidden size", "Context length"})
    EXPECT_THAT(text, ContainsRegex(std::string(row) + ": +not known")) << row;
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
