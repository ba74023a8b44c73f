#include "measurement/unsent_member.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/ascii_case.h"
#include "measurement/lm_eval_sample.h"
#include "measurement/question_choices.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_context.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

// Names of classes, places and people have up to three words; "Ann left." is a sentence.
constexpr std::size_t kLeastWords = 4, kLeastOfSentence = 2;
constexpr std::size_t kLeastCells = 4, kLeastUnknown = 2;
constexpr std::size_t kMostOfLabel = 24;   // words: of a title, a source, a category
constexpr std::size_t kMostOfNotice = 40;  // words

// Parts of names, as Plain() writes them. What explains, derives or helps.
constexpr std::array<std::string_view, 25> kExplains = {
    "explan",   "rational", "solution",  "reason",    "analysis", "steps",   "lecture",  "knowledge", "hint",
    "evidence", "thought",  "derivat",   "decompos",  "justif",   "formula", "equation", "expr",      "meta",
    "feedback", "revision", "validator", "annotator", "entit",    "revised", "highlight"};
constexpr std::array<std::string_view, 9> kExplainsAlone = {
    "exp", "cot", "cotcontent", "fact", "facts", "combinedfact", "supportingfacts", "proof", "tips"};
// What only tells where a question is from, and of which kind it is.
constexpr std::array<std::string_view, 28> kLabels = {
    "type", "category", "subject", "topic",     "level",   "difficulty", "source", "split",  "group", "tag",
    "lang", "author",   "title",   "year",      "url",     "grade",      "field",  "domain", "skill", "name",
    "date", "canary",   "license", "generator", "dataset", "benchmark",  "subset", "version"};
// Answers of people and models.
constexpr std::array<std::string_view, 11> kAnswered = {"answer",     "response", "predict", "output",
                                                        "completion", "target",   "correct", "wrong",
                                                        "distractor", "alias",    "gold"};
// ... but for what a question with such a name is about, and how it is to be answered.
constexpr std::array<std::string_view, 13> kNeeded = {"passage", "context",    "document", "paragraph", "story",
                                                      "table",   "candidate",  "choice",   "option",    "premise",
                                                      "format",  "background", "instruct"};
// The question in other words.
constexpr std::array<std::string_view, 10> kForms = {"translat", "token",  "toks", "normaliz",   "segment",
                                                     "lemma",    "format", "orig", "paraphrase", "rephrase"};

template <std::size_t n>
bool HasPart(const std::string& plain, const std::array<std::string_view, n>& parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
}

// Words of letters or digits in lower case. What is written without spaces: its characters.
std::vector<std::string> WordsIn(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t size = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    const std::string_view character = text.substr(i, size);
    i += size;
    // U+3040 to U+9FFF: kana and Chinese characters. U+2000 to U+303F: signs.
    const bool alone = size == 3 && (c >= 0xE4 || (c == 0xE3 && static_cast<unsigned char>(character[1]) >= 0x81)) &&
                       !(c == 0xEF) && !(c >= 0xEA && c <= 0xED);
    const bool sign = size == 1 ? std::isalnum(c) == 0 && c < 0x80 : c == 0xE2 || c == 0xC2 || (c == 0xE3 && !alone);
    if (sign || c == 0xEF) {
      open = open && std::string_view("'_-/").find(character) != std::string_view::npos;  // "high_school_physics"
      continue;
    }
    if (alone || !open) words.emplace_back();
    open = !alone;
    for (const char byte : character) words.back() += base::AsciiLower(byte);
  }
  return words;
}

bool IsCharacter(const std::string& word) { return word.size() == 3 && static_cast<unsigned char>(word[0]) >= 0xE3; }
bool IsFigure(const std::string& word) {
  return std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

class KnownText {
 public:
  // The last word of a text is not beside the first one of the next.
  void Add(std::string_view text) {
    const std::vector<std::string> words = WordsIn(text);
    for (std::size_t i = 0; i < words.size(); ++i) {
      alone_.insert(words[i]);
      if (i > 0) pairs_.emplace(words[i - 1], words[i]);
    }
  }

  // Words that are not known, or stand beside others than in what is known. Two characters of Chinese are one.
  [[nodiscard]] std::size_t NewIn(const std::string& text) const {
    const std::vector<std::string> words = WordsIn(text);
    const bool lines = text.find('\n') != std::string::npos;  // a table of figures
    std::size_t halves = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (IsFigure(words[i]) && !lines) continue;
      const bool before = i > 0 && pairs_.contains({words[i - 1], words[i]});
      const bool after = i + 1 < words.size() && pairs_.contains({words[i], words[i + 1]});
      // Two characters of Chinese may be beside one another in any text.
      const bool all = (i == 0 || before) && (i + 1 == words.size() || after);
      if ((IsCharacter(words[i]) ? all : before || after) || (words.size() == 1 && alone_.contains(words[i]))) continue;
      halves += IsCharacter(words[i]) ? 1 : 2;
    }
    return halves / 2;
  }

 private:
  std::set<std::string> alone_;
  std::set<std::pair<std::string, std::string>> pairs_;
};

// Cells of a table, and those of them that are not known. A number is not.
struct Cells {
  std::size_t all = 0, unknown = 0;
};
void CountCells(const json& value, const KnownText& known, Cells& cells) {
  if (value.is_structured()) {
    for (const json& item : value) CountCells(item, known, cells);
    return;
  }
  if (value.is_null() || IsLink(value) || (value.is_string() && !HasText(value))) return;
  ++cells.all;
  cells.unknown += !value.is_string() || known.NewIn(value.get_ref<const std::string&>()) > 0 ? 1 : 0;
}

bool IsText(const json& value, const KnownText& known) {
  if (value.is_structured()) return std::ranges::any_of(value, [&](const json& item) { return IsText(item, known); });
  if (!value.is_string() || IsLink(value)) return false;
  const std::string& text = value.get_ref<const std::string&>();
  const std::string_view trimmed = Trimmed(text);
  const bool sentence =
      std::ranges::any_of(std::array<std::string_view, 6>{".", "!", "?", "\u3002", "\uFF01", "\uFF1F"},
                          [&](std::string_view end) { return trimmed.ends_with(end); });
  return known.NewIn(text) >= (sentence ? kLeastOfSentence : kLeastWords);
}

// Rows of cells; columns of an object.
bool IsTableOf(const json& value, const KnownText& known) {
  if (!value.is_structured() || value.size() < 2) return false;
  const auto is_row = [](const json& item) { return item.is_structured() && item.size() > 1; };
  Cells cells;
  CountCells(value, known, cells);
  return std::ranges::all_of(value, is_row) && cells.all >= kLeastCells && cells.unknown >= kLeastUnknown;
}

std::size_t CountOfWords(const json& value) {
  if (value.is_string()) return WordsIn(value.get_ref<const std::string&>()).size();
  std::size_t words = 0;
  if (value.is_structured()) {
    for (const json& item : value) words += CountOfWords(item);
  }
  return words;
}

// The row has what is sent as it is, as its author wrote it.
bool IsComplete(const json& row) {
  if (IsLmEvalSample(row)) return true;
  const auto prompt = PromptOf(row);
  if (!prompt) return false;
  const std::string plain = Plain(prompt->name);
  return prompt->value->is_array() || (plain != "input" && plain != "query");
}

std::string MemberKey(const std::string& name) { return "." + JqKey(name); }

// What jq writes for values of any kind.
// What may tell which text has the answer is none of them: marks, and members with kTelling in their names.
constexpr const char* kTextOfAny =
    R"(def t: if type == "string" then . elif type == "object" then to_entries | map(select((.value | type) as $k | )"
    R"($k != "boolean" and $k != "null") | select(.key | test("answer|gold|correct|support|select|label|relevan|score"; )"
    R"("i") | not) | .key + ": " + (.value | t)) | join("\n") elif type == "array" then map(select(. != null)) | )"
    R"((if any(.[]; type == "array" or type == "object" or (type == "string" and test(" "))) then map(t) | )"
    R"(join("\n") else map(t) | join(" | ") end) else tostring end; )";
constexpr std::array<std::string_view, 8> kTelling = {"answer", "gold",  "correct", "support",
                                                      "select", "label", "relevan", "score"};

bool Tells(const std::string& name) { return HasPart(Plain(name), kTelling); }

// Within a value, the first member that kTextOfAny leaves out. "" = there is none.
std::string LeftOutOf(const json& value) {
  if (!value.is_structured()) return "";
  for (const auto& [key, of] : value.items()) {
    if (value.is_object() && (of.is_boolean() || Tells(key))) return key;
    if (std::string inner = LeftOutOf(of); !inner.empty()) return inner;
  }
  return "";
}

// The name of a member within a value that has texts and is called an answer: "[ANSWER]". "" = there is none.
std::string AnswerWithin(const json& value) {
  if (!value.is_structured()) return "";
  for (const auto& [key, of] : value.items()) {
    const bool named = value.is_object() && Plain(key).find("answer") != std::string::npos;
    if (named && (of.is_structured() ? !of.empty() : of.is_string() && HasText(of))) return key;
    if (std::string inner = AnswerWithin(of); !inner.empty()) return inner;
  }
  return "";
}

// One sentence that has most words of the question and is not much longer: the question as a statement, with its
// answer.
bool Restates(const json& value, const std::string& question) {
  if (!value.is_string()) return false;
  const std::string_view text = Trimmed(value.get_ref<const std::string&>());
  constexpr std::array<std::string_view, 12> kAsking = {"what", "which", "who",  "when", "where", "how",
                                                        "many", "much",  "does", "did",  "do",    "why"};
  std::vector<std::string> asked = WordsIn(question);
  std::erase_if(asked, [&](const std::string& word) { return std::ranges::find(kAsking, word) != kAsking.end(); });
  const std::vector<std::string> said = WordsIn(text);
  constexpr std::size_t kFewest = 5;
  if (asked.size() < kFewest || said.size() > 2 * asked.size() + kFewest) return false;
  if (text.substr(0, text.empty() ? 0 : text.size() - 1).find(". ") != std::string_view::npos) return false;
  const auto known = std::ranges::count_if(
      asked, [&](const std::string& word) { return std::ranges::find(said, word) != said.end(); });
  return 4 * static_cast<std::size_t>(known) >= 3 * asked.size();
}

std::string ProgramThatSends(const json& row, const std::vector<std::string>& members) {
  if (members.size() == 1 && Plain(members[0]).starts_with("unit") && row[members[0]].is_string()) {
    const auto asked = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
    if (!asked || !asked->value->is_string() || !FitsJq(asked->name + members[0]) || !row.contains(asked->name))
      return "";
    const std::string key = MemberKey(asked->name), unit = MemberKey(members[0]);
    return "jq -c 'if (" + unit + R"( // "") == "" then . else )" + key + R"( += " (in " + )" + unit +
           R"j( + ")" end)j" + " | del(" + unit + ")' FILE > OUT";
  }
  std::string keys, definition, texts;
  bool strings = true;
  for (const std::string& member : members) {
    if (!FitsJq(member)) return "";
    keys += (keys.empty() ? "" : ", ") + MemberKey(member);
    strings = strings && row[member].is_string();
  }
  texts = strings && members.size() == 1 ? keys
          : strings                      ? "([" + keys + R"( | strings] | join("\n")))"
                                         : "([" + keys + R"( | select(. != null) | t] | join("\n")))";
  if (!strings) definition = kTextOfAny;
  const auto prompt = PromptOf(row), question = QuestionOf(row), context = ContextOf(row);
  std::string program;
  const auto before = [&](const Found& asked) -> std::string {
    if (!FitsJq(asked.name) || !asked.value->is_string() || !row.contains(asked.name)) return "";
    return MemberKey(asked.name) + " = " + texts + R"( + "\n" + )" + MemberKey(asked.name);
  };
  if (prompt) {
    program = before(*prompt);
  } else if (question && context) {
    if (!context->value->is_string() || !FitsJq(context->name) || !row.contains(context->name)) return "";
    program = MemberKey(context->name) + R"( += "\n" + )" + texts;
  } else if (question) {
    program = ".context = " + texts;
  } else if (const auto sentence = Find(row, "sentence")) {
    program = before(*sentence);
  }
  return program.empty() ? "" : "jq -c '" + definition + program + " | del(" + keys + ")' FILE > OUT";
}

std::string TextsOf(const json& value) {
  if (value.is_string()) return value.get<std::string>() + "\n";
  std::string texts;
  if (value.is_structured()) {
    for (const json& item : value) texts += TextsOf(item);
  }
  return texts;
}

// Each text of a value is in a longer one: a span of a document.
bool IsPartOf(const json& part, const json& whole) {
  const std::string texts = TextsOf(whole);
  return TextsOf(part).size() < texts.size() && Says(texts, part);
}

// "Which event follows the target?", where the row says which part of its dialogue that is. "" = it is sent, or none.
std::string WhyTarget(const json& row, const Question& question) {
  const auto target = Find(row, "target"), asked = QuestionOf(row);
  if (!target || !asked || !target->value->is_string() || !asked->value->is_string()) return "";
  if (question.match != Question::Match::kChoice || !FitsJq(target->name + asked->name)) return "";
  const std::string& text = asked->value->get_ref<const std::string&>();
  const std::string_view said = Trimmed(target->value->get_ref<const std::string&>());
  const bool names = text.find("target") != std::string::npos || text.find("Target") != std::string::npos;
  const bool choice =
      std::ranges::any_of(question.references, [&](const std::string& one) { return Trimmed(one) == said; });
  if (!names || choice || said.find(' ') == std::string_view::npos || Says(text, *target->value) ||
      !row.contains(asked->name))
    return "";
  const std::string question_key = MemberKey(asked->name), key = MemberKey(target->name);
  return Quoted(target->name) + ": " + Excerpt(*target->value) +
         " would not be sent, and the question is about it: jq -c '" + question_key + R"( += "\nTarget: " + )" + key +
         " | del(" + key + ")' FILE > OUT sends it";
}

// Texts, of which one is the reference and another is none.
bool HasReference(const json& value, const Question& question) {
  if (!value.is_structured() || value.size() < 2 || question.match == Question::Match::kChoice) return false;
  bool right = false, other = false;
  for (const json& item : value) {
    if (!item.is_string()) return false;
    const std::string_view text = Trimmed(item.get_ref<const std::string&>());
    const bool is_reference =
        std::ranges::any_of(question.references, [&](const std::string& one) { return Trimmed(one) == text; });
    right = right || is_reference;
    other = other || (!is_reference && !text.empty());
  }
  return right && other;
}

std::string WhyCandidates(const json& row, const Question& question, const std::string& member) {
  const std::string what = Quoted(member) + ": " + Excerpt(row[member]);
  const auto answer = ReferenceOf(row);
  const bool known = FitsJq(member) && answer && answer->value->is_string() && row.contains(answer->name) &&
                     FitsJq(answer->name) && row[member].is_array();
  const std::string key = MemberKey(member), drop = "jq -c 'del(" + key + ")' FILE > OUT";
  if (!known) return what + " has the right answer among other texts: write it as \"choices\" or as \"references\"";
  const std::string right = MemberKey(answer->name);
  const std::string choices = question.messages.empty()
                                  ? "if the others are wrong, jq -c '. as $r | del(" + key + ", " + right +
                                        ") + {choices: $r" + JqKey(member) + ", answer: ($r" + JqKey(member) +
                                        " | index($r" + JqKey(answer->name) + "))}' FILE > OUT; "
                                  : "";
  return what + " has the right answer among other texts: " + choices +
         "if each of them is right, jq -c '.answers = " + key + " | del(" + key +
         (Plain(answer->name) == "answers" ? "" : ", " + right) + ")' FILE > OUT; if neither, " + drop +
         " leaves it out";
}

// "[[placeholder]]", where a picture was: its description takes the place, or the row is left out. "" = there is none.
std::string WhyPlaceholder(const json& row, const Question& question) {
  std::string sent = SentOf(question);
  for (const std::string& text : question.references) sent += "\n" + text;
  for (const std::string_view mark : {"[[placeholder]]", "[[image]]", "[[figure]]"}) {
    if (sent.find(mark) == std::string::npos) continue;
    const std::string said = "the prompt has " + Quoted(mark) + ", the place of a picture: ";
    const auto asked = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
    const auto texts = First(row, std::array<std::string_view, 6>{"description", "descriptions", "caption", "captions",
                                                                  "imagedescription", "alttext"});
    const bool known = asked && texts && asked->value->is_string() && row.contains(asked->name) &&
                       row.contains(texts->name) && FitsJq(asked->name + texts->name) && HasText(*texts->value) &&
                       Says(asked->value->get_ref<const std::string&>(), json(mark));
    if (!known) return said + "no text says what it shows, so leave the row out";
    const std::string key = MemberKey(asked->name), from = MemberKey(texts->name);
    const std::string inner(mark.substr(2, mark.size() - 4));
    return said + "jq -c '" + key + " = (reduce ([" + from + " | .. | strings][]) as $d (" + key +
           "; sub(\"\\\\[\\\\[" + inner + "\\\\]\\\\]\"; $d))) | del(" + from + ")' FILE > OUT puts " +
           Quoted(texts->name) + " there";
  }
  return "";
}

// Beside a question in English its like in Chinese, with choices of its own: both would mix. "" = there is none.
std::string WhyOtherLanguage(const json& row, const Question& question, const std::vector<std::string>& unread) {
  constexpr std::array<std::string_view, 10> kAsked = {"问题", "題目",   "题目",   "問題", "질문",
                                                       "문제", "вопрос", "Вопрос", "سؤال", "प्रश्न"};
  const bool other = std::ranges::any_of(unread, [&](const std::string& member) {
    return std::ranges::find(kAsked, member) != kAsked.end() && row.contains(member) && HasText(row[member]);
  });
  if (!other || SentOf(question).empty()) return "";
  std::string names, keys;
  for (const std::string& member : unread) {
    const auto letters = std::ranges::count_if(member, [](unsigned char c) { return std::isalpha(c) != 0; });
    const bool outside = !member.empty() && static_cast<unsigned char>(member.front()) >= 0x80 && letters < 2;
    if (!outside || !row.contains(member) || !FitsJq(member)) continue;
    names += (names.empty() ? "" : ", ") + Quoted(member);
    keys += (keys.empty() ? "" : ", ") + MemberKey(member);
  }
  return names + (unread.size() == 1 ? " is" : " are") +
         " the question in another language, and would not be sent: " + "jq -c 'del(" + keys + ")' FILE > OUT leaves " +
         (unread.size() == 1 ? "it" : "them") + " out; to ask in that language, delete the others";
}

// A list of texts that is not sent, and a reference that may be the number or the letter of one of them. "" = there is
// no such list. What the texts of a list explain or tell is no choice.
std::string WhyPosition(const json& row, const Question& question, const std::string& member) {
  const auto answer = ReferenceOf(row);
  const std::string plain = Plain(member);
  const bool explains = HasPart(plain, kExplains) || IsMetadata(member) || IsId(member) ||
                        std::ranges::find(kExplainsAlone, plain) != kExplainsAlone.end();
  if (question.match == Question::Match::kChoice || row.contains("match") || explains || !answer ||
      plain.find("token") != std::string::npos)
    return "";
  // {"A": "...", "B": "..."}, where the answer is "B"
  const json& list = row[member];
  const json& named = answer->value->is_array() && answer->value->size() == 1 ? answer->value->front() : *answer->value;
  const bool texts = list.is_object() && list.size() > 1 &&
                     std::ranges::all_of(list, [](const json& item) { return item.is_string() && HasText(item); });
  if (texts && named.is_string() && list.contains(named.get<std::string>())) {
    const std::string program = question.messages.empty() ? ProgramOfChoices(row, {member, &list}, *answer) : "";
    return Quoted(answer->name) + ": " + Excerpt(named) + " names one of " + Quoted(member) +
           ", and they would not be sent: " + (program.empty() ? R"(write them as "choices")" : program);
  }
  if (!answer->value->is_string()) return "";
  const std::string answer_name = Plain(answer->name);
  if (answer_name.find("number") != std::string::npos || answer_name.find("float") != std::string::npos) return "";
  if (NamesChoiceOf(SentOf(question), answer->value->get_ref<const std::string&>())) return "";
  const json& value = row[member];
  const auto is_text = [](const json& item) { return item.is_string() && HasText(item); };
  if (!value.is_array() || value.size() < 2 || !std::ranges::all_of(value, is_text) || IsLink(value) ||
      !MayBePosition(*answer->value, value.size()))
    return "";
  const std::string program = question.messages.empty() ? ProgramOfChoices(row, {member, &value}, *answer) : "";
  return Quoted(answer->name) + ": " + Excerpt(*answer->value) + " may tell which of " + Quoted(member) +
         " is right, and they would not be sent: " +
         (program.empty() ? R"(if it does, write them as "choices")" : "if it does, " + program) +
         (FitsJq(member) ? "; if it does not, jq -c 'del(" + MemberKey(member) + ")' FILE > OUT leaves them out" : "");
}

// What would tell the answer, if it were sent. "" = it does not seem to.
std::string WhyTelling(const json& row, const std::string& member) {
  const auto asked = QuestionOf(row);
  const std::string inner = AnswerWithin(row[member]);
  const bool restates =
      asked && asked->value->is_string() && Restates(row[member], asked->value->get_ref<const std::string&>());
  if (inner.empty() && !restates) return "";
  return Quoted(member) + ": " + Excerpt(row[member]) + " would not be sent" +
         (restates ? ", and seems to be the question with its answer"
                   : ", and seems to tell the answer, as it has " + Quoted(inner)) +
         (FitsJq(member) ? ": jq -c 'del(" + MemberKey(member) + ")' FILE > OUT leaves it out" : ": leave it out") +
         "; if the question needs a part of it, write that as \"context\"";
}

}  // namespace

// {"table_id": "t7"}, where nothing is sent with the question: what it is about is in another file. "" = it is not.
std::string WhyElsewhere(const json& row) {
  constexpr std::array<std::string_view, 15> kThings = {"table",    "image", "video",   "audio",     "figure",
                                                        "document", "doc",   "passage", "paragraph", "context",
                                                        "article",  "story", "report",  "contract",  "rule"};
  constexpr std::size_t kNoTexts = 5;  // of these, no other text can take the place
  const auto asked = QuestionOf(row), context = ContextOf(row);
  if (PromptOf(row) || (context && HasText(*context->value)) || HasContext(row)) return "";
  for (const auto& [key, value] : row.items()) {
    const std::string plain = Plain(key);
    if (!IsId(key) || !plain.ends_with("id") || !(value.is_number() || HasText(value)) || !FitsJq(key)) continue;
    const std::string stem = plain.substr(0, plain.size() - 2);
    const auto known = std::ranges::find(kThings, stem);
    if (known == kThings.end() || Find(row, stem)) continue;
    if (!asked && known >= kThings.begin() + kNoTexts) continue;
    const bool table = std::ranges::any_of(row.items(), [](const auto& item) {
      return IsTable({item.key(), &item.value()});
    });
    if (table) continue;
    const bool medium = stem == "image" || stem == "video" || stem == "audio" || stem == "figure";
    const std::string drop = "jq -c 'del(" + MemberKey(key) + ")' FILE > OUT if the questions say enough";
    return Quoted(key) + ": " + Excerpt(value) +
           " names what the question may be about, and the row does not have it: " +
           (medium ? "no text could say it, so leave these rows out; or " + drop
                   : "if another file has it under the same " + Quoted(key) + ", " +
                         JoinBy(key, "OTHER", "FILE", "context") + "; " + drop);
  }
  return "";
}

bool IsNotice(const json& value) { return value.is_string() && CountOfWords(value) <= kMostOfNotice; }

bool IsAdditional(std::string_view name, const json& value) {
  if (IsLink(value) || IsId(name) || HoldsAnswers(value)) return true;
  const std::string plain = Plain(name);
  std::string stem = plain;
  while (!stem.empty() && std::isdigit(static_cast<unsigned char>(stem.back())) != 0) stem.pop_back();
  if (std::ranges::find(kExplainsAlone, stem) != kExplainsAlone.end() || HasPart(plain, kExplains)) return true;
  if (plain.starts_with("translat")) return true;
  if (plain.ends_with("fol") || plain.find("logicalform") != std::string::npos) return true;  // in a formal language
  if (HasPart(plain, kAnswered) && !HasPart(plain, kNeeded)) return true;
  const bool asks = plain.find("question") != std::string::npos || plain.find("query") != std::string::npos;
  if (asks && HasPart(plain, kForms)) return true;
  const bool label = std::ranges::any_of(kLabels, [&](std::string_view part) {
    if (part == "date" && plain.ends_with("candidate")) return false;
    constexpr std::size_t kClear = 6;  // letters: a longer one is in no other word
    return (part.size() >= kClear && plain.find(part) != std::string::npos) || plain.starts_with(part) ||
           plain.ends_with(part) || plain.ends_with(std::string(part) + "s") || plain.ends_with("categories");
  });
  if (label && !plain.ends_with("candidates")) return CountOfWords(value) <= kMostOfLabel;
  if (!value.is_object()) return false;
  for (const auto& [key, of] : value.items()) {
    if (!IsAdditional(key, of)) return false;
  }
  return true;
}

std::string WhyIncomplete(const json& row, const Question& question, const std::vector<std::string>& unread,
                          const std::set<std::string>& constant) {
  if (IsLmEvalSample(row)) return "";
  if (std::string target = WhyTarget(row, question); !target.empty()) return target;
  if (std::string place = WhyPlaceholder(row, question); !place.empty()) return place;
  if (std::string other = WhyOtherLanguage(row, question, unread); !other.empty()) return other;
  KnownText words;
  words.Add(SentOf(question));
  for (const std::string& reference : question.references) words.Add(reference);
  std::vector<std::string> needed;
  for (const std::string& member : unread) {
    if (!row.contains(member)) continue;  // of a message
    const json& value = row[member];
    const std::string plain = Plain(member);
    if (std::string position = WhyPosition(row, question, member); !position.empty()) return position;
    if (HasReference(value, question) && plain.find("token") == std::string::npos && !IsMetadata(member))
      return WhyCandidates(row, question, member);
    if (IsComplete(row) || IsAdditional(member, value) || (constant.contains(member) && IsNotice(value))) continue;
    if (plain != "clue" && plain != "clues" && !AdviceForHint(row, member).empty())
      continue;  // the reading names it, with a program
    if (!IsText(value, words) && !IsTableOf(value, words)) continue;
    if (std::string why = WhyTelling(row, member); !why.empty()) return why;
    needed.push_back(member);
  }
  std::erase_if(needed, [&, all = needed](const std::string& part) {
    return std::ranges::any_of(
        all, [&](const std::string& whole) { return whole != part && IsPartOf(row[part], row[whole]); });
  });
  if (needed.empty()) return WhyElsewhere(row);
  std::string names, keys;
  bool fits = true;
  for (const std::string& member : needed) {
    names += (names.empty() ? "" : ", ") + Quoted(BeginOf(member, 40));
    keys += (keys.empty() ? "" : ", ") + MemberKey(member);
    fits = fits && FitsJq(member);
  }
  const std::string it = needed.size() == 1 ? "it" : "them", sends = ProgramThatSends(row, needed);
  std::string without;
  for (const std::string& member : needed) {
    if (without.empty() && sends.find("def t: ") != std::string::npos) without = LeftOutOf(row[member]);
  }
  return names + (needed.size() == 1 ? ": " + Excerpt(row[needed[0]]) : "") +
         " would not be sent, and the question may need " + it + ": " +
         (sends.empty()
              ? "write " + it + " and the question as one \"prompt\""
              : sends + " sends " + it + (without.empty() ? "" : ", but for members such as " + Quoted(without))) +
         (fits ? "; jq -c 'del(" + keys + ")' FILE > OUT leaves " + it + " out if the question says enough" : "");
}

}  // namespace autotune::measurement
