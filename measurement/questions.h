// A dataset of prompts with references: which answers pass. Pure and thread-safe.
#pragma once

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
    kChoice,    // of `references` the engine finds the right one likeliest behind the prompt
  };
  std::string prompt;             // or
  std::vector<Message> messages;  // for the chat endpoint: the engine applies the model's template
  Match match = Match::kExact;
  std::vector<std::string> references;  // any of them passes; of a choice: what is to choose from
  std::size_t right = 0;                // of a choice
  bool operator==(const Question&) const = default;
};

// JSONL, one object a line: `prompt` (also `question`, `query`) or `messages`; and `reference` (also `references`,
// `target`, `answer`; a text or a list) with `match` (exact, contains, regex; exact unless said), or `choices` with
// `answer` (also `gold`): the index of the right one. kInvalid names file and line: `exam.jsonl:17: ...`.
base::Result<std::vector<Question>> ReadQuestions(std::string_view bytes, const std::string& name);

// REQUIRES: not a kChoice.
bool IsRight(const Question& question, std::string_view answer);

}  // namespace autotune::measurement
