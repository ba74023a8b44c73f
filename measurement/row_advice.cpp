#include "measurement/row_advice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/row_context.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/unjudged_row.h"
#include "measurement/unsent_member.h"
#include "measurement/written_number.h"
#include "measurement/written_sentence.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;
using namespace std::string_literals;

// What a program has where only its user knows what to write.
constexpr const char* kPlaceOfQuestion = "Is this ...?";
constexpr const char* kPlaceOfAnyQuestion = "What is ...?";
constexpr const char* kPlaceOfName = "NAME ";

// What may be asked together; any may be a list of texts.
constexpr std::array<std::array<std::string_view, 3>, 16> kTogether = {{{"premises", "conclusion", ""},
                                                                        {"premise", "hypothesis", ""},
                                                                        {"premises", "hypothesis", ""},
                                                                        {"context", "hypothesis", ""},
                                                                        {"context", "conclusion", ""},
                                                                        {"context", "claim", ""},
                                                                        {"context", "statement", ""},
                                                                        {"passage", "hypothesis", ""},
                                                                        {"table", "statement", ""},
                                                                        {"word", "sentence1", "sentence2"},
                                                                        {"sentence1", "sentence2", ""},
                                                                        {"text1", "text2", ""},
                                                                        {"question1", "question2", ""},
                                                                        {"subject", "body", ""},
                                                                        {"title", "body", ""},
                                                                        {"title", "description", ""}}};
constexpr std::array<std::string_view, 36> kAsked = {
    "instruction", "task",    "request",   "text",     "sentence",    "utterance",  "review",     "tweet",
    "message",     "email",   "ticket",    "body",     "content",     "comment",    "post",       "headline",
    "nl",          "claim",   "statement", "document", "description", "reviewtext", "reviewbody", "doc",
    "abstract",    "article", "passage",   "title",    "subject",     "intent",     "source",     "src",
    "riddle",      "puzzle",  "exercise",  "clue"};
constexpr std::array<std::string_view, 5> kDialogues = {"conversation", "dialogue", "dialog", "utterances", "history"};
// What stands where a choice goes.
constexpr std::array<std::string_view, 6> kGaps = {"<MASK>", "[MASK]", "<mask>", "@placeholder", "<blank>", "BLANK"};
constexpr std::array<std::string_view, 15> kClasses = {
    "label",  "labels",  "labeltext", "labelname", "class",       "intent", "sentiment", "emotion",
    "stance", "verdict", "polarity",  "finelabel", "coarselabel", "gold",   "goldlabel"};
// Beside a question they tell only where it is from.
constexpr std::array<std::string_view, 9> kTopics = {"category", "topic", "queue",  "department", "priority",
                                                     "type",     "genre", "rating", "stars"};
constexpr std::array<std::string_view, 7> kAnswerNames = {
    "answer", "target", "gold", "groundtruth", "correctanswer", "expectedanswer", "finalanswer"};
// Of kAsked, what asks for something.
constexpr std::array<std::string_view, 9> kTasks = {"instruction", "task",   "request",  "nl",  "intent",
                                                    "riddle",      "puzzle", "exercise", "clue"};
constexpr std::size_t kLongestClass = 60;  // bytes
constexpr std::int64_t kMostClass = 20;
constexpr std::array<std::string_view, 12> kHints = {"hint",  "hints",    "clue",      "clues",     "tip",
                                                     "tips",  "evidence", "evidences", "knowledge", "externalknowledge",
                                                     "facts", "lecture"};
constexpr std::array<std::string_view, 7> kExplanations = {"explanation", "explanations", "rationale", "rationales",
                                                           "reasoning",   "cot",          "solution"};

std::string KeyOf(const std::string& name) { return "." + JqKey(name); }

std::optional<Found> TextOf(const json& row, std::string_view name) {
  auto found = name.empty() ? std::nullopt : Find(row, name);
  return found && HasText(*found->value) && !found->value->is_object() && FitsJq(found->name) ? found : std::nullopt;
}

// What jq writes as the prompt, and the members that it is of.
struct Prompting {
  std::string program;
  std::vector<std::string> members;
  bool asks = false;      // a question, or what is called a task
  bool relation = false;  // of several texts, that a class is about

  void Add(const Found& text) {
    asks = asks || std::ranges::find(kTasks, Plain(text.name)) != kTasks.end() ||
           (text.value->is_string() && text.value->get_ref<const std::string&>().find('?') != std::string::npos);
    const std::string key = KeyOf(text.name);
    program += (program.empty() ? "" : R"( + "\n" + )") +
               (text.value->is_string() ? key
                : text.value->is_object()
                    ? "(" + key + R"( | to_entries | map(.key + " = " + (.value | tostring)) | join(", ")))"
                    : "([" + key + R"( | .. | strings] | join("\n")))");
    members.push_back(text.name);
  }
};

// Parts of names: a text in other words or pieces.
constexpr std::array<std::string_view, 11> kOtherForms = {
    "token", "parse", "normaliz", "lemma", "translat", "segment", "pos", "rewrite", "html", "clean", "original"};

bool IsClassName(std::string_view plain) {
  const auto is_in = [&](const auto& names) { return std::ranges::find(names, plain) != names.end(); };
  return is_in(kClasses) || is_in(kTopics) || is_in(kAnswerNames);
}

// Four words, or two that end as a sentence does.
bool HasSentence(const json& value) {
  if (value.is_object()) return std::ranges::any_of(value, HasText);
  constexpr std::size_t kMostOfList = 20;
  const bool few = value.is_array() && value.size() > 1 && value.size() <= kMostOfList;
  if (few && std::ranges::all_of(value, [](const json& item) { return item.is_string() && HasText(item); }))
    return true;
  if (value.is_array())
    return !value.empty() && std::ranges::all_of(value, [](const json& item) { return item.is_string(); }) &&
           std::ranges::any_of(value, HasSentence);
  if (!value.is_string()) return false;
  const std::string_view text = Trimmed(value.get_ref<const std::string&>());
  const auto spaces = std::count_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; });
  const bool ends = text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  constexpr std::size_t kLong = 24;  // bytes, of a text without spaces
  const bool chinese = spaces == 0 && text.size() >= kLong && static_cast<unsigned char>(text[0]) >= 0xE3;
  return spaces >= (ends ? 1 : 3) || chinese;
}

// Texts that no table names, and that are neither metadata nor answers.
std::vector<Found> OtherTexts(const json& row, const std::vector<std::string>& taken) {
  const auto choices = ChoiceListOf(row);
  const bool members = ReadChoiceMembers(row).has_value();
  std::vector<Found> texts;
  for (const auto& [key, value] : row.items()) {
    const std::string plain = Plain(key);
    const bool form =
        std::ranges::any_of(kOtherForms, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
    // What a class may be about, too: what a model said, and parts of a text.
    const auto has = [&plain](std::string_view part) { return plain.find(part) != std::string::npos; };
    const bool said =
        value.is_string() && !NamesReference(plain) && (has("response") || has("output") || has("completion"));
    if ((choices && choices->name == key) || (members && IsChoiceMember(plain))) continue;
    const bool spans = value.is_object() && (plain == "target" || plain.starts_with("span"));
    if (std::ranges::find(taken, key) != taken.end() || !FitsJq(key) || IsTable({key, &value}) || !HasSentence(value))
      continue;
    if (!said && !spans &&
        (IsMetadata(key) || IsAdditional(key, value) || NamesReference(plain) || IsClassName(plain) || form ||
         value.is_object()))
      continue;
    texts.push_back({key, &value});
  }
  // A list alone is not asked.
  const auto is_text = [](const Found& text) { return text.value->is_string(); };
  if (taken.empty() && std::ranges::none_of(texts, is_text)) return {};
  return texts;
}

std::optional<Prompting> AskedByName(const json& row) {
  constexpr std::array<std::string_view, 5> kParts = {"title", "body", "description", "subject", "premises"};
  for (const auto& names : kTogether) {
    Prompting asked;
    asked.relation = std::ranges::find(kParts, names[1]) == kParts.end();
    std::size_t named = 0;
    for (const std::string_view name : names) {
      named += name.empty() ? 0 : 1;
      if (const auto text = TextOf(row, name)) asked.Add(*text);
    }
    if (asked.members.size() == named) return asked;
  }
  for (const std::string_view name : kAsked) {
    const auto text = TextOf(row, name);
    if (!text || !text->value->is_string()) continue;
    Prompting asked;
    asked.Add(*text);
    return asked;
  }
  for (const std::string_view name : kDialogues) {
    const auto text = TextOf(row, name);
    if (!text) continue;
    Prompting asked;
    asked.Add(*text);
    return asked;
  }
  return std::nullopt;
}

// Each text under its name.
Prompting Named(const std::vector<Found>& texts) {
  Prompting asked;
  asked.relation = true;
  for (const Found& text : texts) {
    const bool asks = asked.asks;
    Prompting one;
    one.Add(text);
    asked.program += (asked.program.empty() ? "" : R"( + "\n" + )") +
                     json(text.name + ": ").dump(-1, ' ', true, json::error_handler_t::replace) + " + " + one.program;
    asked.members.push_back(text.name);
    asked.asks = asks || one.asks;
  }
  return asked;
}

// `all`: with the texts that have no known name; no class is of one of several texts.
std::optional<Prompting> AskedAlone(const json& row, bool all) {
  auto asked = AskedByName(row);
  if (!all) return asked;
  std::vector<Found> texts;
  for (const std::string& member : asked ? asked->members : std::vector<std::string>())
    texts.push_back({member, &row[member]});
  const std::vector<Found> others = OtherTexts(row, asked ? asked->members : std::vector<std::string>());
  if (others.empty()) return asked;
  texts.insert(texts.end(), others.begin(), others.end());
  if (texts.size() > 1) return Named(texts);
  Prompting one;
  one.Add(texts.front());
  return one;
}

// A word of all texts that are asked together, whose meaning or form the question may be about: {"Target": "bank"}.
std::optional<Found> WordOf(const json& row, const std::vector<std::string>& members) {
  constexpr std::size_t kLongest = 40, kLeastTexts = 2;  // bytes, texts
  if (members.size() < kLeastTexts) return std::nullopt;
  constexpr std::array<std::string_view, 7> kWords = {"target",  "targetword", "word", "lemma",
                                                      "keyword", "term",       "noun"};
  for (const std::string_view name : kWords) {
    const auto word = Find(row, name);
    if (!word || !word->value->is_string() || !HasText(*word->value) || !FitsJq(word->name)) continue;
    const std::string& text = word->value->get_ref<const std::string&>();
    const bool known = std::ranges::find(members, word->name) != members.end() || text.size() > kLongest;
    if (known || VerdictIn(text) || IsDigits(Trimmed(text))) continue;
    const bool within = std::ranges::all_of(members, [&](const std::string& member) {
      return row[member].is_string() && Says(row[member].get_ref<const std::string&>(), *word->value);
    });
    if (within || name != "target") return word;
  }
  return std::nullopt;
}

// With the tables that it is about: a caption, names of columns and cells.
std::optional<Prompting> AskedIn(const json& row, bool all) {
  auto asked = AskedAlone(row, all);
  if (const auto word = asked && asked->relation ? WordOf(row, asked->members) : std::nullopt) {
    std::vector<Found> texts = {*word};
    for (const std::string& member : asked->members) texts.push_back({member, &row[member]});
    asked = Named(texts);
  }
  bool tables = false;
  for (const auto& [key, value] : row.items()) tables = tables || IsTable({key, &value});
  if (!asked || !tables) return asked;
  Prompting with;
  for (const auto& [key, value] : row.items()) {
    const Found table{key, &value};
    const bool caption = value.is_string() && Plain(key).starts_with("table") && !IsId(key) && HasText(value);
    const bool taken = std::ranges::find(asked->members, key) != asked->members.end();
    const std::string text = (IsTable(table) || caption) && FitsJq(key) && !taken ? ProgramOfText(table) : "";
    if (text.empty()) continue;
    with.program += text + R"( + "\n" + )";
    with.members.push_back(key);
  }
  with.program += asked->program;
  with.asks = asked->asks;
  with.relation = asked->relation;
  with.members.insert(with.members.end(), asked->members.begin(), asked->members.end());
  return with;
}

// A question under a longer name: "question_lang". "" = there is none.
std::string AdviceForQuestion(const json& row) {
  for (const std::string_view stem : {"question", "problem", "query", "prompt"}) {
    std::string name, others;
    for (const auto& [key, value] : row.items()) {
      const std::string plain = Plain(key);
      const bool text = value.is_string() && HasText(value) && FitsJq(key) && !IsId(key) && plain != stem &&
                        (plain.starts_with(stem) || plain.ends_with(stem)) && !plain.ends_with("type");
      if (!text || value.get_ref<const std::string&>().find(' ') == std::string::npos) continue;
      (name.empty() ? name : others) +=
          (name.empty() || others.empty() ? "" : ", ") + (name.empty() ? key : Quoted(key));
    }
    if (name.empty()) continue;
    return "if " + Quoted(name) + (others.empty() ? "" : ", and not " + others + ",") +
           " is what is asked: jq -c '.question = " + KeyOf(name) + " | del(" + KeyOf(name) + ")' FILE > OUT";
  }
  return "";
}

}  // namespace

namespace {

std::string NamesOf(const std::vector<std::string>& members) {
  std::string names;
  for (const std::string& member : members) names += (names.empty() ? "" : " and ") + Quoted(member);
  return names;
}

// What of several texts the others tell of: a hypothesis. "" = nothing known.
std::string JudgedOf(const std::vector<std::string>& members) {
  constexpr std::array<std::string_view, 5> kJudged = {"hypothesis", "claim", "statement", "conclusion", "assertion"};
  for (const std::string& member : members) {
    const std::string plain = Plain(member);
    if (std::ranges::find(kJudged, plain) != kJudged.end()) return plain;
  }
  return "";
}

// The only member that is yes or no, of a name that nothing knows. "" = there is none, or several.
std::string OnlyVerdict(const json& row, const std::vector<std::string>& taken) {
  std::string only;
  for (const auto& [key, value] : row.items()) {
    if (!value.is_string() || !VerdictIn(value.get_ref<const std::string&>()) || IsClassName(Plain(key))) continue;
    if (std::ranges::find(taken, key) != taken.end() || !only.empty()) return "";
    only = Plain(key);
  }
  return only;
}

// The name of a class beside its number: {"label": 100, "label_desc": "news_story"}.
std::optional<Found> NameOfClass(const json& row, const Found& number) {
  constexpr std::array<std::string_view, 10> kEnds = {"desc",   "description", "name", "text",  "str",
                                                      "string", "names",       "word", "title", "value"};
  const bool digits = number.value->is_string() && IsDigits(Trimmed(number.value->get_ref<const std::string&>()));
  if (!number.value->is_number_integer() && !digits) return std::nullopt;
  for (const std::string_view end : kEnds) {
    const auto name = Find(row, Plain(number.name) + std::string(end));
    if (!name || !name->value->is_string() || !FitsJq(name->name)) continue;
    const std::string& text = name->value->get_ref<const std::string&>();
    if (!HasText(*name->value) || text.size() > kLongestClass || IsDigits(Trimmed(text)) || IsSentence(text)) continue;
    return name;
  }
  return std::nullopt;
}

// The members with texts that a program does not use.
std::string LeftOut(const json& row, const Prompting& asked, const std::string& label) {
  constexpr int kMost = 6;
  std::string names;
  int count = 0;
  for (const auto& [key, value] : row.items()) {
    const bool used = key == label || std::ranges::find(asked.members, key) != asked.members.end();
    if (used || IsId(key) || !HasText(value)) continue;
    if (++count <= kMost) names += (names.empty() ? "" : ", ") + Quoted(BeginOf(key, 40));
  }
  if (count > kMost) names += ", ...";
  return names.empty() ? "" : "; it leaves out " + names;
}

}  // namespace

bool JoinsWithoutQuestion(const json& row) {
  const auto asked = AskedIn(row, true);
  if (!asked || !asked->relation || asked->asks) return false;
  return std::ranges::any_of(kAnswerNames, [&](std::string_view name) {
    const auto answer = Find(row, name);
    const bool used = answer && std::ranges::find(asked->members, answer->name) != asked->members.end();
    return answer && !used &&
           (answer->value->is_boolean() ||
            (answer->value->is_string() && VerdictIn(answer->value->get_ref<const std::string&>())));
  });
}

std::string AdviceForClasses(const json& row, bool answered) {
  std::optional<Prompting> asked;
  const auto question = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  if (!question) asked = AskedIn(row, true);
  if (!question && !asked) return "";
  if (answered && (!asked || asked->asks)) return "";
  for (const std::string_view name : kClasses) {
    const auto found = question && !answered ? Find(row, name) : std::nullopt;
    const auto list = found && found->value->is_primitive() ? ListNamedBy(row, *found) : std::nullopt;
    const std::string program = list ? ProgramOfChoices(row, *list, *found) : "";
    if (!program.empty())
      return "if " + Quoted(found->name) + ": " + Excerpt(*found->value) + " names one of " + Quoted(list->name) +
             ": " + program + " makes choices of them";
  }
  std::vector<std::string_view> names;
  const auto add = [&names](const auto& more) {
    for (const std::string_view name : more) names.push_back(name);
  };
  if (!answered) add(kClasses);
  if (!answered && asked) add(kTopics);
  if (asked) add(kAnswerNames);
  const std::string unknown = asked && !answered ? OnlyVerdict(row, asked->members) : "";
  if (!unknown.empty()) names.push_back(unknown);
  for (const std::string_view name : names) {
    auto found = Find(row, name);
    if (!found || !FitsJq(found->name)) continue;
    if (const auto named = NameOfClass(row, *found)) found = named;
    if (asked && std::ranges::find(asked->members, found->name) != asked->members.end()) continue;
    const std::string key = KeyOf(found->name);
    const auto text = found->value->is_string() ? ValueText(*found->value) : std::nullopt;
    if (found->value->is_number_integer() && answered &&
        (found->name != "target" || found->value->get<std::int64_t>() < 0 ||
         found->value->get<std::int64_t>() > kMostClass))
      continue;
    if (text && IsWrittenStructure(*text)) continue;
    // "label": "Yes" does not tell what is asked, and a number does not tell how texts are related.
    const bool relation = asked && asked->relation;
    const std::string judged = relation ? JudgedOf(asked->members) : "";
    const bool verdict = asked && judged.empty() && (relation || asked->members.size() == 1) &&
                         (found->value->is_boolean() || (text && VerdictIn(*text)) ||
                          (relation && (found->value->is_number_integer() || (text && IsDigits(*text)))));
    const std::string last = verdict ? "\n" + std::string(kPlaceOfQuestion) : "\n" + found->name + ":";
    const std::string place = !asked
                                  ? ""
                                  : (verdict ? ", with the question in place of " + Quoted(kPlaceOfQuestion) +
                                                   (relation ? ": how " + NamesOf(asked->members) + " are related" : "")
                                             : "") +
                                        LeftOut(row, *asked, found->name);
    // "e" and "n", "0" and "1": a model would be asked for letters that tell nothing.
    const bool bare = asked && text && (IsLetter(*text) || IsDigits(*text));
    const std::string ends = json(last).dump(-1, ' ', true);
    const std::string which =
        relation && !verdict
            ? R"("\nBy what is above, which of these is right)" + (judged.empty() ? "" : " for the " + judged) +
                  (bare ? R"(: " + ($c | map("NAME " + .) | join(", ")) + "?)" : R"(: " + ($c | join(", ")) + "?)") +
                  ends.substr(1)
            : ends;
    const std::string prompt = asked ? "{prompt: (" + asked->program + " + " + which + "), " : "";
    // The classes that the prompt names.
    const auto with = [&](const std::string& classes) {
      return relation && !verdict ? std::pair(classes + " as $c | ", std::string("$c"))
                                  : std::pair(std::string(), classes);
    };
    const auto program = [&](const std::string& choices, const std::string& answer) {
      if (asked) return prompt + "choices: " + choices + ", answer: " + answer + "}";
      return ".choices = " + choices + (answer == key ? "" : " | .answer = " + answer + " | del(" + key + ")");
    };
    if (found->value->is_boolean()) {
      const auto [before, classes] = with(R"(["false", "true"])");
      return "jq -c '" + before + program(classes, "(" + key + " | tostring)") + "' FILE > OUT asks for " +
             Quoted(found->name) + place;
    }
    if (found->value->is_number_integer() &&
        !(found->value->get<std::int64_t>() >= 0 && found->value->get<std::int64_t>() <= kMostClass)) {
      return Quoted(found->name) + ": " + Excerpt(*found->value) +
             " is the number of a class, and they do not count from 0: jq -c -s '(map(" + key +
             " | numbers) | unique) as $n | .[] | select(" + key +
             R"( | numbers) | ($n | map("NAME " + tostring)) as $c | )" +
             program("$c", "(" + key + " as $l | $n | index($l))") + "' FILE > OUT" + place +
             "; with names of the classes in place of " + Quoted(kPlaceOfName + Excerpt(*found->value)) +
             " and the others";
    }
    if (found->value->is_number_integer()) {
      const auto classes = with("[" + Quoted(kPlaceOfName + "0"s) + ", " + Quoted(kPlaceOfName + "1"s) + "]");
      return (answered ? "if it is a class: " : "") + Quoted(found->name) + ": " + Excerpt(*found->value) +
             " is the number of a class. With the names of all " + "classes, from the one of 0 on: jq -c '" +
             classes.first + program(classes.second, key) + "' FILE > OUT" + place;
    }
    if (!text || text->size() > kLongestClass || IsSentence(*text) || (answered && LastNumber(*text))) continue;
    return "if " + Quoted(found->name) + " is one of a few classes: jq -c -s '(map(" + key +
           " | strings) | unique) as $c | .[] | select(" + key + " | strings) | " +
           program(bare ? R"(($c | map("NAME " + .)))" : "$c", "(" + key + " as $l | $c | index($l))") +
           "' FILE > OUT asks for it" + place +
           (bare ? "; with names of the classes in place of " + Quoted(kPlaceOfName + *text) + " and the others" : "");
  }
  return "";
}

base::Status CheckFilledIn(const Question& question) {
  for (const char* place : {kPlaceOfQuestion, kPlaceOfAnyQuestion}) {
    if (!Trimmed(question.prompt).ends_with(place)) continue;
    return base::Invalid("the prompt ends with " + Quoted(place) +
                         ", the place of a question: write the question into the jq program");
  }
  for (const std::string& choice : question.references) {
    const std::string_view name = Trimmed(choice);
    if (question.match != Question::Match::kChoice || !name.starts_with(kPlaceOfName)) continue;
    const std::string_view of = name.substr(std::string_view(kPlaceOfName).size());
    if (IsDigits(of) || IsLetter(of)) {
      return base::Invalid(Quoted(name) +
                           " is the place of the name of a class: write the names of all classes into the jq program");
    }
  }
  return {};
}

std::string AdviceForLastWord(const json& row) {
  const auto text = TextOf(row, "text");
  if (!text || !text->value->is_string() || text->value->get_ref<const std::string&>().find(' ') == std::string::npos)
    return "";
  const std::string key = KeyOf(text->name);
  return "if the last word of " + Quoted(text->name) + " is what is asked: jq -c '{prompt: (" + key +
         R"( | sub("\\s+\\S+\\s*$"; "")), reference: ()" + key +
         R"( | capture("(?<w>\\S+)\\s*$").w), match: "begins"}' FILE > OUT)";
}

std::string AdviceForPrompt(const json& row) {
  if (std::string question = AdviceForQuestion(row); !question.empty()) return question;
  auto asked = AskedIn(row, false);
  const bool told = IsAnswered(row) || ChoiceListOf(row) || ReadChoiceMembers(row);
  if (!asked && told) asked = AskedIn(row, true);
  if (!asked) return "";
  std::string names, keys;
  for (const std::string& member : asked->members) {
    names += (names.empty() ? "" : " and ") + Quoted(member);
    keys += (keys.empty() ? "" : ", ") + KeyOf(member);
  }
  const std::string text = row.dump(-1, ' ', false, json::error_handler_t::replace);
  for (const std::string_view gap : kGaps) {
    const std::size_t at = text.find(gap);
    if (at == std::string::npos || text.find(gap, at + 1) != std::string::npos) continue;
    return "if a choice goes where " + Quoted(gap) + " is: jq -c '.sentence = (" + asked->program +
           R"( | gsub("_"; " ") | sub(")" + (gap == "[MASK]" ? R"(\\[MASK\\])" : std::string(gap)) +
           R"("; "_")) | del()" + keys + ")' FILE > OUT";
  }
  return "if " + names + (asked->members.size() > 1 ? " are" : " is") +
         " what is asked: jq -c '.prompt = " + asked->program + " | del(" + keys + ")' FILE > OUT";
}

std::string JoinBy(const std::string& id, const std::string& from, const std::string& into, const std::string& member) {
  const std::string key = KeyOf(id);
  return "jq -c -n --slurpfile a " + from + R"( '(if ($a | length) == 1 and ($a[0] | type == "object" and (has()" +
         json(id).dump(-1, ' ', true) +
         R"() | not)) then $a[0] else INDEX($a[] | if type == "array" then .[] else . )" + "end; " + key +
         ") end) as $b | inputs | . + ($b[" + key +
         R"( | tostring] | if type == "object" or type == "null" then . else {)" + member + ": .} end)' " + into +
         " > OUT puts them together";
}

std::string AdviceForJoin(const json& row, bool answers) {
  for (const auto& [key, value] : row.items()) {
    if (!IsId(key) || !value.is_primitive() || value.is_null() || !FitsJq(key)) continue;
    const std::string plain = Plain(key);
    if (plain.find("model") != std::string::npos || plain.find("worker") != std::string::npos) continue;
    return std::string("if another file has the ") + (answers ? "questions" : "answers") + " under the same " +
           Quoted(key) + ": " + JoinBy(key, answers ? "FILE" : "ANSWERS", answers ? "QUESTIONS" : "FILE");
  }
  return "";
}

std::string AdviceForExamples(const json& row) {
  const auto is_example = [](const json& item) {
    return item.is_object() && item.contains("input") && item.contains("output");
  };
  for (const char* name : {"train", "test"}) {
    const auto list = row.find(name);
    if (list == row.end() || !list->is_array() || list->empty() || !std::ranges::all_of(*list, is_example)) return "";
  }
  return R"("train" has examples for "test": jq -c '. as $r | .test[] | {prompt: ([$r.train[] | "Input: " + )"
         R"((.input | tojson) + "\nOutput: " + (.output | tojson)] + ["Input: " + (.input | tojson) + "\nOutput:"] | )"
         R"(join("\n")), reference: (.output | tojson), match: "begins"}' FILE > OUT sends them before each test)";
}

std::string AdviceForScenario(const json& row) {
  const auto is_text = [](const std::optional<Found>& text) {
    return text && text->value->is_string() && HasText(*text->value) && FitsJq(text->name);
  };
  const auto scenario = First(row, std::array<std::string_view, 3>{"scenario", "situation", "story"});
  if (!is_text(scenario)) return "";
  const auto subject = Find(row, "subject"), type = Find(row, "questiontype");
  const std::string key = JqKey(scenario->name);
  const std::string about = is_text(subject) ? R"( + "\n" + $r)" + JqKey(subject->name) : "";
  std::string lists, names;
  int count = 0;
  for (const auto& [name, value] : row.items()) {
    const std::string plain = Plain(name);
    constexpr std::string_view kChoicesMember = "choices";
    if (plain.size() <= kChoicesMember.size() || !plain.ends_with(kChoicesMember) || !value.is_array() || !FitsJq(name))
      continue;
    const std::string stem = plain.substr(0, plain.size() - kChoicesMember.size());
    auto right = Find(row, stem + "label");
    if (!right) right = Find(row, stem + "answer");
    if (!right || !FitsJq(right->name)) continue;
    lists += (lists.empty() ? "" : ", ") + ("{name: " + Quoted(stem) + ", choices: $r") + JqKey(name) + ", answer: $r" +
             JqKey(right->name) + "}";
    names += (names.empty() ? "" : " and ") + Quoted(name);
    ++count;
  }
  if (count > 1) {
    return names + " are several lists of choices: jq -c '. as $r | [" + lists + "][] | {prompt: ($r" + key + about +
           R"( + "\n" + .name + ":"), choices, answer}' FILE > OUT makes a row of each)";
  }
  if (!ChoiceListOf(row) || !(is_text(subject) || is_text(type))) return "";
  const std::string kind = is_text(type) ? " + $r" + JqKey(type->name) + R"( + ": )" : R"( + ")";
  return "the question is missing: jq -c '. as $r | del(." + key +
         (is_text(subject) ? ", ." + JqKey(subject->name) : "") + ") + {prompt: ($r" + key + about + R"( + "\n")" +
         kind + kPlaceOfAnyQuestion + R"(")}' FILE > OUT, with the question in place of )" +
         Quoted(kPlaceOfAnyQuestion);
}

std::string AdviceForStem(const json& row) {
  const auto premise = First(row, std::array<std::string_view, 2>{"premise", "sentence"});
  const auto question = First(row, std::array<std::string_view, 3>{"question", "askfor", "asksfor"});
  struct Asks {
    std::string_view cause, effect;
  };
  constexpr std::array<Asks, 3> kAsks = {{{"cause", "effect"}, {"원인", "결과"}, {"原因", "结果"}}};
  const auto asks = std::ranges::find_if(kAsks, [&](const Asks& words) {
    return question && (*question->value == json(words.cause) || *question->value == json(words.effect));
  });
  const bool known =
      premise && asks != kAsks.end() && premise->value->is_string() && FitsJq(premise->name) && FitsJq(question->name);
  if (!known) return "";
  struct Stem {
    std::string_view language, cause, effect;
  };
  constexpr std::array<Stem, 15> kStems = {{{"en", "because", "so"},
                                            {"de", "weil", "deshalb"},
                                            {"fr", "parce que", "donc"},
                                            {"es", "porque", "por eso"},
                                            {"it", "perch\u00e9", "quindi"},
                                            {"pt", "porque", "por isso"},
                                            {"nl", "omdat", "dus"},
                                            {"pl", "poniewa\u017c", "wi\u0119c"},
                                            {"tr", "\u00e7\u00fcnk\u00fc", "bu y\u00fczden"},
                                            {"id", "karena", "maka"},
                                            {"vi", "b\u1edfi v\u00ec", "v\u00ec v\u1eady"},
                                            {"ru", "потому что", "поэтому"},
                                            {"zh", "因为", "所以"},
                                            {"ko", "왜냐하면", "그래서"},
                                            {"ja", "なぜなら", "そのため"}}};
  std::string text = ValueText(*premise->value).value_or("");
  for (const std::string_view name : {"choice1", "choice2", "hypothesis1", "hypothesis2", "1", "2"}) {
    const auto choice = Find(row, name);
    if (choice) text += " " + ValueText(*choice->value).value_or("");
  }
  const std::string_view language = LanguageOf(text, "");
  const auto stems = std::ranges::find(kStems, language, &Stem::language);
  const Stem& stem = stems == kStems.end() ? kStems[0] : *stems;
  const std::string key = "." + JqKey(premise->name), kind = "." + JqKey(question->name);
  return Quoted(question->name) + ": " + Excerpt(*question->value) + " and " + Quoted(premise->name) +
         " are no prompt: write one that the choices go on with: jq -c '.prompt = (" + key +
         R"( | gsub("[.。 ]+$"; "")) + {")" + std::string(asks->cause) + R"(": " )" + std::string(stem.cause) +
         R"(", ")" + std::string(asks->effect) + R"(": " )" + std::string(stem.effect) + R"("}[)" + kind + "] | del(" +
         key + ", " + kind + ")' FILE > OUT, if these are words of its language for \"because\" and \"so\"";
}

std::string AdviceForMinimalPair(const json& row) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kPairs = {{{"sentmore", "sentless"},
                                                                                    {"ungrammatical", "grammatical"},
                                                                                    {"unacceptable", "acceptable"},
                                                                                    {"incorrect", "correct"},
                                                                                    {"bad", "good"},
                                                                                    {"wrong", "right"}}};
  const auto is_sentence = [](const json& value) {
    return value.is_string() && value.get_ref<const std::string&>().find(' ') != std::string::npos;
  };
  if (ReadChoiceMembers(row)) return "";
  for (const auto& [key, value] : row.items()) {
    if (key.empty() || std::isdigit(static_cast<unsigned char>(key.back())) != 0) continue;  // choices of one question
    for (const auto& [bad, good] : kPairs) {
      std::string other = Plain(key);
      const std::size_t at = other.find(bad);
      if (at == std::string::npos || !is_sentence(value) || !FitsJq(key) || other.find("answer") != std::string::npos)
        continue;
      const auto right = Find(row, other.replace(at, bad.size(), good));
      if (!right || !is_sentence(*right->value) || !FitsJq(right->name)) continue;
      return "if " + Quoted(right->name) + " is to be likelier than " + Quoted(key) +
             R"(: jq -c '{prompt: "Sentence:", choices: [)" + KeyOf(right->name) + ", " + KeyOf(key) +
             "], answer: 0}' FILE > OUT";
    }
  }
  return "";
}

std::string AdviceForNumbered(const json& row) {
  constexpr std::array<std::string_view, 8> kChosen = {"hyp",  "choice",    "option",     "ending",
                                                       "quiz", "candidate", "alternativ", "continuation"};
  constexpr std::array<std::string_view, 5> kRight = {"answer", "correct", "right", "gold", "label"};
  const auto has = [](const std::string& plain, const auto& parts) {
    return std::ranges::any_of(parts, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
  };
  std::vector<std::string> sent, chosen;
  std::string right;
  for (const auto& [key, value] : row.items()) {
    const std::string plain = Plain(key);
    if (!FitsJq(key) || IsId(key) || plain.empty()) continue;
    const bool digit = value.is_string() && value.get_ref<const std::string&>().size() == 1 && plain.back() > '9';
    if ((value.is_number_unsigned() || digit) && has(plain, kRight)) {
      if (!right.empty()) return "";
      right = key;
    } else if (value.is_string() && plain.back() >= '0' && plain.back() <= '9') {
      (has(plain, kChosen) ? chosen : sent).push_back(key);
    }
  }
  if (sent.empty() || chosen.size() < 2 || chosen.size() > 5 || right.empty()) return "";
  std::string keys, members;
  for (const std::string& key : sent) keys += (keys.empty() ? "" : ", ") + KeyOf(key);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    members += std::string(", ") + static_cast<char>('A' + i) + ": " + KeyOf(chosen[i]);
  return "jq -c '{prompt: ([" + keys + R"(] | join("\n")))" + members + ", answer: " + KeyOf(right) +
         "}' FILE > OUT makes choices of " + Quoted(chosen.front()) + " to " + Quoted(chosen.back());
}

std::string AdviceForLabels(const json& row) {
  const std::string join = AdviceForJoin(row, false);
  return join + (join.empty() ? "" : "; ") +
         R"(if another file has the labels in the same lines: paste LABELS FILE | jq -c -R 'index("\t") as $i | )"
         R"((.[$i + 1:] | fromjson) + {label: .[:$i]}' > OUT puts them together)";
}

std::string AdviceForCandidates(const json& row, const Found& answers, const std::string& mark) {
  const auto asked = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  const bool known = asked && asked->value->is_string() && row.contains(asked->name) && row.contains(answers.name) &&
                     FitsJq(asked->name) && FitsJq(answers.name) && FitsJq(mark);
  if (!known) return "";
  const std::string list = KeyOf(answers.name);
  const auto asks = [&](const std::string& from, const std::string& text, const std::string& is_right) {
    return "{" + json(asked->name).dump(-1, ' ', true) + ": (" + from + JqKey(asked->name) + R"( + "\nIs \"" + ()" +
           text + R"( | tostring) + "\" a right answer?"), choices: ["no", "yes"], answer: (if ()" + is_right +
           R"( | . == true or . == 1 or . == "yes" or . == "true" or . == "1") then 1 else 0 end)})";
  };
  std::string program;
  if (!answers.value->is_array()) {
    if (!answers.value->is_string()) return "";
    program = ". as $r | del(" + list + ", " + KeyOf(mark) + ") + " +
              asks("$r", "$r" + JqKey(answers.name), "$r" + JqKey(mark));
  } else {
    const auto text = First(answers.value->front(), std::array<std::string_view, 6>{"text", "answer", "candidate",
                                                                                    "option", "sentence", "content"});
    if (!text || !FitsJq(text->name)) return "";
    program = ". as $r | " + list + "[] | . as $a | ($r | del(" + list + ")) + " +
              asks("$r", "$a" + JqKey(text->name), "$a" + JqKey(mark));
  }
  return "jq -c '" + program + "' FILE > OUT asks of each whether it is";
}

std::string AdviceForHint(const json& row, const std::string& member) {
  if (!FitsJq(member) || !row.contains(member)) return "";
  const std::string plain = Plain(member), key = KeyOf(member);
  if (std::ranges::find(kExplanations, plain) != kExplanations.end()) return Quoted(member) + " may have the answer";
  if (std::ranges::find(kHints, plain) == kHints.end()) return "";
  const std::string text = row[member].is_string() ? key : "([" + key + R"( | .. | strings] | join("\n")))";
  const auto prompt = PromptOf(row);
  if (prompt && (!prompt->value->is_string() || !FitsJq(prompt->name))) return "";
  const auto context = Find(row, "context");
  const std::string program = prompt    ? KeyOf(prompt->name) + " = " + text + R"( + "\n" + )" + KeyOf(prompt->name)
                              : context ? KeyOf(context->name) + " += " + R"("\n" + )" + text
                                        : ".context = " + text;
  return "jq -c '" + program + " | del(" + key + ")' FILE > OUT sends " + Quoted(member);
}

std::string ProgramForLetters(const json& row, const std::string& asked, const Found& right) {
  const auto prompt = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  const bool listed = right.value->is_array() && right.value->size() == 1 && right.value->front().is_string();
  const bool known = prompt && prompt->value->is_string() && FitsJq(prompt->name) && row.contains(prompt->name) &&
                     FitsJq(right.name) && row.contains(right.name) && (listed || !right.value->is_structured());
  if (!known || AdviceForLetter(asked).find('[') == std::string::npos) return "";
  const std::string member = "." + JqKey(right.name);
  const std::string key =
      listed ? "(" + member + R"( | if type == "array" and length == 1 then .[0] else . end))" : member;
  constexpr std::size_t kLong = 2000;  // bytes: initials are in a long text, too
  const bool tail = asked.size() > kLong;
  const std::string choices =
      "([." + JqKey(prompt->name) + (tail ? "[-" + std::to_string(kLong) + ":]" : "") +
      R"j( | scan("(?:^|[\\s(\\[?!;,:]|[^ -~])([A-J])[.):\\]\u3001\uFF0E\uFF09\uFF1A]")[0]] | unique))j";
  if (right.value->is_number()) return ": jq -c '.choices = " + choices + "' FILE > OUT";
  // "B", "(B)", "Answer: B.", "B. an ox"; not "A cell" and "I see". Of a question with such choices.
  return ": jq -c '" + choices + " as $c | ((" + key +
         R"j( | strings | capture("^\\s*(?:[^:\uFF1A0-9]{2,40}(?:[:\uFF1A]| is )\\s*)?\\W*(?<l>[A-J])(?:\\W*$|[.):\u3001\uFF0E\uFF09\uFF1A])").l) // "") as $l | if ($c | length) > 1 and ($c | index($l)) then .choices = $c | .answer = $l else . end' FILE > OUT)j";
}

}  // namespace autotune::measurement
