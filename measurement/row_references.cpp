#include "measurement/row_references.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measurement/question_choices.h"
#include "measurement/reference_match.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_context.h"
#include "measurement/unjudged_row.h"
#include "measurement/written_answer.h"
#include "measurement/written_number.h"
#include "measurement/written_sentence.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;
using Match = Question::Match;

// Where nothing says how answers are compared.
struct Reference {
  std::string_view name;
  Match match = Match::kWords;
};
constexpr std::array<Reference, 37> kReferences = {{{"reference", Match::kExact},
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
                                                    {"answertext"},
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
                                                    {"expectedresponse"},
                                                    {"referenceanswer"},
                                                    {"referenceanswers"},
                                                    {"goldanswer"},
                                                    {"goldanswers"},
                                                    {"shortanswer"},
                                                    {"shortanswers"}}};
// Other texts of the same answer.
constexpr std::array<std::string_view, 4> kAliases = {"answeraliases", "answeralias", "alternativeanswers",
                                                      "acceptableanswers"};
// What says that there is no answer, whatever the row has as one.
constexpr std::array<std::pair<std::string_view, bool>, 7> kUnanswerable = {{{"answerable", false},
                                                                             {"isanswerable", false},
                                                                             {"hasanswer", false},
                                                                             {"isimpossible", true},
                                                                             {"impossible", true},
                                                                             {"unanswerable", true},
                                                                             {"isunanswerable", true}}};
// Parts of names and types, of questions that have several right answers.
constexpr std::array<std::string_view, 10> kSeveral = {
    "multispan",       "multipleanswer",   "multianswer", "multiselect",  "multipleselect",
    "multiplecorrect", "multipleresponse", "(multiple)",  "\u591A\u9009", "\u591A\u9879\u9009\u62E9"};
// What says of an answer whether it is right, and so that some are wrong.
constexpr std::array<std::string_view, 8> kMarks = {"label",    "labels",  "iscorrect", "correct",
                                                    "isanswer", "isright", "isgold",    "score"};

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

// Says of `answer` whether or which is right. None is: that it is right, the points that it is worth in an exam, a
// list that has one for each of something else.
bool IsMark(const Found& mark, const Found& answer) {
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

class ReferenceReader {
 public:
  ReferenceReader(const json& row, bool framed, Question& question) : row_(row), framed_(framed), out_(question) {}

  base::Status Read() {
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
      return ReadMatch(row_, framed_, *found, Match::kWords, out_);
    }
    const auto index =
        First(row_, std::array<std::string_view, 4>{"answerindex", "answeridx", "correctindex", "correctidx"});
    if (index && index->value->is_number_integer()) {
      return Invalid(Quoted(index->name) + ": " + Excerpt(*index->value) + " is the index of a choice: " +
                     AdviceForLetter(SentOf(out_)) + ProgramForLetters(row_, SentOf(out_), *index));
    }
    std::string why = WhyNotJudged(row_);
    if (const auto notes = Find(row_, "annotations")) {
      const std::string program = ProgramOfAnswersIn(*notes);
      if (!program.empty()) why = Quoted(notes->name) + " has texts of answers" + program;
    }
    const auto label = Find(row_, "label"), worked = First(row_, kWorkedOut);
    if (label && worked && HasText(*worked->value) && !label->value->is_string()) {
      return Invalid(Quoted(label->name) + " says whether or which " + Quoted(worked->name) +
                     R"( is right: write the right one as "reference", or all of them as "choices")");
    }
    if (const std::string classes = AdviceForClasses(row_); !classes.empty() && (why.empty() || Find(row_, "label")))
      why = classes;
    if (why.empty()) {
      why = "nothing known tells which answer is right among " + Names(row_);
      std::string advice = WantedTexts();
      if (advice.empty()) advice = SeveralAnswers();
      if (advice.empty()) advice = NameOfAnswer();
      if (advice.empty()) advice = AdviceForJoin(row_, false);
      if (!advice.empty()) why += "; " + advice;
    }
    return Invalid(R"(has neither "reference" nor "choices": )" + why);
  }

 private:
  // [{"text": "Bo", "label": 1}, {"text": "Ann", "label": 0}]
  base::Status CheckCandidates(const Found& answers) const {
    const json& list = *answers.value;
    if (!list.is_array() || list.empty() || row_.contains("match")) return {};
    for (const std::string_view name : kMarks) {
      const auto is_marked = [name](const json& item) {
        const auto mark = item.is_object() ? Find(item, name) : std::nullopt;
        return mark && (mark->value->is_boolean() || *mark->value == json(0) || *mark->value == json(1));
      };
      if (!std::ranges::all_of(list, is_marked)) continue;
      const std::string mark = Find(list.front(), name)->name;
      const std::string program = AdviceForCandidates(row_, answers, mark);
      return Invalid(Quoted(answers.name) + " has candidates, and " + Quoted(mark) + " says which of them are right: " +
                     (program.empty() ? R"(write the right ones as "references")" : program));
    }
    return {};
  }

  // Candidates for an answer, some of them wrong, are no references.
  base::Status CheckUnmarked(const Found& answer) {
    if (auto status = CheckCandidates(answer); !status) return status;
    for (const std::string_view name : kMarks) {
      const auto mark = Find(row_, name);
      if (!mark || !IsMark(*mark, answer)) continue;
      const json& list = *answer.value;
      const bool choices = list.is_array() && list.size() > 1 && mark->value->is_number_integer() &&
                           FitsJq(answer.name) && FitsJq(mark->name);
      const auto is_verdict = [&](const json& word) { return *mark->value == word; };
      const bool verdict =
          mark->value->is_boolean() ||
          std::ranges::any_of(std::array<json, 8>{0, 1, "0", "1", "yes", "no", "true", "false"}, is_verdict);
      const std::string program = verdict && !list.is_array() ? AdviceForCandidates(row_, answer, mark->name) : "";
      return Invalid(Quoted(mark->name) + " says whether or which " + Quoted(answer.name) +
                     R"( is right: write the right one as "reference", or all of them as "choices")" +
                     (program.empty() ? "" : "; or " + program) +
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
                     R"( are two answers: write the right one as "reference")" + OneOfTwo(answer, *truth));
    }
    return {};
  }

  // What leaves one of two answers out. "" = nothing.
  [[nodiscard]] std::string OneOfTwo(const Found& answer, const Found& truth) const {
    if (!row_.contains(answer.name) || !row_.contains(truth.name) || !FitsJq(answer.name + truth.name)) return "";
    const auto drops = [](const Found& one) { return "jq -c 'del(." + JqKey(one.name) + ")' FILE > OUT"; };
    return "; " + drops(answer) + " if " + Quoted(truth.name) + " is right, and " + Quoted(answer.name) +
           " what a model has said; " + drops(truth) + " if " + Quoted(answer.name) + " is";
  }

  // "must_mention": [["A", "B"]]: one text of each group. "" = there is no such list.
  [[nodiscard]] std::string WantedTexts() const {
    constexpr std::array<std::string_view, 8> kWanted = {"mustmention",     "mustinclude",      "mustcontain",
                                                         "shouldmention",   "expectedkeywords", "requiredkeywords",
                                                         "expectedphrases", "requiredterms"};
    const auto wanted = First(row_, kWanted);
    const auto is_text = [](const json& item) { return item.is_string() && HasText(item); };
    const bool texts =
        wanted && wanted->value->is_array() && std::ranges::all_of(*wanted->value, [&](const json& item) {
          return is_text(item) || (item.is_array() && !item.empty() && std::ranges::all_of(item, is_text));
        });
    if (!texts || !row_.contains(wanted->name) || !FitsJq(wanted->name)) return "";
    const std::string key = "." + JqKey(wanted->name);
    return "if an answer has to have a text of each group of " + Quoted(wanted->name) + ": jq -c '(" + key +
           R"j( | map([.] | flatten)) as $g | del()j" + key +
           R"j() | if ($g | length) == 1 then . + {references: $g[0], match: "contains"} else . + {reference: ($g | map("(?=[\\s\\S]*(?:" + (map(gsub("(?<c>[\\[\\].*+?^${}()|\\\\/])"; "\\\(.c)")) | join("|")) + "))") | join("")), match: "regex"} end' FILE > OUT)j";
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
          !IsSentence(*ValueText(value[0])) && of_list.empty() && !NamesParts(row_, value)) {
        const std::string one = "if one of " + Quoted(key) + " suffices: jq -c '.answers = ." + JqKey(key) +
                                " | del(." + JqKey(key) + ")' FILE > OUT";
        std::vector<std::string> texts;
        const bool all =
            AddReferences({key, &value}, value, texts) && (HaveSeveralNumbers(texts) || AsksForSeveral(SentOf(out_)));
        of_list = value.size() == 1 ? one
                  : all             ? IfAllAreNeeded("." + JqKey(key)) + "; " + one
                                    : one + "; " + IfAllAreNeeded("." + JqKey(key));
      }
      if (plain.find("position") != std::string::npos || plain.find("token") != std::string::npos) continue;
      if (!text || text->size() > 40 || IsSentence(*text)) continue;
      ++several;
      name = key;
      if (plain.starts_with("final")) final = final.empty() ? key : final;
    }
    if (!final.empty()) name = final;
    if (name.empty() && of_list.empty()) return ListOfAnswers();
    if (!of_list.empty() && (name.empty() || (final.empty() && Find(row_, "outputs")))) return of_list;
    if (several > 1 && final.empty()) return "";
    const std::string key = "." + JqKey(name);
    return "if " + Quoted(name) + " is the right one: jq -c '.answer = " + key + " | del(" + key + ")' FILE > OUT";
  }

  // "answer_strings": a list of texts, or of lists of some. "" = there is none.
  [[nodiscard]] std::string ListOfAnswers() const {
    const auto is_text = [](const json& item) { return item.is_string(); };
    for (const auto& [key, value] : row_.items()) {
      const bool texts = value.is_array() && !value.empty() && std::ranges::all_of(value, [&](const json& item) {
                           return item.is_string() || (item.is_array() && std::ranges::all_of(item, is_text));
                         });
      if (const std::string list = ListOfNamed(key, value); !list.empty()) return list;
      const auto text = value.is_object() ? Find(value, "text") : std::nullopt;  // {"answer_start": ..., "text": [...]}
      const bool span = text && HasText(*text->value);
      if (!(texts || span) || Plain(key).find("answer") == std::string::npos || !FitsJq(key) || !HasText(value))
        continue;
      return "if any of " + Quoted(key) + " is right: jq -c '.answers = [." + JqKey(key) +
             (span ? JqKey(text->name) : "") + " | .. | strings] | del(." + JqKey(key) + ")' FILE > OUT";
    }
    return "";
  }

  // [{"answer_text": "...", "aliases": [...]}]: answers with other names of each. "" = it is none.
  static std::string ListOfNamed(const std::string& key, const json& value) {
    if (!value.is_array() || value.empty() || !value.front().is_object() || !FitsJq(key)) return "";
    const auto text = First(value.front(), std::array<std::string_view, 3>{"answertext", "answer", "text"});
    const auto aliases = Find(value.front(), "aliases");
    if (Plain(key).find("answer") == std::string::npos || !text || !text->value->is_string() || !FitsJq(text->name))
      return "";
    const std::string list = "." + JqKey(key);
    const std::string names =
        "." + JqKey(text->name) + (aliases ? ", (." + JqKey(aliases->name) + " // [] | .[])" : "");
    return "if an answer needs all of " + Quoted(key) + ": jq -c '" + list + " |= map([" + names +
           "] | map(strings) | unique) | .must_mention = " + list + " | del(" + list +
           ")' FILE > OUT; if one of them suffices: jq -c '.answers = [" + list + "[] | " + names + "] | del(" + list +
           ")' FILE > OUT";
  }

  // [[293, "text"]]: where a text is, and the text. The number would be an accepted answer.
  base::Status CheckPairs(const Found& from) const {
    const json& list = *from.value;
    if (!list.is_array()) return {};
    const auto is_number = [](const json& item) { return item.is_number(); };
    const auto is_text = [](const json& item) { return item.is_string(); };
    const auto pair = std::ranges::find_if(list, [&](const json& item) {
      return item.is_array() && item.size() > 1 && std::ranges::any_of(item, is_number);
    });
    if (pair == list.end()) return {};
    const bool texts = std::ranges::any_of(*pair, is_text);
    const std::string key = "." + JqKey(from.name);
    return Invalid(Quoted(from.name) + ": " + Excerpt(list) +
                   (texts ? " has numbers beside texts, and each would be a right answer" : " has lists of numbers") +
                   (texts && row_.contains(from.name) && FitsJq(from.name)
                        ? ": if the numbers are positions or counts, jq -c '" + key +
                              R"( |= if type == "array" then [.. | strings] else . end' FILE > OUT takes the texts)"
                        : ": write the texts that are right"));
  }

  base::Status ReadAnswers(const Found& from, Match guessed) {
    if (auto status = CheckPairs(from); !status) return status;
    if (auto status = AddReferences(from, *from.value, out_.references); !status) {
      const bool none = status.error().message.ends_with("leave the row out");
      const std::string program = none ? "" : ProgramOfAnswersIn(from);
      return program.empty() ? status : Invalid(status.error().message + program);
    }
    if (out_.references.size() == 1 && out_.references.front() == "[]" && !row_.contains("match"))
      return NoAnswer(from);
    if (out_.references.size() == 1 && !row_.contains("match")) {  // "['Ann']"
      auto listed = ListOfPython(Trimmed(out_.references.front()));
      if (listed && listed->size() == 1) out_.references = *std::move(listed);
    }
    if (auto status = CheckAlternatives(from); !status) return status;
    if (out_.references.empty()) return NoAnswer(from);
    if (const auto aliases = First(row_, kAliases); aliases && aliases->value->is_array()) {
      if (auto status = AddReferences(*aliases, *aliases->value, out_.references); !status) return status;
    }
    const auto letters = std::count_if(out_.references.begin(), out_.references.end(),
                                       [](const std::string& text) { return IsLetter(PlainLabel(text)); });
    // "A" is a word of English.
    return ReadMatch(row_, framed_, from,
                     letters > 0 && !framed_ && guessed != Match::kExact ? Match::kBegins : guessed, out_);
  }

  // {"clusters": {"1": {"answers": ["...", "..."]}}}: the texts that are somewhere in it. "" = there are none.
  [[nodiscard]] std::string ProgramOfAnswersIn(const Found& from) const {
    if (!from.value->is_structured() || !row_.contains(from.name) || !FitsJq(from.name)) return "";
    for (const char* name : {"answers", "answer", "texts", "text"}) {
      if (!HasTextsAt(*from.value, name)) continue;
      const std::string key = NamesReference(Plain(from.name)) ? "." + JqKey(from.name) : ".answers";
      return ": if any of its " + Quoted(name) + " is right: jq -c '" + key + " = ([." + JqKey(from.name) +
             " | .. | ." + name + "? | arrays | .. | strings] | unique)' FILE > OUT";
    }
    return "";
  }

  static bool HasTextsAt(const json& value, const std::string& name) {
    if (value.is_object() && value.contains(name) && value[name].is_array() && HasText(value[name])) return true;
    return value.is_structured() &&
           std::ranges::any_of(value, [&name](const json& item) { return HasTextsAt(item, name); });
  }

  // Another member names the right one of the choices that are in the question: a model may answer with its letter.
  base::Status CheckNoLetter() const {
    if (row_.contains("match")) return {};
    for (const std::string_view name :
         {"choiceanswer", "answerchoice", "answerletter", "correctletter", "answeroption"}) {
      const auto found = Find(row_, name);
      const auto text = found ? ValueText(*found->value) : std::nullopt;
      if (!text || !NamesChoiceOf(SentOf(out_), *text)) continue;
      return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                     " names a choice: " + AdviceForLetter(SentOf(out_)) + ", and the letter as \"answer\"" +
                     ProgramForLetters(row_, SentOf(out_), *found));
    }
    return {};
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
    const std::string key = "." + JqKey(from.name);
    const bool plain = row_.contains(from.name) && FitsJq(from.name);
    // Of a list of lists, or of objects, jq would have to look within.
    const bool texts = plain && std::ranges::all_of(list, [](const json& item) { return ValueText(item).has_value(); });
    const std::string is_list = "(" + key + R"j( | type == "array" and length > 1))j";
    const std::string numbers =
        is_list + " and (" + key + R"j( | all(.[]; tostring | test("^[-$]?[0-9][0-9.,]*%?$"))))j";
    const auto question = PromptOf(row_) ? PromptOf(row_) : QuestionOf(row_);
    const bool asks =
        question && question->value->is_string() && row_.contains(question->name) && FitsJq(question->name);
    const std::string asking = asks
                                   ? is_list + " and (." + JqKey(question->name) + "[-" + std::to_string(kEndOfPrompt) +
                                         ":] | test(" + json(kSeveralAsked).dump() + R"j(; "i")))j"
                                   : is_list;
    const auto either = [&](const std::string& rows) {
      return texts ? ": " + IfAllOf(key, rows) + "; " + IfOneSuffices(key, rows) : "";
    };
    if (std::any_of(list.begin(), list.end(), [](const json& item) { return item.is_number(); })) {
      return Invalid(said + " has several numbers" +
                     (texts ? either(numbers)
                            : R"(: write one text with a "match", such as "4, 1" with "contains", )"
                              R"(if all of them are the answer, or a list of texts if one suffices)"));
    }
    if (row_.contains("match")) return {};
    if (HaveSeveralNumbers(out_.references))
      return Invalid(said + " has several numbers, of which one suffices" + either(numbers));
    std::vector<std::string> labels;
    for (const json& item : list) labels.push_back(item.is_string() ? PlainLabel(item.get<std::string>()) : "");
    const bool one = std::equal(labels.begin() + 1, labels.end(), labels.begin());
    if (Plain(from.name) != "ideal" && !one && std::all_of(labels.begin(), labels.end(), IsLetter)) {
      if (!std::ranges::is_sorted(labels) || std::ranges::adjacent_find(labels) != labels.end())
        return Invalid(said + " seems to be the answers of several questions in one row: write a row for each of them");
      return Invalid(said + kSeveralRight + R"(; or write a "match" if one of them suffices)");
    }
    const std::string advice =
        R"(, and of a list one text suffices: write one text as "reference", or a "match" if one does suffice)";
    for (const auto& [name, value] : row_.items()) {
      const bool type = value.is_string() && Plain(name).find("type") != std::string::npos;
      if (type && Plain(value.get_ref<const std::string&>()).starts_with("list"))
        return Invalid(said + "; " + Quoted(name) + " says that the answer is a list" + advice);
    }
    const std::string asked = asks ? question->value->get<std::string>() : SentOf(out_);
    if (out_.references.size() > 1 && AsksForSeveral(asked) && !HaveOneName(json(out_.references)))
      return Invalid(said + "; the prompt asks for several, and of a list one text suffices" +
                     (texts ? either(asking) : advice.substr(advice.find(": "))));
    return CheckMeaning(from);
  }

  // "target": ["Ann", "Bo"]: the name of one answer, and several texts that have no word in common.
  base::Status CheckMeaning(const Found& from) const {
    constexpr std::array<std::string_view, 13> kNamesOfOne = {
        "target",         "gold",        "correctanswer",     "rightanswer",     "finalanswer", "finalans",   "ans",
        "expectedanswer", "groundtruth", "groundtruthanswer", "referenceanswer", "goldanswer",  "shortanswer"};
    const json& list = *from.value;
    const auto is_text = [](const json& item) { return item.is_string() && HasText(item); };
    if (!std::ranges::all_of(list, is_text) || !row_.contains(from.name) || !FitsJq(from.name)) return {};
    if (const auto mark = PositionIn(from)) {
      const std::string list_key = JqKey(from.name), mark_key = JqKey(*mark);
      return Invalid(Quoted(*mark) + " may tell which of " + Quoted(from.name) +
                     " is right: if it does, jq -c '. as $r | del(." + list_key + ", ." + mark_key +
                     ") + {choices: $r" + list_key + ", answer: $r" + mark_key +
                     "}' FILE > OUT; if each of them is, jq -c 'del(." + mark_key + ")' FILE > OUT");
    }
    if (std::ranges::find(kNamesOfOne, Plain(from.name)) == kNamesOfOne.end() || HaveOneName(list)) return {};
    const std::string key = "." + JqKey(from.name);
    return Invalid(Quoted(from.name) + ": " + Excerpt(list) +
                   " has several texts, and its name does not tell what they are: " +
                   "if one of them suffices, jq -c '.answers = " + key + " | del(" + key + ")' FILE > OUT; " +
                   IfAllAreNeeded(key) + "; if only the first is right, jq -c '" + key +
                   R"( |= if type == "array" then .[0] else . end' FILE > OUT)");
  }

  // `rows`: a condition of jq, of the rows that are meant.
  static std::string IfOneSuffices(const std::string& key, const std::string& rows) {
    return "if one of them suffices, jq -c 'if " + rows + " then " + key +
           R"( |= map(tostring) | .match = "words" else . end' FILE > OUT)";
  }
  static std::string IfAllOf(const std::string& key, const std::string& rows) {
    return "if an answer needs all of them, jq -c 'if " + rows + " then .reference = (" + key + " | " + kEachWithin +
           R"j() | .match = "regex" | del()j" + key + ") else . end' FILE > OUT";
  }
  // Of a list of texts: an expression that finds each of them, as whole words.
  static constexpr const char* kEachWithin =
      R"j(map(tostring | "(?=[\\s\\S]*" + (if test("^[0-9A-Za-z]") then "\\b" else "" end) + )j"
      R"j(gsub("(?<c>[\\[\\].*+?^${}()|\\\\/])"; "\\\(.c)") + )j"
      R"j((if test("[0-9A-Za-z]$") then "\\b" else "" end) + ")") | join(""))j";

  // Texts that are numbers, and not one and the same: no other names of one answer.
  static bool HaveSeveralNumbers(std::vector<std::string> texts) {
    bool formula = false;
    if (texts.size() < 2 || !TakeNumbers(texts, formula)) return false;
    const auto first = LastNumber(texts.front());
    return std::ranges::any_of(texts, [&](const std::string& text) {
      const auto number = LastNumber(text);
      return first && number && (number->value != first->value || number->scale != first->scale);
    });
  }

  // "List ...", "What are all ...", "Name the two ...", "Which three ...", "list top six ...", for jq, too.
  static constexpr const char* kSeveralAsked =
      R"re((^|[.?!:\n] *)(list|enumerate)\b|\b(list( of)?|name|give|state|mention|identify|which|what|who)( are)?)re"
      R"re(( (the|top|first|last|main|all|its|any|some|these|those|their))* )re"
      R"re((all|two|three|four|five|six|seven|eight|nine|ten|[2-9]|10|several|multiple)\b)re";
  static constexpr std::size_t kEndOfPrompt = 400;  // bytes: of a long prompt, what stands last

  static bool AsksForSeveral(std::string_view asked) {
    if (asked.size() > kEndOfPrompt) asked.remove_prefix(asked.size() - kEndOfPrompt);
    static const std::regex several(kSeveralAsked, std::regex::icase);
    return std::regex_search(asked.begin(), asked.end(), several);
  }

  static std::string IfAllAreNeeded(const std::string& key) {
    return "if an answer needs all of them, jq -c '.reference = (" + key + R"j( | if type == "array" then )j" +
           kEachWithin + R"( else . end) | .match = (if )" + key +
           R"j( | type == "array" then "regex" else "words" end) | del()j" + key + ")' FILE > OUT";
  }

  // "correct_answer_id": 0, "gold_letter": "B": where in a list of several texts the right one is.
  [[nodiscard]] std::optional<std::string> PositionIn(const Found& from) const {
    constexpr std::array<std::string_view, 5> kRight = {"answer", "correct", "right", "gold", "label"};
    constexpr std::array<std::string_view, 12> kOther = {"nanswer", "total", "start", "end",  "count",  "num",
                                                         "len",     "score", "time",  "span", "offset", "type"};
    const auto has = [](const std::string& plain, const auto& parts) {
      return std::ranges::any_of(parts, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
    };
    for (const auto& [key, value] : row_.items()) {
      const std::string plain = Plain(key);
      if (key == from.name || !FitsJq(key) || !has(plain, kRight) || has(plain, kOther)) continue;
      const std::size_t size = from.value->size();
      if (value.is_number_unsigned() && value.get<std::size_t>() <= size) return key;
      const std::string label = value.is_string() ? PlainLabel(value.get<std::string>()) : "";
      if (IsLetter(label) && static_cast<std::size_t>(label[0] - 'a') < size) return key;
    }
    return std::nullopt;
  }

  // "Ann Lee" and "Ann", "NYC" and "nyc": a longer one has another in it, whatever the case.
  static bool HaveOneName(const json& list) {
    std::string longest;
    for (const json& item : list) {
      if (const std::string plain = Plain(item.get<std::string>()); plain.size() > longest.size()) longest = plain;
    }
    return std::ranges::all_of(
        list, [&](const json& item) { return longest.find(Plain(item.get<std::string>())) != std::string::npos; });
  }

  const json& row_;
  bool framed_;
  Question& out_;
};

}  // namespace

bool IsAnswered(const json& row) {
  return std::ranges::any_of(kReferences, [&](const Reference& known) {
    const auto found = Find(row, known.name);
    return found && (found->value->is_primitive() ? ValueText(*found->value).has_value() : HasText(*found->value));
  });
}

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
    if (number && value.contains("spans") && value["spans"].is_array()) {
      const auto text = ValueText(*number->value);
      if (!text && (!spans || spans->value->size() != 1))
        return Invalid(Quoted(from.name) + ": " + Excerpt(value) +
                       " has no number and not one span: leave the row out");
      return AddReferences(from, text ? json(*text) : spans->value->front(), out);
    }
    if (const auto mention = Find(value, "mention"); mention && HasText(*mention->value)) {
      const auto named = Find(value, "answer");
      if (named && named->value->is_array() && named->value->size() > 1)
        return Invalid(Quoted(from.name) + ": " + Excerpt(value) +
                       " has several answers, and a right one has all of them: leave the row out");
      return AddReferences(from, *mention->value, out);
    }
    if (const std::string key = LanguageIn(value); !key.empty()) {
      return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " has answers in several languages: jq -c '." +
                     JqKey(from.name) + " |= ." + JqKey(key) + "' FILE > OUT takes one");
    }
    if (value.contains("text") && (value["text"].is_null() || value["text"] == json::array()))
      return {};  // without an answer
    bool any = false;
    for (const std::string_view name :
         {"answer", "text", "value", "aliases", "answertext", "answerspan", "spantext", "span"}) {
      const auto found = Find(value, name);
      if (!found) continue;
      any = true;
      if (auto status = AddReferences(from, *found->value, out); !status) return status;
    }
    if (any) return {};
    const auto is_text = [](const json& item) { return item.is_string() && HasText(item); };
    if (value.size() > 1 && std::all_of(value.begin(), value.end(), is_text)) {
      return Invalid(Quoted(from.name) + ": " + Excerpt(value) +
                     R"( are choices: write them as "choices", and the right one's label or text as "answer")" +
                     (FitsJq(from.name) ? ": jq -c '.choices = ." + JqKey(from.name) + " | del(." + JqKey(from.name) +
                                              ")' FILE > OUT makes choices of them"
                                        : ""));
    }
  }
  const auto text = ValueText(value);
  if (!text) return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " is no text");
  if (std::find(out.begin(), out.end(), *text) == out.end()) out.push_back(*text);
  return {};
}

std::optional<Found> PlainAnswer(const json& row, const Question& question) {
  auto answer = First(row, std::array<std::string_view, 3>{"answer", "answers", "target"});
  for (const Reference& known : kReferences) {
    if (known.match == Match::kWords && !answer) answer = Find(row, known.name);
  }
  const bool marked = std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view name) {
    const auto mark = answer ? Find(row, name) : std::nullopt;
    return mark && IsMark(*mark, *answer);
  });
  if (marked || row.contains("reference") || row.contains("references") || !question.messages.empty())
    return std::nullopt;
  return answer;
}

std::optional<std::string> TextOfAnswer(const json& row, const Question& question) {
  const auto answer = PlainAnswer(row, question);
  std::vector<std::string> texts;
  if (!answer || row.contains("match") || !AddReferences(*answer, *answer->value, texts) || texts.size() != 1)
    return std::nullopt;
  return texts[0];
}

base::Status NoAnswer(const Found& from) {
  return Invalid(Quoted(from.name) + " has no answer: a question without one cannot be judged, leave it out");
}

std::optional<Found> ReferenceOf(const json& row) {
  for (const Reference& known : kReferences) {
    if (auto found = Find(row, known.name)) return found;
  }
  return std::nullopt;
}

bool NamesReference(std::string_view plain) {
  return std::ranges::find(kReferences, plain, &Reference::name) != kReferences.end();
}

base::Status ReadReferences(const json& row, bool framed, Question& question) {
  return ReferenceReader(row, framed, question).Read();
}

}  // namespace autotune::measurement
