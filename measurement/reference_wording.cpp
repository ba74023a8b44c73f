#include "measurement/reference_wording.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii_case.h"
#include "measurement/question_choices.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/unjudged_row.h"
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

constexpr std::size_t kLongestRest = 60;  // bytes behind "Category:"

std::string_view WithoutStop(std::string_view text) {
  for (const std::string_view stop : {".", "\u3002"}) {
    if (text.ends_with(stop)) text.remove_suffix(stop.size());
  }
  return text;
}

class WordingCheck {
 public:
  WordingCheck(const json& row, const Question& question, bool framed) : row_(row), out_(question), framed_(framed) {}

  base::Status Check(const Found& from) const {
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
    const auto is_choice = [&](const std::string& reference) {
      const bool bracketed = reference.size() == 3 && Trimmed(reference).front() == '(';  // as BIG-Bench Hard has it
      return out_.match != Match::kExact && !bracketed && !IsLetter(reference) && NamesChoiceOf(asked, reference);
    };
    if (std::ranges::all_of(references, is_choice)) return IsChoice(from, references.front());
    if (std::ranges::all_of(references, [&](const std::string& one) { return IsWordedNumber(one, asked); }))
      return IsNumberInWords(from, references.front());
    const auto is_free = [&](const std::string& reference) {
      return IsSentence(reference, asked) || IsEnumeration(reference, asked);
    };
    if (out_.match == Match::kWords && std::ranges::any_of(references, IsListOfVerdicts))
      return IsVerdictList(from, *std::ranges::find_if(references, IsListOfVerdicts));
    if (out_.match == Match::kWords && std::ranges::any_of(references, IsWrittenEntities))
      return Invalid(name + ": " + Excerpt(json(*std::ranges::find_if(references, IsWrittenEntities))) +
                     " is a list of entities with their types: equal ones are written in many ways and in any order, "
                     "so that no comparison of texts can judge it: leave these rows out");
    if (out_.match == Match::kWords && std::ranges::all_of(references, IsWrittenDuration))
      return IsDuration(from, references.front());
    if (std::all_of(references.begin(), references.end(), is_free)) return HasNoOneForm(from);
    for (const std::string& reference : references) {
      const std::string said = name + ": " + Excerpt(json(reference));
      if (framed_ && IsLetter(PlainLabel(reference)))
        return Invalid(said + " seems to name a choice, and no choices are known: " + AdviceForNamed(from, asked));
      if (is_choice(reference)) return IsChoice(from, reference);
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
      if (const auto tuple = TupleOfPython(text); tuple && tuple->size() > 1) return IsTuple(from, reference);
      if (listed || reference.starts_with("['") || reference.starts_with("[\"") || reference.starts_with("[(")) {
        const std::string key = "." + JqKey(from.name);
        const std::string python =
            ListOfPython(text) && from.value->is_string() && FitsJq(from.name) && row_.contains(from.name)
                ? " (jq -c '" + key +
                      R"( |= if type == "string" then [scan("\u0027([^\u0027]*)\u0027|\"([^\"]*)\"") | )" +
                      R"(map(strings | select(. != "")) | .[0]] else . end' FILE > OUT))"
                : "";
        const std::string fix =
            json::accept(reference) ? " (jq -c '" + key + " = (" + key + " | fromjson? // .)' FILE > OUT)" : python;
        return Invalid(said + " is a list in a text: write a list of texts" + fix + " if one of them suffices, else " +
                       R"("match": "exact" or "contains")");
      }
      if (const std::string form = ProgramOfBrackets(from, reference, asked); !form.empty()) {
        return Invalid(said + " has the brackets that the prompt asks for: jq -c '" + form +
                       "' FILE > OUT compares it with them");
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

 private:
  // A letter is of the choices in the question, or of a list that is not sent.
  [[nodiscard]] std::string AdviceForNamed(const Found& from, const std::string& asked) const {
    const std::string in_question = ProgramForLetters(row_, asked, from);
    const auto list = in_question.empty() ? ListNamedBy(row_, from) : std::nullopt;
    const std::string program = list ? ProgramOfChoices(row_, *list, from) : "";
    if (!program.empty()) return "if it is one of " + Quoted(list->name) + ", " + program;
    return AdviceForLetter(asked) + in_question;
  }

  base::Status IsChoice(const Found& from, const std::string& reference) const {
    const std::string asked = SentOf(out_);
    return Invalid(Quoted(from.name) + ": " + Excerpt(json(reference)) + " names a choice: " + AdviceForLetter(asked) +
                   ", and the letter as \"answer\"" + ProgramForLetters(row_, asked, from));
  }

  // The prompt asks for a translation, and the reference is more than a word or two.
  bool IsTranslation(const std::string& reference) const {
    // "Lost in Translation" asks for none.
    constexpr std::array<std::string_view, 21> kAsks = {"translate ",
                                                        "translate:",
                                                        "translate\n",
                                                        "translation of",
                                                        "translation:",
                                                        "translated to",
                                                        "bersetz",
                                                        "traduc",
                                                        "traduis",
                                                        "traduz",
                                                        "traduir",
                                                        "vertaal",
                                                        "przet\u0142umacz",
                                                        "översätt",
                                                        "перевед",
                                                        "翻译",
                                                        "翻譯",
                                                        "翻訳",
                                                        "번역",
                                                        "ترجم",
                                                        "अनुवाद"};
    // Of a long prompt, its begin and its end: a story may be about translators.
    constexpr std::size_t kBegin = 200, kEnd = 400;  // bytes
    std::string sent = SentOf(out_);
    // Of a passage before a question only the begin: "Translate the text."
    constexpr std::size_t kInstruction = 40;  // bytes
    const auto question = framed_ && !PromptOf(row_) ? QuestionOf(row_) : std::nullopt;
    const std::size_t at = question && question->value->is_string()
                               ? sent.rfind(Trimmed(question->value->get_ref<const std::string&>()))
                               : std::string::npos;
    if (at != std::string::npos && at > kInstruction) sent = sent.substr(0, kInstruction) + "\n" + sent.substr(at);
    if (sent.size() > kBegin + kEnd) sent = sent.substr(0, kBegin) + sent.substr(sent.size() - kEnd);
    const std::string asked = base::AsciiLower(sent);
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

  // "('34 weeks', '3 days')", of which nobody knows whether one suffices.
  base::Status IsTuple(const Found& from, const std::string& reference) const {
    const std::string said = Quoted(from.name) + ": " + Excerpt(json(reference)) + " is a list in a text";
    const std::string key = "." + JqKey(from.name);
    if (!from.value->is_string() || !FitsJq(from.name) || !row_.contains(from.name))
      return Invalid(said + R"(: write a list of texts if one of them suffices, else a "match")");
    const std::string is = "if (" + key + R"j( | type == "string" and test("^\\([\u0027\"].*\\)$")) then )j";
    const std::string texts = "([" + key + R"j( | scan("\u0027([^\u0027]*)\u0027|\"([^\"]*)\"") | )j" +
                              R"(map(strings | select(. != "")) | .[0]])";
    return Invalid(
        said + ": if all of them are needed, jq -c '" + is + ".reference = (" + texts +
        R"j() | map("(?=[\\s\\S]*" + gsub("(?<c>[\\[\\].*+?^${}()|\\\\/])"; "\\\(.c)") + ")") | join("")) | )j" +
        R"(.match = "regex" | del()" + key + ") else . end' FILE > OUT; if one of them suffices, jq -c '" + is + key +
        " = " + texts + ") else . end' FILE > OUT");
  }

  // "no, yes, no": the words, in this order and with these signs.
  static base::Status IsVerdictList(const Found& from, const std::string& reference) {
    const std::string said = Quoted(from.name) + ": " + Excerpt(json(reference)) +
                             " is a list of verdicts in a text, and an answer may write it otherwise: ";
    const std::string key = "." + JqKey(from.name);
    if (!from.value->is_string() || !FitsJq(from.name)) return Invalid(said + R"(write a "match")");
    return Invalid(
        said + "if the prompt asks for them in this form, jq -c 'if (" + key +
        R"j( | type == "string" and test("[,;\u3001\uFF0C]")) then .match = "words" else . end' FILE > OUT)j" +
        " compares them in this order");
  }

  // "[[24]]", where the prompt asks for "[[...]]": what compares it with its brackets. "" = it is none.
  static std::string ProgramOfBrackets(const Found& from, std::string_view reference, std::string_view asked) {
    constexpr std::size_t kFewest = 5;  // bytes: "[[x]]"
    reference = Trimmed(reference);
    if (reference.size() < kFewest || !reference.starts_with("[[") || !reference.ends_with("]]")) return "";
    const std::string_view inner = reference.substr(2, reference.size() - 4);
    const bool one = inner.find_first_of("[],;") == std::string_view::npos;
    if (!one || asked.find("[[") == std::string_view::npos || !from.value->is_string() || !FitsJq(from.name)) return "";
    return "if (." + JqKey(from.name) +
           R"j( | type == "string" and test("^\\s*\\[\\[[^\\[\\],;]+\\]\\]\\s*$")) then .match = "contains" else . end)j";
  }

  // "8 days, 3 hours and 18 minutes": its numbers in this order.
  static base::Status IsDuration(const Found& from, const std::string& reference) {
    const std::string said =
        Quoted(from.name) + ": " + Excerpt(json(reference)) + " is a length of time that is written in many ways";
    const std::string key = "." + JqKey(from.name);
    if (!from.value->is_string() || !FitsJq(from.name)) return Invalid(said + R"(: write a "match")");
    return Invalid(
        said + ": jq -c 'if (" + key +
        R"j( | type == "string" and test("^[0-9]+ [a-z]+(,?( and)? [0-9]+ [a-z]+)+[.]?$"; "i")) then .reference = ()j" +
        key + R"j( | [scan("[0-9]+")] | "\\b" + join("[^0-9]+") + "\\b") | .match = "regex" | del()j" + key +
        ") else . end' FILE > OUT compares its numbers, in this order");
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

  // "Category: rain", whose rest may be compared. "" = there is no such reference.
  [[nodiscard]] std::string AdviceForLead(const Found& from) const {
    const std::string lead = LeadOfReference(Trimmed(out_.references.front()));
    if (lead.empty() || !from.value->is_string() || !FitsJq(from.name + lead) || !row_.contains(from.name)) return "";
    const std::string_view rest = Trimmed(Trimmed(out_.references.front()).substr(lead.size()));
    if (rest.size() > kLongestRest || IsSentence(WithoutStop(rest), SentOf(out_))) return "";
    return "; if " + json(lead).dump() + " is no part of the answer, " + ProgramWithoutLead(from.name, lead) +
           " leaves it out";
  }

  // Nobody writes these words in this order.
  base::Status HasNoOneForm(const Found& from) const {
    const std::string& reference = out_.references.front();
    const std::string said = Quoted(from.name) + ": " + Excerpt(json(reference));
    if (const std::string_view verdict = ExplainedVerdict(reference); !verdict.empty()) {
      const std::string key = "." + JqKey(from.name);
      const std::string words = VerdictWords(verdict);
      const bool plain = from.value->is_string() && FitsJq(from.name);
      return Invalid(
          said + " is a verdict with its reasons, and no answer has the same words" +
          (plain
               ? ": jq -c 'if (" + key + R"( | type == "string" and test("^()" + words +
                     ")([,;:] |[.] +[^0-9]| - | [(\\\\[]| (you|it|they|we|he|she|i|there|this|because|as|but|if) "
                     "|[\u3001\u3002\uFF0C\uFF1B\uFF1A\u060C])\"; \"i\")) then " +
                     key + R"( |= match("^()" + words + R"j()"; "i").string else . end' FILE > OUT leaves the verdict)j"
               : ": write the verdict as \"answer\""));
    }
    if (!IsSentence(reference, SentOf(out_))) {
      return Invalid(said +
                     " is a list in a text, and its order may be another: write a list of texts if one of them " +
                     R"(suffices, else "match": "exact" or "contains")");
    }
    return Invalid(said + " has " + std::to_string(reference.size()) + " bytes and " + kManyWays + AdviceForLead(from));
  }

  const json& row_;
  const Question& out_;
  bool framed_;
};

}  // namespace

std::string LeadOfReference(std::string_view reference) {
  constexpr std::size_t kLongestLead = 40;  // bytes
  for (const std::string_view colon : {":", "\uFF1A"}) {
    const std::size_t at = reference.find(colon);
    if (at == std::string_view::npos || at < 2 || at > kLongestLead) continue;
    const std::string_view lead = reference.substr(0, at);
    const bool words =
        std::ranges::all_of(lead, [](unsigned char c) { return std::isalpha(c) != 0 || c == ' ' || c >= 0x80; });
    if (words && !Trimmed(reference.substr(at + colon.size())).empty()) return std::string(lead) + std::string(colon);
  }
  return "";
}

std::string ProgramWithoutLead(const std::string& name, const std::string& lead) {
  const std::string key = "." + JqKey(name), text = json(lead).dump(-1, ' ', false, json::error_handler_t::replace);
  return "jq -c '" + key + " |= (if type == \"string\" then [.] | map(ltrimstr(" + text +
         ") | sub(\"^\\\\s+\"; \"\")) | .[0] elif type == \"array\" then map(strings | ltrimstr(" + text +
         ") | sub(\"^\\\\s+\"; \"\")) else . end)' FILE > OUT";
}

base::Status CheckWording(const json& row, const Question& question, bool framed, const Found& from) {
  return WordingCheck(row, question, framed).Check(from);
}

}  // namespace autotune::measurement
