#include "measurement/question_row.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "measurement/asked_form.h"
#include "measurement/question_choices.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_conversation.h"
#include "measurement/row_member.h"
#include "measurement/written_answer.h"
#include "measurement/written_number.h"
#include "measurement/written_program.h"
#include "measurement/written_sentence.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;
using Match = Question::Match;

// ---- What members are called: as Plain() writes them, those of an object behind a slash ----

constexpr std::array<std::string_view, 11> kContexts = {
    "passage",       "context",     "article",     "support",          "body", "text", "hint",
    "florespassage", "contexttext", "passagetext", "documentplaintext"};

// Where nothing says how answers are compared.
struct Reference {
  std::string_view name;
  Match match = Match::kWords;
};
constexpr std::array<Reference, 35> kReferences = {{{"reference", Match::kExact},
                                                    {"references", Match::kExact},
                                                    {"ideal", Match::kBegins},
                                                    {"answers"},
                                                    {"target"},
                                                    {"doctotarget"},
                                                    {"answernumber", Match::kNumber},
                                                    {"lsolutions", Match::kNumber},
                                                    {"resultfloat", Match::kNumber},
                                                    {"answer"},
                                                    {"goldenanswers"},
                                                    {"possibleanswers"},
                                                    {"gold"},
                                                    {"correctanswer"},
                                                    {"rightanswer"},
                                                    {"exactanswer"},
                                                    {"finalanswer"},
                                                    {"finalans"},
                                                    {"ans"},
                                                    {"answersspans/spans"},
                                                    {"annotations/answertext"},
                                                    {"rewardmodel/groundtruth"},
                                                    {"expectedanswer"},
                                                    {"expectedoutput"},
                                                    {"expected"},
                                                    {"groundtruth"},
                                                    {"groundtruths"},
                                                    {"groundtruthanswer"},
                                                    {"expectedanswers"},
                                                    {"referenceanswer"},
                                                    {"referenceanswers"},
                                                    {"goldanswer"},
                                                    {"goldanswers"},
                                                    {"shortanswer"},
                                                    {"shortanswers"}}};
// Other texts of the same answer.
constexpr std::array<std::string_view, 4> kAliases = {"answeraliases", "answeralias", "alternativeanswers",
                                                      "acceptableanswers"};

constexpr std::array<std::pair<std::string_view, Match>, 6> kMatches = {{{"exact", Match::kExact},
                                                                         {"contains", Match::kContains},
                                                                         {"regex", Match::kRegex},
                                                                         {"begins", Match::kBegins},
                                                                         {"words", Match::kWords},
                                                                         {"number", Match::kNumber}}};

// How far from a number an answer may be.
struct Allowed {
  std::string_view name;
  bool absolute, relative;  // both: the smaller difference counts, as the name does not tell
};
constexpr std::array<Allowed, 9> kTolerances = {{{"error", true, false},
                                                 {"absolutetolerance", true, false},
                                                 {"abstol", true, false},
                                                 {"atol", true, false},
                                                 {"relativetolerance", false, true},
                                                 {"reltol", false, true},
                                                 {"rtol", false, true},
                                                 {"tolerance", true, true},
                                                 {"precision", true, true}}};

// What tells of a dataset that nothing here can judge.
constexpr const char* kPrograms = "the answers are programs that a test has to run, and no generated code is run";
constexpr const char* kJudges = "another model would have to judge the answers";
constexpr const char* kOneWay =
    R"( may be the only right answer: write it as "reference", with "match": "exact" or "contains")";
constexpr const char* kManyWays =
    R"(is one of many good answers: write as "reference" what each of them has, with "match": "contains" or "number")";
constexpr const char* kTranslations = "there are many good translations, and no measure of them is computed";
constexpr std::array<std::pair<std::string_view, const char*>, 26> kNotJudged = {{
    {"test", kPrograms},
    {"tests", kPrograms},
    {"testlist", kPrograms},
    {"entrypoint", kPrograms},
    {"canonicalsolution", kPrograms},
    {"sql", kPrograms},
    {"inputoutput", kPrograms},
    {"instructionidlist", "its instructions are checked by programs of their own"},
    {"translation", kTranslations},
    {"translations", kTranslations},
    {"turns", kJudges},
    {"chosen", R"(it is preferred to "rejected", and one of many good answers)"},
    {"rubric", kJudges},
    {"rubrics", kJudges},
    {"bestanswer", kJudges},
    {"mc2targets", R"(several of its choices are right: "mc1_targets" has one)"},
    {"conversations", R"(a recorded conversation has no right answer)"},
    {"annotations", R"(no texts of answers are in them: write these as "answers")"},
    {"output", kManyWays},
    {"response", kManyWays},
    {"completion", kManyWays},
    {"solution", kManyWays},
    {"summary", kManyWays},
    {"highlights", kManyWays},
    {"idealanswer", kManyWays},
    {"label",
     R"(names no choice: write "choices" that it names, such as ["false", "true"] or ["SUPPORTS", "REFUTES"])"},
}};

// What a question is about or how it is to be answered: nobody could answer without it.
constexpr std::array<std::string_view, 43> kUnsent = {"contexts",
                                                      "retrievedcontexts",
                                                      "referencecontexts",
                                                      "document",
                                                      "documents",
                                                      "docs",
                                                      "paragraph",
                                                      "paragraphs",
                                                      "story",
                                                      "narrative",
                                                      "passages",
                                                      "pretext",
                                                      "table",
                                                      "posttext",
                                                      "tools",
                                                      "functions",
                                                      "background",
                                                      "premise",
                                                      "premises",
                                                      "majorpremise",
                                                      "minorpremise",
                                                      "giveninfo",
                                                      "code",
                                                      "dialogue",
                                                      "dialog",
                                                      "conversation",
                                                      "transcript",
                                                      "scenario",
                                                      "situation",
                                                      "theory",
                                                      "contract",
                                                      "paraa",
                                                      "system",
                                                      "systemprompt",
                                                      "instruction",
                                                      "instructions",
                                                      "image",
                                                      "images",
                                                      "image1",
                                                      "imagepath",
                                                      "picture",
                                                      "audio",
                                                      "video"};
// The same, where nothing else is sent with the question, and it has sentences: "Genghis Khan-17" names a paragraph.
constexpr std::array<std::string_view, 8> kEvidence = {"knowledge",       "evidence",     "evidences",
                                                       "evidencelist",    "evidencetext", "goldevidence",
                                                       "supportingtexts", "snippets"};
constexpr std::size_t kLeastEvidence = 60;  // bytes
constexpr std::ptrdiff_t kLeastSpaces = 8;
// Of these, what is a text of its own or a list of texts, and goes before a question.
constexpr std::size_t kMostContexts = 4;
constexpr std::array<std::string_view, 28> kTextsBefore = {"pretext",
                                                           "table",
                                                           "posttext",
                                                           "knowledge",
                                                           "contexts",
                                                           "retrievedcontexts",
                                                           "referencecontexts",
                                                           "document",
                                                           "documents",
                                                           "docs",
                                                           "paragraph",
                                                           "paragraphs",
                                                           "story",
                                                           "narrative",
                                                           "passages",
                                                           "background",
                                                           "scenario",
                                                           "situation",
                                                           "transcript",
                                                           "theory",
                                                           "contract",
                                                           "evidence",
                                                           "evidences",
                                                           "evidencelist",
                                                           "evidencetext",
                                                           "goldevidence",
                                                           "supportingtexts",
                                                           "snippets"};
// Where such a list has objects: their texts.
constexpr std::array<std::string_view, 9> kPartTexts = {
    "text", "evidencetext", "paragraphtext", "passagetext", "fact", "sentence", "content", "contents", "snippet"};
// What says that there is no answer, whatever the row has as one.
constexpr std::array<std::pair<std::string_view, bool>, 7> kUnanswerable = {{{"answerable", false},
                                                                             {"isanswerable", false},
                                                                             {"hasanswer", false},
                                                                             {"isimpossible", true},
                                                                             {"impossible", true},
                                                                             {"unanswerable", true},
                                                                             {"isunanswerable", true}}};
// What says that a picture is needed.
constexpr std::array<std::pair<std::string_view, bool>, 7> kPictured = {{{"textonly", false},
                                                                         {"hasimage", true},
                                                                         {"hasimages", true},
                                                                         {"hasfigure", true},
                                                                         {"hasdiagram", true},
                                                                         {"requiresimage", true},
                                                                         {"multimodal", true}}};
// Texts that belong before a question and not before a prompt, where a prompt of this name is only the question.
constexpr std::array<std::string_view, 2> kBarePrompts = {"input", "query"};
// What a solution is called that ends with its result.
constexpr std::array<std::string_view, 4> kWorkedOut = {"solution", "output", "response", "completion"};
// Parts of names and types, of questions that have several right answers.
constexpr std::array<std::string_view, 10> kSeveral = {
    "multispan",       "multipleanswer",   "multianswer", "multiselect",  "multipleselect",
    "multiplecorrect", "multipleresponse", "(multiple)",  "\u591A\u9009", "\u591A\u9879\u9009\u62E9"};
// Of kContexts, those that nothing else is called.
constexpr std::array<std::string_view, 7> kCertainContexts = {
    "passage", "context", "article", "florespassage", "contexttext", "passagetext", "documentplaintext"};
// What says of an answer whether it is right, and so that some are wrong.
constexpr std::array<std::string_view, 5> kMarks = {"label", "labels", "iscorrect", "correct", "score"};

// How a line begins that has the answer behind a colon.
constexpr std::array<std::string_view, 37> kAnswerLines = {"a",
                                                           "output",
                                                           "answer",
                                                           "response",
                                                           "label",
                                                           "sentiment",
                                                           "category",
                                                           "class",
                                                           "intent",
                                                           "topic",
                                                           "emotion",
                                                           "target",
                                                           "translation",
                                                           "summary",
                                                           "result",
                                                           "solution",
                                                           "verdict",
                                                           "prediction",
                                                           "gold",
                                                           "reference",
                                                           "groundtruth",
                                                           "completion",
                                                           "finalanswer",
                                                           "goldlabel",
                                                           "correctanswer",
                                                           "classification",
                                                           "antwort",
                                                           "ergebnis",
                                                           "r\u00e9ponse",
                                                           "respuesta",
                                                           "risposta",
                                                           "resposta",
                                                           "ответ",
                                                           "答案",
                                                           "答",
                                                           "回答",
                                                           "答え"};

constexpr std::string_view kFrame = "Question: ", kFrameEnd = "\nAnswer:", kFrameStop = "\nQuestion:";

// ---- Small readings ----

std::string SentOf(const Question& question) {
  std::string sent = question.prompt;
  for (const Message& message : question.messages) sent += "\n" + message.content;
  return sent;
}

// The text or list that a question is about, and not the question.
std::optional<Found> ContextOf(const json& row) {
  const auto question = QuestionOf(row);
  for (const std::string_view name : kContexts) {
    if (auto found = Find(row, name); found && !(question && question->name == found->name)) return found;
  }
  return std::nullopt;
}

// ---- References ----

bool IsAnswered(const json& row) {
  return std::ranges::any_of(kReferences, [&](const Reference& known) {
    const auto found = Find(row, known.name);
    return found && (found->value->is_primitive() ? ValueText(*found->value).has_value() : HasText(*found->value));
  });
}

bool HasAnswer(const json& value) {
  const auto answer = value.is_object() ? Find(value, "answer") : std::nullopt;
  return answer && (answer->value->is_number() || HasText(*answer->value));
}

// "en" of {"de": ..., "en": ..., "zh_cn": ...}, or else the first of them. "" = these are no languages.
std::string LanguageIn(const json& object) {
  const auto is_code = [](const std::string& key) {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const bool region = key.size() == 2 || (key.size() == 5 && (key[2] == '_' || key[2] == '-'));
    return region && lower(key[0]) && lower(key[1]);
  };
  if (object.size() < 2) return "";
  for (const auto& [key, value] : object.items()) {
    if (!is_code(key)) return "";
  }
  return object.contains("en") ? "en" : object.begin().key();
}

// The texts of any shape: a text, a list, {text: [...]}, {value, aliases: [...]}, [{answer: ...}, {provenance: ...}].
base::Status AddReferences(const Found& from, const json& value, std::vector<std::string>& out) {
  if (value.is_array()) {
    const bool some = std::any_of(value.begin(), value.end(), HasAnswer);
    for (const json& item : value) {
      if (some && item.is_object() && !HasAnswer(item)) continue;  // where an answer was found, and not one
      if (auto status = AddReferences(from, item, out); !status) return status;
    }
    return {};
  }
  if (value.is_object()) {
    // DROP: one of them has the answer, and a list of spans is one answer.
    const auto number = Find(value, "number"), spans = Find(value, "spans");
    if (number && spans && spans->value->is_array()) {
      const auto text = ValueText(*number->value);
      if (!text && spans->value->size() != 1)
        return Invalid(Quoted(from.name) + ": " + Excerpt(value) +
                       " has no number and not one span: leave the row out");
      return AddReferences(from, text ? json(*text) : spans->value->front(), out);
    }
    if (const auto mention = Find(value, "mention"); mention && HasText(*mention->value))
      return AddReferences(from, *mention->value, out);
    if (const std::string key = LanguageIn(value); !key.empty()) {
      return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " has answers in several languages: jq -c '." +
                     JqKey(from.name) + " |= ." + JqKey(key) + "' FILE > OUT takes one");
    }
    if (value.contains("text") && value["text"].is_null()) return {};  // without an answer
    bool any = false;
    for (const std::string_view name : {"answer", "text", "value", "aliases"}) {
      const auto found = Find(value, name);
      if (!found) continue;
      any = true;
      if (auto status = AddReferences(from, *found->value, out); !status) return status;
    }
    if (any) return {};
    if (value.size() > 1 && std::all_of(value.begin(), value.end(), HasText)) {
      return Invalid(Quoted(from.name) + ": " + Excerpt(value) +
                     R"( are choices: write them as "choices", and the right one's label or text as "answer")");
    }
  }
  const auto text = ValueText(value);
  if (!text) return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " is no text");
  if (std::find(out.begin(), out.end(), *text) == out.end()) out.push_back(*text);
  return {};
}

// "['Ann', \"Ann's\"]" as Python writes a list of texts.
std::optional<std::vector<std::string>> ListOfPython(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  while (!text.empty()) {
    const char quote = text.front();
    if (quote != '\'' && quote != '"') return std::nullopt;
    std::size_t end = 1;
    std::string item;
    for (; end < text.size() && text[end] != quote; ++end) {
      if (text[end] == '\\' && ++end == text.size()) return std::nullopt;
      item += text[end];
    }
    if (end == text.size() || Trimmed(item).empty()) return std::nullopt;
    items.push_back(std::move(item));
    text.remove_prefix(end + 1);
    if (text.empty()) break;
    if (!text.starts_with(", ")) return std::nullopt;
    text.remove_prefix(2);
  }
  return items.empty() ? std::nullopt : std::optional(std::move(items));
}

// "9 (apples)" is 9.
std::string_view WithoutUnit(std::string_view text) {
  const std::size_t unit = text.find(" (");
  return unit != std::string_view::npos && text.ends_with(')') ? text.substr(0, unit) : text;
}

// `formula`: one of them was more than a number in digits. `equation`: "x=..." where a member has one.
bool TakeNumbers(std::vector<std::string>& references, bool& formula, std::string_view equation = "") {
  std::vector<std::string> numbers;
  bool any = false;
  for (const std::string& reference : references) {
    const std::string bare = WithoutTex(reference);
    const std::string_view text = WithoutUnit(Trimmed(bare));
    auto number = OneNumber(text);
    if (!number) {
      const bool sure = !equation.empty() && Trimmed(equation.substr(equation.find('=') + 1)) == text;
      const auto value = ArithmeticValue(text, sure);
      if (!value) return false;
      any = true;
      numbers.push_back(json(*value).dump());
      continue;
    }
    any = any || HasFormula(number->starts_with('+') ? number->substr(1) : *number) ||
          bare.size() < Trimmed(reference).size();
    numbers.push_back(*std::move(number));
  }
  references = std::move(numbers);
  formula = any;
  return true;
}

// "12/25", where the prompt asks for a date.
bool MayBeDate(std::string_view asked, std::string_view text) {
  text = Trimmed(text);
  const std::size_t slash = text.find('/');
  const auto digits = [](std::string_view part, std::size_t most) { return IsDigits(part) && part.size() <= most; };
  if (slash == std::string_view::npos || !digits(text.substr(0, slash), 2)) return false;
  const std::string_view last = text.substr(slash + 1);
  if (!digits(last, 2) && !(last.size() == 4 && IsDigits(last.substr(1)))) return false;
  if (asked.find("\u65E5\u671F") != std::string_view::npos) return true;
  for (std::size_t at = asked.find("date"); at != std::string_view::npos; at = asked.find("date", at + 1)) {
    const bool begins = at == 0 || std::isalpha(static_cast<unsigned char>(asked[at - 1])) == 0;
    const bool ends = at + 4 == asked.size() || std::isalpha(static_cast<unsigned char>(asked[at + 4])) == 0;
    if (begins && ends) return true;
  }
  return false;
}

// "\%", "percent"
bool IsPercentSign(std::string_view unit) { return unit == "%" || Plain(unit) == "percent"; }

// "\pm 0.1 km" is 0.1 if the unit is "km"; "5 %" is 5 and `percent`. Nothing for what is no number of this unit.
std::optional<double> ReadAllowed(const json& value, const std::string& unit, bool& percent) {
  if (value.is_number()) return value.get<double>();
  std::string text = WithAsciiSigns(WithoutTex(value.get<std::string>()));
  for (const std::string_view sign : {"\u00B1", "\\pm", "+/-", "+-"}) {
    if (text.starts_with(sign)) text = std::string(Trimmed(std::string_view(text).substr(sign.size())));
  }
  std::string_view number = Trimmed(text);
  if (!unit.empty() && number.ends_with(unit)) number = Trimmed(number.substr(0, number.size() - unit.size()));
  const auto one = OneNumber(number);
  const auto read = one ? LastNumber(*one) : std::nullopt;
  if (!read) return std::nullopt;
  percent = read->percent || (IsPercentSign(unit) && text.ends_with(unit));
  return read->value;
}

// An output that need not be one of many: of a program, for example.
bool IsShortOutput(std::string_view name, const std::string& text) {
  return (name == "output" || name == "response" || name == "completion") && !IsSentence(text) &&
         text.find('\n') == std::string::npos;
}

// "\text{Ann}" is "Ann".
void TakeTexts(std::vector<std::string>& references) {
  for (std::string& reference : references) {
    std::string bare = WithoutTex(reference);
    if (!Trimmed(bare).empty() && !HasFormula(bare)) reference = std::move(bare);
  }
}

// "Ann." is "Ann", which is in "Ann came".
void DropFullStops(std::vector<std::string>& references) {
  for (std::string& reference : references) {
    std::string_view text = Trimmed(reference);
    while (text.ends_with('.')) text.remove_suffix(1);
    if (text.ends_with("\u3002")) text.remove_suffix(std::string_view("\u3002").size());
    if (!text.empty()) reference = std::string(text);
  }
}

// "... #### 42" is 42.
bool TakeResults(std::vector<std::string>& references) {
  static constexpr std::string_view kResult = "####";
  const auto has = [](const std::string& text) { return text.find(kResult) != std::string::npos; };
  if (!std::all_of(references.begin(), references.end(), has)) return false;
  for (std::string& text : references)
    text = Trimmed(std::string_view(text).substr(text.rfind(kResult) + kResult.size()));
  return true;
}

base::Status CheckMatch(const Question& question) {
  for (const std::string& reference : question.references) {
    if (question.match == Match::kRegex && !FoundBy(reference, "")) {
      return Invalid(Quoted(reference) + " is no regular expression (ECMAScript)");
    }
    if (question.match != Match::kNumber) continue;
    const std::string said = "the reference " + Quoted(reference.substr(0, 60));
    if (!OneNumber(reference) && !ListedIn(reference).empty())
      return Invalid(said + " has several numbers, and of an answer the last one is compared");
    if (!LastNumber(reference)) return Invalid(said + " has no number");
  }
  return {};
}

// ---- The row ----

class RowReader {
 public:
  RowReader(const json& row, const FirstNumbers& first) : row_(row), first_(first) {}

  base::Result<Question> Read() {
    if (!row_.is_object()) return Invalid("not a JSON object");
    auto status = row_.contains("arguments") && row_.contains("target") ? ReadSample() : ReadRow();
    if (status) status = CheckNotTold();
    if (!status) return status.error();
    return std::move(out_);
  }

  // REQUIRES: Read(), with any result.
  [[nodiscard]] const std::vector<Position>& positions() const { return positions_; }

 private:
  base::Status ReadRow() {
    if (auto status = CheckTools(); !status) return status;
    if (const std::string several = WhySeveralQuestions(row_); !several.empty()) return Invalid(several);
    if (auto status = ReadPrompt(); !status) return status;
    if (auto status = CheckPrograms(); !status) return status;
    if (auto status = CheckSent(); !status) return status;
    Choices choices;
    if (const auto list = ChoiceListOf(row_)) {
      if (auto status = ReadChoiceList(*list, choices); !status) return status;
      if (auto status = CheckOneList(row_, *list, choices); !status) return status;
      return TakeChoices(std::move(choices));
    }
    if (auto family = ReadChoiceMembers(row_)) return TakeChoices(*std::move(family));
    if (gap_) return Invalid(R"("sentence" without "option1" and "option2")");
    if (const auto wrong = WrongChoicesOf(row_)) {
      const auto right = Find(row_, "correctanswer");
      const auto text = right ? ValueText(*right->value) : std::nullopt;
      if (text && wrong->value->is_array() && !wrong->value->empty()) {
        choices.texts = {*text};
        choices.right = 0;
        if (auto status = ReadChoiceList(*wrong, choices); !status) return status;
        return TakeChoices(std::move(choices));
      }
    }
    if (auto verdict = ReadVerdict()) return TakeChoices(*std::move(verdict));
    if (auto options = ReadOptions()) return TakeChoices(*std::move(options));
    return ReadReferences();
  }

  // "Q: 2+2?\nA: 4", where the answer is 4, in a prompt, the last message, or a context that repeats the question.
  base::Status CheckNotTold() const {
    std::vector<std::string> right = out_.references;
    if (out_.match == Match::kChoice) right = {out_.references[out_.right]};
    const auto check = [&](const std::string& name, std::string_view text) -> base::Status {
      for (const std::string& answer : right) {
        if (!EndsWithAnswer(text, Trimmed(answer))) continue;
        return Invalid(Quoted(name) + " ends with the answer, " + Excerpt(json(Trimmed(answer))) +
                       ", which would be sent: leave it out of the prompt");
      }
      return {};
    };
    const auto prompt = PromptOf(row_), question = QuestionOf(row_), context = ContextOf(row_);
    if (!out_.messages.empty()) return check(prompt ? prompt->name : "messages", out_.messages.back().content);
    const auto& asked = prompt ? prompt : question;
    if (!asked || !asked->value->is_string()) return {};
    if (!prompt && context && context->value->is_string() && HasWordsOf(*asked->value)) {
      const std::string& text = context->value->get_ref<const std::string&>();
      if (auto status = Says(text, *asked->value) ? check(context->name, text) : base::Status(); !status) return status;
    }
    return check(asked->name, asked->value->get_ref<const std::string&>());
  }

  static bool EndsWithAnswer(std::string_view text, std::string_view answer) {
    text = Trimmed(text);
    for (const std::string_view end : {"</s>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>"}) {
      if (text.ends_with(end)) text = Trimmed(text.substr(0, text.size() - end.size()));
    }
    if (answer.empty() || !text.ends_with(answer)) return false;
    const std::string_view before = Trimmed(text.substr(0, text.size() - answer.size()));
    const std::string_view line = Trimmed(before.substr(before.rfind('\n') + 1));
    const std::string lead = Plain(line);
    // "Label:" alone; "Word:" is of what is asked.
    std::string_view name = std::string_view(lead).substr(0, lead.find_last_not_of("*:\xEF\xBC\x9A") + 1);
    const bool colon = name.size() < lead.size();
    name.remove_prefix(std::min(name.find_first_not_of("*#"), name.size()));
    if (colon && std::ranges::find(kAnswerLines, name) != kAnswerLines.end()) return true;
    return std::ranges::any_of(std::array<std::string_view, 7>{"answer:", "answeris", "response:", "[/inst]",
                                                               "assistant:", "|>assistant", "<|assistant|>"},
                               [&lead](std::string_view end) { return lead.ends_with(end); });
  }

  // The answer of a prompt, where the row says neither how to compare it nor that it may be wrong.
  [[nodiscard]] std::optional<Found> PlainAnswer() const {
    auto answer = First(row_, std::array<std::string_view, 3>{"answer", "answers", "target"});
    for (const Reference& known : kReferences) {
      if (known.match == Match::kWords && !answer) answer = Find(row_, known.name);
    }
    const bool marked = std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view name) {
      const auto mark = answer ? Find(row_, name) : std::nullopt;
      return mark && IsMark(*mark, *answer);
    });
    if (marked || row_.contains("reference") || row_.contains("references") || !out_.messages.empty())
      return std::nullopt;
    return answer;
  }

  // Its one text.
  [[nodiscard]] std::optional<std::string> TextOfAnswer() const {
    const auto answer = PlainAnswer();
    std::vector<std::string> texts;
    if (!answer || row_.contains("match") || !AddReferences(*answer, *answer->value, texts) || texts.size() != 1)
      return std::nullopt;
    return texts[0];
  }

  // An answer that is yes or no; as words, either would be found in most texts.
  [[nodiscard]] std::optional<Choices> ReadVerdict() const {
    const auto answer = PlainAnswer();
    if (answer && answer->value->is_boolean()) {
      const bool named = Plain(SentOf(out_)).find("trueorfalse") != std::string::npos;
      return Choices{{named ? "False" : "no", named ? "True" : "yes"}, {}, false, answer->value->get<bool>() ? 1U : 0U};
    }
    const auto text = TextOfAnswer();
    const auto verdict = text ? VerdictIn(*text) : std::nullopt;
    if (!verdict) return std::nullopt;
    return Choices{{verdict->no, verdict->yes}, {}, false, verdict->is_yes ? 1U : 0U};
  }

  // An answer that is one of the options with which the prompt ends: "valid" is in "not valid", too.
  [[nodiscard]] std::optional<Choices> ReadOptions() const {
    const auto text = TextOfAnswer();
    if (!text || PlainAnswer()->value->is_number()) return std::nullopt;  // it may be an index
    std::vector<std::string> options = OptionsIn(SentOf(out_));
    const auto right = std::ranges::find(options, Trimmed(*text));
    if (right == options.end()) return std::nullopt;
    const auto index = static_cast<std::size_t>(right - options.begin());
    return Choices{std::move(options), {}, false, index};
  }

  // What tells that nothing here can judge the answers; "" = nothing.
  std::string WhyNotJudged() const {
    const bool answered = IsAnswered(row_) || Find(row_, "label");
    for (const auto& [name, reason] : kNotJudged) {
      if (answered && reason == kManyWays) continue;
      const auto found = name == "label" && ChoiceListOf(row_) ? std::nullopt : Find(row_, name);
      const auto text = found ? ValueText(*found->value) : std::nullopt;
      if (text && IsShortOutput(name, *text)) return Quoted(found->name) + ": " + Excerpt(*found->value) + kOneWay;
      if (found) return Quoted(found->name) + (reason == kManyWays || name == "label" ? " " : ": ") + reason;
    }
    return "";
  }

  base::Status ReadPrompt() {
    const auto prompt = PromptOf(row_);
    if (row_.contains("messages") && row_.contains("prompt"))
      return Invalid("has both a prompt and messages: jq -c 'del(.prompt)' FILE > OUT leaves one of them");
    if (Find(row_, "instruction") && prompt && Plain(prompt->name) == "input") {
      const std::string input = JqKey(prompt->name), instruction = JqKey(Find(row_, "instruction")->name);
      return Invalid(R"("instruction" and "input" are one prompt: write it as "prompt" (jq -c '.prompt = .)" +
                     instruction + R"( + "\n" + .)" + input + " | del(." + instruction + ", ." + input +
                     ")' FILE > OUT)");
    }
    const auto asked = QuestionOf(row_);
    const bool turns = prompt && prompt->value->is_array() && !prompt->value->empty() &&
                       (prompt->value->front().is_array() || Find(prompt->value->front(), "from"));
    if (prompt ? turns : !asked || asked->value->is_array()) {
      if (auto conversation = ConversationOf(row_, IsAnswered(row_))) return IsConversation(*std::move(conversation));
    }
    if (prompt && prompt->value->is_array()) return ReadMessages(*prompt->value, prompt->name);
    if (prompt) return TakePrompt(*prompt, "");
    if (asked) return ReadQuestion(*asked);
    const auto sentence = Find(row_, "sentence");
    const bool gap =
        sentence && sentence->value->is_string() && sentence->value->get<std::string>().find('_') < std::string::npos;
    if (sentence && (gap || Find(row_, "option1"))) return ReadGap(*sentence);
    return Invalid(R"(has neither "prompt" nor "messages" nor "question", but )" + Names(row_) + WhyNoPrompt());
  }

  // What it may be, or how to make a question of it, behind "; ".
  std::string WhyNoPrompt() const {
    const bool answered = IsAnswered(row_);
    if (const auto programs = CheckPrograms(); !programs) return "; " + programs.error().message;
    const bool told = answered || ChoiceListOf(row_) || (First(row_, kWorkedOut) && !Find(row_, "label"));
    const std::string classes = told ? "" : AdviceForClasses(row_);
    if (!classes.empty()) return "; " + classes;
    const std::string why = WhyNotJudged();
    const std::string prompt = AdviceForPrompt(row_);
    if (!why.empty() && !(answered && !prompt.empty())) return "; " + why;
    if (!prompt.empty() && answered) {
      const std::string of_answer = AdviceForClasses(row_, true);
      return "; " + prompt + (of_answer.empty() ? "" : "; " + of_answer);
    }
    if (const std::string word = AdviceForLastWord(row_); !word.empty() && row_.size() < 3) return "; " + word;
    if (!prompt.empty()) return "";
    const bool answers =
        std::ranges::any_of(kReferences, [&](const Reference& one) { return Find(row_, one.name).has_value(); });
    const auto truth = First(row_, std::array<std::string_view, 2>{"groundtruth", "possibleanswer"});
    const auto is_object = [](const json& item) { return item.is_object(); };
    if (truth && truth->value->is_array() && !truth->value->empty() && std::ranges::all_of(*truth->value, is_object))
      return "; " + Quoted(truth->name) + ": " + Excerpt(*truth->value) +
             " seems to be calls of tools, which cannot be judged by text";
    const std::string join = answers ? AdviceForJoin(row_, true) : "";
    return join.empty() ? "" : "; " + join;
  }

  // What makes messages of it, without the choices that they have, and compares what the messages ask for.
  static base::Status IsConversation(Conversation conversation) {
    std::string sent;
    for (const json& message : conversation.row["messages"]) sent += "\n" + message["content"].get<std::string>();
    Choices choices;
    const auto list = ChoiceListOf(conversation.row);
    if (list && FitsJq(list->name) && conversation.row.contains(list->name) && ReadChoiceList(*list, choices) &&
        std::ranges::all_of(choices.texts, [&](const std::string& text) { return Says(sent, json(text)); })) {
      conversation.program += " | del(." + JqKey(list->name) + ")";
    }
    if (const auto form = FormAskedFor(sent)) {
      for (const Reference& known : kReferences) {
        const auto found = Find(conversation.row, known.name);
        if (!found || !conversation.row.contains(found->name) || !found->value->is_string()) continue;
        const std::string text = found->value->get<std::string>();
        const std::string program = IsLetter(PlainLabel(text)) && FitsJq(found->name)
                                        ? ProgramOfForm(*form, "." + JqKey(found->name), text)
                                        : "";
        if (!program.empty()) conversation.program += " | " + program;
        break;
      }
    }
    return Invalid(Quoted(conversation.member) + " is a conversation: jq -c '" + conversation.program +
                   "' FILE > OUT makes messages of it" +
                   (conversation.row.contains("reference") ? ", and the reference of its last turn" : ""));
  }

  // No answer that is as the prompt asks for would pass.
  base::Status CheckForm(const Found& from) const {
    if (out_.match != Match::kExact && out_.match != Match::kBegins) return {};
    const auto form = FormAskedFor(SentOf(out_));
    if (!form || std::ranges::all_of(out_.references, [&](const std::string& one) { return HasForm(*form, one); }))
      return {};
    const std::string& reference = out_.references.front();
    const bool plain = from.value->is_string() && FitsJq(from.name) && row_.contains(from.name);
    const std::string program = plain ? ProgramOfForm(*form, "." + JqKey(from.name), reference) : "";
    return Invalid(
        "the prompt asks for " + Excerpt(json(form->sign)) + ", and such an answer does not " +
        (out_.match == Match::kExact ? "equal " : "begin with ") + Excerpt(json(reference)) +
        (program.empty()
             ? R"(: let the prompt say how the answer ends, such as "Answer: B", and write this as "reference", with "match": "regex")"
             : ": jq -c '" + program + "' FILE > OUT"));
  }

  // The answers are calls, and arguments that have one meaning are written in many ways.
  base::Status CheckTools() const {
    const auto is_object = [](const json& item) { return item.is_object(); };
    for (const std::string_view name : {"tools", "functions", "function", "availabletools", "toolcalls"}) {
      const auto found = Find(row_, name);
      if (!found) continue;
      const json value =
          found->value->is_string() ? json::parse(found->value->get<std::string>(), nullptr, false) : *found->value;
      const bool several = value.is_array() && (found->value->is_string() || std::ranges::any_of(value, is_object));
      if (several || (value.is_object() && !value.empty()))
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " would not be sent, and calls of tools cannot be judged by text: leave these rows out");
    }
    return {};
  }

  // Something that the question is about would be left out.
  base::Status CheckSent() {
    const std::string sent = SentOf(out_);
    const auto prompt = PromptOf(row_);
    const auto unsent = [&](const Found& text) {
      const std::string program = prompt ? ProgramOfInput(*prompt, text) : ProgramOfContext(text);
      return Invalid(Quoted(text.name) + ": " + Excerpt(*text.value) +
                     R"( would not be sent, and the question is about it: write both as one "prompt")" +
                     (program.empty() ? "" : " (jq -c '" + program + "' FILE > OUT does so)") + ", or leave " +
                     Quoted(text.name) + " out if the prompt says enough");
    };
    const auto question = QuestionOf(row_);
    const auto words = [](const std::optional<Found>& text) {
      return text && text->value->is_string() &&
             text->value->get_ref<const std::string&>().find_first_of(" \n") != std::string::npos;
    };
    for (const std::string_view name : kUnsent) {
      const auto found = Find(row_, name);
      const bool image = name.starts_with("image") || name == "picture" || name == "audio" || name == "video";
      if (!found || found->value->empty() || Says(sent, *found->value)) continue;
      if (!image && (IsLink(*found->value) || NamesDocuments(name, *found->value))) continue;
      if (name == "code" && !words(found)) continue;  // of a language or a course
      if (name == "code" && question && words(question) && !IsAboutCode(sent)) return LeaveOutCode(*found);
      if (name == "premise" && !prompt && question && !words(question)) return AskForStem(*found, *question);
      return unsent(*found);
    }
    if (const auto context = ContextOf(row_); !prompt && !(context && HasText(*context->value))) {
      for (const std::string_view name : kEvidence) {
        const auto found = Find(row_, name);
        if (found && HasLongText(*found->value) && !Says(sent, *found->value)) return unsent(*found);
      }
    }
    for (const auto& [name, value] : kPictured) {
      const auto found = Find(row_, name);
      if (found && *found->value == json(value))
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " says that the question needs a picture: leave it out");
    }
    const auto file = First(row_, std::array<std::string_view, 4>{"filename", "filepath", "attachment", "attachments"});
    if (file && HasText(*file->value) && Plain(sent).find("attach") != std::string::npos) {
      return Invalid(Quoted(file->name) + ": " + Excerpt(*file->value) +
                     " would not be sent, and the question is about what is attached: leave the row out");
    }
    if (prompt && words(question) && !Says(sent, *question->value)) return unsent(*question);
    for (const std::string_view name : kBarePrompts) {
      const auto other = prompt && Plain(prompt->name) != name ? Find(row_, name) : std::nullopt;
      if (words(other) && !Says(sent, *other->value) && sent.find(' ') != std::string::npos &&
          !Says(other->value->get_ref<const std::string&>(), json(out_.prompt))) {
        return unsent(*other);
      }
    }
    const bool bare =
        !prompt || std::find(kBarePrompts.begin(), kBarePrompts.end(), Plain(prompt->name)) != kBarePrompts.end();
    for (const std::string_view name : kContexts) {
      const bool certain = std::find(kCertainContexts.begin(), kCertainContexts.end(), name) != kCertainContexts.end();
      const auto context = bare || certain ? Find(row_, name) : std::nullopt;
      if (context && HasText(*context->value) && !Says(sent, *context->value)) return unsent(*context);
    }
    return {};
  }

  // Names a question what a program has or does, without asking for one?
  static bool IsAboutCode(const std::string& asked) {
    constexpr std::array<std::string_view, 7> kWrites = {"write",    "implement", "create", "develop",
                                                         "generate", "complete",  "define"};
    constexpr std::array<std::string_view, 16> kAbout = {
        "code",   "function", "program", "snippet", "script", "print",   "return", "output",
        "method", "variable", "compile", "bug",     "loop",   "execute", "line",   "class"};
    std::string lower = asked;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto is_in = [&](std::string_view word) {
      for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
        if (at == 0 || std::isalpha(static_cast<unsigned char>(lower[at - 1])) == 0) return true;
      }
      return false;
    };
    return std::ranges::any_of(kAbout, is_in) && std::ranges::none_of(kWrites, is_in);
  }

  static base::Status LeaveOutCode(const Found& code) {
    return Invalid(Quoted(code.name) + ": " + Excerpt(*code.value) +
                   " would not be sent. It seems to be a solution: jq -c 'del(." + JqKey(code.name) +
                   ")' FILE > OUT leaves it out; if the question is about it, write both as one \"prompt\"");
  }

  // ["15829955"]: where the question is from, as BioASQ has it beside its snippets.
  static bool NamesDocuments(std::string_view name, const json& value) {
    constexpr std::size_t kLongest = 40;  // bytes
    return (name == "documents" || name == "document" || name == "docs") && value.is_array() &&
           std::ranges::all_of(value, [](const json& item) {
             return item.is_number() || (item.is_string() && item.get_ref<const std::string&>().size() <= kLongest &&
                                         std::ranges::all_of(item.get_ref<const std::string&>(),
                                                             [](unsigned char c) { return c > ' ' && c < 0x80; }));
           });
  }

  static bool HasLongText(const json& value) {
    if (value.is_structured()) return std::any_of(value.begin(), value.end(), HasLongText);
    if (!value.is_string()) return false;
    const std::string& text = value.get_ref<const std::string&>();
    return text.size() >= kLeastEvidence && std::count(text.begin(), text.end(), ' ') >= kLeastSpaces;
  }

  // Writes a text, or the texts of a list, as the context. "" = it is neither, or the row has a context.
  std::string ProgramOfContext(const Found& from) const {
    if (TextsOf(from).empty()) return "";
    const auto context = ContextOf(row_);
    const bool has = context && HasText(*context->value);
    if (has && (!context->value->is_string() || !FitsJq(context->name))) return "";
    const std::string key = has ? "." + JqKey(context->name) : ".context";
    std::vector<std::string> texts, keys;
    if (has) texts.push_back(key);
    const std::string sent = SentOf(out_);
    const auto add = [&](const Found& text) {
      if (keys.size() == kMostContexts || text.value->empty() || IsLink(*text.value)) return;
      if (NamesDocuments(Plain(text.name), *text.value)) return;
      if (Says(sent, *text.value)) return;
      if (std::ranges::find(keys, "." + JqKey(text.name)) != keys.end() || TextsOf(text).empty()) return;
      texts.push_back(TextsOf(text));
      keys.push_back("." + JqKey(text.name));
    };
    for (const std::string_view name : kUnsent) {
      if (const auto found = Find(row_, name)) add(*found);
    }
    add(from);
    std::string program, dropped;
    for (const std::string& text : texts) program += (program.empty() ? "" : ", ") + text;
    for (const std::string& one : keys) dropped += (dropped.empty() ? "" : ", ") + one;
    if (texts.size() > 1) program = "[" + program + R"(] | join("\n"))";
    if (texts.size() == 1 && program.starts_with('(')) program = program.substr(1, program.size() - 2);
    return key + " = (" + program + ") | del(" + dropped + ")";
  }

  // What jq writes for a text, a list of texts, or a table. "" = it is none that goes before a question.
  static std::string TextsOf(const Found& from) {
    if (std::ranges::find(kTextsBefore, Plain(from.name)) == kTextsBefore.end() || !FitsJq(from.name)) return "";
    std::string key = "." + JqKey(from.name);
    const json* value = from.value;
    if (value->is_string()) return key;
    const auto inner = value->is_object() ? Find(*value, Plain(from.name)) : std::nullopt;  // {"table": [[...]]}
    if (inner && FitsJq(inner->name)) {
      key += JqKey(inner->name);
      value = inner->value;
    }
    const bool table =
        value->is_array() && !value->empty() && std::ranges::all_of(*value, [](const json& line) {
          return line.is_array() && std::ranges::all_of(line, [](const json& cell) { return cell.is_primitive(); });
        });
    if (table) return "(" + key + R"( | map(map(tostring) | join(" | ")) | join("\n")))";
    const std::string texts = ProgramOfTexts(from.name, *value, key);
    return texts.empty() ? "" : "(" + texts + ")";
  }

  // The texts of a list, or of the one member of its objects (or of an object) that has what questions are about:
  // another may have the answer. "" = it is not known. `at`: where jq finds the value.
  static std::string ProgramOfTexts(const std::string& name, const json& value, const std::string& at) {
    const bool objects = value.is_array() && !value.empty() && value.front().is_object();
    if (objects) {
      const auto text = First(value.front(), kPartTexts);
      if (text && FitsJq(text->name)) return "[" + at + "[]" + JqKey(text->name) + R"(] | join("\n"))";
    }
    if (!objects && !value.is_object()) {
      const bool nested = value.is_array() && std::ranges::any_of(value, HasObject);
      return nested ? "" : "[" + (at == "." ? "" : at + " | ") + R"(.. | strings] | join("\n"))";
    }
    const std::string key = TextMember(name, objects ? value.front() : value);
    if (key.empty()) return "";
    return "[" + at + (objects ? "[]" : "") + JqKey(key) + R"( | .. | strings] | join("\n"))";
  }

  static bool HasObject(const json& value) {
    return value.is_object() || (value.is_array() && std::ranges::any_of(value, HasObject));
  }

  // The member with a text that is called as the object is ("contexts" of "context"), or else the longest.
  static std::string TextMember(const std::string& outer, const json& object) {
    std::string longest;
    std::size_t most = 0;
    const std::string plain = Plain(outer);
    for (const auto& [key, value] : object.items()) {
      if (!HasText(value) || !FitsJq(key)) continue;
      if (Plain(key) == plain || Plain(key) == plain + 's' || Plain(key) + 's' == plain) return key;
      const std::size_t size = value.dump(-1, ' ', false, json::error_handler_t::replace).size();
      if (size <= most) continue;
      most = size;
      longest = key;
    }
    return longest;
  }

  // What else of an object has texts.
  static std::string OtherTexts(const json& object, const std::string& taken) {
    std::string names;
    for (const auto& [key, value] : object.items()) {
      if (key != taken && HasText(value)) names += (names.empty() ? "" : ", ") + Quoted(key.substr(0, 40));
    }
    return names;
  }

  // Asks a prompt that is only a question behind its context, and puts a question behind a prompt that is its context.
  // "" = neither is known.
  std::string ProgramOfInput(const Found& prompt, const Found& unsent) const {
    const bool bare = std::find(kBarePrompts.begin(), kBarePrompts.end(), Plain(prompt.name)) != kBarePrompts.end();
    if (!bare || !FitsJq(prompt.name) || !FitsJq(unsent.name) || !unsent.value->is_string()) return "";
    const std::string input = "." + JqKey(prompt.name), other = "." + JqKey(unsent.name);
    const auto question = QuestionOf(row_);
    if (question && question->name == unsent.name) return input + R"( += "\n" + )" + other + " | del(" + other + ")";
    const auto context = ContextOf(row_);
    if (question || !context || context->name != unsent.name) return "";
    return ".question = " + input + " | del(" + input + ")";
  }

  // COPA: what is asked for is the kind of the choices.
  base::Status AskForStem(const Found& premise, const Found& question) {
    return Invalid(Quoted(question.name) + ": " + Excerpt(*question.value) + " and " + Quoted(premise.name) +
                   R"( are no prompt: write one that the choices go on with, as in English )"
                   R"(jq -c '.prompt = (.premise | rtrimstr(".")) + {cause: " because", effect: " so"}[.question] )"
                   R"(| del(.premise, .question)' FILE)");
  }

  // Says of `answer` whether or which is right. None is: that it is right, the points that it is worth in an exam, a
  // list that has one for each of something else.
  static bool IsMark(const Found& mark, const Found& answer) {
    const json& value = *mark.value;
    if (mark.name == answer.name) return false;
    if (Plain(mark.name) == "score" && value.is_number()) return value.get<double>() < 1;
    if ((Plain(mark.name) == "iscorrect" || Plain(mark.name) == "correct") && value == json(true)) return false;
    if (!value.is_array()) return true;
    const bool marks = std::none_of(value.begin(), value.end(), [](const json& item) {  // "PURPOSE" is none
      return item.is_string() && Plain(item.get_ref<const std::string&>()).find("correct") == std::string::npos;
    });
    return marks && value.size() == (answer.value->is_array() ? answer.value->size() : 1);
  }

  // Candidates for an answer, some of them wrong, are no references.
  base::Status CheckUnmarked(const Found& answer) {
    for (const std::string_view name : kMarks) {
      const auto mark = Find(row_, name);
      if (!mark || !IsMark(*mark, answer)) continue;
      const json& list = *answer.value;
      const bool choices = list.is_array() && list.size() > 1 && mark->value->is_number_integer() &&
                           FitsJq(answer.name) && FitsJq(mark->name);
      return Invalid(Quoted(mark->name) + " says whether or which " + Quoted(answer.name) +
                     R"( is right: write the right one as "reference", or all of them as "choices")" +
                     (choices
                          ? ", jq -c '. + {choices: ." + JqKey(answer.name) + ", answer: ." + JqKey(mark->name) +
                                "} | del(." + JqKey(answer.name) +
                                (mark->name == "answer" || answer.name == "answer" ? "" : ", ." + JqKey(mark->name)) +
                                ")' FILE > OUT"
                          : ""));
    }
    const auto truth = First(row_, std::array<std::string_view, 2>{"groundtruth", "groundtruths"});
    if (truth && truth->name != answer.name) {
      return Invalid(Quoted(answer.name) + " and " + Quoted(truth->name) +
                     R"( are two answers: write the right one as "reference")");
    }
    return {};
  }

  base::Status TakePrompt(const Found& from, std::string_view before) {
    const auto text = from.value->is_string() ? ValueText(*from.value) : std::nullopt;
    if (!text) return Invalid(Quoted(from.name) + ": " + Excerpt(*from.value) + " is no text");
    out_.prompt = std::string(before) + *text;
    return {};
  }

  static bool HasWordsOf(const json& question) {
    return question.is_string() && question.get_ref<const std::string&>().find(' ') != std::string::npos;
  }

  // One that ends with a colon has a frame of its own.
  base::Status ReadQuestion(const Found& question) {
    std::string before;
    if (const auto context = ContextOf(row_)) {
      const bool empty = context->value->is_string() && Trimmed(context->value->get_ref<const std::string&>()).empty();
      const auto text = ValueText(*context->value);
      if (!text && !empty) {
        const json& value = *context->value;
        const std::string program =
            HasText(value) && FitsJq(context->name) ? ProgramOfTexts(context->name, value, ".") : "";
        const bool objects = value.is_array() && !value.empty() && value.front().is_object();
        const json& object = objects ? value.front() : value;
        const auto part = objects ? First(object, kPartTexts) : std::nullopt;
        const std::string taken = !object.is_object()          ? ""
                                  : part && FitsJq(part->name) ? part->name
                                                               : TextMember(context->name, object);
        const std::string others = taken.empty() ? "" : OtherTexts(object, taken);
        return Invalid(Quoted(context->name) + ": " + Excerpt(value) + " is no text" +
                       (program.empty() ? ""
                                        : ": jq -c '." + JqKey(context->name) + " |= (" + program +
                                              ")' FILE > OUT makes one of " + (taken.empty() ? "it" : Quoted(taken)) +
                                              (others.empty() ? "" : "; " + others + " may have the answer")));
      }
      if (text && Plain(context->name) == "text" && Says(*text, *question.value) && HasWordsOf(*question.value)) {
        return Invalid(Quoted(context->name) + " has " + Quoted(question.name) +
                       " in it, and perhaps the answer, which would be sent" +
                       (FitsJq(context->name) ? ": jq -c 'del(." + JqKey(context->name) + ")' FILE > OUT" : ""));
      }
      if (text) before = std::string(Trimmed(*text)) + "\n";
    }
    if (auto status = TakePrompt(question, before); !status) return status;
    if (Trimmed(out_.prompt).back() == ':') return {};
    framed_ = true;
    out_.prompt.replace(before.size(), out_.prompt.find_first_not_of(" \t\r\n", before.size()) - before.size(), kFrame);
    out_.prompt = std::string(Trimmed(out_.prompt)) + std::string(kFrameEnd);
    out_.stop = {std::string(kFrameStop)};
    return {};
  }

  // The choices go where "_" is, and the text behind it tells which is likelier.
  base::Status ReadGap(const Found& sentence) {
    if (auto status = TakePrompt(sentence, ""); !status) return status;
    const std::size_t gap = out_.prompt.find('_');
    if (gap == std::string::npos || out_.prompt.find('_', gap + 1) != std::string::npos) {
      return Invalid(Quoted(sentence.name) + R"( has not one "_" where the choices go)");
    }
    gap_ = out_.prompt.substr(gap + 1);
    out_.prompt.resize(gap);
    if (out_.prompt.empty()) out_.prompt = "\n";
    return {};
  }

  base::Status ReadMessages(const json& messages, const std::string& name) {
    if (messages.empty()) return Invalid(Quoted(name) + " is no list of messages");
    for (const json& message : messages) {
      const bool ok = message.is_object() && message.contains("role") && message["role"].is_string() &&
                      message.contains("content") && message["content"].is_string();
      if (!ok) {
        return Invalid(Quoted(name) + " has " + Excerpt(message) +
                       R"(, which is no message: write {"role": "user", "content": "..."}, both texts)");
      }
      out_.messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
    }
    const std::string member = row_.contains(name) && &row_[name] == &messages ? name : "";
    const std::string why = WhyEndsWithAnswer(messages, member, IsAnswered(row_));
    if (!why.empty()) return Invalid(Quoted(name) + " " + why);
    return {};
  }

  base::Status TakeChoices(Choices choices) {
    out_.match = Match::kChoice;
    out_.stop.clear();
    if (row_.contains("match")) return Invalid(R"("match" is for references; choices are compared by likelihood)");
    for (const char* name : {"reference", "references"}) {
      if (row_.contains(name))
        return Invalid("choices need no " + Quoted(name) + R"(: "answer" is the right one's index)");
    }
    if (!out_.messages.empty()) return Invalid(R"(choices need a "prompt": no engine gives the likelihood of a chat)");
    if (choices.texts.size() < 2) return Invalid(R"("choices" has fewer than two)");
    const auto right = ReadRight(row_, choices, first_, positions_);
    if (!right) return right.error();
    out_.right = *right;
    for (std::string& text : choices.texts) text.resize(text.find_last_not_of(" \t\r\n") + 1);
    if (std::count(choices.texts.begin(), choices.texts.end(), choices.texts[*right]) > 1) {
      return Invalid("two choices are " + Quoted(choices.texts[*right]) +
                     ", and it is the right one: leave the row out");
    }
    if (!gap_) DropLetters(choices.texts);
    for (const std::string& text : choices.texts) {
      out_.references.push_back(gap_ ? text + *gap_ : Joined(out_.prompt, text));
    }
    return {};
  }

  base::Status ReadReferences() {
    if (auto status = CheckOneAnswer(); !status) return status;
    for (const auto& [name, value] : kUnanswerable) {
      const auto found = Find(row_, name);
      if (found && *found->value == json(value)) {
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " says that the question has no answer, and such a one cannot be judged: leave it out");
      }
    }
    if (auto status = CheckNoLetter(); !status) return status;
    for (const Reference& known : kReferences) {
      const auto found = Find(row_, known.name);
      if (!found) continue;
      const bool own = known.name == "reference" || known.name == "references";
      if (auto status = own ? base::Status() : CheckUnmarked(*found); !status) return status;
      return ReadAnswers(*found, own && framed_ ? Match::kWords : known.match);
    }
    const auto is_object = [](const json& item) { return item.is_object(); };
    if (auto found = Find(row_, "output");
        found && found->value->is_array() && std::all_of(found->value->begin(), found->value->end(), is_object)) {
      const bool answered = std::any_of(found->value->begin(), found->value->end(), HasAnswer);
      return answered ? ReadAnswers(*found, Match::kWords) : NoAnswer(*found);
    }
    for (const std::string_view name : kWorkedOut) {
      const auto found = Find(row_, name);
      const auto text = found ? ValueText(*found->value) : std::nullopt;
      const auto boxed = text ? Boxed(*text) : std::nullopt;
      if (!boxed) continue;
      out_.references = {*boxed};
      return ReadMatch(*found, Match::kWords);
    }
    const auto index =
        First(row_, std::array<std::string_view, 4>{"answerindex", "answeridx", "correctindex", "correctidx"});
    if (index && index->value->is_number_integer()) {
      return Invalid(Quoted(index->name) + ": " + Excerpt(*index->value) +
                     " is the index of a choice: " + AdviceForLetter(SentOf(out_)) + ProgramForLetters(*index));
    }
    std::string why = WhyNotJudged();
    const auto label = Find(row_, "label"), worked = First(row_, kWorkedOut);
    if (label && worked && HasText(*worked->value) && !label->value->is_string()) {
      return Invalid(Quoted(label->name) + " says whether or which " + Quoted(worked->name) +
                     R"( is right: write the right one as "reference", or all of them as "choices")");
    }
    if (const std::string classes = AdviceForClasses(row_); !classes.empty() && (why.empty() || Find(row_, "label")))
      why = classes;
    if (why.empty()) {
      why = "nothing known tells which answer is right among " + Names(row_);
      std::string advice = SeveralAnswers();
      if (advice.empty()) advice = NameOfAnswer();
      if (advice.empty()) advice = AdviceForJoin(row_, false);
      if (!advice.empty()) why += "; " + advice;
    }
    return Invalid(R"(has neither "reference" nor "choices": )" + why);
  }

  // "answer1", "answer2": what several people said. "" = there are none.
  [[nodiscard]] std::string SeveralAnswers() const {
    for (const std::string_view stem : {"answer", "goldanswer", "correctanswer", "reference", "ref", "target"}) {
      std::string names, keys;
      std::size_t found = 0;
      for (const std::size_t first : {0U, 1U}) {
        for (std::size_t i = first; found == i - first; ++i) {
          const auto answer = Find(row_, std::string(stem) + std::to_string(i));
          if (!answer || !FitsJq(answer->name) || !ValueText(*answer->value)) break;
          names += (found > 0 ? ", " : "") + Quoted(answer->name);
          keys += (found > 0 ? ", ." : ".") + JqKey(answer->name);
          ++found;
        }
        if (found > 0) break;
      }
      if (found > 1)
        return "if each of " + names + " is right: jq -c '.answers = [" + keys + "] | del(" + keys + ")' FILE > OUT";
    }
    return "";
  }

  // Which member may have the answer: "final_decision", or else a list. "" = none, or several.
  std::string NameOfAnswer() const {
    constexpr std::array<std::string_view, 7> kEnds = {"decision", "verdict",  "answer", "truth",
                                                       "result",   "category", "class"};
    std::string name, final, of_list;
    int several = 0;
    for (const auto& [key, value] : row_.items()) {
      const std::string plain = Plain(key);
      const bool ends = std::ranges::any_of(kEnds, [&plain](std::string_view end) { return plain.ends_with(end); });
      const auto text = ends && FitsJq(key) ? ValueText(value) : std::nullopt;
      const bool list = plain == "outputs" || plain == "targets" || plain == "labels" || plain == "solutions";
      if (list && value.is_array() && !value.empty() && FitsJq(key) && ValueText(value[0]) &&
          !IsSentence(*ValueText(value[0])) && of_list.empty() && !NamesParts(value)) {
        of_list = "if one of " + Quoted(key) + " suffices: jq -c '.answer = ." + JqKey(key) + " | del(." + JqKey(key) +
                  ")' FILE > OUT";
      }
      if (!text || text->size() > 40 || IsSentence(*text)) continue;
      ++several;
      name = key;
      if (plain.starts_with("final")) final = final.empty() ? key : final;
    }
    if (!final.empty()) name = final;
    if (name.empty()) return of_list;
    if (several > 1 && final.empty()) return "";
    const std::string key = "." + JqKey(name);
    return "if " + Quoted(name) + " is the right one: jq -c '.answer = " + key + " | del(" + key + ")' FILE > OUT";
  }

  // ["AIM", "END"] beside two "CONTEXTS".
  [[nodiscard]] bool NamesParts(const json& list) const {
    return std::ranges::any_of(kUnsent, [&](std::string_view name) {
      const auto parts = Find(row_, name);
      return parts && parts->value->is_array() && parts->value->size() == list.size();
    });
  }

  static base::Status NoAnswer(const Found& from) {
    return Invalid(Quoted(from.name) + " has no answer: a question without one cannot be judged, leave it out");
  }

  base::Status ReadAnswers(const Found& from, Match guessed) {
    if (auto status = AddReferences(from, *from.value, out_.references); !status) return status;
    if (auto status = CheckAlternatives(from); !status) return status;
    if (out_.references.empty()) return NoAnswer(from);
    if (const auto aliases = First(row_, kAliases); aliases && aliases->value->is_array()) {
      if (auto status = AddReferences(*aliases, *aliases->value, out_.references); !status) return status;
    }
    const auto letters = std::count_if(out_.references.begin(), out_.references.end(),
                                       [](const std::string& text) { return IsLetter(PlainLabel(text)); });
    // "A" is a word of English.
    return ReadMatch(from, letters > 0 && !framed_ && guessed != Match::kExact ? Match::kBegins : guessed);
  }

  // Another member names the right one of the choices that are in the question: a model may answer with its letter.
  base::Status CheckNoLetter() const {
    if (row_.contains("match")) return {};
    for (const std::string_view name :
         {"choiceanswer", "answerchoice", "answerletter", "correctletter", "answeroption"}) {
      const auto found = Find(row_, name);
      const auto text = found ? ValueText(*found->value) : std::nullopt;
      if (!text || !NamesChoiceOf(SentOf(out_), *text)) continue;
      return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) + " names a choice: " +
                     AdviceForLetter(SentOf(out_)) + ", and the letter as \"answer\"" + ProgramForLetters(*found));
    }
    return {};
  }

  // Takes the letters of the choices from the question. "" = jq would not find it.
  std::string ProgramForLetters(const Found& right) const {
    const auto prompt = PromptOf(row_) ? PromptOf(row_) : QuestionOf(row_);
    const bool known = prompt && prompt->value->is_string() && FitsJq(prompt->name) && row_.contains(prompt->name) &&
                       FitsJq(right.name) && row_.contains(right.name) && !right.value->is_structured();
    if (!known || AdviceForLetter(SentOf(out_)).find('[') == std::string::npos) return "";
    const std::string key = "." + JqKey(right.name);
    const std::string choices = ".choices = ([." + JqKey(prompt->name) +
                                R"j( | scan("(?:^|[\\s(])([A-J])[.):\u3001\uFF0E\uFF09\uFF1A]")[0]] | unique))j";
    if (right.value->is_number()) return ": jq -c '" + choices + "' FILE > OUT";
    return ": jq -c 'if (" + key + R"j( | type == "string" and test("^\\W*[A-J](\\W|$)")) then )j" + choices +
           " | .answer = (" + key + R"( | match("[A-J]").string) else . end' FILE > OUT)";
  }

  // A member says that there are several right answers, and that none of them suffices.
  base::Status CheckOneAnswer() const {
    if (row_.contains("match")) return {};
    for (const auto& [key, value] : row_.items()) {
      const std::string name = Plain(key);
      const auto is_part = [](const std::string& text) {
        return [&text](std::string_view part) { return text.find(part) != std::string::npos; };
      };
      const bool flag = value == json(true) && std::any_of(kSeveral.begin(), kSeveral.end(), is_part(name));
      const std::string said = value.is_string() ? Plain(value.get_ref<const std::string&>()) : "";
      const bool type =
          name.find("type") != std::string::npos && std::any_of(kSeveral.begin(), kSeveral.end(), is_part(said));
      if (flag || type) {
        return Invalid(Quoted(key) + ": " + Excerpt(value) +
                       R"( says that the question has several answers, and of a list one text suffices: )"
                       R"(leave the row out, or write a "match")");
      }
    }
    return {};
  }

  // One text of a list suffices. That would be wrong where the whole list is the answer.
  base::Status CheckAlternatives(const Found& from) {
    const json& list = *from.value;
    if (!list.is_array() || list.size() < 2) return {};
    const std::string said = Quoted(from.name) + ": " + Excerpt(list);
    if (std::any_of(list.begin(), list.end(), [](const json& item) { return item.is_number(); })) {
      return Invalid(said + R"( has several numbers: write one text with a "match", such as "4, 1" with "contains", )"
                            R"(if all of them are the answer, or a list of texts if one suffices)");
    }
    if (row_.contains("match")) return {};
    std::vector<std::string> labels;
    for (const json& item : list) labels.push_back(item.is_string() ? PlainLabel(item.get<std::string>()) : "");
    const bool one = std::equal(labels.begin() + 1, labels.end(), labels.begin());
    if (Plain(from.name) != "ideal" && !one && std::all_of(labels.begin(), labels.end(), IsLetter)) {
      return Invalid(said + kSeveralRight + R"(; or write a "match" if one of them suffices)");
    }
    const std::string advice =
        R"(, and of a list one text suffices: write one text as "reference", or a "match" if one does suffice)";
    for (const auto& [key, value] : row_.items()) {
      const bool type = value.is_string() && Plain(key).find("type") != std::string::npos;
      if (type && Plain(value.get_ref<const std::string&>()).starts_with("list"))
        return Invalid(said + "; " + Quoted(key) + " says that the answer is a list" + advice);
    }
    const std::string asked = Plain(SentOf(out_));
    for (const char* words : {"listofall", "listall"}) {
      if (asked.find(words) != std::string::npos) return Invalid(said + "; the prompt asks for a list" + advice);
    }
    return {};
  }

  base::Status ReadMatch(const Found& from, Match guessed) {
    if (const auto match = row_.find("match"); match != row_.end()) {
      const auto known =
          std::find_if(kMatches.begin(), kMatches.end(), [&](const auto& row) { return *match == row.first; });
      if (known == kMatches.end()) {
        return Invalid("\"match\": " + Excerpt(*match) + " is not exact, contains, words, begins, number or regex");
      }
      out_.match = known->second;
      return CheckNumbers();
    }
    out_.match = guessed;
    const bool loose = guessed == Match::kWords || guessed == Match::kNumber;
    if (from.value->is_number()) {
      const bool listed =
          std::any_of(row_.begin(), row_.end(), [](const json& value) { return value.is_structured(); });
      if (from.value->is_number_integer() && guessed != Match::kNumber && (listed || !framed_)) {
        const bool fits = FitsJq(from.name) && row_.contains(from.name);
        return Invalid(Quoted(from.name) + ": " + Excerpt(*from.value) +
                       R"( may be a number or the index of a choice: an index needs "choices"; for numbers )" +
                       (fits ? "jq -c 'if (." + JqKey(from.name) + R"( | type) == "number" then .)" + JqKey(from.name) +
                                   R"( |= tostring | .match = "number" else . end' FILE > OUT)"
                             : R"(write a text, with "match": "number")"));
      }
      out_.match = Match::kNumber;
    } else if (TakeResults(out_.references)) {
      out_.match = Match::kNumber;
    } else if (const std::string date = loose ? DateIn(out_.references) : ""; !date.empty()) {
      return Invalid(Quoted(from.name) + ": " + Quoted(date) +
                     R"( may be a date or a fraction: write "match": "words" or "number")");
    } else if (loose && HasRange()) {
      if (auto status = TakeRange(from); !status) return status;
    } else if (loose && TakeNumbers(out_.references, out_.formula, Equation())) {
      out_.match = Match::kNumber;
    } else {
      if (loose) TakeTexts(out_.references);
      if (auto status = CheckGuessed(from); !status) return status;
      if (auto status = CheckForm(from); !status) return status;
      if (out_.match == Match::kWords) DropFullStops(out_.references);
    }
    return CheckNumbers();
  }

  std::string DateIn(const std::vector<std::string>& references) const {
    const std::string asked = SentOf(out_);
    const auto date = std::find_if(references.begin(), references.end(),
                                   [&](const std::string& reference) { return MayBeDate(asked, reference); });
    return date == references.end() ? "" : *date;
  }

  // "3 (acceptable range: anything between 2 and 4)"
  [[nodiscard]] bool HasRange() const {
    return std::ranges::any_of(out_.references, [](const std::string& reference) {
      const std::string_view text = Trimmed(reference);
      const std::string more = Plain(text.substr(WithoutUnit(text).size()));
      return LastNumber(more) && (more.find("accept") != std::string::npos || more.find("range") != std::string::npos ||
                                  more.find("between") != std::string::npos);
    });
  }

  // Its middle, with what it allows beside.
  base::Status TakeRange(const Found& from) {
    const std::string_view text = Trimmed(out_.references.front());
    const std::string_view bare = WithoutUnit(text), more = text.substr(bare.size());
    for (const std::string_view sign : {" and ", " to ", " - ", "\u2013", "-"}) {
      const std::size_t middle = more.rfind(sign);
      if (middle == std::string_view::npos || out_.references.size() > 1) continue;
      const auto number = LastNumber(bare), least = LastNumber(more.substr(0, middle)),
                 most = LastNumber(more.substr(middle + sign.size()));
      if (!OneNumber(bare) || !number || !least || !most || number->percent != most->percent) break;
      if (least->value > number->value || number->value > most->value) break;
      out_.references = {json((least->value + most->value) / 2).dump() + (number->percent ? "%" : "")};
      out_.tolerance = (most->value - least->value) / 2;
      out_.match = Match::kNumber;
      return {};
    }
    return Invalid(Quoted(from.name) + ": " + Excerpt(json(text)) +
                   R"( has a range, and not one number that is in it: write the number, with an "absolute_tolerance")");
  }

  std::string Equation() const {
    const auto equation = Find(row_, "equation");
    return equation && equation->value->is_string() ? equation->value->get<std::string>() : "";
  }

  // The unit and the tolerance of the row.
  base::Status CheckNumbers() {
    if (out_.match != Match::kNumber) return CheckMatch(out_);
    const auto found = First(row_, std::array<std::string_view, 3>{"unit", "units", "scale"});
    std::string unit;
    if (found && found->value->is_string()) {
      unit = Trimmed(WithAsciiSigns(WithoutTex(found->value->get<std::string>())));
      if (unit.find("10^") != std::string::npos && !Says(SentOf(out_), *found->value)) {
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " is a multiple of a unit, and the prompt does not name it: write the reference without it");
      }
    }
    for (std::string& reference : out_.references) {
      if (IsPercentSign(unit) && OneNumber(reference) && !reference.ends_with('%')) reference += '%';
    }
    if (auto status = CheckMatch(out_); !status) return status;
    for (const Allowed& allowed : kTolerances) {
      const auto member = Find(row_, allowed.name);
      if (member && TakeTolerance(*member, allowed, unit)) break;
    }
    return {};
  }

  // Returns whether the member says something of a tolerance.
  bool TakeTolerance(const Found& from, const Allowed& allowed, const std::string& unit) {
    const json& value = *from.value;
    if (!value.is_number() && !(value.is_string() && LastNumber(value.get<std::string>()))) return false;
    bool percent = false;
    const auto number = ReadAllowed(value, unit, percent);
    double least = 0;  // of the references, but for 0
    bool percentages = false;
    for (const std::string& reference : out_.references) {
      const auto read = LastNumber(reference);
      const double size = read ? std::abs(read->value) : 0;
      if (size > 0 && (least == 0 || size < least)) least = size;
      percentages = percentages || (read && read->percent);
    }
    const bool relative = allowed.relative || percent;
    const bool absolute = percent ? percentages : allowed.absolute;
    const bool digits = allowed.name == "precision" && number && *number >= 1;  // "precision": 2
    double most = number.value_or(0);
    if (relative) most = std::min(absolute ? most : HUGE_VAL, least * number.value_or(0) / (percent ? 100 : 1));
    if (number == 0.0) return false;
    if (!number || *number < 0 || digits || most == 0 || (least > 0 && most >= least)) {
      out_.no_tolerance = Quoted(from.name) + ": " + Excerpt(value);
    } else {
      out_.tolerance = most;
    }
    return true;
  }

  // What nothing that the row says tells how to compare.
  base::Status CheckGuessed(const Found& from) const {
    const std::string name = Quoted(from.name);
    const std::vector<std::string>& references = out_.references;
    const std::string asked = SentOf(out_);
    for (const std::string& reference : references) {
      const std::string_view program = Says(asked, json(reference)) ? "" : ProgramIn(reference);
      if (!program.empty()) return IsProgram(from, json(reference), program);
    }
    if (IsTranslation(references.front())) {
      return Invalid(name + ": " + Excerpt(json(references.front())) +
                     (Says(asked, json(references.front())) ? " repeats what is to be translated"
                                                            : " is one of many good translations") +
                     R"(, and no measure of translations is computed: leave the rows out ("match": "exact" compares )"
                     R"(the characters))");
    }
    if (std::ranges::all_of(references, [&](const std::string& one) { return IsWordedNumber(one, asked); }))
      return IsNumberInWords(from, references.front());
    const auto is_free = [&](const std::string& reference) {
      return IsSentence(reference, asked) || IsEnumeration(reference, asked);
    };
    if (std::all_of(references.begin(), references.end(), is_free)) return HasNoOneForm(from);
    for (const std::string& reference : references) {
      const std::string said = name + ": " + Excerpt(json(reference));
      if (framed_ && IsLetter(PlainLabel(reference)))
        return Invalid(said + " seems to name a choice, and no choices are known: " + AdviceForLetter(SentOf(out_)) +
                       ProgramForLetters(from));
      const bool bracketed = reference.size() == 3 && Trimmed(reference).front() == '(';  // as BIG-Bench Hard has it
      if (out_.match != Match::kExact && !bracketed && !IsLetter(reference) && NamesChoiceOf(SentOf(out_), reference))
        return Invalid(said + " names a choice: " + AdviceForLetter(SentOf(out_)) + ", and the letter as \"answer\"" +
                       ProgramForLetters(from));
      const bool own = out_.match == Match::kExact || Plain(from.name) == "ideal";  // what a list is compared with
      if (!own && NamesChoicesOf(SentOf(out_), reference)) return Invalid(said + kSeveralRight);
      const auto items = ListedIn(reference);
      const bool quoted =
          Says(SentOf(out_), json(reference)) && static_cast<unsigned char>(items.empty() ? 0 : items[0][0]) >= 0x80;
      const bool listed = !own && !items.empty() && !quoted;  // a text of the prompt may be copied
      const std::string_view text = Trimmed(reference);
      if (listed && std::count(text.begin(), text.end(), ',') == 1 &&
          text.find_first_not_of("0123456789,%") == std::string_view::npos)
        return Invalid(
            said + R"( has two numbers, or a decimal comma: write a decimal point, or "match": "exact" or "contains")");
      if (listed || reference.starts_with("['") || reference.starts_with("[\"") || reference.starts_with("[(")) {
        const std::string fix =
            json::accept(reference) ? " (jq -c '.[" + name + "] = (.[" + name + "] | fromjson? // .)' FILE > OUT)" : "";
        return Invalid(said + " is a list in a text: write a list of texts" + fix + " if one of them suffices, else " +
                       R"("match": "exact" or "contains")");
      }
      if ((reference.starts_with('[') || reference.starts_with('{')) && json::accept(reference)) {
        return Invalid(
            said +
            R"( is JSON in a text: write the text that an answer has to have, with "match": "exact" or "contains")");
      }
      if (IsWordedNumber(reference, asked)) return IsNumberInWords(from, reference);
      if (HasFormula(reference) || HasFormula(WithoutTex(reference))) {
        return Invalid(said + R"( is a formula, and only those that are one number are compared: leave it out, )"
                              R"(or write "match": "exact" if it can be written in one way only)");
      }
    }
    return {};
  }

  static base::Status IsProgram(const Found& from, const json& value, std::string_view program) {
    return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " is " + std::string(program) +
                   R"(: equal ones are written in many ways, and no generated code is run. Write what it returns as )"
                   R"("reference", or leave the row out ("match": "exact" compares the characters))");
  }

  // A row without an answer that is a text: what says that a program is the answer, or is one. "query" beside a
  // question is.
  base::Status CheckPrograms() const {
    const auto query = Find(row_, "query");
    const auto question = QuestionOf(row_);
    const auto text = query && question ? ValueText(*query->value) : std::nullopt;
    if (text && PromptOf(row_)->name == query->name && !ProgramIn(*text).empty()) {
      if (!IsAnswered(row_)) return IsProgram(*query, *query->value, ProgramIn(*text));
      return Invalid(Quoted(query->name) + ": " + Excerpt(*query->value) + " would be sent in place of " +
                     Quoted(question->name) + ": jq -c 'del(." + JqKey(query->name) +
                     ")' FILE > OUT leaves it out; or write both as one \"prompt\"");
    }
    const auto is_answer = [&](std::string_view name) {
      const auto found = Find(row_, name);
      const auto of = found ? ValueText(*found->value) : std::nullopt;
      return of && IsShortOutput(name, *of) && ProgramIn(*of).empty();
    };
    if (IsAnswered(row_) || ChoiceListOf(row_) || ReadChoiceMembers(row_) || Find(row_, "label") ||
        std::ranges::any_of(kWorkedOut, is_answer))
      return {};
    for (const auto& [name, reason] : kNotJudged) {
      const auto found = reason == kPrograms ? Find(row_, name) : std::nullopt;
      if (found) return Invalid(Quoted(found->name) + ": " + kPrograms);
    }
    const std::string sent = SentOf(out_);
    for (const auto& [key, value] : row_.items()) {
      const std::string_view program = value.is_string() ? ProgramIn(value.get_ref<const std::string&>()) : "";
      if (!program.empty() && !Says(sent, value)) return IsProgram({key, &value}, value, program);
    }
    return {};
  }

  // The prompt asks for a translation, and the reference is more than a word or two.
  bool IsTranslation(const std::string& reference) const {
    constexpr std::array<std::string_view, 16> kAsks = {
        "translat", "bersetz", "traduc", "traduis", "traduz", "traduir", "vertaal", "przet\u0142umacz",
        "översätt", "перевед", "翻译",   "翻譯",    "翻訳",   "번역",    "ترجم",    "अनुवाद"};
    const std::string asked = Plain(SentOf(out_));
    const bool asks =
        std::ranges::any_of(kAsks, [&](std::string_view word) { return asked.find(word) != std::string::npos; });
    const bool langs =
        First(row_, std::array<std::string_view, 5>{"targetlanguage", "targetlang", "tgtlang", "langtgt", "trglang"})
            .has_value();
    constexpr std::size_t kCharacters = 12;  // bytes, of a script without spaces
    const bool wide = !reference.empty() && static_cast<unsigned char>(reference.front()) >= 0xE3;
    return (asks || langs) &&
           (std::ranges::count(Trimmed(reference), ' ') >= 2 || (wide && reference.size() > kCharacters));
  }

  static base::Status IsNumberInWords(const Found& from, const std::string& reference) {
    const std::string key = "." + JqKey(from.name);
    const bool plain = from.value->is_string() && FitsJq(from.name);
    return Invalid(
        Quoted(from.name) + ": " + Excerpt(json(reference)) +
        " is a number with words that a right answer may write otherwise" +
        (plain ? ": jq -c 'if (" + key +
                     R"( | type == "string" and test("^[A-Za-z ]*[^A-Za-z0-9 ]?[0-9][0-9.,]*%?( [A-Za-z]+)*[.]?$")))" +
                     R"( then .match = "number" else . end' FILE > OUT compares the number)"
               : R"(: write "match": "number")"));
  }

  // "yes|no|true|false", and the words of another language.
  static std::string VerdictWords(std::string_view verdict) {
    std::vector<std::string> words = OppositesOf(verdict);
    words.emplace_back(verdict);
    std::string out = "yes|no|true|false";
    for (const std::string& word : words) {
      if (VerdictIn(word) && ("|" + out + "|").find("|" + Plain(word) + "|") == std::string::npos) out += "|" + word;
    }
    return out;
  }

  // Nobody writes these words in this order.
  base::Status HasNoOneForm(const Found& from) const {
    const std::string& reference = out_.references.front();
    const std::string said = Quoted(from.name) + ": " + Excerpt(json(reference));
    if (const std::string_view verdict = ExplainedVerdict(reference); !verdict.empty()) {
      const std::string key = "." + JqKey(from.name);
      const std::string words = VerdictWords(verdict);
      const bool plain = from.value->is_string() && FitsJq(from.name);
      return Invalid(said + " is a verdict with its reasons, and no answer has the same words" +
                     (plain ? ": jq -c 'if (" + key + R"( | type == "string" and test("^()" + words +
                                  ")([,;:] |[.] +[^0-9]| - |[\u3001\u3002\uFF0C\uFF1B\uFF1A\u060C])\"; \"i\")) then " +
                                  key + R"( |= match("^()" + words +
                                  R"j()"; "i").string else . end' FILE > OUT leaves the verdict)j"
                            : ": write the verdict as \"answer\""));
    }
    if (!IsSentence(reference, SentOf(out_))) {
      return Invalid(said +
                     " is a list in a text, and its order may be another: write a list of texts if one of them " +
                     R"(suffices, else "match": "exact" or "contains")");
    }
    return Invalid(said + " has " + std::to_string(reference.size()) + " bytes and " + kManyWays);
  }

  // ---- What lm-eval --log_samples writes: the requests of a document, and its target ----

  struct Request {
    std::string text;  // a prompt, or messages in JSON
    json more;         // a continuation, or how to generate
  };

  base::Result<std::vector<Request>> ReadRequests() {
    const json& arguments = row_["arguments"];
    std::vector<Request> requests;
    if (!arguments.is_structured()) return Invalid("\"arguments\" is no list of requests");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string name = "gen_args_" + std::to_string(i);
      const json request = arguments.is_array() ? arguments[i] : arguments.value(name, json());
      const auto part = [&](std::size_t j) {
        if (request.is_array()) return j < request.size() ? request[j] : json();
        return request.is_object() ? request.value("arg_" + std::to_string(j), json()) : json();
      };
      json text = part(0);
      if (text.is_array() && !text.empty()) text = json(text.front());
      if (!text.is_string()) return Invalid("\"arguments\" has a request without a prompt: " + Excerpt(request));
      requests.push_back({text.get<std::string>(), part(1)});
    }
    if (requests.empty()) return Invalid("\"arguments\" has no request");
    return requests;
  }

  base::Status ReadSample() {
    auto requests = ReadRequests();
    if (!requests) return requests.error();
    for (const char* name : {"resps", "filtered_resps"}) {
      const auto results = Find(row_, Plain(name));
      const bool lists = results && results->value->is_array() && !results->value->empty();
      if (lists && results->value->size() != requests->size() && !requests->front().more.is_object()) {
        return Invalid(Quoted(name) + " has " + std::to_string(results->value->size()) +
                       " results, and \"arguments\" " + std::to_string(requests->size()) +
                       ": a part of the row is lost, leave it out");
      }
    }
    if (requests->front().more.is_object()) return ReadGeneration(requests->front());
    for (const Request& request : *requests) {
      if (!request.more.is_string()) return Invalid("\"arguments\" has a request without a continuation");
      if (Trimmed(request.more.get_ref<const std::string&>()).empty())
        return Invalid("\"arguments\" has an empty continuation: any text begins with it, leave the row out");
    }
    if (requests->size() > 1) return ReadLikelihoods(*requests);
    out_.prompt = requests->front().text;
    out_.references = {std::string(Trimmed(requests->front().more.get<std::string>()))};
    out_.match = Match::kBegins;
    if (out_.prompt.empty()) return Invalid("\"arguments\" has an empty prompt");
    const auto target = ValueText(row_["target"]);
    if (!target || Trimmed(*target) != out_.references[0]) {
      return Invalid("\"target\": " + Excerpt(row_["target"]) + " is not " + Excerpt(json(out_.references[0])) +
                     ", the only continuation in \"arguments\": where it is an index, the other choices are lost; "
                     "leave the row out");
    }
    return {};
  }

  base::Status ReadGeneration(const Request& request) {
    const json messages = json::parse(request.text, nullptr, false);
    if (messages.is_array() && !messages.empty() && messages.front().is_object()) {
      if (auto status = ReadMessages(messages, "arguments"); !status) return status;
    } else if (Trimmed(request.text).empty()) {
      return Invalid("\"arguments\" has an empty prompt");
    } else {
      out_.prompt = request.text;
    }
    const json until = request.more.value("until", json::array());
    for (const json& stop : until.is_array() ? until : json::array({until})) {
      if (stop.is_string() && !stop.get_ref<const std::string&>().empty()) out_.stop.push_back(stop.get<std::string>());
    }
    const Found target{"target", &row_["target"]};
    if (auto status = AddReferences(target, *target.value, out_.references); !status) return status;
    if (out_.references.empty()) return NoAnswer(target);
    const auto listed = ListOfPython(out_.references.front());
    if (listed) out_.references = *listed;
    if (const auto doc = Find(row_, "doc"); doc && doc->value->is_object()) {
      for (const auto& [name, reason] : kNotJudged) {
        const auto found = reason == kManyWays ? std::nullopt : Find(*doc->value, name);
        if (found && name != "label" && name != "mc2targets")
          return Invalid("\"doc\" has " + Quoted(found->name) + ": " + reason);
      }
    }
    if (row_.contains("match")) return ReadMatch(target, Match::kExact);
    if (TakeResults(out_.references) || TakeNumbers(out_.references, out_.formula)) {
      out_.match = Match::kNumber;
      return {};
    }
    const auto filter = Find(row_, "filter");
    const std::string way = filter && filter->value->is_string() ? filter->value->get<std::string>() : "none";
    if (way != "none" && way != "remove_whitespace") {
      return Invalid(Quoted(filter->name) + ": " + Excerpt(*filter->value) +
                     R"( takes the answer out of a longer text: write the "match" for that text)");
    }
    return ReadMatch(target, listed ? Match::kWords : Match::kExact);
  }

  // The requests begin alike: that is the prompt.
  base::Status ReadLikelihoods(const std::vector<Request>& requests) {
    std::vector<std::string> texts;
    std::size_t common = requests.front().text.size();
    Choices choices;
    for (const Request& request : requests) {
      texts.push_back(request.text + request.more.get<std::string>());
      choices.texts.push_back(request.more.get<std::string>());
      const auto end = std::mismatch(texts[0].begin(), texts[0].end(), texts.back().begin(), texts.back().end()).first;
      if (texts.size() > 1) common = std::min(common, static_cast<std::size_t>(end - texts[0].begin()));
    }
    while (common > 0 && (static_cast<unsigned char>(texts[0][common]) & 0xC0) == 0x80) --common;
    if (common == 0) return Invalid("\"arguments\" has requests that do not begin alike: no prompt is common to them");
    std::optional<std::size_t> position;
    const auto right = NamedChoice({"target", &row_["target"]}, choices, true, {}, position);
    if (!right) return right.error();
    out_.match = Match::kChoice;
    out_.right = *right;
    out_.prompt = texts[0].substr(0, common);
    for (const std::string& text : texts) out_.references.push_back(text.substr(common));
    return {};
  }

  const json& row_;
  const FirstNumbers& first_;
  Question out_;
  std::vector<Position> positions_;
  bool framed_ = false;
  std::optional<std::string> gap_;  // what follows the choices
};

}  // namespace

base::Result<Question> ReadQuestionRow(const json& row, const FirstNumbers& first) {
  return RowReader(row, first).Read();
}

bool HasContext(const json& row) {
  const auto of_question = ContextOf(row), unsent = First(row, kUnsent);
  return (of_question && HasText(*of_question->value)) || (unsent && HasText(*unsent->value));
}

std::vector<Position> PositionsIn(const json& row) {
  const FirstNumbers none;
  RowReader reader(row, none);
  static_cast<void>(reader.Read());
  return reader.positions();
}

std::vector<std::string> NotSent(const json& row, const Question& question, const FirstNumbers& first) {
  std::vector<std::string> names;
  if (row.contains("arguments") && row.contains("target")) return names;  // lm-eval has put its documents into prompts
  const auto is_key = [](std::string_view plain) {
    return NamesRightChoice(plain) || plain == "match" ||
           std::ranges::find(kReferences, plain, &Reference::name) != kReferences.end();
  };
  const std::string sent = SentOf(question);
  const auto choices = ChoiceListOf(row);
  for (const auto& [key, value] : row.items()) {
    if (choices && choices->name == key) continue;
    if (!HasText(value) || IsId(key) || is_key(Plain(key)) || Says(sent, value)) continue;
    json without = row;
    without.erase(key);
    const auto read = ReadQuestionRow(without, first);
    if (read && *read == question) names.push_back(key);
  }
  const auto list = question.messages.empty() ? std::nullopt : PromptOf(row);
  for (const json& message : list && list->value->is_array() ? *list->value : json::array()) {
    for (const auto& [key, value] : message.items()) {
      const std::string name = list->name + "[]." + key;
      const bool sent_too = key == "role" || key == "content" || !HasText(value);
      if (!sent_too && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace autotune::measurement
