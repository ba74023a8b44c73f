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
      "{\"question\": \"Capital of France?\", \"answer\": [\"Paris\", \"paris\"], \"match\": \"contains\"}\r\n"
      "{\"messages\": [{\"role\": \"user\", \"content\": \"A number?\"}], \"target\": \"^ *[0-9]+\", \"match\": "
      "\"regex\"}\n"
      "{\"query\": \"The sky is\", \"choices\": [\" green\", \" blue\"], \"gold\": 1}",
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

TEST(ReadQuestions, NamesFileAndLineOfWhatIsWrong) {
  const struct {
    const char* line;
    const char* message;
  } kCases[] = {
      {R"({"reference": "4"})", "exam.jsonl:2: has neither \"prompt\" nor \"messages\""},
      {R"({"prompt": "x"})", "exam.jsonl:2: has neither \"reference\" nor \"choices\""},
      {R"({"prompt": "x", "messages": [], "reference": "y"})", "has both a prompt and messages"},
      {R"({"prompt": "", "reference": "y"})", "the prompt is no text"},
      {R"({"prompt": "x", "reference": ""})", "is no text"},
      {R"({"prompt": "x", "reference": 4})", "the reference: 4 is no text"},
      {R"({"prompt": "x", "reference": "y", "match": "fuzzy"})", "\"fuzzy\" is not exact, contains or regex"},
      {R"({"prompt": "x", "reference": "(", "match": "regex"})", "\"(\" is no regular expression"},
      {R"({"prompt": "x", "choices": ["a", "b"]})", "\"choices\" without \"answer\""},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 2})", "2 is no index of a choice"},
      {R"({"prompt": "x", "choices": ["a"], "answer": 0})", "fewer than two"},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 0, "reference": "a"})", "choices need no \"reference\""},
      {R"({"prompt": "x", "choices": ["a", "b"], "answer": 0, "match": "exact"})", "\"match\" is for references"},
      {R"({"messages": [{"role": "user", "content": "x"}], "choices": ["a", "b"], "answer": 0})",
       "no engine gives the likelihood of a chat"},
      {R"({"messages": [{"role": "user"}], "reference": "a"})", "a message without \"role\" and \"content\""},
      {"[1]", "not a JSON object"},
      {"{", "not JSON: {"},
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

TEST(IsRight, ComparesAsTheLineSays) {
  const auto right = [](Match match, const char* reference, const char* answer) {
    return IsRight({"prompt", {}, match, {"nothing like it", reference}, 0}, answer);
  };
  EXPECT_TRUE(right(Match::kExact, "4", " 4\n"));
  EXPECT_FALSE(right(Match::kExact, "4", "4."));
  EXPECT_TRUE(right(Match::kContains, "Paris", "It is Paris."));
  EXPECT_FALSE(right(Match::kContains, "Paris", "It is paris."));
  EXPECT_TRUE(right(Match::kRegex, "\\b42\\b", "so 42 it is"));
  EXPECT_FALSE(right(Match::kRegex, "\\b42\\b", "so 421 it is"));
}

}  // namespace
}  // namespace autotune::measurement
