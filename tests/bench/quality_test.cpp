#include "bench/quality.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace autotune::bench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// What real engines answered, with the log-probabilities that another program read from it
// (tests/engines/on_gpu/prompt_logprobs.py).
json Recorded(const std::string& engine) {
  std::ifstream file(std::filesystem::path(TESTDATA_DIR) / "engines/runs/2026-11-25-h100" /
                     ("logprobs-" + engine + ".json"));
  EXPECT_TRUE(file) << engine;
  return json::parse(file);
}

TEST(Quality, ReadsWhatRealEnginesAnswer) {
  for (const char* engine : {"vllm", "sglang"}) {
    SCOPED_TRACE(engine);
    const json recorded = Recorded(engine);
    const auto nll = MeanNll(recorded["ways"]["echo, one token"]["answer"].dump());
    ASSERT_TRUE(nll.ok()) << nll.error().message;
    const auto logprobs = recorded["rows"][0]["logprobs"][0].get<std::vector<double>>();
    double sum = 0;
    for (const double value : logprobs) sum += value;
    EXPECT_NEAR(*nll, -sum / static_cast<double>(logprobs.size()), 1e-5);
  }
}

// The recorded request differs in what it need not say (the model, one at a time) and nothing else.
TEST(Quality, AsksAsTheRecordedRequestDid) {
  const json recorded = Recorded("sglang")["ways"]["echo, one token"]["body"];
  json asked = json::parse(QualityBody("m", recorded["prompt"]));
  EXPECT_EQ(asked["model"], "m");
  asked.erase("model");
  EXPECT_EQ(asked, recorded);
}

TEST(Quality, SaysWhyAnAnswerGivesNone) {
  const struct {
    const char* answer;
    const char* message;
  } kCases[] = {
      {R"({"choices":[{"text":"x","logprobs":{"token_logprobs":[-0.5]}}]})", "no log-probabilities of a prompt"},
      {R"({"choices":[{"text":"x","logprobs":null}]})", "no log-probabilities of a prompt"},
      {R"({"choices":[{"logprobs":{"token_logprobs":[null,null,-1]}}]})", "of token 1 is null"},
      {R"({"choices":[{"logprobs":{"token_logprobs":[null,"NaN",-1]}}]})", "of token 1 is \"NaN\""},
      {R"({"object":"error","message":"max_tokens must be positive"})", "no completion: max_tokens must be positive"},
      {"not JSON", "no completion: not JSON"},
      {R"({"choices":[]})", "no completion"},
  };
  for (const auto& row : kCases) {
    const auto nll = MeanNll(row.answer);
    ASSERT_FALSE(nll.ok()) << row.answer;
    EXPECT_THAT(nll.error().message, HasSubstr(row.message));
  }
  EXPECT_DOUBLE_EQ(*MeanNll(R"({"choices":[{"logprobs":{"token_logprobs":[null,-1,-3,-7]}}]})"), 2);
  EXPECT_DOUBLE_EQ(*MeanNll(R"({"choices":[{"logprobs":{"token_logprobs":[-2,-1,-3,-7]}}]})"), 2)
      << "with a beginning token before it, the passage's first token has one, too";
}

TEST(Quality, HasAsManyPassagesAsItSaysAndNoneTwice) {
  const std::vector<std::string>& passages = QualityPassages();
  EXPECT_EQ(passages.size(), kPassages);
  EXPECT_EQ(std::set<std::string>(passages.begin(), passages.end()).size(), kPassages);
  for (const std::string& passage : passages) {
    EXPECT_GE(passage.size(), 300U);
    EXPECT_LE(passage.size(), 700U);
    EXPECT_EQ(json::parse(json(passage).dump()), passage) << "valid UTF-8";
  }
}

}  // namespace
}  // namespace autotune::bench
