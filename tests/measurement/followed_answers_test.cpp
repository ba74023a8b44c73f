// What is not read as it stands: labels of answers, pairs that are judged, lists of which all are asked, texts that
// would tell the answer. The jq programs of messages are run. Rows of our own, in the forms in which the datasets are
// published.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "measurement/questions.h"
#include "tests/measurement/followed_advice.h"

namespace autotune::measurement {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Match = Question::Match;

class FollowedAnswers : public FollowedAdvice {};

std::string MessageOf(const std::string& bytes) {
  const auto set = ReadQuestions(bytes, "exam");
  return set.ok() ? "" : set.error().message;
}

TEST_F(FollowedAnswers, TakesLettersFromBehindTheirLabel) {
  EXPECT_EQ(First(R"({"question": "Which one swims?\nA) carp\nB) crow", "answer": "Answer: A"})"
                  "\n"
                  R"({"question": "Which one flies?\nA) carp\nB) crow", "answer": "The answer is B."})"),
            "Question: Which one swims?\nA) carp\nB) crow\nAnswer: -> A");
  EXPECT_EQ(steps_.size(), 1U);
  // LawBench: the options follow one another without a space.
  EXPECT_EQ(First(R"({"question": "哪一个会飞?A:石头;B:乌鸦;C:鱼。", "answer": "正确答案：B。"})"),
            "Question: 哪一个会飞?A:石头;B:乌鸦;C:鱼。\nAnswer: -> B");
  EXPECT_THAT(MessageOf(R"({"question": "哪些会飞?A:石头;B:乌鸦;C:蝙蝠。", "answer": "正确答案：BC。"})"),
              HasSubstr("several right answers"));
}

TEST_F(FollowedAnswers, LeavesFreeAnswersThatBeginWithALetter) {
  const auto set = Follow(R"({"question": "Which one flies?\nA. stone\nB. crow", "answer": "B"})"
                          "\n"
                          R"j({"question": "What does she bring? (A. Lee asks, B. Ito answers.)", "answer": "A cup"})j"
                          "\n"
                          R"({"question": "What does he carry?", "answer": "A box"})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  ASSERT_EQ(set->questions.size(), 3U);
  EXPECT_EQ(set->questions[0].match, Match::kChoice);
  EXPECT_THAT(set->questions[1].references, ElementsAre("A cup"));
  EXPECT_THAT(set->questions[2].references, ElementsAre("A box"));
}

TEST_F(FollowedAnswers, LeavesOutALabelThatAllAnswersHave) {
  EXPECT_EQ(First(R"({"question": "What did he do?", "answer": "Charge: theft"})"
                  "\n"
                  R"({"question": "What did she do?", "answer": "Charge: fraud"})"),
            "Question: What did he do?\nAnswer: -> theft");
  EXPECT_EQ(steps_.size(), 1U);
  // One of them has none: these are texts.
  EXPECT_TRUE(ReadQuestions(R"({"question": "Which film?", "answer": "Rain: a story"})"
                            "\n"
                            R"({"question": "Which song?", "answer": "Snow"})",
                            "exam")
                  .ok());
  EXPECT_EQ(
      First(R"({"question": "这一句属于哪一类?", "answer": "争议焦点类别：责任认定。"})", "is no part of the answer"),
      "Question: 这一句属于哪一类?\nAnswer: -> 责任认定");
}

TEST_F(FollowedAnswers, SendsBothAnswersThatAreJudged) {
  const std::string both = "Name a fish.\n\n[A]\nA carp.\n\n[B]\nA crow.\n\nWhich is better, A or B?\nAnswer: -> ";
  // JudgeBench
  EXPECT_EQ(First(R"({"question": "Name a fish.", "response_A": "A carp.", "response_B": "A crow.", "label": "A>B"})"),
            both + "A");
  EXPECT_EQ(First(R"({"question": "Name a fish.", "response_A": "A carp.", "response_B": "A crow.", "label": "B>>A"})"),
            both + "B");
  // An arena: with a tie that is left out, under names and as marks.
  EXPECT_EQ(
      First(R"({"prompt": "Name a fish.", "response_a": "A fish.", "response_b": "A crow.", "winner": "tie"})"
            "\n"
            R"({"prompt": "Name a fish.", "response_a": "A carp.", "response_b": "A crow.", "winner": "model_b"})"),
      both + "B");
  EXPECT_EQ(First(R"({"prompt": "Name a fish.", "response_a": "A carp.", "response_b": "A crow.", "winner_model_a": 1,)"
                  R"( "winner_model_b": 0, "winner_tie": 0})"),
            both + "A");
  // LLMBar and PandaLM: 1 and 2; others count from 0.
  const std::string numbered = R"({"instruction": "Name a fish.", "input": "", "output_1": "A carp.", "output_2":)"
                               R"( "A crow.", "label": )";
  EXPECT_EQ(First(numbered + "2}"), both + "B");
  EXPECT_EQ(First(numbered + "1}"), both + "A");
  EXPECT_EQ(First(numbered + "1}", "if 0 is the first"), both + "B");
  EXPECT_EQ(First(numbered + "\"0\"}"), both + "A");
  // MT-Bench
  EXPECT_EQ(First(R"({"conversation_a": [{"role": "user", "content": "Fish?"}, {"role": "assistant", "content":)"
                  R"( "Carp."}], "conversation_b": [{"role": "user", "content": "Fish?"}, {"role": "assistant",)"
                  R"( "content": "Crow."}], "winner": "model_a"})"),
            "[A]\nuser: Fish?\nassistant: Carp.\n\n[B]\nuser: Fish?\nassistant: Crow.\n\nWhich is better, A or B?\n"
            "Answer: -> A");
  // "B" is a choice of the question, and not one of two answers of models.
  EXPECT_EQ(
      First(R"({"question": "Which flies?\nA. carp\nB. crow", "response_a": "I say A.", "response_b": "It is B.",)"
            R"( "answer": "B"})"),
      "Question: Which flies?\nA. carp\nB. crow\nAnswer: -> B");
  EXPECT_THAT(MessageOf(R"({"prompt": "Name a fish.", "chosen": "As follows (in short):\n  A carp it is.\nDone.", )"
                        R"("rejected": "Say this (in short):\n  A crow it is.\nDone."})"),
              HasSubstr("preferred to \"rejected\""));
}

TEST_F(FollowedAnswers, AsksWhetherAllOfAListAreNeeded) {
  // RULER
  const std::string needle =
      R"({"index": 0, "input": "Ox 12. Ox 34. What are all the numbers of the ox?", "token_position_answer": 7, )"
      R"("outputs": ["12", "34"]})";
  const auto all = Follow(needle);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_TRUE(IsRight(all->questions[0], "They are 34 and 12."));
  EXPECT_FALSE(IsRight(all->questions[0], "It is 12."));
  EXPECT_FALSE(IsRight(all->questions[0], "They are 340 and 12."));
  EXPECT_EQ(First(R"({"input": "Ox 12. Which number has the ox?", "outputs": ["12"]})"),
            "Ox 12. Which number has the ox? -> 12");
  for (const char* question : {"List the birds in it.", "Name the two birds.", "Which three birds came?",
                               "It rains. List top six birds!", "What are all birds in it?"}) {
    const std::string row = R"({"question": ")" + std::string(question) + R"(", "answer": ["crow", "gull", "wren"]})";
    const auto needed = Follow(row);
    ASSERT_TRUE(needed.ok()) << needed.error().message;
    EXPECT_EQ(needed->questions[0].match, Match::kRegex) << question;
    EXPECT_FALSE(IsRight(needed->questions[0], "crow, gull")) << question;
    EXPECT_TRUE(IsRight(needed->questions[0], "wren, crow, gull")) << question;
    const auto one = Follow(row, "if one of them suffices");
    ASSERT_TRUE(one.ok()) << one.error().message;
    EXPECT_TRUE(IsRight(one->questions[0], "A crow")) << question;
  }
  for (const char* question : {"Which of the two birds came?", "There are two birds. Which one is big?", "Who came?"}) {
    const auto set =
        ReadQuestions(R"({"question": ")" + std::string(question) + R"(", "answer": ["crow", "gull"]})", "exam");
    EXPECT_TRUE(set.ok()) << set.error().message;
  }
  // One number in several forms; one name.
  EXPECT_TRUE(ReadQuestions(R"({"question": "How many?", "answer": ["1,000", "1000"]})", "exam").ok());
  EXPECT_TRUE(ReadQuestions(R"({"question": "Name the two.", "answer": ["Ann and Bo", "Bo"]})", "exam").ok());
  EXPECT_EQ(First(R"({"question": "Which numbers?", "answer": [12, 15]})", "if one of them suffices"),
            "Question: Which numbers?\nAnswer: -> 12 15");
}

TEST_F(FollowedAnswers, SendsNoMarksOfTheAnswer) {  // LongMemEval, MS MARCO
  const std::string row =
      R"({"question": "Which bird did I see?", "sessions": [[{"role": "user", "content": "Today I saw a large wren.",)"
      R"( "has_answer": true}, {"role": "assistant", "content": "How nice that is.", "has_answer": false,)"
      R"( "is_selected": 1, "gold_label": "the wren"}]], "answer": "wren"})";
  EXPECT_THAT(MessageOf(row), HasSubstr("sends it, but for members such as \"has_answer\""));
  EXPECT_EQ(First(row),
            "role: user\ncontent: Today I saw a large wren.\nrole: assistant\ncontent: How nice that is.\n"
            "Question: Which bird did I see?\nAnswer: -> wren");
}

TEST_F(FollowedAnswers, OffersNothingThatTellsTheAnswer) {  // HiTab
  const std::string cells = MessageOf(
      R"({"question": "How high was it?", "answer": "high up", "links": {"top": {"the height of it": "so and so many"},)"
      R"( "[ANSWER]": {"1": "high up"}}})");
  EXPECT_THAT(cells, AllOf(HasSubstr("seems to tell the answer, as it has \"[ANSWER]\""), Not(HasSubstr("sends it"))));
  const std::string question = R"({"question": "how many birds came to the large lake in 1999?", "answer": 17, )";
  const std::string restated =
      question +
      R"("table_id": "t7", "clause": "it is said that exactly seventeen wet birds came to the large lake in 1999"})";
  EXPECT_THAT(MessageOf(restated),
              AllOf(HasSubstr("seems to be the question with its answer"), Not(HasSubstr("sends it"))));
  // The table of the other file is put into the row, where the statement is left out.
  directory_.Write("OTHER", R"({"table_id": "t7", "table": [["year", "birds"], ["1999", "17"]]})");
  const std::string asked = "Question: how many birds came to the large lake in 1999?\nAnswer: -> 17";
  EXPECT_EQ(First(restated), "year | birds\n1999 | 17\n" + asked);
  EXPECT_EQ(steps_.size(), 3U);
  directory_.Write("OTHER", R"({"t7": "In 1999 there were 17 birds."})");
  EXPECT_EQ(First(restated), "In 1999 there were 17 birds.\n" + asked);
  EXPECT_EQ(First(question + R"("table_id": "t7"})", "; jq -c 'del("), asked);
  // A text under a name that nothing knows may be it.
  EXPECT_EQ(First(question + R"("doc_id": "d7", "memo": "Seventeen of them were seen there by Ann."})"),
            "Seventeen of them were seen there by Ann.\n" + asked);
  // With its text, an identifier tells nothing.
  EXPECT_TRUE(
      ReadQuestions(R"({"passage_id": 3, "passage": "Ann came.", "question": "Who?", "answer": "Ann"})", "exam").ok());
}

TEST_F(FollowedAnswers, LeavesOutWhatNoTextCouldSay) {
  const std::string row =
      R"({"question": "What is it?", "answer": "an ox", "image": "data:image/png;base64,iVBORw0K"})";
  EXPECT_THAT(MessageOf(row), AllOf(HasSubstr("no text could say it: leave these rows out"), Not(HasSubstr("prompt"))));
  EXPECT_EQ(First(row), "Question: What is it?\nAnswer: -> an ox");
  EXPECT_THAT(MessageOf(R"({"question": "How large is its sum?", "file_name": "a7.xlsx", "answer": "a lot"})"),
              HasSubstr("the question may be about it"));
  EXPECT_EQ(First(R"({"question": "Who is it?", "image_id": 12, "answer": "Ann"})"),
            "Question: Who is it?\nAnswer: -> Ann");
}

TEST_F(FollowedAnswers, KeepsTheTaskThatADocumentHasBesideItsRows) {  // Super-NaturalInstructions
  const auto set =
      Follow(R"({"Definition": ["Is it a bird?"], "Positive Examples": [{"input": "ox", "output": "no"}],)"
             R"( "Instances": [{"id": "i1", "input": "A wren.", "output": ["yes"]}, {"id": "i2", "input": "A carp.",)"
             R"( "output": ["no"]}]})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  ASSERT_EQ(set->questions.size(), 2U);
  EXPECT_EQ(set->questions[1].prompt, "Is it a bird?\nA carp.");
  EXPECT_EQ(set->questions[1].right, 0U);
}

TEST_F(FollowedAnswers, AsksForTheFormsOfListsAndTimes) {
  const std::string tuple = R"j({"question": "How old?", "answer": "('3 weeks', \"4 days\")"})j";
  EXPECT_EQ(First(tuple), "Question: How old?\nAnswer: -> (?=[\\s\\S]*3 weeks)(?=[\\s\\S]*4 days)");
  EXPECT_EQ(First(tuple, "if one of them suffices"), "Question: How old?\nAnswer: -> 3 weeks 4 days");
  const auto time = Follow(R"({"question": "How long?", "answer": "8 days, 3 hours and 5 minutes"})");
  ASSERT_TRUE(time.ok()) << time.error().message;
  EXPECT_TRUE(IsRight(time->questions[0], "It took 8 days, 3 h and 5 min."));
  EXPECT_FALSE(IsRight(time->questions[0], "It took 8 days, 3 hours and 50 minutes."));
  for (const char* other : {"63 minutes 10 seconds", "2 hours and 5 minutes.", "1 day, 2 hours, and 3 minutes"}) {
    const auto row = Follow(R"({"question": "How long?", "answer": ")" + std::string(other) + "\"}");
    ASSERT_TRUE(row.ok()) << row.error().message;
    EXPECT_EQ(row->questions[0].match, Match::kRegex) << other;
  }
  // Mintaka
  EXPECT_EQ(First(R"({"question": "Who came, and why is it known?", "translations": {"de": "Wer kam denn, und warum?",)"
                  R"( "fr": "Qui est venu, et pourquoi?"}, "answer": {"answerType": "entity", "answer": [{"label":)"
                  R"( "Ann"}], "mention": "Ann"}})"),
            "Question: Who came, and why is it known?\nAnswer: -> Ann");
  EXPECT_THAT(MessageOf(R"({"question": "Who?", "answer": {"answer": [{"name": "Q1", "label": "Ann"}, {"name": "Q2",)"
                        R"( "label": "Bo"}], "mention": "Ann, Bo"}})"),
              AllOf(HasSubstr("a right one has all of them"), Not(HasSubstr("jq"))));
  EXPECT_EQ(First(R"({"question": "Is it?", "answer": [true]})"), "Question: Is it?\nAnswer: -> yes");
}

TEST_F(FollowedAnswers, TakesLimitsAsTheTolerance) {  // MedCalc-Bench
  for (const char* limits : {R"("9.5", "Upper Limit": "10.5")", R"(10.5, "Upper Limit": 9.5)"}) {
    const auto set = ReadQuestions(
        R"({"Question": "How much?", "Ground Truth Answer": "10", "Lower Limit": )" + std::string(limits) + "}",
        "exam");
    ASSERT_TRUE(set.ok()) << set.error().message;
    EXPECT_TRUE(IsRight(set->questions[0], "10.4"));
    EXPECT_FALSE(IsRight(set->questions[0], "10.6"));
    EXPECT_FALSE(IsRight(set->questions[0], "9.4"));
  }
  const auto other = ReadQuestions(
      R"({"Question": "How much?", "Ground Truth Answer": "3", "Lower Limit": 9, "Upper Limit": 10})", "exam");
  ASSERT_TRUE(other.ok());
  EXPECT_THAT(Summary(*other), HasSubstr("without the tolerance of the row"));
}

TEST_F(FollowedAnswers, ReadsChoicesOfOneText) {
  // CFLUE
  EXPECT_EQ(First(R"({"question": "Which flies?", "choices": "{'A': 'an ox', 'B': \"Ann's crow\"}", "answer": "B"})"),
            "Question: Which flies?\nAnswer: -> Ann's crow");
  EXPECT_TRUE(steps_.empty());
  // Xiezhi
  EXPECT_EQ(First(R"({"question": "Which flies?", "options": "an ox\na carp\na crow\"\n", "answer": "a crow"})"),
            "Question: Which flies?\nAnswer: -> a crow");
  // SciEval: "prompt" is an instruction.
  EXPECT_EQ(First(R"({"prompt": "Answer with a word.", "question": "What is red and flies?", "answer": "robin"})"),
            "Answer with a word.\nWhat is red and flies? -> robin");
  // CrowS-Pairs
  EXPECT_EQ(First(R"({"sent_more": "All crows are loud.", "sent_less": "All wrens are loud.", "annotations": "[]"})"),
            "Sentence: -> All wrens are loud.");
}

TEST_F(FollowedAnswers, KeepsRowsThatAreNotMeantAsTheyAre) {
  const auto set = Follow(R"({"question": "Name the three colours.", "answers": ["red", "blue", "green"]})"
                          "\n"
                          R"({"question": "Who wrote it?", "answers": ["Ann Lee", "the baker"]})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->questions[0].match, Match::kRegex);
  EXPECT_THAT(set->questions[1].references, ElementsAre("Ann Lee", "the baker"));
}

TEST_F(FollowedAnswers, ReadsOtherNamesAndForms) {
  // QAMPARI
  const std::string films = R"({"question_text": "Which films?", "entities": [{"entity_text": "Ann"}], "answer_list":)"
                            R"( [{"answer_text": "Rain", "aliases": ["The Rain"]}, {"answer_text": "Snow"}]})";
  const auto all = Follow(films);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_TRUE(IsRight(all->questions[0], "Snow and The Rain"));
  EXPECT_FALSE(IsRight(all->questions[0], "The Rain"));
  EXPECT_EQ(First(films, "if one of them suffices"), "Question: Which films?\nAnswer: -> Rain The Rain Snow");
  // JEC-QA; and under a name that nothing knows.
  EXPECT_EQ(
      First(R"({"statement": "Which one flies?", "option_list": {"A": "an ox", "B": "a crow"}, "answer": ["B"]})"),
      "Which one flies? -> a crow");
  EXPECT_EQ(First(R"({"question": "Which one flies?", "things": {"A": "an ox", "B": "a crow"}, "answer": "B"})"),
            "Question: Which one flies?\nAnswer: -> a crow");
  // SHP: 1 is the first.
  EXPECT_EQ(First(R"({"history": "Name a fish.", "human_ref_A": "A carp.", "human_ref_B": "A crow.", "labels": 0})",
                  "if 1 is the first and 0 the second"),
            "Name a fish.\n\n[A]\nA carp.\n\n[B]\nA crow.\n\nWhich is better, A or B?\nAnswer: -> B");
  // HybridQA, TabFact
  EXPECT_THAT(MessageOf(R"({"question": "Who?", "answer-text": "Ann", "table_id": 7})"), HasSubstr("another file"));
  EXPECT_THAT(MessageOf(R"({"table_id": "7.csv", "statement": "more wrens than gulls came", "label": 1})"),
              HasSubstr("another file"));
  // LawBench
  const auto form = Follow(R"({"prompt": "Write it between [right] and <eoa>. A. ox B. crow", "reference": "B"})");
  ASSERT_TRUE(form.ok()) << form.error().message;
  EXPECT_TRUE(IsRight(form->questions[0], "[right] B<eoa>"));
  EXPECT_FALSE(IsRight(form->questions[0], "[right]A<eoa>"));
}

TEST_F(FollowedAnswers, TellsCallsAndChangesOfPrograms) {
  for (const char* row :
       {R"({"input": "Find a train.", "output": [{"name": "find", "arguments": {"to": "Lima"}, "label": "v1"}]})",
        R"({"question": "Find a train.", "answer": "[{\"function\": \"find\", \"parameters\": {\"to\": \"Lima\"}}]"})",
        R"({"query": "Find a train.", "answers": [{"function": {"name": "find", "arguments": "{}"}}]})"}) {
    EXPECT_THAT(MessageOf(row), HasSubstr("has calls of tools, which cannot be judged by text")) << row;
  }
  EXPECT_THAT(MessageOf(R"({"problem_statement": "It fails.", "patch": "diff --git a/x b/x\n--- a/x\n+++ b/x\n"})"),
              HasSubstr("is a change of a program"));
}

// ---- Sets that nobody had read before ----

TEST_F(FollowedAnswers, TellsListsOfVerdictsFromVerdictsWithReasons) {
  const auto set = Follow(R"({"input": "Who lies? Write a list of two words.", "target": "no, yes"})"
                          "\n"
                          R"({"input": "Who lies? Write a list of three words.", "target": "unknown, no, no"})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_TRUE(IsRight(set->questions[0], "It is **no, yes**."));
  EXPECT_FALSE(IsRight(set->questions[0], "no, no"));
  EXPECT_FALSE(IsRight(set->questions[0], "no"));
  EXPECT_TRUE(IsRight(set->questions[1], "unknown, no, no"));
  EXPECT_THAT(MessageOf(R"({"question": "Did it rain?", "answer": "No, it snowed"})"), HasSubstr("with its reasons"));
}

TEST_F(FollowedAnswers, AsksNoYesOrNoAmongNumbers) {
  const auto set = Follow(R"({"input": "Write \"No\" or the number of the step. 1: a 2: b", "target": "2"})"
                          "\n"
                          R"({"input": "Write \"No\" or the number of the step. 1: b 2: b", "target": "1"})"
                          "\n"
                          R"({"input": "Write \"No\" or the number of the step. 1: c 2: c", "target": "No"})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->questions[2].match, Question::Match::kBegins);
  EXPECT_TRUE(IsRight(set->questions[2], "No"));
  EXPECT_FALSE(IsRight(set->questions[2], "2, as 1 has no mistake"));
}

TEST_F(FollowedAnswers, SendsNoSolution) {  // GSM-Hard
  const std::string code =
      R"("code": "def solution():\n    \"\"\"Ann has 3 hens and feeds a class of 4000 hens. How many is that?\"\"\"\n    return 4003\n")";
  EXPECT_EQ(First(R"({"input": "Ann has 3 hens and feeds a class of 17 hens. How many is that?", )" + code +
                  R"(, "target": 4003.5})"),
            "Ann has 3 hens and feeds a class of 17 hens. How many is that? -> 4003.5");
  const std::string said = MessageOf(
      R"({"input": "Bo has 3 hens. How many hens has Bo?", "code": "def solution():\n  return 3", "target": 3})");
  EXPECT_THAT(said, HasSubstr("seems to be a solution"));
  EXPECT_THAT(said, Not(HasSubstr("prompt")));
  EXPECT_THAT(
      MessageOf(
          R"({"input": "What does this function return?", "code": "def solution():\n  return 3", "target": "3"})"),
      HasSubstr("is about it"));
}

TEST_F(FollowedAnswers, MakesChoicesOfNumberedMembers) {  // KoBEST
  const std::string asked = "\uBE44\uAC00 \uC654\uB2E4";
  EXPECT_EQ(First(R"({"ID": "1", "sentence": ")" + asked +
                  R"(.", "question": "\uACB0\uACFC", "1": "\uAC74\uC870", "2": "\uC816\uC5C8\uB2E4", "Answer": "2"})"),
            asked + " \uADF8\uB798\uC11C -> \uC816\uC5C8\uB2E4");
  EXPECT_EQ(
      First(
          R"({"premise": ")" + asked +
          R"(.", "question": "\uC6D0\uC778", "alternative_1": "\uAC74\uC870", "alternative_2": "\uC816\uC5C8\uB2E4", "label": 0})"),
      asked + " \uC65C\uB0D0\uD558\uBA74 -> \uAC74\uC870");
  const std::string rows =
      R"({"context": "She took the bread.", "ending_1": "She cut it.", "ending_2": "She drank it.", "label": 0})"
      "\n"
      R"({"context": "She took the milk.", "ending_1": "She cut it.", "ending_2": "She drank it.", "label": 1})";
  EXPECT_EQ(First(rows), "She took the bread. -> She cut it.");
  EXPECT_THAT(MessageOf(rows), AllOf(Not(HasSubstr("NAME")), Not(HasSubstr("names no choice"))));
  // Names of the members are labels, and numbers count from 1.
  EXPECT_EQ(First(R"({"question": "Which one flies?", "1": "an ox", "2": "a crow", "answer": 1})"),
            "Question: Which one flies?\nAnswer: -> an ox");
  EXPECT_EQ(First(R"({"question": "Which one flies?", "a": "an ox", "b": "a crow", "answer": 2})"
                  "\n"
                  R"({"question": "Which one swims?", "a": "an eel", "b": "a crow", "answer": 1})"),
            "Question: Which one flies?\nAnswer: -> a crow");
  EXPECT_THAT(MessageOf(R"({"question": "Which one flies?", "a": "an ox", "b": "a crow", "answer": 1})"),
              HasSubstr("may count from 0 or from 1"));
}

TEST_F(FollowedAnswers, AsksWhatTwoTextsHaveToDoWithAWord) {  // WiC
  const std::string row =
      R"({"Target": "bank", "SENTENCE1": "The bank was closed today.", "SENTENCE2": "They sat on the bank there.", "ANSWER": )";
  for (const std::string answer : {R"("False"})", "false}"}) {
    const std::string said = MessageOf(row + answer);
    EXPECT_THAT(said, HasSubstr(R"({prompt: ("Target: " + .["Target"] + "\n" + "SENTENCE1: ")"));
    EXPECT_THAT(said, AllOf(HasSubstr("with the question in place of"), Not(HasSubstr("'.prompt ="))));
  }
  EXPECT_THAT(First(row + "false}"), HasSubstr("the place of a question"));
  // A target that is not in the texts is an answer.
  EXPECT_THAT(
      MessageOf(R"({"target": "rain", "sentence1": "The bank was closed today.", "sentence2": "It was closed too."})"),
      Not(HasSubstr(R"("target: ")")));
}

TEST_F(FollowedAnswers, TakesTheNameOfAClassBesideItsNumber) {  // TNEWS
  const auto set =
      Follow(R"({"label": 103, "label_desc": "sports", "sentence": "They won the cup again today.", "id": 1})"
             "\n"
             R"({"label": 116, "label_desc": "games", "sentence": "A new game is sold today.", "id": 2})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_THAT(set->questions[0].references, testing::ElementsAre(" games", " sports"));
  EXPECT_EQ(set->questions[0].right, 1U);
  EXPECT_EQ(set->questions[1].right, 0U);
  const std::string alone = R"({"label": 103, "text": "They won the cup again today."})"
                            "\n"
                            R"({"label": 116, "text": "A new game is sold today."})";
  EXPECT_THAT(MessageOf(alone), HasSubstr("do not count from 0"));
  EXPECT_THAT(First(alone), HasSubstr("is the place of the name of a class"));
  EXPECT_THAT(steps_, testing::SizeIs(1));
}

TEST_F(FollowedAnswers, ComparesNoListsInTexts) {
  for (const char* answer :
       {R"(Ann Lee, PER\nOld Bank, ORG)", "Old Bank, ORG", "Ann (PERSON); Bern (LOC)", "ORG: Old Bank"}) {
    EXPECT_THAT(MessageOf(R"({"query": "Which entities does it name?", "answer": ")" + std::string(answer) + R"("})"),
                HasSubstr("is a list of entities"))
        << answer;
  }
  for (const char* answer : {"[emma, lily]", "AC, AD, AB"}) {
    EXPECT_THAT(MessageOf(R"({"question": "In which order?", "answer": ")" + std::string(answer) + R"("})"),
                HasSubstr("is a list in a text"))
        << answer;
  }
  for (const char* answer : {"Boston, MA", "NBC", "[emma]", "Paris, LA"})
    EXPECT_TRUE(Follow(R"({"question": "Where is it?", "answer": ")" + std::string(answer) + R"("})").ok()) << answer;
}

TEST_F(FollowedAnswers, ComparesBracketsThatThePromptAsksFor) {  // KOR-Bench
  const auto set = Follow(R"({"question": "Write it as [[answer]]. What is 20 + 4?", "answer": "[[24]]"})");
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_TRUE(IsRight(set->questions[0], "It is [[24]]."));
  EXPECT_FALSE(IsRight(set->questions[0], "It is [[124]]."));
  EXPECT_THAT(MessageOf(R"({"question": "What is p?", "answer": "a crow", "rule_id": "1"})"),
              HasSubstr("another file"));
}

TEST_F(FollowedAnswers, MixesNoLanguages) {  // ToMBench
  EXPECT_EQ(First(R"({"\u6545\u4E8B": "\u5979\u4E0B\u96E8\u3002", "\u95EE\u9898": "\u5979\u5728\u54EA\u91CC\uFF1F", )"
                  R"("STORY": "Ann went to the park alone.", "QUESTION": "Where is Ann?", "OPTION-A": "at home", )"
                  R"("OPTION-B": "in the park", "ANSWER": "B"})"),
            "Ann went to the park alone.\nQuestion: Where is Ann?\nAnswer: -> in the park");
  EXPECT_THAT(steps_.back(), HasSubstr("del("));
}

TEST_F(FollowedAnswers, PutsDescriptionsInPlaceOfPictures) {  // ENEM
  const std::string row =
      R"({"question": "Look: [[placeholder]] What is it?", "alternatives": ["an ox", "a crow"], "label": "B", "description": )";
  EXPECT_EQ(First(row + R"(["A bird with black wings."]})"),
            "Question: Look: A bird with black wings. What is it?\nAnswer: -> a crow");
  EXPECT_THAT(First(row + "[]}"), HasSubstr("leave the row out"));
}

}  // namespace
}  // namespace autotune::measurement
