// Datasets of prompts with references, and the check of answers. Pure and thread-safe.
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
    kExact,     // the answer is a reference, but for white space at its ends
    kContains,  // a reference is part of it
    kRegex,     // a reference, as an ECMAScript regular expression, is found in it
    kBegins,    // it begins with a reference as whole words, but for white space before; "B" also with "(B)"
    kWords,     // a reference is part of it, as whole words, whatever the case of ASCII letters
    kNumber,    // the last number in it is a reference
    kChoice,    // of `references` the engine finds the right one likeliest behind the prompt
  };
  std::string prompt;             // or
  std::vector<Message> messages;  // for the chat endpoint: the engine applies the model's template
  Match match = Match::kExact;
  std::vector<std::string> references;  // any of them passes; of a choice: the choices
  std::size_t right = 0;                // of a choice
  std::vector<std::string> stop;        // an answer ends before any of these
  bool formula = false;                 // the reference was one, and only its value is compared
  double tolerance = 0;                 // of a number: what the row allows beside rounding errors
  std::string no_tolerance;             // what the row says of one, and is not used: `"precision": 2`
  bool operator==(const Question&) const = default;
};

// What the number of a right choice counts from, where this is not 0 or nothing in the file tells.
struct Counted {
  std::string member;
  std::size_t first = 0;
  bool seen = false;  // false: assumed
};

struct QuestionSet {
  std::vector<Question> questions;
  std::size_t repeats = 0;            // rows that were left out, because they would count twice
  std::vector<std::string> not_sent;  // NotSent() of all rows
  std::vector<std::string> advice;    // AdviceForHint() of these
  std::vector<Counted> counted;
};

// JSONL, one object per line, in the forms of question_row.h. kInvalid names file and line, what was found and what to
// write: `exam.jsonl:17: ...`. Rows with an equal prompt (and choices) are a repeat, or kInvalid if their answers
// differ or another text of them does, which is then not sent. `context`: the most tokens of a prompt and its answer, 0
// = not known; what surely exceeds it (LeastTokens) is kInvalid, too. `answer_tokens`: of an answer that is not a
// choice.
base::Result<QuestionSet> ReadQuestions(std::string_view bytes, const std::string& name, int context = 0,
                                        int answer_tokens = 0);

// Number of questions that are judged by the likelihood of their choices.
std::size_t QuestionsByChoices(const QuestionSet& set);

// How they are judged, and what of the file is not used: "120 questions: 80 by choices (likelihood), 40 by number; 2
// repeats left out; not sent: type".
std::string Summary(const QuestionSet& set);

// REQUIRES: not a kChoice.
bool IsRight(const Question& question, std::string_view answer);

// What an engine gets: the prompt, or the texts of the messages.
std::string SentOf(const Question& question);

// Without white space at its ends.
std::string_view Trimmed(std::string_view text);

// Is `expression` (ECMAScript) found in the text? nullopt: it is not an expression, or too complex for the text.
std::optional<bool> FoundBy(const std::string& expression, std::string_view text);

}  // namespace autotune::measurement
