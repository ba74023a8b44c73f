#include "measurement/question_choices.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/ascii_case.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"
#include "measurement/written_answer.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;

constexpr std::array<std::string_view, 12> kChoices = {
    "optionlist",  "choicelist",       "choices",       "options",      "endings", "mc1targets",
    "doctochoice", "question/choices", "answerchoices", "targetscores", "choice",  "answeroptionlist"};

constexpr std::size_t kMostChoices = 20;  // with letters in one text

// Choices that are members of their own. How the right one is named besides its text: by what `labels` says.
struct Family {
  std::array<std::string_view, 6> members;
  std::array<std::string_view, 6> labels;  // none: by its index, from 0
  bool first_is_right = false;
};

constexpr std::array<Family, 22> kFamilies = {{
    {{"option1", "option2", "option3", "option4", "option5"}, {"1", "2", "3", "4", "5"}},
    {{"optiona", "optionb", "optionc", "optiond", "optione"}, {"a", "b", "c", "d", "e"}},
    {{"answera", "answerb", "answerc", "answerd"}, {"1", "2", "3", "4"}},
    {{"choicea", "choiceb", "choicec", "choiced", "choicee"}, {"a", "b", "c", "d", "e"}},
    {{"mcanswer1", "mcanswer2", "mcanswer3", "mcanswer4"}, {"1", "2", "3", "4"}},
    {{"choice0", "choice1", "choice2", "choice3", "choice4"}, {}},
    {{"choice1", "choice2", "choice3", "choice4", "choice5"}, {}},
    {{"answer0", "answer1", "answer2", "answer3"}, {}},
    {{"a", "b", "c", "d", "e", "f"}, {"a", "b", "c", "d", "e", "f"}},
    {{"opa", "opb", "opc", "opd", "ope"}, {"a", "b", "c", "d", "e"}},
    {{"qop1", "qop2", "qop3", "qop4", "qop5"}, {"1", "2", "3", "4", "5"}},
    {{"sol1", "sol2"}, {}},
    {{"hypothesis1", "hypothesis2"}, {}},
    {{"ending0", "ending1", "ending2", "ending3"}, {}},
    {{"ending1", "ending2", "ending3", "ending4", "ending5"}, {}},
    {{"alternative1", "alternative2", "alternative3", "alternative4", "alternative5"}, {}},
    {{"candidate1", "candidate2", "candidate3", "candidate4", "candidate5"}, {"1", "2", "3", "4", "5"}},
    {{"1", "2", "3", "4", "5", "6"}, {"1", "2", "3", "4", "5", "6"}},
    {{"ans0", "ans1", "ans2"}, {}},
    {{"correct1", "incorrect1", "incorrect2", "incorrect3"}, {}, true},
    {{"correctanswer", "distractor1", "distractor2", "distractor3"}, {}, true},
    {{"correctanswer", "incorrectanswer1", "incorrectanswer2", "incorrectanswer3"}, {}, true},
}};

// Those besides "correct_answer".
constexpr std::array<std::string_view, 3> kWrong = {"incorrectanswers", "wronganswers", "distractors"};

// Which choice is right. Digits in a text count from 0 in those that are an index by their name.
struct Right {
  std::string_view name;
  bool is_index;
};

constexpr std::array<Right, 23> kRights = {{{"answerkey", false},
                                            {"answerindex", true},
                                            {"answeridx", true},
                                            {"correctindex", true},
                                            {"correctidx", true},
                                            {"correctanswerindex", true},
                                            {"correctansweridx", true},
                                            {"correctchoice", false},
                                            {"cop", true},
                                            {"gold", true},
                                            {"goldlabel", true},
                                            {"label", true},
                                            {"correct", false},
                                            {"correctanswer", false},
                                            {"correctanswers", false},
                                            {"correctanswernum", false},
                                            {"correctoption", false},
                                            {"answervalue", false},
                                            {"qans", false},
                                            {"ra", false},
                                            {"answer", false},
                                            {"target", true},
                                            {"doctotarget", true}}};

// Of a choice that is an object.
constexpr std::array<std::string_view, 4> kTextKeys = {"text", "content", "atext", "choicetext"};
constexpr std::array<std::string_view, 5> kLabelKeys = {"label", "key", "letter", "aoval", "aid"};

// Asks of each choice whether it is right. "" = not known.
std::string ProgramForMarks(const json& row, const std::string& marks) {
  const auto asked = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  const auto list = First(row, kChoices);
  const bool known = asked && list && asked->value->is_string() && row.contains(asked->name) &&
                     row.contains(list->name) && list->value->is_array() && list->value->front().is_string() &&
                     FitsJq(asked->name + list->name + marks);
  if (!known) return std::string(": ") + "a question with several right answers cannot be judged, leave it out";
  return ": jq -c '. as $r | range($r" + JqKey(list->name) + " | length) as $i | ($r | del(." + JqKey(list->name) +
         ", ." + JqKey(marks) + ")) + {" + json(asked->name).dump(-1, ' ', true) + ": ($r" + JqKey(asked->name) +
         R"( + "\nIs \"" + $r)" + JqKey(list->name) + R"([$i] + "\" a right answer?"), choices: ["no", "yes"], )" +
         "answer: (if ($r" + JqKey(marks) + R"([$i] | . == true or . == 1 or . == "1" or . == "yes" or . == "true"))" +
         " then 1 else 0 end)}' FILE > OUT asks of each whether it is";
}

// One of [1, 0, 0] is 1.
std::optional<std::size_t> OnlyOne(const std::vector<json>& marks) {
  if (std::count(marks.begin(), marks.end(), json(1)) != 1) return std::nullopt;
  return static_cast<std::size_t>(std::find(marks.begin(), marks.end(), json(1)) - marks.begin());
}

base::Status AddChoice(const Found& from, const json& value, Choices& out) {
  const auto text = ValueText(value);
  if (!text) return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " is no text");
  out.texts.push_back(*text);
  return {};
}

// {"options": [...], "labels": ["no", "yes"]}: a mark for each choice. Nothing if there are none.
std::optional<base::Result<std::size_t>> MarksOf(const json& row, std::size_t choices) {
  const auto labels = First(row, std::array<std::string_view, 4>{"labels", "label", "correct", "iscorrect"});
  if (!labels || !labels->value->is_array() || labels->value->size() != choices) return std::nullopt;
  std::vector<bool> marks;
  for (const json& item : *labels->value) {
    const std::string text = item.is_string() ? PlainLabel(item.get<std::string>()) : item.dump();
    const bool right = text == "yes" || text == "true" || text == "1" || text == "correct";
    if (!right && text != "no" && text != "false" && text != "0" && text != "incorrect") return std::nullopt;
    marks.push_back(right);
  }
  if (std::count(marks.begin(), marks.end(), true) != 1)
    return base::Result<std::size_t>(Invalid(Quoted(labels->name) + ": " + Excerpt(*labels->value) +
                                             " marks not one choice as right" + ProgramForMarks(row, labels->name)));
  return base::Result<std::size_t>(
      static_cast<std::size_t>(std::find(marks.begin(), marks.end(), true) - marks.begin()));
}

// "A) one B) two", "(A) one (B) two", "a ) one , b ) two": the texts. Empty for any other text, and if a letter may be
// in a choice.
std::vector<std::string> LetteredChoices(std::string_view text) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kStyles = {{{"", ")"}, {"(", ")"}, {"", "."}, {"", " )"}}};
  text = Trimmed(text);
  for (const auto& [open, close] : kStyles) {
    for (const char first : {'A', 'a'}) {
      const auto find = [&, open = open, close = close](std::size_t i, std::size_t from) {
        const std::string marker =
            std::string(open) + static_cast<char>(first + static_cast<int>(i)) + std::string(close);
        for (std::size_t at = text.find(marker, from); at != std::string_view::npos; at = text.find(marker, at + 1)) {
          if (at == 0 || std::isspace(static_cast<unsigned char>(text[at - 1])) != 0) return at;
        }
        return std::string_view::npos;
      };
      const std::size_t length = open.size() + 1 + close.size();
      std::vector<std::string> texts;
      std::size_t at = find(0, 0);
      for (bool clear = at == 0; clear && at != std::string_view::npos;) {
        const std::size_t next = find(texts.size() + 1, at + length);
        std::string_view choice = Trimmed(text.substr(at + length, next - at - length));
        if (next != std::string_view::npos && choice.ends_with(" ,"))
          choice = Trimmed(choice.substr(0, choice.size() - 2));
        clear = !choice.empty() && find(texts.size(), at + 1) == std::string_view::npos && texts.size() < kMostChoices;
        texts.emplace_back(choice);
        if (!clear) texts.clear();
        at = next;
      }
      // "A. one, B. two"
      const auto ends = [](const std::string& choice) { return choice.ends_with(',') || choice.ends_with(';'); };
      if (texts.size() > 2 && std::all_of(texts.begin(), texts.end() - 1, ends)) {
        for (auto choice = texts.begin(); choice != texts.end() - 1; ++choice) choice->pop_back();
      }
      if (texts.size() > 1) return texts;
    }
  }
  return {};
}

// The right ones of several, all named by one text: "A, C", "AC", "1;3".
bool NamesSeveral(std::string_view text, const Choices& choices) {
  std::vector<std::string> items = ListedIn(text);
  if (items.empty()) {
    constexpr std::string_view kBetween = " ,;|/+&";
    for (const char c : Trimmed(text)) {
      if (kBetween.find(c) == std::string_view::npos) items.emplace_back(1, c);
    }
  }
  std::vector<std::string> labels;
  for (const std::string& item : items) {
    const std::string label = PlainLabel(item);
    const bool letter = IsLetter(label) && static_cast<std::size_t>(label[0] - 'a') < choices.texts.size();
    const bool known = std::find(choices.labels.begin(), choices.labels.end(), label) != choices.labels.end();
    const bool number = IsDigits(label) && std::stoul(label) <= choices.texts.size() && items.size() < text.size();
    const bool again = std::find(labels.begin(), labels.end(), label) != labels.end();
    if (!(letter || known || number) || again) return false;
    labels.push_back(label);
  }
  return labels.size() > 1;
}

// Has the question a choice "B." or "(B)" in it? What may stand before it is in ProgramForLetters, too.
bool HasLabel(const std::string& asked, char letter) {
  for (std::size_t i = asked.find(letter); i != std::string::npos; i = asked.find(letter, i + 1)) {
    const unsigned char before = i == 0 ? ' ' : static_cast<unsigned char>(asked[i - 1]);
    const bool begins = std::isspace(before) != 0 || before >= 0x80 ||
                        std::string_view("([?!;,:").find(asked[i == 0 ? 0 : i - 1]) != std::string_view::npos || i == 0;
    const std::string_view rest = std::string_view(asked).substr(i + 1);
    for (const std::string_view end : {".", ")", ":", "]", "\u3001", "\uFF0E", "\uFF09", "\uFF1A"}) {
      if (begins && rest.starts_with(end)) return true;
    }
  }
  return false;
}

// "Answer: B" and "The answer is B" are "B": what stands before a colon, if it is short and has no digit.
std::string_view WithoutLead(std::string_view text) {
  constexpr std::size_t kLongestLead = 40;  // bytes
  for (const std::string_view colon : {":", "\uFF1A", " is "}) {
    const std::size_t at = text.find(colon);
    if (at == std::string_view::npos || at < 2 || at > kLongestLead) continue;
    const std::string_view lead = text.substr(0, at), rest = Trimmed(text.substr(at + colon.size()));
    if (!rest.empty() && std::ranges::none_of(lead, [](unsigned char c) { return std::isdigit(c) != 0; })) return rest;
  }
  return text;
}

}  // namespace

std::optional<Found> ChoiceListOf(const json& row) {
  for (const std::string_view name : kChoices) {
    auto found = Find(row, name);
    if (found && !(found->value->is_string() && !HasText(*found->value))) return found;
  }
  return std::nullopt;
}

std::optional<Found> NamedAnswersOf(const json& row) {
  const auto answers = First(row, std::array<std::string_view, 3>{"answers", "candidates", "possibleanswers"});
  if (!answers || !answers->value->is_structured() || answers->value->size() < 2) return std::nullopt;
  const auto names_one = [&](const auto& is_label) {
    return std::ranges::any_of(kRights, [&](const Right& right) {
      const auto key = Find(row, right.name);
      const auto text = key ? ValueText(*key->value) : std::nullopt;
      return text && is_label(*text);
    });
  };
  if (answers->value->is_array()) {  // [{"aid": 1, "atext": "..."}]
    std::vector<std::string> labels;
    for (const json& item : *answers->value) {
      const auto label = item.is_object() ? First(item, kLabelKeys) : std::nullopt;
      if (!label || !First(item, kTextKeys)) return std::nullopt;
      labels.push_back(ValueText(*label->value).value_or(""));
    }
    const auto is_label = [&](const std::string& text) { return std::ranges::find(labels, text) != labels.end(); };
    return names_one(is_label) ? answers : std::nullopt;
  }
  if (!std::ranges::all_of(*answers->value, [](const json& text) { return text.is_string() && HasText(text); }))
    return std::nullopt;
  const auto is_label = [&](const std::string& text) { return answers->value->contains(text); };
  return names_one(is_label) ? answers : std::nullopt;
}

bool IsPartOfChoice(std::string_view name) {
  const std::string plain = Plain(name);
  return std::ranges::find(kTextKeys, plain) != kTextKeys.end() ||
         std::ranges::find(kLabelKeys, plain) != kLabelKeys.end();
}

std::optional<Found> WrongChoicesOf(const json& row) { return First(row, kWrong); }

base::Status ReadChoiceList(const Found& from, Choices& out) {
  const json& value = *from.value;
  const auto texts =
      value.is_object() ? First(value, std::array<std::string_view, 2>{"text", "choices"}) : std::nullopt;
  if (texts && texts->value->is_array()) {
    for (const json& text : *texts->value) {
      if (auto status = AddChoice(from, text, out); !status) return status;
    }
    const auto labels = First(value, std::array<std::string_view, 2>{"label", "labels"});
    if (!labels || !labels->value->is_array() || labels->value->size() != out.texts.size()) return {};
    if (texts->name == "choices") {
      out.right = OnlyOne(*labels->value);
      if (!out.right) return Invalid(Quoted(from.name) + ": not one of its labels is 1: " + Excerpt(*labels->value));
      return {};
    }
    for (const json& label : *labels->value) out.labels.push_back(PlainLabel(ValueText(label).value_or("")));
    out.labels_are_data = true;
    return {};
  }
  if (value.is_object() && std::ranges::all_of(value, [](const json& of) { return of.is_object(); })) {
    return Invalid(
        Quoted(from.name) + ": " + Excerpt(value) +
        " has an object for each of several attributes: these are no choices, and no comparison of texts can "
        "judge such an answer: leave these rows out, or write a row with a question for each attribute");
  }
  if (value.is_object()) {
    std::vector<json> marks;
    for (const auto& [key, of] : value.items()) {
      if (of.is_number()) marks.push_back(of);
      if (auto status = AddChoice(from, of.is_number() ? json(key) : of, out); !status) return status;
      if (!of.is_number()) out.labels.push_back(PlainLabel(key));
    }
    if (marks.empty()) {
      out.labels_are_data = true;
      return {};
    }
    out.right = OnlyOne(marks);
    if (marks.size() != out.texts.size() || !out.right) return Invalid(Quoted(from.name) + ": not one of them is 1");
    return {};
  }
  if (value.is_string()) {
    out.texts = LetteredChoices(value.get_ref<const std::string&>());
    for (std::size_t i = 0; i < out.texts.size(); ++i) out.labels.emplace_back(1, static_cast<char>('a' + i));
    out.labels_are_data = true;
    if (!out.texts.empty()) return {};
    out.labels_are_data = false;
    if (auto listed = ListOfPython(Trimmed(value.get_ref<const std::string&>())); listed && listed->size() > 1) {
      out.texts = *std::move(listed);
      return {};
    }
    if (const auto pairs = DictionaryOfPython(Trimmed(value.get_ref<const std::string&>()));
        pairs && pairs->size() > 1) {
      for (const auto& [label, text] : *pairs) {
        out.labels.push_back(PlainLabel(label));
        out.texts.push_back(text);
      }
      out.labels_are_data = true;
      return {};
    }
    // "one\ntwo\nthree\n"; a quotation mark that closes nothing is none of a text.
    const std::string key = "." + JqKey(from.name);
    if (std::string_view(Trimmed(value.get_ref<const std::string&>())).find('\n') != std::string_view::npos &&
        FitsJq(from.name))
      return Invalid(Quoted(from.name) + " is no list of choices: " + Excerpt(value) +
                     ": if each line is one, jq -c '" + key +
                     R"( |= if type == "string" then [splits("\n") | select(test("\\S")) | )" +
                     R"j(sub("^(?<t>[^\"]*)\"\\s*$"; "\(.t)")] else . end' FILE > OUT)j");
  }
  if (!value.is_array())
    return Invalid(Quoted(from.name) + " is no list of choices: " + Excerpt(value) + R"(: write ["...", "..."])");
  const auto is_lettered = [](const json& item) {  // [{"A": "one"}, {"B": "two"}]
    return item.is_object() && item.size() == 1 && IsLetter(item.begin().key()) && item.begin()->is_primitive();
  };
  if (value.size() > 1 && std::ranges::all_of(value, is_lettered)) {
    for (const json& item : value) {
      if (auto status = AddChoice(from, *item.begin(), out); !status) return status;
      out.labels.push_back(PlainLabel(item.begin().key()));
    }
    out.labels_are_data = true;
    return {};
  }
  for (const json& item : value) {
    const json& choice = item.is_array() && item.size() == 1 ? item.front() : item;  // [{label, text}]
    const auto text = choice.is_object() ? First(choice, kTextKeys) : std::nullopt;
    if (auto status = AddChoice(from, text ? *text->value : choice, out); !status) return status;
    if (!text) continue;
    const auto label = First(choice, kLabelKeys);
    out.labels.push_back(label ? PlainLabel(ValueText(*label->value).value_or("")) : "");
    out.labels_are_data = true;
  }
  return {};
}

std::optional<Choices> ReadChoiceMembers(const json& row) {
  for (const Family& family : kFamilies) {
    Choices out;
    for (std::size_t i = 0; i < family.members.size() && !family.members[i].empty(); ++i) {
      const auto found = Find(row, family.members[i]);
      const auto text = found ? ValueText(*found->value) : std::nullopt;
      if (!text) break;
      out.texts.push_back(*text);
      if (!family.labels[i].empty()) out.labels.emplace_back(family.labels[i]);
    }
    if (out.texts.size() < 2) continue;
    if (family.first_is_right) out.right = 0;
    return out;
  }
  return std::nullopt;
}

bool IsChoiceMember(std::string_view plain) {
  return std::ranges::any_of(kFamilies, [&](const Family& family) {
    return !plain.empty() && std::ranges::find(family.members, plain) != family.members.end();
  });
}

base::Status CheckOneList(const json& row, const Found& list, Choices choices) {
  auto family = ReadChoiceMembers(row);
  if (!family || family->texts.size() < 2) return {};
  for (Choices* of : {&choices, &*family}) {
    DropLetters(of->texts);
    std::sort(of->texts.begin(), of->texts.end());
  }
  if (choices.texts == family->texts) return {};
  return Invalid(Quoted(list.name) + " is one list of choices, and " + Excerpt(json(family->texts)) +
                 " is another: leave one out");
}

base::Result<std::size_t> NamedChoice(const Found& key, const Choices& choices, bool is_index,
                                      const FirstNumbers& first, std::optional<std::size_t>& position) {
  json value = key.value->is_array() && key.value->size() == 1 ? key.value->front() : *key.value;
  const std::string said = Quoted(key.name) + ": " + Excerpt(value);
  if (value.is_array()) return Invalid(said + kSeveralRight);
  if (value.is_number_float() && value.get<double>() >= 0 && value.get<double>() < 1000) {
    const auto whole = static_cast<std::int64_t>(value.get<double>());
    if (static_cast<double>(whole) == value.get<double>()) value = whole;  // "2.0", as pandas writes 2
  }
  if (value.is_string() && Trimmed(value.get_ref<const std::string&>()).empty()) {
    return Invalid(Quoted(key.name) +
                   " is empty: test splits are published without answers, take the validation split");
  }
  const auto text = ValueText(value);
  if (!text || value.is_number_float()) return Invalid(said + " names no choice");
  std::vector<std::size_t> named;
  const auto add = [&](std::size_t index) {
    if (index < choices.texts.size() && std::find(named.begin(), named.end(), index) == named.end())
      named.push_back(index);
  };
  const std::string label = PlainLabel(*text);
  const auto labelled = std::find(choices.labels.begin(), choices.labels.end(), label);
  if (labelled != choices.labels.end()) {
    add(static_cast<std::size_t>(labelled - choices.labels.begin()));
    if (choices.labels_are_data) return named.front();
    // "option1" and "option2" in a file whose numbers count from 0: 1 is the second.
    const auto known = first.find(key.name);
    if (known != first.end() && known->second == 0 && IsDigits(*text) && choices.labels.front() == "1") {
      named.clear();
      add(std::stoul(*text));
    }
  }
  // Of ["B", "C", "D"], "B" is the first.
  const bool are_letters = std::ranges::all_of(choices.texts, [](const std::string& one) { return IsLetter(one); });
  const bool lettered = !are_letters && std::none_of(choices.labels.begin(), choices.labels.end(), IsLetter);
  if (value.is_string() && IsLetter(label) && lettered) add(static_cast<std::size_t>(label[0] - 'a'));
  for (std::size_t i = 0; value.is_string() && i < choices.texts.size(); ++i) {
    if (Trimmed(choices.texts[i]) == Trimmed(*text)) add(i);
  }
  const bool number = labelled == choices.labels.end() && IsDigits(*text);
  if (number) {
    const std::size_t at = std::stoul(*text);
    const bool counts = value.is_number_integer() || is_index;
    const auto known = first.find(key.name);
    if (named.empty()) position = at;
    if (known != first.end()) {
      if (at >= known->second) add(at - known->second);  // "3" of ["11", "3", "5", "7"] may be two of them
    } else if (known == first.end() && counts && choices.labels.empty()) {
      add(at);
    }
  }
  if (named.size() == 1) return named.front();
  if (named.size() > 1)
    return Invalid(said + " may be several choices: write the right one's index as a number (0 is the first)");
  if (number && !choices.labels.empty() && !first.contains(key.name)) {
    return Invalid(said + " may count from 0 or from 1, and no row of the file has 0 or the number of its choices: " +
                   "write the letter or the text of the right choice");
  }
  if (value.is_string() && NamesSeveral(*text, choices)) return Invalid(said + kSeveralRight);
  return Invalid(said + " is no index of a choice (0 is the first)" +
                 (value.is_string() ? ", no letter and no text of one" : ""));
}

base::Result<std::size_t> ReadRight(const json& row, const Choices& choices, const FirstNumbers& first,
                                    std::vector<Position>& positions) {
  if (choices.right) return *choices.right;
  struct Key {
    std::string name;
    base::Result<std::size_t> index;
    bool sure;  // what it names may not be another choice
  };
  std::vector<Key> keys;
  std::optional<std::size_t> by_name;
  for (const Right& name : kRights) {
    const auto key = Find(row, name.name);
    if (!key) continue;
    std::optional<std::size_t> position;
    const auto index = NamedChoice(*key, choices, name.is_index, first, position);
    if (position) positions.push_back({key->name, *position, choices.texts.size(), {}});
    if (index && !position && !by_name) by_name = *index;
    keys.push_back({key->name, index, name.name.starts_with("correct")});
  }
  for (Position& position : positions) position.right = by_name;
  if (const auto marks = MarksOf(row, choices.texts.size())) return *marks;
  std::optional<std::pair<std::string, std::size_t>> right;
  std::optional<base::Error> problem;
  for (const Key& key : keys) {
    // What is said to be right and names nothing: another answer may be wrong.
    if (!key.index && key.sure) return key.index.error();
    if (!key.index && !problem) problem = key.index.error();
    if (!key.index) continue;
    if (right && right->second != *key.index) {
      return Invalid(Quoted(right->first) + " and " + Quoted(key.name) + " name two choices: leave one out");
    }
    if (!right) right.emplace(key.name, *key.index);
  }
  if (right) return right->second;
  if (problem) return *problem;
  const auto list = ChoiceListOf(row);
  constexpr std::array<std::string_view, 8> kTells = {"answer", "correct",  "right", "gold",
                                                      "label",  "solution", "key",   "truth"};
  std::vector<std::string> telling, others;
  for (const auto& [key, value] : row.items()) {
    const std::string plain = Plain(key);
    const bool tells =
        std::ranges::any_of(kTells, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
    std::optional<std::size_t> position;
    if (!value.is_string() || !FitsJq(key) || (list && list->name == key)) continue;
    if (!NamedChoice({key, &value}, choices, false, first, position) || position) continue;
    (tells ? telling : others).push_back(key);
  }
  const auto members = ReadChoiceMembers(row);  // each of them names itself
  if (telling.empty() && others.size() == 1 && !members) telling = others;
  if (!telling.empty()) {
    const std::string& key = telling.front();
    return Invalid(R"("choices" without "answer", the index of the right one; if )" + Quoted(key) +
                   " names it: jq -c '.answer = ." + JqKey(key) + " | del(." + JqKey(key) + ")' FILE > OUT");
  }
  return Invalid(R"("choices" without "answer", the index of the right one)" + std::string("; ") +
                 AdviceForLabels(row));
}

void DropLetters(std::vector<std::string>& texts) {
  std::vector<std::string> bare;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t open = texts[i].starts_with('(') ? 1 : 0;
    const std::string& text = texts[i];
    const bool lettered = text.size() > open + 2 && text[open] == static_cast<char>('A' + i) &&
                          (text[open + 1] == ')' || (open == 0 && text[open + 1] == '.'));
    if (!lettered || Trimmed(text.substr(open + 2)).empty()) return;
    bare.emplace_back(Trimmed(text.substr(open + 2)));
  }
  texts = std::move(bare);
}

namespace {

// Ends the text with a letter outside ASCII of a script that has spaces between words?
bool EndsInSpacedScript(std::string_view text) {
  std::size_t at = text.size();
  while (at > 0 && (static_cast<unsigned char>(text[at - 1]) & 0xC0U) == 0x80U) --at;
  if (at == 0 || at == text.size()) return false;
  const auto lead = static_cast<unsigned char>(text[at - 1]), next = static_cast<unsigned char>(text[at]);
  if (lead >= 0xC3 && lead <= 0xDF) return true;        // Latin, Greek, Cyrillic, Hebrew, Arabic
  if (lead == 0xE0) return next < 0xB8 || next > 0xBB;  // scripts of India; not Thai and Lao
  return (lead == 0xEA && next >= 0xB0) || (lead >= 0xEB && lead <= 0xEC) || (lead == 0xED && next <= 0x9E);  // Korean
}

}  // namespace

std::string Joined(std::string_view prompt, std::string_view choice) {
  if (prompt.empty() || choice.empty()) return std::string(choice);
  const auto last = static_cast<unsigned char>(prompt.back()), first = static_cast<unsigned char>(choice.front());
  const bool ends_word = std::isalnum(last) != 0 || EndsInSpacedScript(prompt) ||
                         std::string_view(".,:;?!)]}\"'").find(prompt.back()) != std::string_view::npos;
  const bool begins_word =
      std::isspace(first) == 0 && std::string_view(".,:;?!)]}").find(choice.front()) == std::string_view::npos;
  return (ends_word && begins_word ? " " : "") + std::string(choice);
}

bool IsLetter(std::string_view text) { return text.size() == 1 && std::isalpha(static_cast<unsigned char>(text[0])); }

bool IsDigits(std::string_view text) {
  return !text.empty() && text.size() < 4 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string PlainLabel(std::string_view text) {
  text = Trimmed(text);
  if (text.size() > 1 && text.front() == '(') text.remove_prefix(1);
  if (text.size() > 1 && (text.back() == ')' || text.back() == '.')) text.remove_suffix(1);
  return base::AsciiLower(text);
}

bool NamesChoicesOf(const std::string& asked, std::string_view answer) {
  answer = WithoutLead(Trimmed(answer));
  for (const std::string_view stop : {".", "\u3002"}) {
    if (answer.ends_with(stop)) answer.remove_suffix(stop.size());
  }
  if (answer.size() < 2 || std::adjacent_find(answer.begin(), answer.end(), std::greater_equal<>()) != answer.end())
    return false;
  return std::all_of(answer.begin(), answer.end(),
                     [&](char letter) { return letter >= 'A' && letter <= 'J' && HasLabel(asked, letter); });
}

bool NamesChoiceOf(const std::string& asked, std::string_view answer) {
  answer = WithoutLead(Trimmed(answer));
  if (answer.starts_with('(')) answer.remove_prefix(1);
  if (answer.empty() || answer[0] < 'A' || answer[0] > 'J') return false;
  const std::string_view rest = answer.substr(1);
  const bool labelled = rest.empty() || rest == "." || rest == "\u3002" || rest.starts_with(')') ||
                        rest.starts_with(". ") || rest.starts_with(": ") || rest.starts_with("\u3001") ||
                        rest.starts_with("\uFF0E") || rest.starts_with("\uFF1A");
  return labelled && HasLabel(asked, 'A') && HasLabel(asked, 'B') && HasLabel(asked, answer[0]);
}

std::vector<std::string> OptionsIn(std::string_view asked) {
  std::vector<std::string> options;
  for (bool last = true; !(asked = Trimmed(asked)).empty(); last = false) {
    const std::size_t begin = asked.rfind('\n') + 1;  // 0 without one
    const std::string_view line = Trimmed(asked.substr(begin));
    asked = asked.substr(0, begin);
    std::string_view option;
    for (const std::string_view bullet : {"- ", "* ", "\u2022 "}) {
      if (line.starts_with(bullet)) option = Trimmed(line.substr(bullet.size()));
    }
    if (!option.empty()) {
      options.emplace_back(option);
      continue;
    }
    if (last && line.ends_with(':')) continue;
    if (!line.ends_with(':') && !line.ends_with('?')) return {};
    break;
  }
  const std::set<std::string> different(options.begin(), options.end());
  if (options.size() < 2 || different.size() < options.size()) return {};
  std::ranges::reverse(options);
  return options;
}

std::string AdviceForLetter(const std::string& asked) {
  std::vector<std::string> letters;
  for (char letter = 'A'; letter <= 'J' && HasLabel(asked, letter); ++letter) letters.emplace_back(1, letter);
  if (letters.size() < 2) return R"(write them as "choices")";
  return R"(the question seems to have them in it, so write "choices": )" + json(letters).dump();
}

bool MayBePosition(const json& value, std::size_t size) {
  if (value.is_number_unsigned()) return value.get<std::size_t>() <= size;
  if (!value.is_string()) return false;
  const std::string label = PlainLabel(value.get_ref<const std::string&>());
  return (IsLetter(label) && static_cast<std::size_t>(label[0] - 'a') < size) ||
         (IsDigits(label) && std::stoul(label) <= size);
}

std::optional<Found> ListNamedBy(const json& row, const Found& name) {
  const auto is_text = [](const json& item) { return item.is_string() && HasText(item); };
  for (const auto& [key, value] : row.items()) {
    const bool named = value.is_object() && name.value->is_string() && value.size() > 1 && FitsJq(key) &&
                       value.contains(name.value->get_ref<const std::string&>()) &&
                       std::ranges::all_of(value, is_text);  // {"A": "...", "B": "..."}
    if (named && key != name.name) return Found{key, &value};
    if (key == name.name || !value.is_array() || value.size() < 2 || !std::ranges::all_of(value, is_text)) continue;
    if (!FitsJq(key) || Plain(key).find("token") != std::string::npos || IsLink(value)) continue;
    const bool is_item = std::ranges::find(value, *name.value) != value.end();
    if (is_item || MayBePosition(*name.value, value.size())) return Found{key, &value};
  }
  return std::nullopt;
}

std::string ProgramOfChoices(const json& row, const Found& list, const Found& name) {
  if (!row.contains(name.name) || !row.contains(list.name) || !FitsJq(name.name + list.name)) return "";
  const std::string key = "." + JqKey(list.name), right = "." + JqKey(name.name);
  return "jq -c '.choices = " + key + " | del(" + key + ")" +
         (NamesRightChoice(Plain(name.name)) ? "" : " | .answer = " + right + " | del(" + right + ")") + "' FILE > OUT";
}

bool NamesRightChoice(std::string_view plain) {
  return std::ranges::find(kRights, plain, &Right::name) != kRights.end();
}

}  // namespace autotune::measurement
