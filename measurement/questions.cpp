#include "measurement/questions.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <utility>

#include "measurement/quality.h"
#include "measurement/question_row.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr int kDeepest = 32;  // of lists in lists: what is deeper is read as if it were not there

// Of a prompt and its longest choice.
std::int64_t LeastTokensOf(const Question& question) {
  std::int64_t tokens = LeastTokens(question.prompt), longest = 0;
  for (const Message& message : question.messages) tokens += LeastTokens(message.content);
  if (question.match != Question::Match::kChoice) return tokens;
  for (const std::string& choice : question.references) longest = std::max(longest, LeastTokens(choice));
  return tokens + longest - 1;  // the two meet within a token
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool HasWords(std::string_view text, std::string_view words) {
  const auto alike = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  words = Trimmed(words);
  for (auto at = text.begin();; ++at) {
    at = std::search(at, text.end(), words.begin(), words.end(), alike);
    if (at == text.end()) return false;
    const auto end = at + static_cast<std::ptrdiff_t>(words.size());
    const bool begins = at == text.begin() || !IsWordCharacter(at[-1]) || !IsWordCharacter(words.front());
    if (begins && (end == text.end() || !IsWordCharacter(*end) || !IsWordCharacter(words.back()))) return true;
  }
}

bool IsNumber(std::string_view text, const std::string& reference) {
  const auto number = LastNumber(text), wanted = LastNumber(reference);
  return number && wanted && std::abs(*number - *wanted) <= 1e-6 * std::max(1.0, std::abs(*wanted));
}

// What is no text of JSON lines, and what makes them of it.
std::string OtherFormat(std::string_view bytes) {
  if (bytes.starts_with("PAR1"))
    return "Parquet: pandas.read_parquet(FILE).to_json(OUT, orient=\"records\", lines=True) writes lines of JSON";
  if (bytes.starts_with("\x1F\x8B")) return "compressed: gunzip it";
  if (bytes.starts_with("PK\x03\x04")) return "compressed: unzip it";
  if (bytes.starts_with("version https://git-lfs"))
    return "a pointer of Git LFS, and not the file: git lfs pull fetches it";
  const std::string_view text = Trimmed(bytes);
  if (text.starts_with('[')) return "a list: jq -c '.[]' FILE writes lines of JSON";
  for (const char* key : {"task:", "dataset_path:", "doc_to_text:", "tag:", "include:", "group:"}) {
    if (text.starts_with(key)) return "a task of lm-eval: lm_eval --log_samples writes its documents as lines of JSON";
  }
  const std::string_view head = text.substr(0, text.find('\n'));
  if (!text.empty() && text.front() != '{' && head.find(',') != std::string_view::npos) {
    return "no JSON, perhaps a table: pandas.read_csv(FILE).to_json(OUT, orient=\"records\", lines=True) writes "
           "lines of JSON";
  }
  return "";
}

// One JSON document has its rows in a list of its own: {"examples": [{...}, ...]}. What makes lines of it, else "".
std::string RowsWithin(std::string_view bytes) {
  const json document = json::parse(
      bytes, [](int depth, json::parse_event_t, json&) { return depth < kDeepest; }, false);
  if (!document.is_object()) return "";
  for (const auto& [name, rows] : document.items()) {
    if (!rows.is_array() || rows.empty() || !rows.front().is_object()) continue;
    return "one JSON document with its rows in \"" + name.substr(0, 40) + "\": jq -c '.[\"" + name.substr(0, 40) +
           "\"][]' FILE writes lines of JSON";
  }
  return "";
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<bool> FoundBy(const std::string& expression, std::string_view text) {
  try {
    return std::regex_search(text.begin(), text.end(), std::regex(expression));
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

std::optional<double> LastNumber(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !IsDigit(text[end - 1])) --end;
  if (end == 0) return std::nullopt;
  // Digits, with "," only between them: of "1, 2" the last number is 2. One point at most.
  std::size_t begin = end;
  bool point = false;
  while (begin > 0) {
    const char before = text[begin - 1];
    const bool inside = begin > 1 && IsDigit(text[begin - 2]);
    if (IsDigit(before) || (before == ',' && inside)) {
      --begin;
    } else if (before == '.' && inside && !point) {
      point = true;
      --begin;
    } else {
      break;
    }
  }
  std::string digits;
  if (begin > 0 && text[begin - 1] == '-' && (begin == 1 || !IsWordCharacter(text[begin - 2]))) digits = "-";
  for (const char c : text.substr(begin, end - begin)) {
    if (c != ',') digits += c;
  }
  return std::strtod(digits.c_str(), nullptr);
}

base::Result<std::vector<Question>> ReadQuestions(std::string_view bytes, const std::string& name, int context,
                                                  int answer_tokens) {
  std::vector<Question> questions;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (const std::string other = OtherFormat(bytes); !other.empty()) return base::Invalid(name + ":1: " + other);
  const std::string_view whole = bytes;
  for (std::size_t line = 1; !bytes.empty(); ++line) {
    const std::size_t end = bytes.find('\n');
    const std::string_view text = Trimmed(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (text.empty()) continue;
    const std::string place = name + ":" + std::to_string(line) + ": ";
    const json row = json::parse(
        text, [](int depth, json::parse_event_t, json&) { return depth < kDeepest; }, false);
    if (row.is_discarded()) {
      const std::string within = questions.empty() ? RowsWithin(whole) : "";
      if (!within.empty()) return base::Invalid(place + within);
      return base::Invalid(place + "not JSON (one object a line is needed): " + std::string(text.substr(0, 60)));
    }
    auto question = ReadQuestionRow(row);
    if (!question) {
      // A single line: a document, unless something in it tells what kind of row it is.
      const std::string& why = question.error().message;
      const bool document = questions.empty() && Trimmed(bytes).empty() && why.starts_with("has neither \"prompt\"") &&
                            why.find("; ") == std::string::npos;
      const std::string within = document ? RowsWithin(whole) : "";
      return base::Invalid(place + (within.empty() ? why : within));
    }
    const std::int64_t tokens = LeastTokensOf(*question);
    const int answer = question->match == Question::Match::kChoice ? 1 : answer_tokens;
    if (context > 0 && tokens + answer > context) {
      return base::Invalid(place + LeastTokensText(tokens) + " and " + std::to_string(answer) +
                           " of the answer do not fit into the context of " + std::to_string(context) +
                           " tokens: leave the row out");
    }
    if (std::find(questions.begin(), questions.end(), *question) != questions.end()) continue;
    if (questions.size() == kMostQuestions) {
      return base::Invalid(place + "more than " + std::to_string(kMostQuestions) +
                           " questions: shuf -n 1000 FILE takes a sample");
    }
    questions.push_back(*std::move(question));
  }
  if (questions.empty()) return base::Invalid(name + ": no question");
  return questions;
}

std::string CountsByMatch(const std::vector<Question>& questions) {
  constexpr std::pair<Question::Match, const char*> kKinds[] = {{Question::Match::kChoice, "choices (likelihood)"},
                                                                {Question::Match::kNumber, "number"},
                                                                {Question::Match::kWords, "words"},
                                                                {Question::Match::kBegins, "begins"},
                                                                {Question::Match::kExact, "exact"},
                                                                {Question::Match::kContains, "contains"},
                                                                {Question::Match::kRegex, "regex"}};
  std::string counts;
  for (const auto& [match, name] : kKinds) {
    const auto count = std::ranges::count(questions, match, &Question::match);
    if (count > 0) counts += (counts.empty() ? ": " : ", ") + std::to_string(count) + " by " + name;
  }
  return std::to_string(questions.size()) + (questions.size() == 1 ? " question" : " questions") + counts;
}

bool IsRight(const Question& question, std::string_view answer) {
  const auto matches = [&](const std::string& reference) {
    switch (question.match) {
      case Question::Match::kExact:
        return Trimmed(answer) == Trimmed(reference);
      case Question::Match::kContains:
        return answer.find(reference) != std::string_view::npos;
      case Question::Match::kRegex:
        return FoundBy(reference, answer).value_or(false);
      case Question::Match::kBegins:
        return Trimmed(answer).starts_with(Trimmed(reference));
      case Question::Match::kWords:
        return HasWords(answer, reference);
      case Question::Match::kNumber:
        return IsNumber(answer, reference);
      case Question::Match::kChoice:
        break;
    }
    return false;
  };
  return std::any_of(question.references.begin(), question.references.end(), matches);
}

}  // namespace autotune::measurement
