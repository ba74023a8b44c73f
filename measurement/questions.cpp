#include "measurement/questions.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <utility>

#include "measurement/quality.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> kPrompts = {"prompt", "question", "query"};
constexpr std::array<const char*, 4> kReferences = {"reference", "references", "target", "answer"};
constexpr std::array<const char*, 2> kRights = {"answer", "gold"};
constexpr std::array<std::pair<std::string_view, Question::Match>, 3> kMatches = {
    {{"exact", Question::Match::kExact}, {"contains", Question::Match::kContains}, {"regex", Question::Match::kRegex}}};

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Compiles and searches; an expression that is too complex for a text does not match it.
std::optional<bool> Found(const std::string& expression, std::string_view text) {
  try {
    return std::regex_search(text.begin(), text.end(), std::regex(expression));
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

// One line. Everything that is wrong names the line and what would be right.
class Line {
 public:
  Line(const json& object, std::string place) : object_(object), place_(std::move(place)) {}

  base::Result<Question> Read() {
    Question question;
    if (!object_.is_object()) return Fail("not a JSON object");
    if (auto status = ReadPrompt(question); !status) return status.error();
    auto status = object_.contains("choices") ? ReadChoices(question) : ReadReferences(question);
    if (!status) return status.error();
    return question;
  }

 private:
  [[nodiscard]] base::Error Fail(const std::string& what) const { return base::Invalid(place_ + ": " + what); }

  template <std::size_t n>
  const json* Find(const std::array<const char*, n>& names) const {
    for (const char* name : names) {
      if (const auto found = object_.find(name); found != object_.end()) return &*found;
    }
    return nullptr;
  }

  base::Status ReadPrompt(Question& out) {
    const json* prompt = Find(kPrompts);
    const auto messages = object_.find("messages");
    if ((prompt != nullptr) == (messages != object_.end())) {
      return Fail(prompt ? "has both a prompt and messages" : "has neither \"prompt\" nor \"messages\"");
    }
    if (prompt != nullptr) {
      if (!prompt->is_string() || prompt->get_ref<const std::string&>().empty()) return Fail("the prompt is no text");
      out.prompt = prompt->get<std::string>();
      return {};
    }
    if (!messages->is_array() || messages->empty()) return Fail("\"messages\" is no list of messages");
    for (const json& message : *messages) {
      const bool ok = message.is_object() && message.contains("role") && message["role"].is_string() &&
                      message.contains("content") && message["content"].is_string();
      if (!ok) return Fail("a message without \"role\" and \"content\", both texts");
      out.messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
    }
    return {};
  }

  base::Status ReadTexts(const json& value, const char* what, std::vector<std::string>& out) {
    const json list = value.is_array() ? value : json::array({value});
    if (list.empty()) return Fail(std::string(what) + " is an empty list");
    for (const json& text : list) {
      if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
        return Fail(std::string(what) + ": " + text.dump() + " is no text");
      }
      out.push_back(text.get<std::string>());
    }
    return {};
  }

  base::Status ReadChoices(Question& out) {
    out.match = Question::Match::kChoice;
    if (object_.contains("match")) return Fail("\"match\" is for references; choices are compared by likelihood");
    for (const char* name : {"reference", "references", "target"}) {
      if (object_.contains(name))
        return Fail("choices need no \"" + std::string(name) + "\": \"answer\" is the right one's index");
    }
    if (!out.messages.empty()) return Fail("choices need a \"prompt\": no engine gives the likelihood of a chat");
    if (auto status = ReadTexts(object_["choices"], "\"choices\"", out.references); !status) return status;
    if (out.references.size() < 2) return Fail("\"choices\" has fewer than two");
    const json* right = Find(kRights);
    if (right == nullptr) return Fail("\"choices\" without \"answer\", the index of the right one");
    const bool ok = right->is_number_integer() && *right >= 0 && *right < out.references.size();
    if (!ok) return Fail("\"answer\": " + right->dump() + " is no index of a choice (0 is the first)");
    out.right = right->get<std::size_t>();
    return {};
  }

  base::Status ReadReferences(Question& out) {
    const json* references = Find(kReferences);
    if (references == nullptr)
      return Fail("has neither \"reference\" nor \"choices\": nothing tells which answer is right");
    if (auto status = ReadTexts(*references, "the reference", out.references); !status) return status;
    const json match = object_.value("match", json("exact"));
    const auto known =
        std::find_if(kMatches.begin(), kMatches.end(), [&](const auto& row) { return match == row.first; });
    if (known == kMatches.end()) return Fail("\"match\": " + match.dump() + " is not exact, contains or regex");
    out.match = known->second;
    if (out.match != Question::Match::kRegex) return {};
    for (const std::string& expression : out.references) {
      if (!Found(expression, "")) return Fail("\"" + expression + "\" is no regular expression (ECMAScript)");
    }
    return {};
  }

  const json& object_;
  std::string place_;
};

}  // namespace

base::Result<std::vector<Question>> ReadQuestions(std::string_view bytes, const std::string& name) {
  std::vector<Question> questions;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  for (std::size_t line = 1; !bytes.empty(); ++line) {
    const std::size_t end = bytes.find('\n');
    const std::string_view text = Trimmed(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (text.empty()) continue;
    const std::string place = name + ":" + std::to_string(line);
    const json object = json::parse(text, nullptr, false);
    if (object.is_discarded()) return base::Invalid(place + ": not JSON: " + std::string(text.substr(0, 60)));
    auto question = Line(object, place).Read();
    if (!question) return question.error();
    if (questions.size() == kMostQuestions) {
      return base::Invalid(place + ": more than " + std::to_string(kMostQuestions) + " questions");
    }
    questions.push_back(*std::move(question));
  }
  if (questions.empty()) return base::Invalid(name + ": no question");
  return questions;
}

bool IsRight(const Question& question, std::string_view answer) {
  const auto matches = [&](const std::string& reference) {
    switch (question.match) {
      case Question::Match::kExact:
        return Trimmed(answer) == Trimmed(reference);
      case Question::Match::kContains:
        return answer.find(reference) != std::string_view::npos;
      case Question::Match::kRegex:
        return Found(reference, answer).value_or(false);
      case Question::Match::kChoice:
        break;
    }
    return false;
  };
  return std::any_of(question.references.begin(), question.references.end(), matches);
}

}  // namespace autotune::measurement
