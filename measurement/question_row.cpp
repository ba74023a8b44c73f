#include "measurement/question_row.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "measurement/asked_form.h"
#include "measurement/lm_eval_sample.h"
#include "measurement/question_choices.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_context.h"
#include "measurement/row_conversation.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/tool_export.h"
#include "measurement/unjudged_row.h"
#include "measurement/unsent_member.h"
#include "measurement/weighed_answers.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;
using Match = Question::Match;

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

// Rows of numbers, such as a matrix. None are positions in a text.
bool IsGridOfNumbers(const std::string& name, const json& value) {
  constexpr std::array<std::string_view, 8> kPositions = {"span",  "offset",   "index", "indices",
                                                          "start", "position", "embed", "score"};
  const auto is_row = [](const json& item) {
    return item.is_array() && item.size() > 1 &&
           std::ranges::all_of(item, [](const json& cell) { return cell.is_number(); });
  };
  const std::string plain = Plain(name);
  return value.is_array() && value.size() > 1 && std::ranges::all_of(value, is_row) &&
         std::ranges::none_of(kPositions, [&](std::string_view part) { return plain.find(part) != std::string::npos; });
}

// The same with other texts.
json Altered(json value) {
  if (value.is_string()) return value.get<std::string>() + " And more of it.";
  if (value.is_structured()) {
    for (json& item : value) item = Altered(item);
  }
  return value;
}

// "#idiom#", "#gap12#": a word, perhaps with a number, between two signs. "" = there is none.
std::string_view GapMarkIn(std::string_view text) {
  constexpr std::size_t kLongest = 20;  // bytes
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    const std::size_t end = text.find('#', at + 1);
    if (end == std::string_view::npos) break;
    const std::string_view word = text.substr(at + 1, end - at - 1);
    const std::size_t letters =
        std::min(word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), word.size());
    if (letters > 0 && word.size() <= kLongest &&
        word.substr(letters).find_first_not_of("0123456789") == std::string_view::npos)
      return text.substr(at, word.size() + 2);
  }
  return "";
}

constexpr std::string_view kFrame = "Question: ", kFrameEnd = "\nAnswer:", kFrameStop = "\nQuestion:";

class RowReader {
 public:
  RowReader(const json& row, const FirstNumbers& first) : row_(row), first_(first) {}

  base::Result<Question> Read() {
    if (!row_.is_object()) return Invalid("not a JSON object");
    auto status = IsLmEvalSample(row_) ? ReadLmEvalSample(row_, out_) : ReadRow();
    if (status) status = CheckNotTold();
    if (status) status = CheckFilledIn(out_);
    if (!status) return status.error();
    return std::move(out_);
  }

  // REQUIRES: Read(), with any result.
  [[nodiscard]] const std::vector<Position>& positions() const { return positions_; }

 private:
  base::Status ReadRow() {
    if (auto status = CheckTools(row_); !status) return status;
    if (const std::string why = WhyExport(row_); !why.empty()) return Invalid(why);
    if (const std::string several = WhySeveralQuestions(row_); !several.empty()) return Invalid(several);
    if (const std::string weighed = WhyWeighed(row_); !weighed.empty()) return Invalid(weighed);
    if (auto status = ReadPrompt(); !status) return status;
    if (auto status = CheckPrograms(row_, SentOf(out_)); !status) return status;
    if (auto status = CheckSent(row_, out_); !status) return status;
    Choices choices;
    if (const auto list = ChoiceListOf(row_)) {
      if (auto status = ReadChoiceList(*list, choices); !status) return status;
      if (auto status = CheckOneList(row_, *list, choices); !status) return status;
      return TakeChoices(std::move(choices));
    }
    if (const auto named = NamedAnswersOf(row_)) {
      if (auto status = ReadChoiceList(*named, choices); !status) return status;
      return TakeChoices(std::move(choices));
    }
    if (auto family = ReadChoiceMembers(row_)) return TakeChoices(*std::move(family));
    if (gap_) return Invalid(R"("sentence" without "option1" and "option2")");
    if (const auto wrong = WrongChoicesOf(row_)) {
      const auto right =
          First(row_, std::array<std::string_view, 5>{"correctanswer", "ideal", "answer", "target", "rightanswer"});
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
    return ReadReferences(row_, framed_, out_);
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

  // An answer that is yes or no; as words, either would be found in most texts.
  [[nodiscard]] std::optional<Choices> ReadVerdict() const {
    const auto answer = PlainAnswer(row_, out_);
    const bool one = answer && answer->value->is_array() && answer->value->size() == 1;  // [true]
    const json* said = answer ? (one ? &answer->value->front() : answer->value) : nullptr;
    if (said != nullptr && said->is_boolean()) {
      const bool yes = said->get<bool>();
      if (Plain(SentOf(out_)).find("trueorfalse") != std::string::npos)
        return Choices{{"False", "True"}, {}, false, yes ? 1U : 0U};
      const auto asked = PromptOf(row_) ? PromptOf(row_) : QuestionOf(row_);
      const auto language = First(row_, std::array<std::string_view, 3>{"language", "lang", "locale"});
      const YesNo words = VerdictOf(yes, asked ? ValueText(*asked->value).value_or("") : "",
                                    language ? ValueText(*language->value).value_or("") : "");
      return Choices{{words.no, words.yes}, {}, false, yes ? 1U : 0U};
    }
    const auto text = TextOfAnswer(row_, out_);
    const auto verdict = text ? VerdictIn(*text) : std::nullopt;
    if (!verdict) return std::nullopt;
    return Choices{{verdict->no, verdict->yes}, {}, false, verdict->is_yes ? 1U : 0U};
  }

  // An answer that is one of the options with which the prompt ends: "valid" is in "not valid", too.
  [[nodiscard]] std::optional<Choices> ReadOptions() const {
    const auto text = TextOfAnswer(row_, out_);
    if (!text || PlainAnswer(row_, out_)->value->is_number()) return std::nullopt;  // it may be an index
    std::vector<std::string> options = OptionsIn(SentOf(out_));
    const auto right = std::ranges::find(options, Trimmed(*text));
    if (right == options.end()) return std::nullopt;
    const auto index = static_cast<std::size_t>(right - options.begin());
    return Choices{std::move(options), {}, false, index};
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
    const bool turns =
        prompt && prompt->value->is_array() && !prompt->value->empty() &&
        (prompt->value->front().is_array() || Find(prompt->value->front(), "from") || HasForeignTurns(*prompt->value));
    if (prompt ? turns : !asked || asked->value->is_array()) {
      if (auto conversation = ConversationOf(row_, IsAnswered(row_))) return IsConversation(*std::move(conversation));
    }
    if (prompt && prompt->value->is_array()) return ReadMessages(row_, *prompt, IsAnswered(row_), out_.messages);
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
    if (const auto programs = CheckPrograms(row_, SentOf(out_)); !programs) return "; " + programs.error().message;
    if (const std::string elsewhere = WhyElsewhere(row_); !elsewhere.empty()) return "; " + elsewhere;
    const bool chosen = ChoiceListOf(row_) || ReadChoiceMembers(row_) || NamedAnswersOf(row_);
    const auto target = Find(row_, "target");  // {"span1_text": "...", "span2_text": "..."} beside a label
    const bool spans = target && target->value->is_object() && Find(row_, "label");
    const bool told = (answered && !spans) || chosen || (First(row_, kWorkedOut) && !Find(row_, "label"));
    for (const std::string& advice : {AdviceForScenario(row_), AdviceForStem(row_), AdviceForExamples(row_),
                                      AdviceForNumbered(row_), AdviceForMinimalPair(row_)}) {
      if (!advice.empty()) return "; " + advice;
    }
    const std::string classes = told ? "" : AdviceForClasses(row_);
    if (!classes.empty()) return "; " + classes;
    const std::string why = WhyNotJudged(row_);
    const std::string prompt = AdviceForPrompt(row_);
    if (!why.empty() && !((answered || chosen) && !prompt.empty())) return "; " + why;
    if (!prompt.empty() && !answered && (chosen || prompt.find(".question = ") != std::string::npos))
      return "; " + prompt;
    if (!prompt.empty() && answered) {
      const std::string of_answer = AdviceForClasses(row_, true);
      if (!of_answer.empty() && JoinsWithoutQuestion(row_)) return "; " + of_answer;
      if (target && target->value->is_number_integer() && !of_answer.empty()) return "; " + of_answer + "; " + prompt;
      return "; " + prompt + (of_answer.empty() ? "" : "; " + of_answer);
    }
    if (const std::string word = AdviceForLastWord(row_); !word.empty() && row_.size() < 3) return "; " + word;
    if (!prompt.empty()) return "";
    const auto truth = First(row_, std::array<std::string_view, 2>{"groundtruth", "possibleanswer"});
    const auto is_object = [](const json& item) { return item.is_object(); };
    if (truth && truth->value->is_array() && !truth->value->empty() && std::ranges::all_of(*truth->value, is_object))
      return "; " + Quoted(truth->name) + ": " + Excerpt(*truth->value) +
             " seems to be calls of tools, which cannot be judged by text";
    const std::string join = ReferenceOf(row_) ? AdviceForJoin(row_, true) : "";
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
      const auto found = ReferenceOf(conversation.row);
      const bool text = found && conversation.row.contains(found->name) && found->value->is_string();
      const std::string reference = text ? found->value->get<std::string>() : "";
      const std::string program = IsLetter(PlainLabel(reference)) && FitsJq(found->name)
                                      ? ProgramOfForm(*form, "." + JqKey(found->name), reference)
                                      : "";
      if (!program.empty()) conversation.program += " | " + program;
    }
    return Invalid(Quoted(conversation.member) + " is a conversation: jq -c '" + conversation.program +
                   "' FILE > OUT makes messages of it" +
                   (conversation.row.contains("reference") ? ", and the reference of its last turn" : ""));
  }

  base::Status TakePrompt(const Found& from, std::string_view before) {
    const auto text = from.value->is_string() ? ValueText(*from.value) : std::nullopt;
    if (!text) return Invalid(Quoted(from.name) + ": " + Excerpt(*from.value) + " is no text" + ProgramOfText(from));
    out_.prompt = std::string(before) + *text;
    return {};
  }

  // {"original": "...", "normalized": "..."}: takes one of them. "" = it has none.
  [[nodiscard]] std::string ProgramOfText(const Found& from) const {
    if (!row_.contains(from.name) || !FitsJq(from.name)) return "";
    if (from.value->is_array() && !from.value->empty()) {  // [{"language": "en", "string": "..."}]
      const json& first = from.value->front();
      const auto language = First(first, std::array<std::string_view, 3>{"language", "lang", "locale"});
      const auto said = First(first, std::array<std::string_view, 4>{"string", "text", "value", "question"});
      if (!language || !said || !language->value->is_string() || !FitsJq(language->name + said->name)) return "";
      const bool english = std::ranges::any_of(*from.value, [&](const json& item) {
        return item.is_object() && item.contains(language->name) && item[language->name] == json("en");
      });
      const std::string code = english ? "en" : language->value->get<std::string>();
      return ": jq -c '." + JqKey(from.name) + " |= (.[] | select(." + JqKey(language->name) +
             " == " + json(code).dump() + ") | ." + JqKey(said->name) + ")' FILE > OUT takes the one in " +
             Quoted(code);
    }
    if (!from.value->is_object()) return "";
    auto text =
        First(*from.value, std::array<std::string_view, 6>{"original", "text", "question", "content", "raw", "en"});
    for (auto it = from.value->begin(); it != from.value->end() && !text; ++it) {
      if (it->is_string()) text = Found{it.key(), &*it};
    }
    if (!text || !text->value->is_string() || !FitsJq(text->name)) return "";
    return ": jq -c '." + JqKey(from.name) + " |= ." + JqKey(text->name) + "' FILE > OUT takes " + Quoted(text->name);
  }

  // One that ends with a colon has a frame of its own.
  base::Status ReadQuestion(const Found& question) {
    const auto text = TextBefore(row_, question);
    if (!text) return text.error();
    const std::string& before = *text;
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

  base::Status TakeChoices(Choices choices) {
    out_.match = Match::kChoice;
    out_.stop.clear();
    if (row_.contains("match")) return Invalid(R"("match" is for references; choices are compared by likelihood)");
    for (const char* name : {"reference", "references"}) {
      if (row_.contains(name))
        return Invalid("choices need no " + Quoted(name) + R"(: "answer" is the right one's index)");
    }
    if (!out_.messages.empty())
      return Invalid(R"(choices need a "prompt": no engine gives the likelihood of a chat)" + ProgramOfChat());
    if (choices.texts.size() < 2) return Invalid(R"("choices" has fewer than two)");
    const auto right = ReadRight(row_, choices, first_, positions_);
    if (!right) return right.error();
    out_.right = *right;
    for (std::string& text : choices.texts) text.resize(text.find_last_not_of(" \t\r\n") + 1);
    if (std::count(choices.texts.begin(), choices.texts.end(), choices.texts[*right]) > 1) {
      return Invalid("two choices are " + Quoted(choices.texts[*right]) +
                     ", and it is the right one: leave the row out");
    }
    if (const std::string gap = gap_ ? "" : WhyGap(); !gap.empty()) return Invalid(gap);
    if (!gap_) DropLetters(choices.texts);
    for (const std::string& text : choices.texts) {
      out_.references.push_back(gap_ ? text + *gap_ : Joined(out_.prompt, text));
    }
    return {};
  }

  // "It is #idiom# that ...": the choices would go behind the prompt, and not where the gap is. "" = it has none.
  [[nodiscard]] std::string WhyGap() const {
    const auto asked = PromptOf(row_) ? PromptOf(row_) : QuestionOf(row_);
    if (!asked || !asked->value->is_string() || !row_.contains(asked->name) || !FitsJq(asked->name)) return "";
    const std::string& text = asked->value->get_ref<const std::string&>();
    const std::string_view gap = GapMarkIn(text);
    if (gap.empty()) return "";
    const std::string said = Quoted(asked->name) + " has the gap " + Quoted(gap) + ", and choices would go behind it: ";
    const std::size_t behind = static_cast<std::size_t>(gap.data() - text.data()) + gap.size();
    if (!GapMarkIn(std::string_view(text).substr(behind)).empty())
      return said + "it has several gaps, so write a row for each of them";
    const std::string key = "." + JqKey(asked->name);
    return said + "jq -c '.sentence = (" + key + R"( | gsub("_"; " ") | sub("#[A-Za-z]+[0-9]*#"; "_")) | del()" + key +
           ")' FILE > OUT puts them there";
  }

  // Beside messages: what asks the same as a text, or a text of them.
  [[nodiscard]] std::string ProgramOfChat() const {
    const auto chat = PromptOf(row_);
    if (!chat || !row_.contains(chat->name) || !FitsJq(chat->name)) return "";
    const std::string key = "." + JqKey(chat->name);
    for (const std::string_view name : {"prompt", "input", "question", "query"}) {
      const auto text = Find(row_, name);
      if (text && text->name != chat->name && HasWordsOf(*text->value))
        return ": jq -c 'del(" + key + ")' FILE > OUT sends " + Quoted(text->name) + " in place of " +
               Quoted(chat->name);
    }
    return ": jq -c '.prompt = ([" + key + R"([].content] | join("\n")))" +
           (chat->name == "prompt" ? "" : " | del(" + key + ")") + "' FILE > OUT makes one of " + Quoted(chat->name);
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

std::vector<Position> PositionsIn(const json& row) {
  const FirstNumbers none;
  RowReader reader(row, none);
  static_cast<void>(reader.Read());
  return reader.positions();
}

std::vector<std::string> NotSent(const json& row, const Question& question, const FirstNumbers& first) {
  std::vector<std::string> names;
  if (IsLmEvalSample(row)) return names;  // lm-eval has put its documents into prompts
  const auto is_key = [](std::string_view plain) {
    return NamesRightChoice(plain) || plain == "match" || NamesReference(plain);
  };
  const std::string sent = SentOf(question);
  const auto choices = ChoiceListOf(row);
  for (const auto& [key, value] : row.items()) {
    if (choices && choices->name == key) continue;
    if (!(HasText(value) || IsGridOfNumbers(key, value)) || IsId(key) || is_key(Plain(key)) || Says(sent, value))
      continue;
    json without = row;
    without.erase(key);
    const auto read = ReadQuestionRow(without, first);
    if (read) {
      if (*read == question) names.push_back(key);
      continue;
    }
    // Without it another member may be asked for. It is sent, or judges, if another text makes another question.
    without[key] = Altered(value);
    const auto altered = ReadQuestionRow(without, first);
    if (altered && *altered == question) names.push_back(key);
  }
  for (const json& choice : choices && choices->value->is_array() ? *choices->value : json::array()) {
    if (!choice.is_object() || choice.size() < 3) continue;
    for (const auto& [key, value] : choice.items()) {
      const std::string name = choices->name + "[]." + key;
      const json& said = value;
      const bool used =
          !HasText(said) || IsPartOfChoice(key) ||
          std::ranges::any_of(question.references, [&said](const std::string& text) { return Says(text, said); });
      if (!used && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
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
