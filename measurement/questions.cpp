#include "measurement/questions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <utility>

#include "base/ascii_case.h"
#include "measurement/file_format.h"
#include "measurement/quality.h"
#include "measurement/question_choices.h"
#include "measurement/question_row.h"
#include "measurement/reference_wording.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_layout.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/unsent_member.h"
#include "measurement/written_date.h"
#include "measurement/written_number.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNames = 12;        // of members, in a message
constexpr double kRounding = 1e-6;            // of a number, relative
constexpr std::size_t kMostOfLine = 1 << 16;  // bytes of a line that are searched for NaN
constexpr int kDeepest = 32;                  // of lists in lists: what is deeper is read as if it were not there

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

// Does what ends with `last` end there, before `rest`? "B" not before "eth" and "\u00e9", "4" not before ".5".
bool EndsWord(char last, std::string_view rest) {
  if (rest.empty() || !IsWordCharacter(last)) return true;
  const auto next = static_cast<unsigned char>(rest.front());
  if (IsWordCharacter(rest.front()) || (next >= 0xC3 && next <= 0xC9)) return false;  // U+00C0 to U+027F: Latin letters
  return !(IsDigit(last) && rest.size() > 1 && (next == '.' || next == ',') && IsDigit(rest[1]));
}

// As whole words. A letter may be in brackets, and Markdown may be around it: "**(B)**". "(B)" is also "B" where no
// word follows.
bool BeginsWith(std::string_view text, std::string_view reference) {
  text = Trimmed(text);
  reference = Trimmed(reference);
  const bool bracketed = reference.size() == 3 && reference.front() == '(' && reference.back() == ')';
  const std::string_view bare = bracketed ? reference.substr(1, 1) : reference;
  if (bare.size() == 1 && std::isalpha(static_cast<unsigned char>(bare.front())) != 0) {
    while (!text.empty() && (text.front() == '*' || text.front() == '_')) text.remove_prefix(1);
    if (text.starts_with('(') && text.find(')') == 2) return text[1] == bare.front();
    if (!text.starts_with(bare) || !EndsWord(bare.back(), text.substr(1))) return false;
    return !bracketed || text.size() == 1 || std::string_view(" \t").find(text[1]) == std::string_view::npos;
  }
  return text.starts_with(reference) && EndsWord(reference.back(), text.substr(reference.size()));
}

// Of a text outside ASCII, punctuation, arrows, signs of mathematics and pictures are symbols; circled numbers are
// none.
bool IsOfSymbols(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (IsWordCharacter(text[i])) return false;
    if (lead < 0xC0) continue;  // ASCII, or within a character
    const bool symbol = (lead == 0xE2 && next != 0x91) || (lead == 0xF0 && next == 0x9F) || lead == 0xC2;
    if (!symbol) return false;
  }
  return !Trimmed(text).empty();
}

// "] ]" is in "] ] ]": symbols have to be the whole answer, or its first line.
bool IsAllOf(std::string_view text, std::string_view symbols) {
  text = Trimmed(text);
  symbols = Trimmed(symbols);
  return text == symbols || Trimmed(text.substr(0, text.find('\n'))) == symbols;
}

// Does a negation end the text, but for an article or an adverb: "is not a", "isn't deductively"?
bool EndsInNegation(std::string_view text) {
  constexpr std::array<std::string_view, 3> kArticles = {"a", "an", "the"};
  constexpr std::array<std::string_view, 12> kNegations = {"not", "no",    "never", "neither", "nor", "cannot",
                                                           "non", "nicht", "kein",  "keine",   "pas", "n\u00e3o"};
  for (int skipped = 0; skipped < 3; ++skipped) {
    const std::size_t end = text.find_last_not_of(" \t*_\"'`");
    text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    if (text.size() > 1 && text.back() == '-' && IsWordCharacter(text[text.size() - 2])) text.remove_suffix(1);
    std::size_t begin = text.size();
    const auto is_part = [](char c) {
      return IsWordCharacter(c) || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
    };
    while (begin > 0 && is_part(text[begin - 1])) --begin;
    const std::string word = base::AsciiLower(text.substr(begin));
    if (std::ranges::find(kNegations, word) != kNegations.end()) return true;
    if (word.ends_with("n't") || word.ends_with("n\u2019t")) return true;
    if (std::ranges::find(kArticles, word) == kArticles.end() && !word.ends_with("ly")) return false;
    text = text.substr(0, begin);
  }
  return false;
}

// But for what stands behind a negation.
bool HasWords(std::string_view text, std::string_view words) {
  const auto alike = [](char a, char b) { return base::AsciiLower(a) == base::AsciiLower(b); };
  words = Trimmed(words);
  for (auto at = text.begin();; ++at) {
    at = std::search(at, text.end(), words.begin(), words.end(), alike);
    if (at == text.end()) return false;
    const auto end = at + static_cast<std::ptrdiff_t>(words.size());
    const bool begins = at == text.begin() || !IsWordCharacter(at[-1]) || !IsWordCharacter(words.front());
    const bool ends = EndsWord(words.back(), text.substr(static_cast<std::size_t>(end - text.begin())));
    if (begins && ends && !EndsInNegation(text.substr(0, static_cast<std::size_t>(at - text.begin())))) return true;
  }
}

// Of the options that a question ends with, an answer may have one only.
bool NamesAnotherOption(const Question& question, std::string_view answer) {
  const std::vector<std::string> options =
      OptionsIn(question.messages.empty() ? question.prompt : question.messages.back().content);
  const auto is_right = [&](const std::string& option) {
    return std::ranges::any_of(question.references, [&](const std::string& one) { return HasWords(one, option); });
  };
  const auto is_reference = [&](const std::string& option) {
    return std::ranges::find(question.references, option) != question.references.end();
  };
  return std::ranges::any_of(options, is_reference) && std::ranges::any_of(options, [&](const std::string& option) {
           return !is_right(option) && HasWords(answer, option);
         });
}

// 0.2 is right where 20 % is, but 20 % is wrong where 0.2 is right. A whole number is no share. "4 million" is right
// where 4000000 is, and where 4 is: the prompt may ask for millions.
bool IsNumber(std::string_view text, const std::string& reference, double tolerance) {
  const auto number = LastNumber(text), wanted = LastNumber(reference);
  if (!number || !wanted) return false;
  const auto is_near = [&](double value, double scale) {
    const double right = wanted->value * scale;
    return std::abs(value - right) <= tolerance * scale + kRounding * (right == 0 ? 1.0 : std::abs(right));
  };
  const bool share = wanted->percent && !number->percent && number->value != std::floor(number->value);
  if (share && is_near(100 * number->value, 1)) return true;
  const bool differ = number->scale != 1 && wanted->scale != 1 && number->scale != wanted->scale;
  if (!differ && is_near(number->value, 1)) return true;
  return (number->scale != 1 || wanted->scale != 1) && is_near(number->value * number->scale, wanted->scale);
}

// "43.00" is.
bool IsWhole(std::string_view reference) {
  const auto number = LastNumber(reference);
  return reference.find('.') == std::string_view::npos || (number && number->value == std::floor(number->value));
}

// ---- Rows that are none ----

json Parsed(std::string_view text) {
  return json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth < kDeepest; }, false);
}

// Of a line that is no row, or of the whole file.
std::string NoRow(std::string_view whole, std::string_view line, bool first, const std::string& why) {
  const json document = first ? Parsed(whole) : json();
  if (document.is_structured()) {
    if (const std::string several = WhySeveralQuestions(document); !several.empty()) return several;
    const std::string recipe = RecipeFor(document, true);
    // One line may be a row that is wrong.
    const bool tells = document.is_object() && Trimmed(line) == Trimmed(whole) && !recipe.starts_with(kByColumns) &&
                       (!why.starts_with(kNoPrompt) || why.find("; ") != std::string::npos);
    if (!recipe.empty() && !tells) return recipe;
  }
  const json row = Parsed(line);
  if (row.is_discarded()) {
    if (const std::string fixed =
            std::regex_replace(std::string(line.substr(0, kMostOfLine)), std::regex("\\bNaN\\b"), "null");
        line.size() <= kMostOfLine && fixed != line && !Parsed(fixed).is_discarded()) {
      return "NaN is no JSON: sed 's/\\bNaN\\b/null/g' FILE > OUT, if it is in no text";
    }
    if (const std::size_t at = NotUtf8(line); at != std::string_view::npos) {
      constexpr const char* kHex = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(line[at]);
      return std::string("not UTF-8 (byte 0x") + kHex[byte / 16] + kHex[byte % 16] + " at column " +
             std::to_string(at + 1) + "): iconv -f LATIN1 -t UTF-8 FILE > OUT, if it is Latin-1";
    }
    return "not JSON (one object a line is needed): " + std::string(BeginOf(line, 60)) +
           (line == "{"   ? "; if objects take several lines: " + Jq(".")
            : line == "[" ? "; a list, and the file is no whole JSON: is it cut off?"
                          : "");
  }
  if (row.is_array()) {
    const std::string recipe = RecipeFor(row, false);
    return recipe.empty() ? why +
                                ", but a list: write one object a line, such as {\"prompt\": \"2 + 2 =\", "
                                "\"reference\": \"4\"}"
                          : recipe;
  }
  if (!why.starts_with(kNoPrompt)) return why;
  const std::string recipe = RecipeFor(row, false);
  return recipe.empty() ? why : why + "; " + recipe;
}

// ---- What the numbers of choices count from ----

constexpr std::size_t kMostLooks = 4 * kMostQuestions;  // rows

// A 0, or the number of choices, tells of all rows.
FirstNumbers FirstNumbersOf(std::string_view bytes, std::vector<Counted>& counted) {
  struct Evidence {
    bool zero = false, one = false, open = false;
  };
  std::map<std::string, Evidence> members;
  for (std::size_t line = 0; !bytes.empty() && line < kMostLooks; ++line) {
    const std::size_t end = bytes.find('\n');
    const std::string_view text = Trimmed(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (text.empty()) continue;
    const json row = Parsed(text);
    if (row.is_discarded()) continue;
    for (const Position& position : PositionsIn(row)) {
      Evidence& evidence = members[position.member];
      const bool from_zero = position.value == 0 || position.right == position.value;
      const bool from_one =
          position.value == position.choices || (position.right && *position.right + 1 == position.value);
      evidence.zero = evidence.zero || from_zero;
      evidence.one = evidence.one || from_one;
      evidence.open = evidence.open || !position.right;
    }
  }
  FirstNumbers first;
  for (const auto& [member, evidence] : members) {
    if (evidence.zero || evidence.one) first[member] = evidence.zero ? 0 : 1;
    if (!evidence.zero && (evidence.one || evidence.open))
      counted.push_back({member, evidence.one ? 1U : 0U, evidence.one});
  }
  return first;
}

// Members that have the same short text in all rows; a few rows may be about one text.
constexpr std::size_t kLeastRowsOfNotice = 10;
std::set<std::string> NoticesIn(std::string_view bytes) {
  std::map<std::string, std::pair<json, std::size_t>> members;  // the value of the first row, and of how many it is
  std::size_t rows = 0;
  for (std::size_t line = 0; !bytes.empty() && line < kMostLooks; ++line) {
    const std::size_t end = bytes.find('\n');
    const json row = Parsed(Trimmed(bytes.substr(0, end)));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (!row.is_object()) continue;
    ++rows;
    for (const auto& [key, value] : row.items()) {
      if (rows == 1 && IsNotice(value)) members[key] = {value, 0};
      const auto found = members.find(key);
      if (found != members.end() && found->second.first == value) ++found->second.second;
    }
  }
  std::set<std::string> names;
  for (const auto& [name, seen] : members) {
    if (rows >= kLeastRowsOfNotice && seen.second == rows) names.insert(name);
  }
  return names;
}

// ---- Rows that ask the same ----

struct Asked {
  std::size_t line;
  std::size_t index;                                   // of the question
  std::vector<std::pair<std::string, json>> not_sent;  // but for metadata
};

// {"source": ..., "year": ...}
bool HasOnlyMetadata(const json& value) {
  if (!value.is_object()) return false;
  for (const auto& [key, of] : value.items()) {
    if (!IsMetadata(key)) return false;
  }
  return true;
}

// What an engine gets: the prompt, and choices in any order.
std::string SentKey(const Question& question) {
  json key = json::array({question.prompt});
  for (const Message& message : question.messages) key.push_back({message.role, message.content});
  if (question.match == Question::Match::kChoice) {
    std::vector<std::string> choices = question.references;
    std::ranges::sort(choices);
    key.push_back(choices);
  }
  return key.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool SameAnswer(const Question& a, const Question& b) {
  if (a.match != b.match) return false;
  return a.match == Question::Match::kChoice ? a.references[a.right] == b.references[b.right]
                                             : a.references == b.references && a.tolerance == b.tolerance;
}

std::string AnswersOf(const Question& question) {
  const std::vector<std::string> right = question.match == Question::Match::kChoice
                                             ? std::vector<std::string>{question.references[question.right]}
                                             : question.references;
  std::string text =
      json(right.size() == 1 ? json(right[0]) : json(right)).dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? std::string(BeginOf(text, 57)) + "..." : text;
}

// "" = it is a repeat.
std::string WhyNoRepeat(const Asked& first, const Question& question, const Asked& now, const Question& other) {
  const auto value = [](const Asked& asked, const std::string& name) {
    const auto found = std::ranges::find(asked.not_sent, name, &std::pair<std::string, json>::first);
    return found == asked.not_sent.end() ? json() : found->second;
  };
  for (const Asked* asked : {&now, &first}) {
    for (const auto& member : asked->not_sent) {
      if (value(first, member.first) == value(now, member.first)) continue;
      return "has the prompt of line " + std::to_string(first.line) + " and another \"" + member.first +
             "\", which would not be sent: write both as one \"prompt\", or leave \"" + member.first + "\" out" +
             (FitsJq(member.first) ? " (jq -c 'del(." + JqKey(member.first) + ")' FILE > OUT)" : "");
    }
  }
  if (SameAnswer(question, other)) return "";
  return "asks what line " + std::to_string(first.line) + " asks, with another answer (" + AnswersOf(question) +
         " and " + AnswersOf(other) +
         "): leave one of them out, or write one row with a list of answers if any of them suffices";
}

// ---- Files with "yes", "no" and a third answer ----

bool IsVerdict(const Question& question) {
  if (question.match != Question::Match::kChoice || question.references.size() != 2) return false;
  const auto first = VerdictIn(question.references[0]), second = VerdictIn(question.references[1]);
  return first && !first->is_yes && second && second->is_yes;
}

// The opposite of "ja" is that of the other rows: "nee", and not "nein".
void TakeVerdictsOfFile(std::vector<Question>& questions) {
  std::set<std::string> seen;
  for (const Question& question : questions) {
    if (IsVerdict(question)) seen.emplace(Trimmed(question.references[question.right]));
  }
  for (Question& question : questions) {
    if (!IsVerdict(question)) continue;
    std::string& wrong = question.references[1 - question.right];
    if (seen.contains(std::string(Trimmed(wrong)))) continue;
    for (const std::string& other : OppositesOf(question.references[question.right])) {
      if (!seen.contains(other)) continue;
      wrong.replace(wrong.find(Trimmed(wrong)), Trimmed(wrong).size(), other);
      break;
    }
  }
}

// "maybe", "Ambiguous", "None": not yes, not no, no number.
bool IsThirdAnswer(const Question& question) {
  constexpr std::array<std::string_view, 21> kThird = {"maybe",
                                                       "unknown",
                                                       "ambiguous",
                                                       "uncertain",
                                                       "unsure",
                                                       "not sure",
                                                       "neutral",
                                                       "cannot tell",
                                                       "can't tell",
                                                       "unanswerable",
                                                       "neither",
                                                       "undecided",
                                                       "not enough info",
                                                       "not given",
                                                       "irrelevant",
                                                       "cannot be determined",
                                                       "undetermined",
                                                       "none",
                                                       "no answer",
                                                       "not applicable",
                                                       "insufficient information"};
  if (question.match != Question::Match::kWords || question.references.size() != 1) return false;
  const std::string plain = base::AsciiLower(Trimmed(question.references[0]));
  return std::ranges::find(kThird, plain) != kThird.end();
}

// Yes or no alone would be judged where the third answer was possible. "" = there is none.
std::string WhyThreeAnswers(const std::vector<Question>& questions) {
  const auto third = std::ranges::find_if(questions, IsThirdAnswer);
  const auto verdict = std::ranges::find_if(questions, IsVerdict);
  if (third == questions.end() || verdict == questions.end()) return "";
  const std::string no(Trimmed(verdict->references[0])), yes(Trimmed(verdict->references[1])),
      other(Trimmed(third->references[0]));
  const std::string choices = json({yes, no, other}).dump();
  return "answers are " + json(yes).dump() + ", " + json(no).dump() + " and " + json(other).dump() +
         ": write the choices into every row, jq -c '. + {choices: " + choices + "}' FILE > OUT";
}

// All references begin with the same words and a colon, which an answer need not have. `names`: of the members that
// have them. "" = they do not.
std::string WhySharedLead(const std::vector<Question>& questions, const std::vector<std::string>& names) {
  constexpr std::size_t kLeast = 2;  // rows
  if (questions.size() < kLeast) return "";
  std::string lead;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    const bool compares = question.match == Question::Match::kWords || question.match == Question::Match::kExact;
    if (!compares || names[i] != names[0]) return "";
    for (const std::string& reference : question.references) {
      const std::string own = LeadOfReference(reference);
      if (lead.empty()) lead = own;
      if (own.empty() || own != lead) return "";
    }
    // A prompt may ask for it.
    if (question.match == Question::Match::kExact && SentOf(question).find(lead) != std::string::npos) return "";
  }
  if (lead.empty() || names[0].empty() || !FitsJq(lead + names[0])) return "";
  return json(names[0]).dump(-1, ' ', false, json::error_handler_t::replace) + " begins with " +
         json(lead).dump(-1, ' ', false, json::error_handler_t::replace) +
         " in all rows, and a right answer need not: " + ProgramWithoutLead(names[0], lead) + " leaves it out";
}

bool HasMatch(const json& value, const std::regex& expression) {
  if (value.is_string()) return std::regex_search(value.get_ref<const std::string&>(), expression);
  return value.is_structured() &&
         std::ranges::any_of(value, [&](const json& item) { return HasMatch(item, expression); });
}

// The member of a row with its answer, where it is yes or no. Null = there is none.
json AnswerOf(const json& row, const Question& question) {
  const auto found = IsVerdict(question) ? ReferenceOf(row) : std::nullopt;
  return found && row.contains(found->name) ? json{{found->name, *found->value}} : json();
}

// Answers that are "no" among other words ("no", "two", "three"): they would be asked as yes or no. "" = there are
// none.
std::string WhyNoVerdict(const std::vector<Question>& questions, const std::vector<json>& answers) {
  const auto verdict = std::ranges::find_if(questions, IsVerdict);
  if (verdict == questions.end()) return "";
  std::ptrdiff_t verdicts = 0, words = 0, numbers = 0;
  for (const Question& question : questions) {
    if (IsVerdict(question)) {
      if (question.right != verdict->right) return "";
      ++verdicts;
    }
    words += question.match == Question::Match::kWords ? 1 : 0;
    numbers += question.match == Question::Match::kNumber ? 1 : 0;
  }
  // `true` is no word of a text that stands for "none" among numbers.
  const json& said_first = answers[static_cast<std::size_t>(verdict - questions.begin())];
  const bool is_text = said_first.is_object() && !said_first.empty() && HasText(*said_first.begin());
  if (words + (is_text ? numbers : 0) <= verdicts) return "";
  // Beside numbers "no" is a word of their reasons: "8, as 7 has no mistake".
  const std::string match = numbers > words ? "begins" : "words";
  const std::string word(Trimmed(verdict->references[verdict->right])), said = json(word).dump();
  const std::string other = json(Trimmed(verdict->references[1 - verdict->right])).dump();
  const std::string why = "the answer " + said + " would be asked as yes or no, and no answer is " + other +
                          ": if it is an answer like the others, ";
  // A program is for what it changes.
  const json& answer = answers[static_cast<std::size_t>(verdict - questions.begin())];
  const std::string name = answer.is_object() && !answer.empty() ? answer.begin().key() : "";
  const std::string expression = "^\\W*" + word + "\\W*$";
  if (!FitsJq(name) || !HasMatch(answer, std::regex(expression, std::regex::icase)))
    return why + "write it as a text, with \"match\": \"" + match + "\"";
  return why + "jq -c 'if any(." + JqKey(name) + " | .. | strings; test(" + json(expression).dump() +
         "; \"i\")) then . + {match: \"" + match + "\"} else . end' FILE > OUT";
}

// ---- Rows that cannot be read ----

class BadRows {
 public:
  // `why`: of the first one.
  template <typename Why>
  void Add(std::size_t line, Why why) {
    if (lines_.empty()) first_ = why();
    lines_.push_back(line);
  }
  template <typename Why>
  void AddNoJson(std::size_t line, Why why) {
    if (no_json_.empty()) first_no_json_ = why();
    no_json_.push_back(line);
    Add(line, why);
  }

  [[nodiscard]] bool any() const { return !lines_.empty(); }
  [[nodiscard]] bool has_program() const { return first_.find("jq -c ") != std::string::npos; }

  // `good`: rows that can be read. `whole`: there are no more rows. What to write of the first one, and what leaves all
  // of them out.
  [[nodiscard]] std::string Text(std::size_t good, bool whole = true) const {
    const bool lost = first_no_json_.find(": not JSON (") != std::string::npos && first_ != first_no_json_;
    if (lost && first_.find("jq -c ") != std::string::npos) {  // jq stops at such a line
      const std::string command = Deletions(no_json_);
      const bool fits = command.size() <= kLongestCommand;
      return first_no_json_ + "; " + std::to_string(no_json_.size()) +
             (no_json_.size() == 1 ? " line is" : " lines are") + " no JSON" +
             (fits ? ": sed '" + command + "' FILE > OUT first; then " : "; then ") + first_;
    }
    if (good == 0) return first_;
    const bool one = lines_.size() == 1;
    const std::string others =
        one ? "only this row" : std::to_string(lines_.size() - 1) + " more " + (lines_.size() == 2 ? "row" : "rows");
    std::string text = first_ + "; " + others + " cannot be read, and " + std::to_string(good) + " can";
    // What a program can use is not left out, but for a few rows that it may not fit.
    const bool program = first_.find("jq -c ") != std::string::npos &&
                         first_.find("leave the row") == std::string::npos &&
                         first_.find("leave these rows") == std::string::npos &&
                         first_.find("has the prompt of line") == std::string::npos &&
                         first_.find("leave one of them") == std::string::npos;
    if (!whole || (program && kFew * lines_.size() > good)) return text;
    const std::string command = Deletions(lines_);
    if (command.size() > kLongestCommand && good + lines_.size() > static_cast<std::size_t>(kSample))
      return text + ", too many to name: shuf -n " + std::to_string(kSample) +
             " FILE > OUT takes a sample, of which the others can be left out";
    return text + ": sed '" + command + "' FILE > OUT leaves " + (one ? "it out" : "out all that cannot");
  }

 private:
  // "2d;4,6d"
  static std::string Deletions(std::vector<std::size_t> lines) {
    std::string command;
    std::ranges::sort(lines);
    for (std::size_t i = 0; i < lines.size();) {
      std::size_t end = i + 1;
      while (end < lines.size() && lines[end] == lines[end - 1] + 1) ++end;
      command += (command.empty() ? "" : ";") + std::to_string(lines[i]);
      if (end - i > 1) command += "," + std::to_string(lines[end - 1]);
      command += "d";
      i = end;
    }
    return command;
  }

  static constexpr int kSample = 200;                   // rows
  static constexpr std::size_t kFew = 10;               // one of so many rows
  static constexpr std::size_t kLongestCommand = 1200;  // bytes: a result document has 2,500 for the whole message
  std::string first_, first_no_json_;
  std::vector<std::size_t> lines_, no_json_;
};

}  // namespace

std::string SentOf(const Question& question) {
  std::string sent = question.prompt;
  for (const Message& message : question.messages) sent += "\n" + message.content;
  return sent;
}

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

base::Result<QuestionSet> ReadQuestions(std::string_view bytes, const std::string& name, int context,
                                        int answer_tokens) {
  QuestionSet set;
  std::map<std::string, Asked> asked;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (const std::string other = WhyOtherFormat(bytes); !other.empty()) return base::Invalid(name + ":1: " + other);
  const std::string_view whole = bytes;
  const FirstNumbers first = FirstNumbersOf(bytes, set.counted);
  const std::set<std::string> notices = NoticesIn(bytes);
  BadRows bad;
  bool more = false;               // rows than are read
  std::vector<std::size_t> lines;  // of set.questions
  std::vector<json> answers;       // of them
  std::vector<std::string> names;  // of their references
  for (std::size_t line = 1; !bytes.empty(); ++line) {
    const std::size_t end = bytes.find('\n');
    const std::string_view text = Trimmed(bytes.substr(0, end));
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (text.empty()) continue;
    const std::string place = name + ":" + std::to_string(line) + ": ";
    const json row = Parsed(text);
    auto question =
        row.is_discarded() ? base::Result<Question>(base::Invalid("not JSON")) : ReadQuestionRow(row, first);
    // A document that takes several lines, or a file that is none of lines at all.
    const bool open = text == "[" || text == "{";
    if (!question && !row.is_object() && !bad.any() && asked.empty() && (open || Parsed(whole).is_structured()))
      return base::Invalid(place + NoRow(whole, text, true, question.error().message));
    if (!question && row.is_discarded()) {
      bad.AddNoJson(line, [&] { return place + NoRow(whole, text, asked.empty(), question.error().message); });
      continue;
    }
    if (!question) {
      bad.Add(line, [&] { return place + NoRow(whole, text, asked.empty(), question.error().message); });
      continue;
    }
    const std::int64_t tokens = LeastTokensOf(*question);
    const int answer = question->match == Question::Match::kChoice ? 1 : answer_tokens;
    if (context > 0 && tokens + answer > context) {
      bad.Add(line, [&] {
        return place + LeastTokensText(tokens) + " and " + std::to_string(answer) +
               " of the answer do not fit into the context of " + std::to_string(context) +
               " tokens: leave the row out";
      });
      continue;
    }
    Asked now{line, set.questions.size(), {}};
    const std::vector<std::string> unread = NotSent(row, *question, first);
    if (const std::string why = WhyIncomplete(row, *question, unread, notices); !why.empty()) {
      bad.Add(line, [&] { return place + why; });
      continue;
    }
    for (const std::string& member : unread) {
      if (std::ranges::find(set.not_sent, member) == set.not_sent.end()) {
        set.not_sent.push_back(member);
        if (std::string advice = AdviceForHint(row, member); !advice.empty()) set.advice.push_back(std::move(advice));
      }
      const auto value = row.find(member);
      if (value != row.end() && !IsMetadata(member) && !HasOnlyMetadata(*value) && !IsLink(*value))
        now.not_sent.emplace_back(member, *value);
    }
    const auto [earlier, is_new] = asked.try_emplace(SentKey(*question), now);
    if (!is_new) {
      const Question& other = set.questions[earlier->second.index];
      if (const std::string why = WhyNoRepeat(earlier->second, other, now, *question); !why.empty())
        bad.Add(line, [&] { return place + why; });
      else
        ++set.repeats;
      continue;
    }
    if (set.questions.size() == kMostQuestions) {
      if (bad.any() && !bad.has_program()) {
        more = true;
        break;
      }
      if (bad.any()) break;
      return base::Invalid(place + "more than " + std::to_string(kMostQuestions) +
                           " questions: shuf -n 1000 FILE > OUT takes a sample");
    }
    answers.push_back(AnswerOf(row, *question));
    const auto from = row.contains("match") ? std::nullopt : ReferenceOf(row);
    names.push_back(from && row.contains(from->name) ? from->name : "");
    set.questions.push_back(*std::move(question));
    lines.push_back(line);
  }
  // Among numbers, "None" says that the question has no answer.
  std::size_t without = 0;
  const bool numbers =
      std::ranges::find(set.questions, Question::Match::kNumber, &Question::match) != set.questions.end();
  for (std::size_t i = 0; numbers && i < set.questions.size(); ++i) {
    if (!IsThirdAnswer(set.questions[i])) continue;
    ++without;
    bad.Add(lines[i], [&] {
      return name + ":" + std::to_string(lines[i]) + ": the answer is " + json(set.questions[i].references[0]).dump() +
             ", and those of other rows are numbers: a question without an answer cannot be judged, leave it out";
    });
  }
  if (more)
    return base::Invalid(name + ": more than " + std::to_string(kMostQuestions) +
                         " questions: shuf -n 1000 FILE > OUT takes a sample; of them " +
                         bad.Text(set.questions.size() - without, false));
  if (bad.any()) return base::Invalid(bad.Text(set.questions.size() - without));
  TakeVerdictsOfFile(set.questions);
  if (const std::string why = WhySharedLead(set.questions, names); !why.empty())
    return base::Invalid(name + ": " + why);
  if (const std::string why = WhyThreeAnswers(set.questions); !why.empty()) return base::Invalid(name + ": " + why);
  if (const std::string why = WhyNoVerdict(set.questions, answers); !why.empty())
    return base::Invalid(name + ": " + why);
  if (set.questions.empty()) return base::Invalid(name + ": no question");
  return set;
}

std::size_t QuestionsByChoices(const QuestionSet& set) {
  return static_cast<std::size_t>(std::ranges::count(set.questions, Question::Match::kChoice, &Question::match));
}

std::string Summary(const QuestionSet& set) {
  const std::vector<Question>& questions = set.questions;
  constexpr std::pair<Question::Match, std::string_view> kKinds[] = {{Question::Match::kChoice, "choices (likelihood)"},
                                                                     {Question::Match::kNumber, "number"},
                                                                     {Question::Match::kWords, "words"},
                                                                     {Question::Match::kBegins, "begins"},
                                                                     {Question::Match::kExact, "exact"},
                                                                     {Question::Match::kContains, "contains"},
                                                                     {Question::Match::kRegex, "regex"}};
  std::string counts;
  for (const auto& [match, name] : kKinds) {
    const auto count = std::ranges::count(questions, match, &Question::match);
    if (count > 0) counts += (counts.empty() ? ": " : ", ") + std::to_string(count) + " by " + std::string(name);
  }
  const auto several = std::ranges::count_if(questions, [](const Question& question) {
    return question.match != Question::Match::kChoice && question.references.size() > 1;
  });
  if (several > 0) counts += "; " + std::to_string(several) + " with several accepted answers (one suffices)";
  const auto formulas = std::ranges::count(questions, true, &Question::formula);
  if (formulas > 0) {
    counts += "; " + std::to_string(formulas) + (formulas == 1 ? " answer is a formula" : " answers are formulas") +
              " (compared by value)";
  }
  const auto exact = std::ranges::count_if(questions, [](const Question& one) {
    return one.match == Question::Match::kNumber && one.tolerance == 0 && !one.formula && !IsWhole(one.references[0]);
  });
  if (exact > 0)
    counts += "; " + std::to_string(exact) +
              " with decimals and no tolerance: compared exactly, or write a \"relative_tolerance\" into the rows";
  const auto tolerant = std::ranges::count_if(questions, [](const Question& one) { return one.tolerance > 0; });
  if (tolerant > 0) counts += "; " + std::to_string(tolerant) + " with the tolerance of the row";
  const auto is_strict = [](const Question& one) { return !one.no_tolerance.empty(); };
  if (const auto strict = std::ranges::count_if(questions, is_strict); strict > 0) {
    counts += "; " + std::to_string(strict) + " without the tolerance of the row, which is not clear (" +
              std::ranges::find_if(questions, is_strict)->no_tolerance + ")";
  }
  for (const Counted& counted : set.counted) {
    counts += "; \"" + std::string(BeginOf(counted.member, 40)) + "\" counts from " + std::to_string(counted.first) +
              (counted.seen ? "" : ", as no row tells: write letters or texts if it counts from 1");
  }
  if (set.repeats > 0)
    counts += "; " + std::to_string(set.repeats) + (set.repeats == 1 ? " repeat" : " repeats") + " left out";
  for (std::size_t i = 0; i < set.not_sent.size(); ++i) {
    const bool more = i == kMostNames;
    counts += (i == 0 ? "; not sent: " : ", ") + (more ? "..." : std::string(BeginOf(set.not_sent[i], 40)));
    if (more) break;
  }
  for (std::size_t i = 0; i < set.advice.size(); ++i)
    counts += (i == 0 ? " (" : "; ") + set.advice[i] + (i + 1 == set.advice.size() ? ")" : "");
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
        return BeginsWith(answer, reference);
      case Question::Match::kWords:
        if (IsOfSymbols(reference)) return IsAllOf(answer, reference);
        if (const auto date = OneDate(reference); date && HasDate(answer, *date)) return true;
        return HasWords(answer, reference) && !NamesAnotherOption(question, answer);
      case Question::Match::kNumber:
        return IsNumber(answer, reference, question.tolerance);
      case Question::Match::kChoice:
        break;
    }
    return false;
  };
  return std::any_of(question.references.begin(), question.references.end(), matches);
}

}  // namespace autotune::measurement
