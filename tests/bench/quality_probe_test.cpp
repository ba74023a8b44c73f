#include "bench/quality_probe.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "bench/datasets.h"
#include "bench/quality.h"

namespace autotune::bench {
namespace {

using measurement::TextKind;
using nlohmann::json;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

// An engine of exact behaviour, without a socket.
class QualityProbeTest : public testing::Test {
 protected:
  using Handler = std::function<base::Result<Answer>(std::string_view path, const json& body)>;

  QualityOutcome Measure(const Handler& engine) {
    QualityHooks hooks = Hooks(engine);
    return QualityProbe(spec_, "m", std::move(hooks), clock_).Measure();
  }

  QualityHooks Hooks(const Handler& engine) {
    QualityHooks hooks;
    hooks.ask = [this, engine](std::string_view path, std::span<const std::string> bodies, std::size_t in_flight) {
      std::vector<base::Result<Answer>> answers;
      if (bodies.size() > 1) most_in_flight_ = std::max(most_in_flight_, std::min(in_flight, bodies.size()));
      for (const std::string& body : bodies) {
        ++asked_;
        clock_.Advance(takes_);
        answers.push_back(engine(path, json::parse(body)));
      }
      return answers;
    };
    hooks.ended = [this] { return dead_; };
    hooks.say = [this](const std::string& line) { said_ += line + "\n"; };
    return hooks;
  }

  // One token for 32 bytes; of a text, -1 nat each but for what `moved` adds.
  static base::Result<Answer> Usual(const json& body, double moved = 0) {
    const std::string prompt = body["prompt"];
    if (!body.contains("echo")) return Ok({{"text", prompt.substr(0, 40) + " and so on"}, {"finish_reason", "length"}});
    json logprobs = json::array({nullptr});
    for (std::size_t i = 32; i < prompt.size(); i += 32)
      logprobs.push_back(-1 - moved - 1e-3 * static_cast<double>(i % 7));
    logprobs.push_back(-0.5);
    return Ok({{"text", prompt}, {"logprobs", {{"token_logprobs", logprobs}}}});
  }
  static base::Result<Answer> Ok(const json& choice) {
    return Answer{200, json{{"choices", {choice}}}.dump(), "", false};
  }
  static base::Result<Answer> Refused(int status, const char* message) {
    return Answer{status, json{{"error", {{"message", message}}}}.dump(), "", false};
  }

  BenchSpec spec_;
  base::SimulatedClock clock_;
  std::chrono::milliseconds takes_{1};
  bool dead_ = false;
  int asked_ = 0;
  std::size_t most_in_flight_ = 0;
  std::string said_;
};

TEST_F(QualityProbeTest, MeasuresTheWholeCorpusTwiceAndThirtyTwoAnswers) {
  const QualityOutcome outcome = Measure([](std::string_view path, const json& body) {
    EXPECT_EQ(path, "/v1/completions");
    return Usual(body);
  });
  ASSERT_TRUE(outcome.quality);
  EXPECT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.quality->text, kCorpusName);
  ASSERT_THAT(outcome.quality->blocks, SizeIs(measurement::kQualityBlocks));
  for (const auto& block : outcome.quality->blocks) {
    EXPECT_NEAR(block.nll, 1.003, 0.001);
    EXPECT_EQ(block.pieces, 1);
    ASSERT_TRUE(block.turned);
    EXPECT_NEAR(*block.turned, 1.003, 0.001);
  }
  EXPECT_EQ(outcome.quality->blocks.front().kind, TextKind::kShortAlone);
  EXPECT_EQ(outcome.quality->blocks[1].kind, TextKind::kShort);
  EXPECT_EQ(outcome.quality->blocks[2].kind, TextKind::kLong);
  EXPECT_EQ(outcome.quality->blocks.back().kind, TextKind::kLong);
  EXPECT_THAT(outcome.quality->answers, SizeIs(measurement::kGreedyPrompts));
  EXPECT_EQ(outcome.quality->answers.front().repeated, 6);
  EXPECT_GE(most_in_flight_, 10U) << "short documents are asked together";
}

TEST_F(QualityProbeTest, AsksTheSameInTheSameOrder) {
  std::vector<std::string> first, second;
  Measure([&](std::string_view, const json& body) { return first.push_back(body.dump()), Usual(body); });
  Measure([&](std::string_view, const json& body) { return second.push_back(body.dump()), Usual(body); });
  EXPECT_EQ(first, second);
}

TEST_F(QualityProbeTest, CutsDocumentsToTheContextAndToTheMemoryForTheirLogProbabilities) {
  EXPECT_GT(QualityProbe::LongestText(spec_), 40'000U);
  spec_.max_model_len = 2048;
  EXPECT_EQ(QualityProbe::LongestText(spec_), 2046U * 4);
  spec_.vocab_size = 1 << 20;
  EXPECT_EQ(QualityProbe::LongestText(spec_), 512U * 4) << "2^29 logits";
  std::size_t longest = 0;
  const QualityOutcome outcome = Measure([&](std::string_view, const json& body) {
    longest = std::max(longest, body["prompt"].get_ref<const std::string&>().size());
    return Usual(body);
  });
  EXPECT_LE(longest, 512U * 4);
  ASSERT_TRUE(outcome.quality);
  EXPECT_THAT(outcome.quality->blocks, SizeIs(measurement::kQualityBlocks));
  EXPECT_GT(outcome.quality->blocks.back().pieces, 5);
  EXPECT_TRUE(outcome.quality->blocks.back().turned) << "in as many pieces";
}

TEST_F(QualityProbeTest, GivesAnEngineHalvesOfWhatItRefuses) {
  const QualityOutcome outcome = Measure([](std::string_view, const json& body) {
    if (body["prompt"].get_ref<const std::string&>().size() > 7000)
      return Refused(400, "maximum context length is 2048");
    return Usual(body);
  });
  ASSERT_TRUE(outcome.quality);
  EXPECT_EQ(outcome.problem, "");
  EXPECT_THAT(outcome.quality->blocks, SizeIs(measurement::kQualityBlocks));
  EXPECT_GE(outcome.quality->blocks[2].pieces, 4);
}

// The long ones come last: what an engine dies of takes nothing away.
TEST_F(QualityProbeTest, KeepsWhatWasMeasuredBeforeAnEngineEnds) {
  const QualityOutcome outcome = Measure([this](std::string_view, const json& body) -> base::Result<Answer> {
    if (body["prompt"].get_ref<const std::string&>().size() < 15'000) return Usual(body);
    dead_ = true;
    return base::Retry("the server closed the connection");
  });
  ASSERT_TRUE(outcome.quality);
  EXPECT_THAT(outcome.quality->blocks, SizeIs(2));
  EXPECT_THAT(outcome.problem, HasSubstr("the engine ended over it"));
}

// TensorRT-LLM: greedy answers are what is left.
TEST_F(QualityProbeTest, HasAnswersWhereThereAreNoLikelihoods) {
  const QualityOutcome outcome = Measure([](std::string_view, const json& body) {
    return Ok({{"text", body["prompt"]}, {"logprobs", {{"token_logprobs", {-0.5}}}}});
  });
  ASSERT_TRUE(outcome.quality);
  EXPECT_EQ(outcome.quality->text, "");
  EXPECT_THAT(outcome.quality->answers, SizeIs(measurement::kGreedyPrompts));
  EXPECT_THAT(outcome.problem, HasSubstr("no log-probabilities of a prompt"));
  EXPECT_EQ(outcome.broken, "");
}

TEST_F(QualityProbeTest, NanIsBroken) {
  QualityOutcome outcome = Measure([](std::string_view, const json& body) {
    if (body.contains("echo")) return Ok({{"logprobs", {{"token_logprobs", {nullptr, -1, nullptr, -1}}}}});
    return Usual(body);
  });
  EXPECT_THAT(outcome.broken, HasSubstr("(2 of 2) is not a number"));
  outcome = Measure([](std::string_view, const json& body) {
    return body.contains("echo") ? Refused(500, "Out of range float values are not JSON compliant: nan") : Usual(body);
  });
  EXPECT_THAT(outcome.broken, HasSubstr("NaN"));
}

std::size_t Askings(const QualityOutcome& outcome) {
  std::size_t askings = 0;
  for (const auto& block : outcome.quality->blocks) askings += block.turned ? 2 : 1;
  return askings;
}

TEST_F(QualityProbeTest, StopsWhereTheBoundIsDecidedAndNotBefore) {
  const QualityOutcome baseline = Measure([](std::string_view, const json& body) { return Usual(body); });
  EXPECT_EQ(Askings(baseline), 2 * measurement::kQualityBlocks) << "whatever a configuration may be compared on";
  spec_.quality.reference = baseline.quality;
  spec_.quality.max_growth = 0.01;
  const auto askings = [&](double moved) {
    return Askings(Measure([&](std::string_view, const json& body) { return Usual(body, moved); }));
  };
  EXPECT_EQ(askings(0.0), 8U) << "as good as the baseline";
  EXPECT_EQ(askings(0.1), 8U) << "far worse";
  spec_.quality.max_growth.reset();
  EXPECT_EQ(askings(0.1), 16U) << "without a bound: known to 0.05 % of perplexity";
}

// Documents whose likelihoods scatter by `scatter` nats, another way where they are turned round.
TEST_F(QualityProbeTest, AsksTurnedRoundWhereTheCorpusDoesNotSuffice) {
  const QualityOutcome baseline = Measure([](std::string_view, const json& body) { return Usual(body); });
  spec_.quality.reference = baseline.quality;
  constexpr std::size_t kLong = measurement::kQualityBlocks - 2;
  const auto askings = [&](double scatter, double scatter_of_turned) {
    std::size_t long_ones = 0;
    return Askings(Measure([&](std::string_view, const json& body) {
      if (body["prompt"].get_ref<const std::string&>().size() < 15'000) return Usual(body);
      const std::size_t number = long_ones++;  // of the long documents, and again of the same turned round
      const double by = number < kLong ? scatter : scatter_of_turned;
      return Usual(body, (number % kLong + 2) / measurement::kQualityGroups % 2 == 0 ? by : -by);
    }));
  };
  EXPECT_EQ(askings(1e-4, 1e-4), 16U);
  EXPECT_EQ(askings(1e-2, 1e-2), 2 * measurement::kQualityBlocks) << "everything, and still not enough";
  const std::size_t some = askings(1.8e-3, 0);
  EXPECT_GT(some, measurement::kQualityBlocks) << "the halves of what scatters";
  EXPECT_LT(some, 2 * measurement::kQualityBlocks);
  EXPECT_EQ((some - measurement::kQualityBlocks) % measurement::kQualityGroups, 0U);
}

TEST_F(QualityProbeTest, AsksEachDocumentAsItIsBeforeAnyIsTurned) {
  std::vector<std::string> asked;
  Measure([&](std::string_view, const json& body) {
    if (body.contains("echo")) asked.push_back(body["prompt"]);
    return Usual(body);
  });
  std::vector<std::string> expected;
  for (const bool turned : {false, true}) {
    for (const CorpusPart& part : Corpus()) {
      for (const std::string_view document : part.documents) {
        expected.push_back(turned ? TurnedRound(document) : std::string(document));
      }
    }
  }
  EXPECT_TRUE(asked == expected) << asked.size() << " and " << expected.size() << " texts";
}

// What the baseline's time did not suffice for is of no use: nothing to compare it with.
TEST_F(QualityProbeTest, EndsWhereTheBaselineDid) {
  QualityOutcome baseline = Measure([](std::string_view, const json& body) { return Usual(body); });
  baseline.quality->blocks.resize(10);
  for (auto& block : baseline.quality->blocks) block.turned.reset();
  spec_.quality.reference = baseline.quality;
  spec_.quality.max_growth = 1e-9;
  int asked = 0;
  const QualityOutcome outcome =
      Measure([&](std::string_view, const json& body) { return Usual(body, ++asked % 2 == 0 ? 0.01 : -0.01); });
  EXPECT_EQ(Askings(outcome), 12U);
  EXPECT_EQ(outcome.problem, "");
}

TEST_F(QualityProbeTest, EndsWithWhatItHasAfterItsTime) {
  takes_ = std::chrono::seconds(10);
  QualityOutcome outcome = Measure([](std::string_view, const json& body) { return Usual(body); });
  ASSERT_TRUE(outcome.quality);
  EXPECT_LT(outcome.quality->blocks.size(), measurement::kQualityBlocks);
  EXPECT_THAT(outcome.problem, HasSubstr("takes longer than 180 s"));
  // A second asking that is not reached is no problem: the interval says what is known.
  takes_ = std::chrono::milliseconds(1600);
  outcome = Measure([](std::string_view, const json& body) { return Usual(body); });
  EXPECT_THAT(outcome.quality->blocks, SizeIs(measurement::kQualityBlocks));
  EXPECT_LT(Askings(outcome), 2 * measurement::kQualityBlocks);
  EXPECT_EQ(outcome.problem, "");
  EXPECT_THAT(said_, HasSubstr("180 s are over"));
}

TEST_F(QualityProbeTest, SanityIsLookedAtBeforeAnythingIsMeasured) {
  const auto check = [this](const Handler& engine) {
    return QualityProbe(spec_, "m", Hooks(engine), clock_).CheckSanity();
  };
  EXPECT_EQ(check([](std::string_view, const json& body) { return Usual(body); }), "");
  EXPECT_THAT(check([](std::string_view, const json&) {
                return Ok({{"text", std::string(64, '!')}, {"finish_reason", "length"}});
              }),
              HasSubstr("all 4 test prompts are answered by an endless repetition of one text"));
  EXPECT_THAT(check([](std::string_view, const json&) {
                return Ok({{"text", ""}, {"finish_reason", "stop"}});
              }),
              HasSubstr("immediate end of sequence"));
  EXPECT_EQ(check([](std::string_view, const json&) { return Refused(404, "no such path"); }), "") << "no finding";
}

TEST_F(QualityProbeTest, AsksTheQuestionsOfADataset) {
  const auto path = std::filesystem::temp_directory_path() / ("questions-" + std::to_string(::getpid()) + ".jsonl");
  std::ofstream(path)
      << R"({"prompt": "2 + 2 =", "reference": "4"})"
      << "\n"
      << R"({"prompt": "3 + 3 =", "reference": "7"})"
      << "\n"
      << R"({"messages": [{"role": "user", "content": "Hi"}], "reference": "hello", "match": "contains"})"
      << "\n"
      << R"({"prompt": "The sky is", "choices": [" green", " blue"], "answer": 1})"
      << "\n";
  spec_.quality.questions = QuestionSet{path, 16};
  ASSERT_TRUE(ReadQuestionsOf(spec_).ok());
  const QualityOutcome outcome = Measure([](std::string_view way, const json& body) {
    if (way == "/v1/chat/completions") return Ok({{"message", {{"content", "Oh, hello"}}}});
    const std::string prompt = body["prompt"];
    if (prompt.starts_with("The sky is ")) {
      return Ok({{"logprobs", {{"token_logprobs", {nullptr, -1, prompt.ends_with("blue") ? -1 : -3, -1}}}}});
    }
    if (prompt.ends_with("=")) {
      EXPECT_EQ(body["max_tokens"], 16);
      return Ok({{"text", prompt[0] == '2' ? " 4" : " 6"}});
    }
    return Usual(body);
  });
  std::filesystem::remove(path);
  ASSERT_TRUE(outcome.quality && outcome.quality->passes) << outcome.problem;
  EXPECT_EQ(outcome.quality->passes->passed, (std::vector<bool>{true, false, true, true}));
  EXPECT_TRUE(outcome.quality->passes->dataset.starts_with("questions-"));
  EXPECT_THAT(ReadQuestionsOf(spec_).error().message, HasSubstr("cannot be read")) << "gone by now";
}

TEST_F(QualityProbeTest, LeavesOutTheKindOfQuestionsThatAnEngineRefuses) {
  const auto path = std::filesystem::temp_directory_path() / ("kinds-" + std::to_string(::getpid()) + ".jsonl");
  std::ofstream(path) << R"({"prompt": "The sky is", "choices": [" green", " blue"], "answer": 1})"
                      << "\n"
                      << R"({"prompt": "2 + 2 =", "reference": "4"})"
                      << "\n"
                      << R"({"prompt": "3 + 3 =", "reference": "7"})"
                      << "\n";
  spec_.quality.questions = QuestionSet{path, 16};
  const auto measure = [&](bool likelihoods) {
    return Measure([likelihoods](std::string_view, const json& body) {
      if (!likelihoods && body.contains("echo")) return Refused(400, "echo is not supported");
      const std::string prompt = body["prompt"];
      if (prompt.ends_with("=")) return Ok({{"text", prompt[0] == '2' ? " 4" : " 6"}});
      if (prompt.starts_with("The sky is ")) return Ok({{"logprobs", {{"token_logprobs", {nullptr, -1, -1}}}}});
      return Usual(body);
    });
  };
  const QualityOutcome all = measure(true), some = measure(false);
  std::filesystem::remove(path);
  ASSERT_TRUE(some.quality && some.quality->passes) << some.problem;
  EXPECT_EQ(some.quality->passes->passed, (std::vector<bool>{true, false}));
  EXPECT_EQ(some.problem,
            "quality.dataset: 1 of 3 questions by choices, refused at question 1 and the corpus: "
            "HTTP 400: echo is not supported")
      << "both parts, the reason once";
  ASSERT_TRUE(all.quality && all.quality->passes) << all.problem;
  EXPECT_EQ(all.quality->passes->passed.size(), 3U);
  EXPECT_NE(all.quality->passes->dataset, some.quality->passes->dataset) << "other questions: not compared";
}

}  // namespace
}  // namespace autotune::bench
