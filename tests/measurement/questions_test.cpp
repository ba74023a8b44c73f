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

TEST(ReadQuestions, RefusesWhatSurelyExceedsTheContext) {
  const auto read = [](const std::string& text, int context, int answer) {
    return ReadQuestions(R"({"prompt": "a", "reference": "b"})"
                         "\n{\"prompt\": \"" +
                             text + "\", \"reference\": \"b\"}",
                         "exam.jsonl", context, answer);
  };
  std::string words;
  for (int i = 0; i < 800; ++i) words += "word ";  // 4,000 characters, 500 tokens at least
  EXPECT_EQ(read(words, 700, 256).error().message,
            "exam.jsonl:2: at least 500 tokens (one for every 8 characters) and 256 of the answer do not fit into the "
            "context of 700 tokens: leave the row out");
  EXPECT_TRUE(read(words, 756, 256).ok());
  EXPECT_TRUE(read(words, 0, 256).ok()) << "a context that is not known";
  EXPECT_TRUE(read(std::string(100'000, '-'), 300, 256).ok()) << "a run of one character may be one token";
  // Choices are judged by their likelihood, without an answer.
  const std::string choice = "{\"prompt\": \"" + words + R"(", "choices": ["a", "b"], "answer": 0})";
  EXPECT_TRUE(ReadQuestions(choice, "exam.jsonl", 501, 256).ok());
  EXPECT_FALSE(ReadQuestions(choice, "exam.jsonl", 500, 256).ok());
}

TEST(LeastTokens, CountsCharactersAndNoBytes) {
  EXPECT_EQ(LeastTokens(""), 0);
  EXPECT_EQ(LeastTokens("a"), 1);
  EXPECT_EQ(LeastTokens("abcdefgh"), 1);
  EXPECT_EQ(LeastTokens("abcdefghi"), 2);
  EXPECT_EQ(LeastTokens("北京市北京市北京"), 1);
  EXPECT_EQ(LeastTokens("\n        return x\n\n\n"), 2);
  EXPECT_EQ(LeastTokens("\x80\x80\xff"), 1) << "no text";
}

TEST(CountsByMatch, NamesEachKindOnce) {
  const auto questions = ReadQuestions(R"({"question": "Is it?", "answer": true}
{"question": "How many?", "answer": "4"}
{"question": "How many more?", "answer": "5"}
{"prompt": "x", "reference": "y", "match": "contains"})",
                                       "exam.jsonl");
  ASSERT_TRUE(questions.ok()) << questions.error().message;
  EXPECT_EQ(CountsByMatch(*questions), "4 questions: 1 by choices (likelihood), 2 by number, 1 by contains");
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
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(message("PK\x03\x04"), HasSubstr("unzip"));
  EXPECT_THAT(message("question,A,B,C,D,answer\nWhich?,a,b,c,d,A\n"), HasSubstr("read_csv"));
  const char* within = "exam:1: one JSON document with its rows in \"examples\": jq -c '.[\"examples\"][]' FILE";
  EXPECT_THAT(message("{\n  \"canary\": \"x\",\n  \"examples\": [{\"input\": \"x\"}]\n}\n"), HasSubstr(within));
  EXPECT_THAT(message("{\"canary\": \"x\", \"examples\": [{\"input\": \"x\"}]}"), HasSubstr(within));
  EXPECT_THAT(message(R"({"conversations": [{"from": "human", "value": "x"}]})"),
              HasSubstr("a recorded conversation has no right answer"));
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
