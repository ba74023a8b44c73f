#include "measurement/row_columns.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::measurement {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The program of a message.
std::string ProgramIn(const std::string& message) {
  const std::size_t begin = message.find("jq -c '") + 7;
  return message.substr(begin, message.rfind("' FILE > OUT") - begin);
}

TEST(WhySeveralQuestions, HasTheProgramThatMakesARowOfEach) {
  const struct {
    const char* form;
    const char* row;
    const char* program;
  } kRows[] = {
      {"RACE, its authors' files",
       R"({"article": "x", "questions": ["a?", "b?"], "options": [["c"], ["d"]], "answers": ["A", "B"], "id": "h1"})",
       R"(. as $r | range($r["questions"] | length) as $i | ($r | del(.["questions"], .["answers"], .["options"])) + )"
       R"({"question": $r["questions"][$i], "answer": $r["answers"][$i], "options": $r["options"][$i]})"},
      {"CoQA",
       R"({"story": "x", "questions": ["a?", "b?"], "answers": {"input_text": ["c", "d"], "answer_start": [1, 2]}})",
       R"(. as $r | range($r["questions"] | length) as $i | ($r | del(.["questions"], .["answers"])) + )"
       R"({"question": $r["questions"][$i], "answer": $r["answers"]["input_text"][$i]})"},
      {"CoQA, its authors' file",
       R"({"questions": [{"input_text": "a?"}, {"input_text": "b?"}], "answers": [{"input_text": "c"}, {"input_text": "d"}]})",
       R"(. as $r | range($r["questions"] | length) as $i | ($r | del(.["questions"], .["answers"])) + )"
       R"({"question": $r["questions"][$i]["input_text"], "answer": $r["answers"][$i]["input_text"]})"},
      {"behind a prompt", R"({"input": "Read x.", "questions": ["a?", "b?"], "answers": ["c", "d"]})",
       R"(. as $r | range($r["questions"] | length) as $i | ($r | del(.["questions"], .["answers"])) + )"
       R"({"input": ($r["input"] + "\n" + $r["questions"][$i]), "answer": $r["answers"][$i]})"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ProgramIn(WhySeveralQuestions(json::parse(row.row))), row.program) << row.form;
  }
}

TEST(WhySeveralQuestions, LeavesRowsWithOneQuestion) {
  for (const char* row : {
           R"({"question": "a?", "answers": ["b", "c"]})",
           R"({"prompt": [{"role": "user", "content": "a?"}, {"role": "user", "content": "b?"}], "ideal": ["c", "d"]})",
           R"({"questions": ["a?"], "answers": ["b"]})",
           R"({"questions": ["a?", "b?"], "answers": ["c", "d", "e"]})",
           R"({"questions": ["a?", "b?"], "tags": ["c", "d"]})",
           R"(["a?", "b?"])",
       }) {
    EXPECT_EQ(WhySeveralQuestions(json::parse(row)), "") << row;
  }
}

TEST(ProgramOfColumns, KnowsTablesFromLists) {
  const auto is_row = [](const json& row) { return row.contains("question") && row["question"].is_string(); };
  const auto program = [&](const char* text) { return ProgramOfColumns(json::parse(text), is_row); };
  EXPECT_THAT(program(R"({"question": {"3": "a?"}, "answer": {"3": null}})"), HasSubstr("map_values(.[$i])"));
  EXPECT_THAT(program(R"({"columns": ["question", "answer"], "data": [["a?", "b"]]})"), HasSubstr(".data[]"));
  EXPECT_THAT(program(R"([["question", "answer"], ["a?", "b"]])"), HasSubstr(".[1:][]"));
  for (const char* text :
       {R"({"0": {"question": "a?", "answer": "b"}, "1": {"question": "c?", "answer": "d"}})",
        R"({"question": {"0": "a?"}, "answer": {"0": "b", "1": "c"}})", R"({"question": {"0": "a?"}, "version": 1})",
        R"({"columns": ["x", "y"], "data": [["a?", "b"]]})", R"([["x", "y"], ["a?", "b"]])", "{}", "[]"}) {
    EXPECT_EQ(program(text), "") << text;
  }
}

}  // namespace
}  // namespace autotune::measurement
