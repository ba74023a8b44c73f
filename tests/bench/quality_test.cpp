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

TEST(Quality, ABlockKnowsEveryDigitOfEachThird) {
  std::vector<double> logprobs;
  for (int i = 0; i < 10; ++i) logprobs.push_back(-i);
  const auto block = MakeBlock(logprobs);
  EXPECT_DOUBLE_EQ(block.nll, 4.5);
  EXPECT_EQ(block.tokens, 10);
  EXPECT_EQ(MakeBlock(logprobs), block);
  logprobs[4] -= 1e-15;  // of 0, 1, 2; 3, 4, 5; and four more
  const auto other = MakeBlock(logprobs);
  EXPECT_EQ(other.prints[0], block.prints[0]);
  EXPECT_NE(other.prints[1], block.prints[1]);
  EXPECT_EQ(other.prints[2], block.prints[2]);
  for (const std::uint16_t print : other.prints) EXPECT_LT(print, 1U << measurement::kPrintBits);
}

TEST(Corpus, TurnedRoundHasTheSameLinesInAnotherOrder) {
  EXPECT_EQ(TurnedRound("one\ntwo\nthree\nfour"), "three\nfour\none\ntwo\n");
  EXPECT_EQ(TurnedRound("abcd"), "cd\nab");
  EXPECT_EQ(TurnedRound("\xc3\xa4\xc3\xa4\xc3\xa4"), "\xc3\xa4\xc3\xa4\n\xc3\xa4") << "never inside a character";
  EXPECT_EQ(TurnedRound("a"), "a");
  EXPECT_EQ(TurnedRound(""), "");
}

TEST(Corpus, HasLongAndShortDocumentsOfManyKindsAndNoneTwice) {
  std::set<std::string_view> seen;
  std::size_t bytes = 0, documents = 0, long_ones = 0;
  for (const CorpusPart& part : Corpus()) {
    ASSERT_FALSE(part.documents.empty()) << part.files;
    EXPECT_EQ(part.is_long, part.documents.size() == 1) << part.files;
    for (const std::string_view document : part.documents) {
      EXPECT_EQ(json::parse(json(document).dump()), document) << "valid UTF-8";
      EXPECT_GE(document.size(), part.is_long ? 18'000U : 150U) << part.files << ": " << document.substr(0, 60);
      EXPECT_LE(document.size(), part.is_long ? 80'000U : 1200U) << document.substr(0, 60);
      seen.insert(document);
      bytes += document.size();
      ++documents;
    }
    long_ones += part.is_long ? 1 : 0;
  }
  EXPECT_THAT(Corpus(), SizeIs(measurement::kQualityBlocks));
  EXPECT_EQ(seen.size(), documents);
  EXPECT_GE(documents, 87U);
  EXPECT_EQ(long_ones, measurement::kQualityBlocks - 2);
  EXPECT_GE(bytes, 1'500'000U) << "400,000 tokens and more";
  EXPECT_THAT(GreedyPrompts(), SizeIs(measurement::kGreedyPrompts));
  EXPECT_EQ(std::set<std::string_view>(GreedyPrompts().begin(), GreedyPrompts().end()).size(),
            measurement::kGreedyPrompts);
}

// A document that was filled up with what it or another one has already said tells less than its length promises.
TEST(Corpus, OfLongDocumentsSaysHardlyALineTwice) {
  constexpr std::size_t kLongLine = 60;  // bytes; shorter ones do come again in programs and tables
  constexpr std::size_t kLetters = 10;   // different ones; what has fewer is ruled off
  std::set<std::string_view> seen;
  for (const CorpusPart& part : Corpus()) {
    if (!part.is_long) continue;
    std::string_view text = part.documents[0];
    std::size_t all = 0, again = 0;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      if (line.size() < kLongLine || std::set<char>(line.begin(), line.end()).size() < kLetters) continue;
      all += line.size();
      if (!seen.insert(line).second) again += line.size();
    }
    EXPECT_LT(again, all / 50) << part.files;
  }
}

TEST(Corpus, IsCutAtLinesAndNeverInsideACharacter) {
  for (const CorpusPart& part : Corpus()) {
    for (const std::size_t most : {8U, 100U, 4096U, 100'000U}) {
      std::string together;
      for (const std::string_view piece : CutText(part.documents.back(), most)) {
        EXPECT_LE(piece.size(), most);
        ASSERT_FALSE(piece.empty());
        EXPECT_NE(static_cast<unsigned char>(piece[0]) & 0xC0, 0x80) << part.files;
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
              HasSubstr("endless repetition of one text, such as \"!!!"));
  EXPECT_THAT(WhyBroken(answers({" the the the the the", " of a of a of a of a of a"})), HasSubstr("endless"));
  // A weak model repeats itself sooner or later, and one of several from the beginning.
  EXPECT_EQ(WhyBroken(answers({"He went home. I am. I am. I am. I am. I am.", std::string(64, '!')})), "");
  EXPECT_EQ(WhyBroken(answers({"", "and so on"})), "");
  EXPECT_EQ(WhyBroken(answers({"......", "......"})), "") << "too short to tell";
  EXPECT_EQ(WhyBroken(answers({std::string(64, '!')})), "") << "one is not enough";
}

}  // namespace
}  // namespace autotune::bench
