#include "bench/prompts.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

namespace autotune::bench {
namespace {

using nlohmann::json;

RequestSeries Example() { return {"org/model \"x\"", measurement::Scenario::Fixed(512, 128), PromptStyles().front(), 7, 3}; }

// TensorRT-LLM refuses every field that it does not know, so this list is a contract.
TEST(CompletionBody, HasExactlyTheFieldsThatAllEnginesKnow) {
  const json body = json::parse(CompletionBody(Example(), 0));
  std::set<std::string> keys;
  for (const auto& [key, value] : body.items()) keys.insert(key);
  EXPECT_EQ(keys, (std::set<std::string>{"model", "prompt", "max_tokens", "temperature", "seed", "ignore_eos",
                                         "skip_special_tokens", "stream", "stream_options"}));
  EXPECT_EQ(body["model"], "org/model \"x\"");
  EXPECT_EQ(body["max_tokens"], 128);
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["seed"], 7);
  EXPECT_EQ(body["ignore_eos"], true);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"], json({{"include_usage", true}}));
}

TEST(CompletionBody, HasExactlyTheAskedNumberOfTokensInTheStylesRange) {
  for (const PromptStyle& style : PromptStyles()) {
    RequestSeries series = Example();
    series.style = style;
    const json prompt = json::parse(CompletionBody(series, 5))["prompt"];
    if (style.kind == PromptStyle::Kind::kWords) {
      const auto text = prompt.get<std::string>();
      EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 511);
      continue;
    }
    ASSERT_EQ(prompt.size(), 512u);
    for (const json& id : prompt) {
      EXPECT_GE(id.get<int>(), style.first_id);
      EXPECT_LE(id.get<int>(), style.last_id);
    }
  }
}

TEST(CompletionBody, IsTheSameForTheSameSeedStreamAndIndex) {
  EXPECT_EQ(CompletionBody(Example(), 4), CompletionBody(Example(), 4));
}

// Prefix caches must not help: the first tokens of no two requests agree.
TEST(CompletionBody, SharesNoPrefixWithAnyOther) {
  std::set<std::string> beginnings;
  for (std::uint64_t stream = 0; stream < 20; ++stream) {
    for (std::uint64_t index = 0; index < 200; ++index) {
      RequestSeries series = Example();
      series.stream = stream;
      const json prompt = json::parse(CompletionBody(series, index))["prompt"];
      beginnings.insert(json(std::vector<json>(prompt.begin(), prompt.begin() + 3)).dump());
    }
  }
  EXPECT_EQ(beginnings.size(), 20u * 200u);
  RequestSeries other_seed = Example();
  other_seed.seed = 8;
  EXPECT_NE(CompletionBody(other_seed, 0), CompletionBody(Example(), 0));
}

}  // namespace
}  // namespace autotune::bench
