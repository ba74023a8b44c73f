#include "bench/quality.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/corpus.h"

namespace autotune::bench {
namespace {

using nlohmann::json;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsNan;
using testing::Pointwise;
using testing::SizeIs;

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
    const auto read = PromptLogprobs(recorded["ways"]["echo, one token"]["answer"].dump());
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_THAT(*read, Pointwise(DoubleNear(1e-5), recorded["rows"][0]["logprobs"][0].get<std::vector<double>>()));
  }
}

// The recorded request differs in what it need not say (the model, one at a time) and nothing else.
TEST(Quality, AsksAsTheRecordedRequestDid) {
  const json recorded = Recorded("sglang")["ways"]["echo, one token"]["body"];
  json asked = json::parse(LikelihoodBody("m", recorded["prompt"].get<std::string>()));
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
      {R"({"object":"error","message":"max_tokens must be positive"})", "no completion: max_tokens must be positive"},
      {"not JSON", "no completion: not JSON"},
      {R"({"choices":[]})", "no completion"},
  };
  for (const auto& row : kCases) {
    const auto logprobs = PromptLogprobs(row.answer);
    ASSERT_FALSE(logprobs.ok()) << row.answer;
    EXPECT_THAT(logprobs.error().message, HasSubstr(row.message));
  }
  EXPECT_THAT(*PromptLogprobs(R"({"choices":[{"logprobs":{"token_logprobs":[null,-1,-3,-7]}}]})"), ElementsAre(-1, -3));
  EXPECT_THAT(*PromptLogprobs(R"({"choices":[{"logprobs":{"token_logprobs":[-2,-1,-3,-7]}}]})"),
              ElementsAre(-2, -1, -3))
      << "with a beginning token before it, the text's first token has one, too";
  EXPECT_THAT(*PromptLogprobs(R"({"choices":[{"logprobs":{"token_logprobs":[null,null,"NaN",-1]}}]})"),
              ElementsAre(IsNan(), IsNan()));
}

TEST(Quality, BlocksAreEquallyLongAndKnowEveryDigit) {
  std::vector<double> logprobs;
  for (int i = 0; i < 10; ++i) logprobs.push_back(-i);
  const auto blocks = MakeBlocks(logprobs, 3);
  ASSERT_THAT(blocks, SizeIs(3));
  EXPECT_DOUBLE_EQ(blocks[0].nll, 1) << "0, 1, 2";
  EXPECT_DOUBLE_EQ(blocks[2].nll, 7.5) << "6, 7, 8, 9";
  EXPECT_EQ(MakeBlocks(logprobs, 3), blocks);
  logprobs[4] -= 1e-15;
  EXPECT_EQ(MakeBlocks(logprobs, 3)[0], blocks[0]);
  EXPECT_NE(MakeBlocks(logprobs, 3)[1].print, blocks[1].print);
}

TEST(Corpus, HasLongAndShortDocumentsOfManyKindsAndNoneTwice) {
  std::set<std::string_view> seen;
  int blocks = 0;
  std::size_t bytes = 0, documents = 0, long_ones = 0;
  for (const CorpusPart& part : Corpus()) {
    blocks += part.blocks;
    ASSERT_FALSE(part.documents.empty()) << part.name;
    EXPECT_EQ(part.is_long, part.documents.size() == 1) << part.name;
    for (const std::string_view document : part.documents) {
      EXPECT_EQ(json::parse(json(document).dump()), document) << "valid UTF-8";
      EXPECT_GE(document.size(), part.is_long ? 18'000U : 150U) << document;
      EXPECT_LE(document.size(), part.is_long ? 40'000U : 1200U) << document.substr(0, 60);
      seen.insert(document);
      bytes += document.size();
      ++documents;
    }
    long_ones += part.is_long ? 1 : 0;
  }
  EXPECT_EQ(blocks, measurement::kQualityBlocks);
  EXPECT_EQ(seen.size(), documents);
  EXPECT_GE(documents, 50U);
  EXPECT_EQ(long_ones, 4U);
  EXPECT_GE(bytes, 120'000U) << "32,000 tokens and more";
  EXPECT_THAT(GreedyPrompts(), SizeIs(measurement::kGreedyPrompts));
}

TEST(Corpus, IsCutAtLinesAndNeverInsideACharacter) {
  for (const CorpusPart& part : Corpus()) {
    for (const std::size_t most : {8U, 100U, 4096U, 100'000U}) {
      std::string together;
      for (const std::string_view piece : CutText(part.documents.back(), most)) {
        EXPECT_LE(piece.size(), most);
        ASSERT_FALSE(piece.empty());
        EXPECT_NE(static_cast<unsigned char>(piece[0]) & 0xC0, 0x80) << part.name;
        together += piece;
      }
      EXPECT_EQ(together, part.documents.back());
    }
  }
  EXPECT_THAT(CutText("aaaaaaaaa\nbbbbbbbbb", 10), ElementsAre("aaaaaaaaa\n", "bbbbbbbbb"));
}

TEST(WhyBroken, IsSaidWhereAllAnswersAreAlike) {
  const auto answers = [](const std::vector<std::string>& texts, const char* reason = "length") {
    std::vector<GreedyText> out;
    for (const std::string& text : texts) out.push_back({text, 64, reason});
    return out;
  };
  EXPECT_THAT(WhyBroken(answers({"", " "}, "stop")), HasSubstr("immediate end of sequence"));
  EXPECT_THAT(WhyBroken(answers({"", "\n\n"})), HasSubstr("nothing visible"));
  EXPECT_THAT(WhyBroken(answers({std::string(64, '!'), std::string(64, '!')})),
              HasSubstr("without end, such as \"!!!"));
  EXPECT_THAT(WhyBroken(answers({" the the the the the", " of a of a of a of a of a"})), HasSubstr("without end"));
  // A weak model repeats itself sooner or later, and one of several from the beginning.
  EXPECT_EQ(WhyBroken(answers({"He went home. I am. I am. I am. I am. I am.", std::string(64, '!')})), "");
  EXPECT_EQ(WhyBroken(answers({"", "and so on"})), "");
  EXPECT_EQ(WhyBroken(answers({"......", "......"})), "") << "too short to tell";
  EXPECT_EQ(WhyBroken(answers({std::string(64, '!')})), "") << "one is not enough";
}

}  // namespace
}  // namespace autotune::bench
