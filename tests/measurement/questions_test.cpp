#include "measurement/questions.h"

#include <gmock/gmock.h>

#include <algorithm>

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
  const std::vector<Question>& read = questions->questions;
  ASSERT_EQ(read.size(), 4U);
  EXPECT_EQ(read[0].match, Match::kExact);
  EXPECT_THAT(read[1].references, ElementsAre("Paris", "paris"));
  EXPECT_EQ(read[2].messages.size(), 1U);
  EXPECT_EQ(read[2].match, Match::kRegex);
  EXPECT_EQ(read[3].match, Match::kChoice);
  EXPECT_EQ(read[3].right, 1U);
}

TEST(ReadQuestions, LeavesOutWhatRepeatsAnEarlierOne) {
  const auto repeated = [](const std::string& first, const std::string& second) {
    const auto set = ReadQuestions(first + "\n" + second, "exam.jsonl");
    EXPECT_TRUE(set.ok()) << set.error().message;
    return set.ok() && set->repeats == 1 && set->questions.size() == 1;
  };
  const char* line = R"({"id": "1", "question": "Who?", "answer": "Ann", "source": "a book"})";
  EXPECT_TRUE(repeated(line, line));
  EXPECT_TRUE(repeated(line, R"({"id": "2", "question": "Who?", "answer": "Ann", "source": "a web page"})"));
  EXPECT_TRUE(repeated(R"({"question": "Who?", "answer": "Ann", "link": "https://example.org/1"})",
                       R"({"question": "Who?", "answer": "Ann", "link": ["http://example.org/2"]})"));
  EXPECT_TRUE(repeated(R"({"question": "Who?", "answer": "Ann", "other": {"source": "a book"}})",
                       R"({"question": "Who?", "answer": "Ann", "other": {"source": "a web page"}})"));
  EXPECT_TRUE(repeated(R"({"question": "Who?", "choices": ["Ann", "Bo"], "answer": 0})",
                       R"({"question": "Who?", "choices": ["Bo", "Ann"], "answer": 1})"));
  EXPECT_FALSE(repeated(line, R"({"question": "Where?", "answer": "Ann"})"));
  EXPECT_FALSE(repeated(R"({"question": "Who?", "choices": ["Ann", "Bo"], "answer": 0})",
                        R"({"question": "Who?", "choices": ["Ann", "Cy"], "answer": 0})"))
      << "choices are sent, too";
}

TEST(ReadQuestions, RefusesRowsWithOnePromptThatDiffer) {
  const auto message = [](const char* first, const char* second) {
    const auto set = ReadQuestions(std::string(first) + "\n\n" + second, "exam.jsonl");
    return set.ok() ? "read" : set.error().message;
  };
  EXPECT_EQ(message(R"({"question": "Who came?", "report": "Ann", "answer": "Ann"})",
                    R"({"question": "Who came?", "report": "Bo", "answer": "Bo"})"),
            "exam.jsonl:3: has the prompt of line 1 and another \"report\", which would not be sent: write both as one "
            "\"prompt\", or leave \"report\" out (jq -c 'del(.[\"report\"])' FILE > OUT); only "
            "this row cannot be read, and 1 can: sed '3d' FILE > OUT leaves it out");
  EXPECT_THAT(message(R"({"question": "Is it?", "answer": "yes"})",
                      R"({"question": "Is it?", "answer": "yes", "report": "It"})"),
              HasSubstr("another \"report\""));
  EXPECT_THAT(message(R"({"prompt": "Who?", "ideal": "Ann"})", R"({"prompt": "Who?", "ideal": ["Bo", "Cy"]})"),
              testing::StartsWith("exam.jsonl:3: asks what line 1 asks, with another answer (\"Ann\" and "
                                  "[\"Bo\",\"Cy\"]): leave one of them out, or write one row with a list of answers if "
                                  "any of them suffices"));
  EXPECT_THAT(message(R"({"question": "Is it?", "answer": "yes"})", R"({"question": "Is it?", "answer": "no"})"),
              HasSubstr("with another answer (\" yes\" and \" no\")"));
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
            "context of 700 tokens: leave the row out; only this row cannot be read, and 1 can: sed '2d' FILE > OUT "
            "leaves it out");
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

TEST(Summary, NamesEachKindOnceAndWhatIsNotUsed) {
  const auto summary = [](const char* rows) {
    const auto set = ReadQuestions(rows, "exam.jsonl");
    return set.ok() ? Summary(*set) : set.error().message;
  };
  EXPECT_EQ(summary(R"({"question": "Is it?", "answer": true}
{"question": "How many?", "answer": "4"}
{"question": "How many more?", "answer": "5"}
{"prompt": "x", "reference": "y", "match": "contains"})"),
            "4 questions: 1 by choices (likelihood), 2 by number, 1 by contains");
  EXPECT_EQ(summary(R"({"problem": "How much?", "answer": "$\\frac{1}{2}$"}
{"problem": "How many?", "answer": "4"})"),
            "2 questions: 2 by number; 1 answer is a formula (compared by value)");
  EXPECT_EQ(summary(R"({"question": "How much?", "answer": "1.42"})"),
            "1 question: 1 by number; 1 with decimals and no tolerance: compared exactly, or write a "
            "\"relative_tolerance\" into the rows");
  EXPECT_EQ(summary(R"({"question": "How much?", "answer": "$1577.00"})"), "1 question: 1 by number");
  EXPECT_THAT(summary(R"({"question": "How much?", "answer": NaN})"), HasSubstr("NaN is no JSON: sed"));
  EXPECT_EQ(
      summary(R"({"question": "How much?", "final_answer": ["4.2"], "error": "1e-1"}
{"question": "How many?", "answer": "4", "precision": 2})"),
      R"(2 questions: 2 by number; 1 with the tolerance of the row; 1 without the tolerance of the row, which is )"
      R"(not clear ("precision": 2))");
  EXPECT_EQ(
      summary(R"({"question": "Who?", "answer": ["Ann", "Anna"], "id": "x", "type": "short", "hint": ""}
{"question": "Who?", "answer": ["Ann", "Anna"], "id": "y", "type": "long", "year": 1999}
{"question": "Where?", "answer": ["Lima"], "remark": ["a", "b"], "question_id": "z"})"),
      "2 questions: 2 by words; 1 with several accepted answers (one suffices); 1 repeat left out; not sent: type, "
      "remark");
  EXPECT_EQ(summary(R"({"messages": [{"role": "system", "name": "example", "content": "2+2?"}], "ideal": "4"})"),
            "1 question: 1 by begins; not sent: messages[].name");
  EXPECT_EQ(summary(R"({"question": "Who?", "answer": "Ann", "hints": ["Not Bo.", "A name."], "rationale": "So."})"),
            "1 question: 1 by words; not sent: hints, rationale (jq -c '.context = ([.[\"hints\"] | .. | strings] | "
            "join(\"\\n\")) | del(.[\"hints\"])' FILE > OUT sends \"hints\"; \"rationale\" may have the answer)");
  EXPECT_THAT(summary(R"({"prompt": "Who?", "reference": "Ann", "hint": "Not Bo."})"),
              HasSubstr(R"((jq -c '.["prompt"] = .["hint"] + "\n" + .["prompt"] | del(.["hint"])' FILE > OUT sends)"));
  EXPECT_EQ(
      summary(R"({"question": "Which?", "options": {"A": "one", "B": "two"}, "answer": "two", "answer_idx": "B"})"),
      "1 question: 1 by choices (likelihood)");
}

TEST(ReadQuestions, SurvivesListsInLists) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(ReadQuestions(R"({"prompt": "x", "reference": )" + deep + "}", "exam.jsonl").ok());
  EXPECT_FALSE(ReadQuestions(R"({"prompt": "x", "choices": )" + deep + "}", "exam.jsonl").ok());
}

TEST(ReadQuestions, FindsInAllRowsWhatIndicesCountFrom) {
  const auto read = [](const std::vector<const char*>& rows) {
    std::string text;
    for (const char* row : rows) text += std::string(row) + "\n";
    const auto set = ReadQuestions(text, "exam.jsonl");
    if (!set) return set.error().message;
    std::string right;
    for (const Question& question : set->questions) right += question.references[question.right];
    const std::string summary = Summary(*set);
    const std::size_t notes = summary.find("; ");
    return right + (notes == std::string::npos ? "" : summary.substr(notes));
  };
  // A 0, or the number of choices.
  EXPECT_EQ(read({R"({"question": "x", "choices": ["ab", "cd", "ef"], "answer": 1})",
                  R"({"question": "y", "choices": ["ab", "cd", "ef"], "answer": 0})"}),
            " cd ab");
  EXPECT_EQ(read({R"({"question": "x", "choices": ["ab", "cd", "ef"], "answer": 1})",
                  R"({"question": "y", "choices": ["ab", "cd", "ef"], "answer": 3})"}),
            " ab ef; \"answer\" counts from 1");
  EXPECT_EQ(read({R"({"question": "x", "choices": ["ab", "cd", "ef"], "answer": 1})"}),
            " cd; \"answer\" counts from 0, as no row tells: write letters or texts if it counts from 1");
  EXPECT_THAT(read({R"({"question": "x", "choices": ["ab", "cd"], "answer": 2})",
                    R"({"question": "y", "choices": ["ab", "cd"], "answer": 0})"}),
              HasSubstr("exam.jsonl:1: \"answer\": 2 is no index of a choice (0 is the first)"));
  // Choices with letters.
  const char* first = R"({"question": "x", "opa": "ab", "opb": "cd", "opc": "ef", "opd": "gh", "cop": 1})";
  EXPECT_EQ(read({first, R"({"question": "y", "opa": "ab", "opb": "cd", "opc": "ef", "opd": "gh", "cop": 4})"}),
            " ab gh; \"cop\" counts from 1");
  EXPECT_EQ(read({first, R"({"question": "y", "opa": "ab", "opb": "cd", "opc": "ef", "opd": "gh", "cop": 0})"}),
            " cd ab");
  EXPECT_THAT(read({first}), HasSubstr("\"cop\": 1 may count from 0 or from 1, and no row of the file has 0"));
  // Digits in a text, and another member that names the letter.
  EXPECT_EQ(read({R"({"question": "x", "choices": ["ab", "cd", "ef"], "answer": "1"})",
                  R"({"question": "y", "choices": ["ab", "cd", "ef"], "answer": "3"})"}),
            " ab ef; \"answer\" counts from 1");
  EXPECT_EQ(read({R"({"question": "x", "options": ["ab", "cd", "ef"], "answer": "A", "answer_index": 1})"}),
            " ab; \"answer_index\" counts from 1");
  EXPECT_EQ(read({R"({"question": "x", "options": ["ab", "cd", "ef"], "answer": "B", "answer_index": 1})"}), " cd");
}

TEST(ReadQuestions, TellsWhichRowsCannotBeRead) {
  const std::string good = R"({"question": "Who?", "answer": "Ann"})";
  const auto message = [](const std::string& rows) { return ReadQuestions(rows, "exam.jsonl").error().message; };
  const std::string bad = R"({"problem": "x", "answer": "p - q"})";
  EXPECT_THAT(message(good + "\n" + bad),
              testing::EndsWith("if it can be written in one way only; only this row cannot be read, and 1 can: "
                                "sed '2d' FILE > OUT leaves it out"));
  EXPECT_EQ(message("{\"a\n" + good),
            "exam.jsonl:1: not JSON (one object a line is needed): {\"a; only this row cannot be "
            "read, and 1 can: sed '1d' FILE > OUT leaves it out");
  EXPECT_THAT(
      message(bad + "\n" + bad + "\n" + bad + "\n" + good + "\n7\n" + bad),
      testing::EndsWith("; 4 more rows cannot be read, and 1 can: sed '1,3d;5,6d' FILE > OUT leaves out all that "
                        "cannot"));
  std::string many;
  for (int i = 0; i < 400; ++i) many += good + "\n" + bad + "\n";
  EXPECT_THAT(message(many), HasSubstr("399 more rows cannot be read, and 1 can, too many to name: shuf -n 200 FILE"))
      << "too many to name";
  EXPECT_THAT(message(good + "\n" + bad + "\n\n" + bad + "\n" + R"({"question": "x", "answer": "A"})"),
              testing::AllOf(testing::StartsWith("exam.jsonl:2: \"answer\": \"p - q\" is a formula"),
                             testing::EndsWith("; 2 more rows cannot be read, and 1 can: sed '2d;4,5d' FILE > OUT "
                                               "leaves out all that cannot")));
  EXPECT_THAT(message(bad + "\n" + bad), testing::EndsWith("if it can be written in one way only")) << "none is left";
}

TEST(ReadQuestions, NamesLinesThatAreNoJsonBeforeAProgramThatStopsAtThem) {
  const std::string bad = R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]})";
  const auto message = [](const std::string& rows) { return ReadQuestions(rows, "exam.jsonl").error().message; };
  EXPECT_THAT(
      message(bad + "\n{\"messages\": [\n" + bad + "\n{\"mess\n"),
      testing::StartsWith("exam.jsonl:2: not JSON (one object a line is needed): {\"messages\": [; 2 lines are no "
                          "JSON: sed '2d;4d' FILE > OUT first; then exam.jsonl:1: \"messages\" ends with a turn"));
  EXPECT_THAT(message(bad + "\n" + bad), testing::StartsWith("exam.jsonl:1: \"messages\" ends"));
}

TEST(ReadQuestions, AsksForAllThreeAnswers) {
  const auto read = [](const std::string& third) {
    const auto set = ReadQuestions(R"({"question": "Is it?", "answer": "yes"}
{"question": "Was it?", "answer": ")" + third +
                                       R"("})",
                                   "exam.jsonl");
    return set.ok() ? "" : set.error().message;
  };
  EXPECT_EQ(read("maybe"), R"(exam.jsonl: answers are "yes", "no" and "maybe": write the choices into every row, )"
                           R"(jq -c '. + {choices: ["yes","no","maybe"]}' FILE > OUT)");
  EXPECT_EQ(read("Ann"), "");
  EXPECT_TRUE(ReadQuestions(R"({"question": "Who?", "answer": "unknown"})", "x").ok()) << "no verdicts beside it";
}

TEST(ReadQuestions, RejectsNoAnswerAmongNumbers) {
  const auto message = [](const std::string& answers) {
    const auto set = ReadQuestions(R"({"question": "How many?", "answer": "12"}
{"question": "How much?", "answer": ")" +
                                       answers + R"("})",
                                   "plus.jsonl");
    return set.ok() ? "" : set.error().message;
  };
  for (const char* none : {"None", "unanswerable", "Cannot be determined"})
    EXPECT_THAT(message(none), testing::StartsWith("plus.jsonl:2: the answer is \"" + std::string(none) + "\""))
        << none;
  EXPECT_EQ(message("Ann"), "");
  EXPECT_TRUE(ReadQuestions(R"({"question": "Which?", "answer": "none"})", "x").ok()) << "no numbers beside it";
}

TEST(ReadQuestions, TakesNoAmongWordsForNoVerdict) {
  const auto message = [](const std::string& third) {
    const auto set = ReadQuestions(R"({"question": "a?", "answer": "no"}
{"question": "b?", "answer": "ten"}
{"question": "c?", "answer": ")" + third +
                                       R"("})",
                                   "sense.jsonl");
    return set.ok() ? "" : set.error().message;
  };
  EXPECT_THAT(message("two"), testing::AllOf(HasSubstr("no answer is \"yes\""), HasSubstr("match: \"words\"")));
  EXPECT_EQ(message("yes"), "");
}

TEST(ReadQuestions, TakesTheOppositeThatOtherRowsHave) {
  const auto read = [](const std::string& first, const std::string& second) {
    const auto set = ReadQuestions(R"({"question": "a?", "answer": ")" + first + R"("})" + "\n" +
                                       R"({"question": "b?", "answer": ")" + second + R"("})",
                                   "exam.jsonl");
    if (!set) return set.error().message;
    return set->questions[0].references[0] + set->questions[0].references[1] + "|" + set->questions[1].references[0] +
           set->questions[1].references[1];
  };
  EXPECT_EQ(read("ja", "nein"), " nein ja| nein ja");
  EXPECT_EQ(read("ja", "nee"), " nee ja| nee ja");
  EXPECT_EQ(read("No", "S\u00ed"), " No S\u00ed| No S\u00ed");
  EXPECT_EQ(read("no", "yes"), " no yes| no yes");
  EXPECT_EQ(read("はい", "いいえ"), " いいえ はい| いいえ はい");
}

TEST(ReadQuestions, ProductsMayBeSizes) {
  for (const char* size : {R"($12\\times18\\times11$)", "30\u00D740", R"(3 \\times 2)"}) {
    const auto set = ReadQuestions(std::string(R"({"problem": "Which size?", "answer": ")") + size + "\"}", "x");
    EXPECT_FALSE(set.ok() && set->questions[0].match == Question::Match::kNumber) << size;
  }
}

TEST(ReadQuestions, TellsWhatMakesLinesOfAnotherFormat) {
  const auto message = [](std::string_view bytes) { return ReadQuestions(bytes, "exam").error().message; };
  EXPECT_THAT(message("PAR1\x15\x04"), HasSubstr("read_parquet"));
  EXPECT_THAT(message("\x1F\x8B\x08"), HasSubstr("gunzip"));
  EXPECT_THAT(message("[\n  {\"prompt\": \"x\"}\n]"), HasSubstr("exam:1: a list: jq -c '.[]' FILE"));
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(message("PK\x03\x04"), HasSubstr("unzip"));
  EXPECT_THAT(message("PK\x03\x04 [Content_Types].xml"),
              HasSubstr("an Excel workbook: pandas.read_excel(FILE).to_json"));
  EXPECT_THAT(message("\x28\xB5\x2F\xFD"), HasSubstr("unzstd"));
  EXPECT_THAT(message("\xFF\xFF\xFF\xFF"), HasSubstr("an Arrow stream: datasets.Dataset.from_file(FILE)"));
  EXPECT_THAT(message("<!DOCTYPE html>\n<html>"), HasSubstr("a web page or XML, and not a file of lines"));
  EXPECT_THAT(message("- question: Who?\n  answer: Ann\n"), HasSubstr("YAML: yq -o=json -I=0 '.[]' FILE"));
  EXPECT_THAT(message("question,A,B,C,D,answer\nWhich?,a,b,c,d,A\n"), HasSubstr("read_csv(FILE).to_json"));
  EXPECT_THAT(message("[\n{\"question\": \"Who?\",\n"), HasSubstr("is it cut off?"));
  EXPECT_THAT(message("question\tanswer\nWho?\tAnn\n"),
              HasSubstr("with tabs: pandas.read_csv(FILE, sep=\"\\t\").to_json"));
  EXPECT_THAT(message("Ann has three apples and buys nine more of them. How many has she?\t12\nWho?\tAnn\n"),
              HasSubstr("sep=\"\\t\", names=[\"question\", \"answer\"])"));
  EXPECT_THAT(message(std::string_view("\xFF\xFE{\0", 4)), HasSubstr("UTF-16, and UTF-8 is needed: iconv -f UTF-16 "));
  EXPECT_THAT(message(std::string_view("\xFE\xFF\0{", 4)), HasSubstr("iconv -f UTF-16 "));
  EXPECT_THAT(message(std::string_view("{\0\"\0", 4)), HasSubstr("iconv -f UTF-16LE "));
  EXPECT_THAT(message("{\"question\": \"O\xF9?\", \"answer\": \"l\xE0\"}\n"),
              HasSubstr("exam:1: not UTF-8 (byte 0xF9 at column 16): iconv -f LATIN1 -t UTF-8"));
  EXPECT_THAT(message("{\n  \"question\": \"Who?\"\n}\n{\n  \"question\": \"Where?\"\n}\n"),
              HasSubstr("jq -c '.' FILE"));
  const char* within = "exam:1: one JSON document with its rows in \"examples\": jq -c '.[\"examples\"][]' FILE";
  EXPECT_THAT(message("{\n  \"canary\": \"x\",\n  \"examples\": [{\"input\": \"x\"}]\n}\n"), HasSubstr(within));
  EXPECT_THAT(message("{\"canary\": \"x\", \"examples\": [{\"input\": \"x\"}]}"), HasSubstr(within));
  EXPECT_THAT(message(R"({"conversations": [{"from": "human", "value": "x"}]})"),
              HasSubstr("a recorded conversation has no right answer"));
  EXPECT_THAT(message("task: arc_easy\ndoc_to_text: \"{{question}}\"\n"), HasSubstr("--log_samples"));
  std::string many;
  for (int i = 0; i <= 1000; ++i) many += R"({"prompt": "x)" + std::to_string(i) + "\", \"reference\": \"y\"}\n";
  EXPECT_THAT(message(many), HasSubstr("exam:1001: more than 1000 questions: shuf"));
}

TEST(ReadQuestions, WritesOneRecipeThatMakesRows) {
  const auto message = [](std::string_view bytes) { return ReadQuestions(bytes, "exam").error().message; };
  EXPECT_THAT(message("{\n \"7\": {\"question\": \"Who?\", \"answer\": \"Ann\"}, \"9\": {\"question\": \"Where?\"}}"),
              HasSubstr("one JSON document: jq -c 'to_entries[] | {id: .key} + .value' FILE"));
  EXPECT_THAT(message(R"({"7": {"QUESTION": "Who?", "CONTEXTS": ["Ann came."], "answer": "Ann"}})"),
              HasSubstr("jq -c 'to_entries[] | {id: .key} + .value' FILE"));
  const std::string page = R"({"title": "Ice", "paragraphs": [{"context": "Ice is water.", "qas": [
    {"question": "What is ice?", "id": "1", "answers": [{"text": "water", "answer_start": 7}]}]}]})";
  EXPECT_THAT(message(R"({"version": "1", "data": [)" + page + "]}"),
              HasSubstr(R"(jq -c '. as $r0 | $r0["data"][] as $r1 | $r1["paragraphs"][] as $r2 | $r2["qas"][] | $r0 + )"
                        R"($r1 + $r2 + . | del(.["data"], .["paragraphs"], .["qas"])' FILE)"));
  EXPECT_THAT(message("[" + page + "]"), HasSubstr(R"(jq -c '.[] | . as $r0 | $r0["paragraphs"][] as $r1 | )"));
  const std::string talk =
      R"([["A: Hi, Bo.", "B: Hi."], [{"question": "Who?", "choice": ["Bo", "Cy"], "answer": "Bo"}], "7"])";
  EXPECT_THAT(message("[" + talk + "]"), HasSubstr(R"(jq -c '.[] | {context: (.[0] | join("\n"))} + .[1][]' FILE)"));
  // What a recipe has written needs another one, or none.
  EXPECT_THAT(message(talk + "\n" + talk),
              HasSubstr(R"(exam:1: a list: jq -c '{context: (.[0] | join("\n"))} + .[1][]')"));
  // CMRC 2018, and TyDi QA with the texts of its answers.
  EXPECT_THAT(message(R"([{"context_id": "7", "context_text": "Ice is water.", "qas": [{"query_id": "7_1",
    "query_text": "What is ice?", "answers": ["water", "water"]}], "title": "Ice"}])"),
              HasSubstr(R"(jq -c '.[] | . as $r0 | $r0["qas"][] | $r0 + . | del(.["qas"])' FILE)"));
  EXPECT_THAT(message("[\"A: Hi, Bo.\"]\n[{\"question\": \"Who?\", \"answer\": \"Bo\"}]"),
              HasSubstr("not a JSON object, but a list: write one object a line"));
  std::string row = page;
  row.erase(std::remove(row.begin(), row.end(), '\n'), row.end());
  EXPECT_THAT(message(row + "\n" + row),
              HasSubstr(R"(has neither "prompt" nor "messages" nor "question", but "paragraphs", )"
                        R"("title"; its rows are in lists within it: jq -c '. as $r0 | )"));
  EXPECT_THAT(message(R"({"context": "Ice is water.", "qas": [{"question": "What?", "answer": "water"}]})"),
              HasSubstr(R"(jq -c '. as $r0 | $r0["qas"][] | $r0 + . | del(.["qas"])')"))
      << "the context is around the rows";
}

TEST(ReadQuestions, FindsRowsInTablesAndWithinOthers) {
  const auto message = [](std::string_view bytes) { return ReadQuestions(bytes, "exam").error().message; };
  EXPECT_EQ(message(R"({"question": {"0": "Who?", "1": "Where?"}, "answer": {"0": "Ann", "1": "Lima"}})"),
            "exam:1: a table by columns: jq -c '(first(.[]) | keys_unsorted[]) as $i | map_values(.[$i])' FILE writes "
            "lines of JSON");
  EXPECT_EQ(message(R"({"columns": ["question", "answer"], "index": [0], "data": [["Who?", "Ann"]]})"),
            "exam:1: a table by columns: jq -c '.columns as $c | .data[] | . as $v | reduce range($c | length) as $i "
            "({}; .[$c[$i]] = $v[$i])' FILE writes lines of JSON");
  EXPECT_THAT(message("[\n[\"question\", \"answer\"],\n[\"Who?\", \"Ann\"]]"),
              HasSubstr("jq -c '.[0] as $c | .[1:][] | "));
  EXPECT_EQ(message(R"({"features": [{"name": "question"}], "rows": [{"row_idx": 0, "row": {"question": "Who?", )"
                    R"("answer": "Ann"}}]})"),
            "exam:1: one JSON document: jq -c '.[\"rows\"][] | . + .[\"row\"] | del(.[\"row\"])' FILE writes lines of "
            "JSON");
  const std::string drop = R"({"passage": "Ann came.", "qa_pairs": [{"question": "Who?", "answer": {"number": "", )"
                           R"("date": {}, "spans": ["Ann"]}}]})";
  const std::string pairs = R"(. as $r0 | $r0["qa_pairs"][] | $r0 + . | del(.["qa_pairs"])' FILE)";
  EXPECT_THAT(message(drop), HasSubstr("jq -c '" + pairs));
  EXPECT_THAT(message("{\"nfl_1\": " + drop + ", \"nfl_2\": " + drop + "}"), HasSubstr("jq -c '.[] | " + pairs));
  EXPECT_THAT(message(R"({"passage": "Ann came.", "qa_pairs": [{"question": "Who?", "answer": {"x": 1}}]})"),
              HasSubstr("jq -c '" + pairs))
      << "the passage goes with questions whose answers cannot be read";
  const std::string row = R"({"n": 1, "row": {"question": "Who?", "answer": "Ann"}})";
  EXPECT_THAT(message(row + "\n" + row),
              HasSubstr(R"(; its row is within it: jq -c '. + .["row"] | del(.["row"])' FILE)"));
  EXPECT_THAT(
      message("{\n\"question\": [\"Who?\", \"Where?\"], \"answer\": [\"Ann\", \"Lima\"]}"),
      HasSubstr("exam:1: \"question\" has 2 questions in one row, and \"answer\" their answers: jq -c '. as $r"))
      << "lists by name";
}

TEST(IsRight, ComparesAsTheLineSays) {
  const auto right = [](Match match, const char* reference, const char* answer) {
    return IsRight({"prompt", {}, match, {"nothing like it 77", reference}, 0, {}, false, 0, ""}, answer);
  };
  EXPECT_TRUE(right(Match::kExact, "4", " 4\n"));
  EXPECT_FALSE(right(Match::kExact, "4", "4."));
  EXPECT_TRUE(right(Match::kWords, "5 May 2010", "She was born on May 5th, 2010."));
  EXPECT_TRUE(right(Match::kWords, "2010-05-05", "On 5 May 2010."));
  EXPECT_FALSE(right(Match::kWords, "5 May 2010", "On May 6, 2010."));
  EXPECT_FALSE(right(Match::kExact, "5 May 2010", "May 5, 2010"));
  EXPECT_TRUE(right(Match::kContains, "Paris", "It is Paris."));
  EXPECT_FALSE(right(Match::kContains, "Paris", "It is paris."));
  EXPECT_TRUE(right(Match::kRegex, "\\b42\\b", "so 42 it is"));
  EXPECT_FALSE(right(Match::kRegex, "\\b42\\b", "so 421 it is"));
  EXPECT_TRUE(right(Match::kBegins, "Yes", "\n Yes, it is"));
  EXPECT_FALSE(right(Match::kBegins, "Yes", "I think: Yes"));
  for (const char* answer : {"B", "B)", "B.", "B: it is", "(B)", " (B) it is", "B because", "B\nA", "B\u3002"}) {
    EXPECT_TRUE(right(Match::kBegins, "B", answer)) << answer;
  }
  for (const char* answer : {"Beth", "Before", "B2", "(Beth)", "(A) or (B)", "B\u00e9a", "b", ""}) {
    EXPECT_FALSE(right(Match::kBegins, "B", answer)) << answer;
  }
  EXPECT_TRUE(right(Match::kBegins, "(B)", "(B)eth"));
  for (const char* answer : {"B", "B.", "**(B)**", "**B**", "B: it is", "(B)"}) {
    EXPECT_TRUE(right(Match::kBegins, "(B)", answer)) << answer;
  }
  for (const char* answer : {"B vitamins", "Beth", "(A)", "**A**", "A"}) {
    EXPECT_FALSE(right(Match::kBegins, "(B)", answer)) << answer;
  }
  EXPECT_TRUE(right(Match::kBegins, "B", "**B**"));
  EXPECT_TRUE(right(Match::kBegins, "4", "4."));
  EXPECT_FALSE(right(Match::kBegins, "4", "4.5"));
  EXPECT_TRUE(right(Match::kBegins, "\u5317\u4eac", "\u5317\u4eac\u5e02"));
  EXPECT_FALSE(right(Match::kWords, "caf", "in the caf\u00e9"));
  EXPECT_TRUE(right(Match::kWords, "the US", "It is in The US."));
  EXPECT_FALSE(right(Match::kWords, "US", "It is in use, USA"));
  EXPECT_TRUE(right(Match::kWords, "北京", "是北京市"));
  for (const char* answer : {"] ]", " ] ]\n", "\n] ]\n\nInput: ["})
    EXPECT_TRUE(right(Match::kWords, "] ]", answer)) << answer;
  for (const char* answer : {"] ] ]", "> ] ]", "] ] >", "] ] and more", "It is ] ]", ""})
    EXPECT_FALSE(right(Match::kWords, "] ]", answer)) << "symbols are the whole answer: " << answer;
  EXPECT_FALSE(right(Match::kWords, "\u2192", "\u2192 \u2192"));
  EXPECT_TRUE(right(Match::kWords, "\u2460", "It is \u2460."));
  for (const char* answer : {"valid", "It is valid.", "It is not invalid, but valid", "Is it? No\nValid", "No, valid"})
    EXPECT_TRUE(right(Match::kWords, "valid", answer)) << answer;
  for (const char* answer : {"not valid", "It is not a valid one", "It isn't valid", "It isn\u2019t \"valid\"",
                             "not deductively valid", "non-valid", "not_valid", "never **valid**"})
    EXPECT_FALSE(right(Match::kWords, "valid", answer)) << answer;
  EXPECT_TRUE(right(Match::kNumber, "1,200", "First 3, then 1200.00 dollars."));
  EXPECT_FALSE(right(Match::kNumber, "12", "12 of 13"));
  EXPECT_FALSE(right(Match::kNumber, "12", "twelve"));
  EXPECT_TRUE(right(Match::kNumber, "1/2", "so \\boxed{\\frac{1}{2}}."));
  EXPECT_TRUE(right(Match::kNumber, "\\frac{1}{2}", "it is 0.5"));
  EXPECT_FALSE(right(Match::kNumber, "2", "it is 1/2"));
  EXPECT_TRUE(right(Match::kNumber, "- 1", "x = \u22121"));
  // A share is right where a percentage is, and not the other way round.
  EXPECT_TRUE(right(Match::kNumber, "20%", "it is 20 %"));
  EXPECT_TRUE(right(Match::kNumber, "20%", "it is 20"));
  EXPECT_TRUE(right(Match::kNumber, "20%", "it is 0.2"));
  EXPECT_TRUE(right(Match::kNumber, "20%", "it is \\frac{1}{5}"));
  EXPECT_FALSE(right(Match::kNumber, "20%", "it is 0.2%"));
  EXPECT_FALSE(right(Match::kNumber, "100%", "it is 1"));
  EXPECT_FALSE(right(Match::kNumber, "0.2", "it is 20%"));
  EXPECT_FALSE(right(Match::kNumber, "1.6e-19", "it is 3.2e-19")) << "small numbers differ, too";
  EXPECT_TRUE(right(Match::kNumber, "0.333333333", "it is 1/3"));
  for (const char* answer : {"$400 million", "it is 400,000,000", "0.4 billion", "400-million-dollar"})
    EXPECT_TRUE(right(Match::kNumber, "$400,000,000 increase.", answer)) << answer;
  EXPECT_TRUE(right(Match::kNumber, "1577", "$1,577 million")) << "the prompt may ask for millions";
  EXPECT_TRUE(right(Match::kNumber, "1.5 million", "1,500,000"));
  for (const char* answer : {"1.5 billion", "1,500"})
    EXPECT_FALSE(right(Match::kNumber, "1.5 million", answer)) << answer;
  EXPECT_FALSE(right(Match::kNumber, "400000000", "400 millionaires"));
  const Question tolerant{"prompt", {}, Match::kNumber, {"4.2%"}, 0, {}, false, 0.1, ""};
  for (const char* answer : {"4.3%", "4.1", "0.0425"}) EXPECT_TRUE(IsRight(tolerant, answer)) << answer;
  for (const char* answer : {"4.31%", "0.044", "4"}) EXPECT_FALSE(IsRight(tolerant, answer)) << answer;
}

TEST(IsRight, AnAnswerNamesOneOfTheOptions) {
  const Question question{"",
                          {{"user", "Valid or not?\nOptions:\n- valid \n- invalid\n- not known\nAnswer:"}},
                          Match::kWords,
                          {"valid"},
                          0,
                          {},
                          false,
                          0,
                          ""};
  for (const char* answer : {"valid", "It is valid.", "It is valid, not invalid."})
    EXPECT_TRUE(IsRight(question, answer)) << answer;
  for (const char* answer : {"invalid", "valid or invalid", "It looks valid, but it is invalid", "Valid? Not known."})
    EXPECT_FALSE(IsRight(question, answer)) << answer;
  Question longer = question;
  longer.messages = {{"user", "Which?\nOptions:\n- red\n- red wine"}};
  longer.references = {"red wine"};
  EXPECT_TRUE(IsRight(longer, "It is red wine."));
  longer.references = {"red"};
  EXPECT_FALSE(IsRight(longer, "It is red wine."));
}

TEST(ReadQuestions, TakesARangeOfNumbers) {
  const auto read = [](const char* answer) {
    return ReadQuestions(std::string(R"({"problem": "How many?", "answer": ")") + answer + "\"}", "x");
  };
  const auto set = read("3 (acceptable range: anything between 2 and 4)");
  ASSERT_TRUE(set.ok()) << set.error().message;
  for (const char* answer : {"2", "3", "It is 4."}) EXPECT_TRUE(IsRight(set->questions[0], answer)) << answer;
  for (const char* answer : {"1", "5", "4.1"}) EXPECT_FALSE(IsRight(set->questions[0], answer)) << answer;
  const auto uneven = read("1,200 (acceptable range: 1,190-1,300)");
  ASSERT_TRUE(uneven.ok()) << uneven.error().message;
  for (const char* answer : {"1190", "1,300"}) EXPECT_TRUE(IsRight(uneven->questions[0], answer)) << answer;
  for (const char* answer : {"1189", "1301"}) EXPECT_FALSE(IsRight(uneven->questions[0], answer)) << answer;
  for (const char* answer :
       {"Ann (acceptable range: between 2 and 4)", "7 (acceptable range: between 2 and 4)", "3 (2 is accepted, too)"})
    EXPECT_THAT(read(answer).error().message, HasSubstr("has a range, and not one number that is in it")) << answer;
}

}  // namespace
}  // namespace autotune::measurement
