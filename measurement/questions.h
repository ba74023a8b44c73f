// Datasets of prompts with reference answers, and the check of answers. Pure and thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/workload.h"

namespace autotune::measurement {

struct Question {
  enum class Match {
    kExact,     // the answer equals a reference, apart from white space at its ends
    kContains,  // the answer contains a reference
    kRegex,     // a reference, as an ECMAScript regular expression, matches in the answer
    kBegins,    // the answer begins with a reference as whole words, apart from white space; "B" also matches "(B)"
    kWords,     // the answer contains a reference as whole words, ignoring the case of ASCII letters
    kNumber,    // the last number in the answer is a reference
    kChoice,    // the engine gives the right one of `references` the highest likelihood after the prompt
  };
  std::string prompt;             // either this, or `messages`
  std::vector<Message> messages;  // for the chat endpoint: the engine applies the model's template
  Match match = Match::kExact;
  std::vector<std::string> references;  // any of them passes; for kChoice the choices
  std::size_t right = 0;                // kChoice: index of the right choice
  std::vector<std::string> stop;        // an answer ends before any of these
  bool formula = false;                 // the reference was a formula, and only its value is compared
  double tolerance = 0;                 // kNumber: allowed by the row in addition to rounding errors
  std::string no_tolerance;             // a tolerance of the row that is not used: `"precision": 2`
  bool operator==(const Question&) const = default;
};

// Number from which the index of the right choice counts, if it is not 0 or if the file does not show it.
struct Counted {
  std::string member;
  std::size_t first = 0;
  bool seen = false;  // false: assumed
};

struct QuestionSet {
  std::vector<Question> questions;
  std::size_t repeats = 0;            // rows that were left out because they would count twice
  std::vector<std::string> not_sent;  // NotSent() of all rows
  std::vector<std::string> advice;    // AdviceForHint() of these members
  std::vector<Counted> counted;
};

// JSONL, one object per line, in the forms of question_row.h. kInvalid names file and line, what was found and what
// to write: `exam.jsonl:17: ...`. A row with the prompt (and choices) of an earlier row is a repeat; it is kInvalid
// if its answer or another, unsent text differs. `context`: maximum tokens of a prompt and its answer, 0 = not
// known; a row that certainly exceeds it (LeastTokens) is kInvalid too. `answer_tokens`: of an answer, except for
// choices.
base::Result<QuestionSet> ReadQuestions(std::string_view bytes, const std::string& name, int context = 0,
                                        int answer_tokens = 0);

// Number of questions judged by the likelihood of their choices.
std::size_t QuestionsByChoices(const QuestionSet& set);

// How the questions are judged, and which parts of the file are not used: "120 questions: 80 by choices (likelihood),
// 40 by number; 2 repeats left out; not sent: type".
std::string Summary(const QuestionSet& set);

// True if `answer` passes. REQUIRES: question.match is not kChoice.
bool IsRight(const Question& question, std::string_view answer);

// The text that the engine receives: the prompt, or the texts of the messages.
std::string SentOf(const Question& question);

// The text without white space at its ends.
std::string_view Trimmed(std::string_view text);

// True if the ECMAScript expression matches in the text; nullopt if it is invalid, or too complex for the text.
std::optional<bool> FoundBy(const std::string& expression, std::string_view text);

}  // namespace autotune::measurement
