// The jq programs of messages, run as they are written.
#pragma once

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "measurement/questions.h"
#include "tests/temporary_directory.h"

namespace autotune::measurement {
// The first program of a message from `begin` on, which writes OUT. "" = it has none.
inline std::string CommandIn(const std::string& message, std::size_t begin = 0) {
  const std::size_t jq = message.find("jq -c ", begin);
  const std::size_t end = jq == std::string::npos ? jq : message.find("' ", message.find('\'', jq) + 1);
  if (end == std::string::npos) return "";
  const std::string paste = "paste LABELS FILE | ";
  const bool pasted = jq >= paste.size() && message.compare(jq - paste.size(), paste.size(), paste) == 0;
  return (pasted ? paste : "") + message.substr(jq, end + 1 - jq) + (pasted ? "" : " FILE") + " > OUT";
}

class FollowedAdvice : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("jq --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "SKIPPED: there is no jq";
  }

  // Runs a command in the directory. Returns whether it succeeded.
  [[nodiscard]] bool Run(const std::string& command) const {
    directory_.Write("command", command);
    return std::system(("cd '" + directory_.path().string() + "' && sh ./command 2> errors").c_str()) == 0;
  }

  // Follows what each message says, at most four times. `behind`: of the first message, the program behind these words.
  base::Result<QuestionSet> Follow(std::string bytes, const std::string& behind = "") {
    steps_.clear();
    for (;;) {
      auto set = ReadQuestions(bytes, "exam");
      if (set.ok()) return set;
      const std::size_t begin = steps_.empty() ? set.error().message.find(behind) : 0;
      const std::string command = begin == std::string::npos ? "" : CommandIn(set.error().message, begin);
      if (command.empty() || steps_.size() == 4) return set;
      steps_.push_back(command);
      directory_.Write("FILE", bytes);
      if (!Run(command)) return base::Invalid(command + ": " + directory_.Read("errors"));
      if (!Run("jq -c . FILE > SAME")) directory_.Write("SAME", "");  // FILE is no JSON
      bytes = directory_.Read("OUT");
      if (bytes == directory_.Read("SAME") && set.error().message.find("FILE writes lines") == std::string::npos)
        return base::Invalid("changes nothing: " + command);
    }
  }

  // "how: prompt -> right answers" of the first question.
  std::string First(const std::string& bytes, const std::string& behind = "") {
    const auto set = Follow(bytes, behind);
    if (!set.ok()) return set.error().message;
    const Question& question = set->questions.front();
    std::string out = SentOf(question) + " ->";
    if (question.match == Question::Match::kChoice) return out + question.references[question.right];
    for (const std::string& reference : question.references) out += " " + reference;
    return out;
  }

  TemporaryDirectory directory_;
  std::vector<std::string> steps_;
};

}  // namespace autotune::measurement
