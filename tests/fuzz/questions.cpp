// A user's file of questions with references, and an answer to each.
#include "measurement/questions.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using autotune::measurement::Question;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto questions = autotune::measurement::ReadQuestions(text, "exam.jsonl", 100);
  if (!questions) {
    if (!questions.error().message.starts_with("exam.jsonl:")) abort();
    return 0;
  }
  for (const Question& question : questions->questions) {
    if (question.references.empty() || question.right >= question.references.size()) abort();
    if (question.prompt.empty() == question.messages.empty()) abort();
    // Expressions of a user may take long, and ours are not tested here.
    if (question.match == Question::Match::kChoice || question.match == Question::Match::kRegex) continue;
    autotune::measurement::IsRight(question, text.substr(0, 100));
  }
  return 0;
}
