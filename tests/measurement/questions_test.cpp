#include "measurement/questions.h"

#include <gmock/gmock.h>

namespace autotune::measurement {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Match = Question::Match;

TEST(ReadQuestions, KnowsEveryForm) {
  const auto questions = ReadQuestions(
      "{\"prompt\": \"2 + 2 =\", \"reference\": \"4\"}\n"
      "\n"
      "{\"query\": \"Capital of France?\", \"answer\": [\"Paris\", \"paris\"], \"match\": \"contains\"}\r\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"A number?\"}], \"target\": \"^ *[0-9]+\", \"match\": "
      "\"regex\"}\n"
      "{\"prompt\": \"The sky is\", \"choices\": [\" green\", \" blue\"], \"gold\": 1}",
      "exam.jsonl");
  ASSERT_TRUE(questions.ok()) << questions.error().message;
  ASSERT_EQ(questions->size(), 4U);
  EXPECT_EQ((*questions)[0].match, Match::kExact);
  EXPECT_THAT((*questions)[1].references, ElementsAre("Paris", "paris"));
  EXPECT_EQ((*questions)[2].messages.size(), 1U);
  EXPECT_EQ((*questions)[2].match, Match::kRegex);
  EXPECT_EQ((*questions)[3].match, Match::kChoice);
  EXPECT_EQ((*questions)[3].right, 1U);
}

TEST(ReadQuestions, LeavesOutWhatRepeatsAnEarlierOne) {
  const std::string line = R"({"prompt": "x", "reference": "y"})";
  EXPECT_EQ(ReadQuestions(line + "\n" + line + "\n" + R"({"prompt": "x", "reference": "z"})", "exam.jsonl")->size(),
            2U);
}

TEST(ReadQuestions, NamesFileAndLineOfWhatIsWrong) {
  const struct {
    const char* line;
    const char* message;
  } kCases[] = {
      {R"({"prompt": "x"})", "exam.jsonl:2: has neither \"reference\" nor \"choices\""},
      {"[1]", "not a JSON object"},
      {"{", "not JSON (one object a line is needed): {"},
  };
  for (const auto& row : kCases) {
    const auto questions =
        ReadQuestions(std::string("{\"prompt\": \"a\", \"reference\": \"b\"}\n") + row.line, "exam.jsonl");
    ASSERT_FALSE(questions.ok()) << row.line;
    EXPECT_THAT(questions.error().message, HasSubstr(row.message));
    EXPECT_THAT(questions.error().message, HasSubstr("exam.jsonl:2: "));
  }
  EXPECT_THAT(ReadQuestions("\n", "exam.jsonl").error().message, HasSubstr("no question"));
}

TEST(ReadQuestions, SurvivesListsInLists) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(ReadQuestions(R"({"prompt": "x", "reference": )" + deep + "}", "exam.jsonl").ok());
  EXPECT_FALSE(ReadQuestions(R"({"prompt": "x", "choices": )" + deep + "}", "exam.jsonl").ok());
}

TEST(ReadQuestions, TellsWhatMakesLinesOfAnotherFormat) {
  const auto message = [](std::string_view bytes) { return ReadQuestions(bytes, "exam").error().message; };
  EXPECT_THAT(message("PAR1\x15\x04"), HasSubstr("read_parquet"));
  EXPECT_THAT(message("\x1F\x8B\x08"), HasSubstr("gunzip"));
  EXPECT_THAT(message("[\n  {\"prompt\": \"x\"}\n]"), HasSubstr("exam:1: a list: jq -c '.[]' FILE"));
  EXPECT_THAT(message("task: arc_easy\ndoc_to_text: \"{{question}}\"\n"), HasSubstr("--log_samples"));
  std::string many;
  for (int i = 0; i <= 1000; ++i) many += R"({"prompt": "x", "reference": ")" + std::to_string(i) + "\"}\n";
  EXPECT_THAT(message(many), HasSubstr("exam:1001: more than 1000 questions: shuf"));
}

TEST(IsRight, ComparesAsTheLineSays) {
  const auto right = [](Match match, const char* reference, const char* answer) {
    return IsRight({"prompt", {}, match, {"nothing like it 77", reference}, 0, {}}, answer);
  };
  EXPECT_TRUE(right(Match::kExact, "4", " 4\n"));
  EXPECT_FALSE(right(Match::kExact, "4", "4."));
  EXPECT_TRUE(right(Match::kContains, "Paris", "It is Paris."));
  EXPECT_FALSE(right(Match::kContains, "Paris", "It is paris."));
  EXPECT_TRUE(right(Match::kRegex, "\\b42\\b", "so 42 it is"));
  EXPECT_FALSE(right(Match::kRegex, "\\b42\\b", "so 421 it is"));
  EXPECT_TRUE(right(Match::kBegins, "Yes", "\n Yes, it is"));
  EXPECT_FALSE(right(Match::kBegins, "Yes", "I think: Yes"));
  EXPECT_TRUE(right(Match::kWords, "the US", "It is in The US."));
  EXPECT_FALSE(right(Match::kWords, "US", "It is in use, USA"));
  EXPECT_TRUE(right(Match::kWords, "北京", "是北京市"));
  EXPECT_TRUE(right(Match::kNumber, "1,200", "First 3, then 1200.00 dollars."));
  EXPECT_FALSE(right(Match::kNumber, "12", "12 of 13"));
  EXPECT_FALSE(right(Match::kNumber, "12", "twelve"));
}

TEST(LastNumber, IsWrittenInManyWays) {
  EXPECT_EQ(LastNumber("so $1,234.50!"), 1234.5);
  EXPECT_EQ(LastNumber("it is -7."), -7);
  EXPECT_EQ(LastNumber("10-7"), 7) << "a minus behind a number is none of its sign";
  EXPECT_EQ(LastNumber("1, 2"), 2);
  EXPECT_EQ(LastNumber("version 1.2.3"), 2.3);
  EXPECT_EQ(LastNumber("none"), std::nullopt);
}

}  // namespace
}  // namespace autotune::measurement
