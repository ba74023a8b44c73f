#include "measurement/row_context.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii_case.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/unsent_member.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;

// What is sent before a question. `certain`: nothing else is called so.
struct Context {
  std::string_view name;
  bool certain;
};
constexpr std::array<Context, 11> kContexts = {{{"passage", true},
                                                {"context", true},
                                                {"article", true},
                                                {"support", false},
                                                {"body", false},
                                                {"text", false},
                                                {"hint", false},
                                                {"florespassage", true},
                                                {"contexttext", true},
                                                {"passagetext", true},
                                                {"documentplaintext", true}}};

enum class Need {
  kAlways,  // nobody could answer without it
  kAlone,   // where nothing else is sent with the question, and it has sentences: "Genghis Khan-17" names a paragraph
};
enum class Form {
  kProse,    // a text, a list of texts or a table, that goes before a question
  kObjects,  // a list of objects, of which each member counts
  kMedium,   // no text could say it
};
// What a question is about, or how it is to be answered, and what is not sent with it.
struct Unsent {
  std::string_view name;
  Need need;
  Form form;
};
constexpr std::array<Unsent, 66> kUnsent = {{{"contexts", Need::kAlways, Form::kProse},
                                             {"retrievedcontexts", Need::kAlways, Form::kProse},
                                             {"referencecontexts", Need::kAlways, Form::kProse},
                                             {"document", Need::kAlways, Form::kProse},
                                             {"documents", Need::kAlways, Form::kProse},
                                             {"docs", Need::kAlways, Form::kProse},
                                             {"paragraph", Need::kAlways, Form::kProse},
                                             {"paragraphs", Need::kAlways, Form::kProse},
                                             {"story", Need::kAlways, Form::kProse},
                                             {"narrative", Need::kAlways, Form::kProse},
                                             {"passages", Need::kAlways, Form::kProse},
                                             {"pretext", Need::kAlways, Form::kProse},
                                             {"table", Need::kAlways, Form::kProse},
                                             {"posttext", Need::kAlways, Form::kProse},
                                             {"tools", Need::kAlways, Form::kObjects},
                                             {"functions", Need::kAlways, Form::kObjects},
                                             {"background", Need::kAlways, Form::kProse},
                                             {"premise", Need::kAlways, Form::kProse},
                                             {"premises", Need::kAlways, Form::kProse},
                                             {"majorpremise", Need::kAlways, Form::kProse},
                                             {"minorpremise", Need::kAlways, Form::kProse},
                                             {"giveninfo", Need::kAlways, Form::kProse},
                                             {"code", Need::kAlways, Form::kProse},
                                             {"dialogue", Need::kAlways, Form::kProse},
                                             {"dialog", Need::kAlways, Form::kProse},
                                             {"conversation", Need::kAlways, Form::kProse},
                                             {"utterances", Need::kAlways, Form::kProse},
                                             {"paras", Need::kAlways, Form::kProse},
                                             {"transcript", Need::kAlways, Form::kProse},
                                             {"scenario", Need::kAlways, Form::kProse},
                                             {"situation", Need::kAlways, Form::kProse},
                                             {"theory", Need::kAlways, Form::kProse},
                                             {"contract", Need::kAlways, Form::kProse},
                                             {"paraa", Need::kAlways, Form::kProse},
                                             {"system", Need::kAlways, Form::kProse},
                                             {"systemprompt", Need::kAlways, Form::kProse},
                                             {"instruction", Need::kAlways, Form::kProse},
                                             {"instructions", Need::kAlways, Form::kProse},
                                             {"image", Need::kAlways, Form::kMedium},
                                             {"images", Need::kAlways, Form::kMedium},
                                             {"image1", Need::kAlways, Form::kMedium},
                                             {"imagepath", Need::kAlways, Form::kMedium},
                                             {"picture", Need::kAlways, Form::kMedium},
                                             {"audio", Need::kAlways, Form::kMedium},
                                             {"video", Need::kAlways, Form::kMedium},
                                             {"knowledge", Need::kAlone, Form::kProse},
                                             {"evidence", Need::kAlone, Form::kProse},
                                             {"evidences", Need::kAlone, Form::kProse},
                                             {"evidencelist", Need::kAlone, Form::kProse},
                                             {"evidencetext", Need::kAlone, Form::kProse},
                                             {"goldevidence", Need::kAlone, Form::kProse},
                                             {"supportingtexts", Need::kAlone, Form::kProse},
                                             {"snippets", Need::kAlone, Form::kProse},
                                             {"puzzle", Need::kAlone, Form::kProse},
                                             {"case", Need::kAlone, Form::kProse},
                                             {"casedescription", Need::kAlone, Form::kProse},
                                             {"vignette", Need::kAlone, Form::kProse},
                                             {"facts", Need::kAlone, Form::kProse},
                                             {"rules", Need::kAlone, Form::kProse},
                                             {"excerpt", Need::kAlone, Form::kProse},
                                             {"material", Need::kAlone, Form::kProse},
                                             {"materials", Need::kAlone, Form::kProse},
                                             {"setup", Need::kAlone, Form::kProse},
                                             {"setting", Need::kAlone, Form::kProse},
                                             {"preamble", Need::kAlone, Form::kProse},
                                             {"sourcetext", Need::kAlone, Form::kProse}}};
constexpr std::size_t kLeastEvidence = 60;  // bytes
constexpr std::ptrdiff_t kLeastSpaces = 8;
constexpr std::size_t kMostContexts = 4;  // that a program puts together
// Where such a list has objects: their texts.
constexpr std::array<std::string_view, 11> kPartTexts = {"text",    "evidencetext", "paragraphtext", "passagetext",
                                                         "fact",    "sentence",     "content",       "contents",
                                                         "snippet", "utterance",    "paragraph"};
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

bool HasObject(const json& value) {
  return value.is_object() || (value.is_array() && std::ranges::any_of(value, HasObject));
}

// The member with a text that is called as the object is ("contexts" of "context"), or else the longest.
std::string TextMember(const std::string& outer, const json& object) {
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
std::string OtherTexts(const json& object, const std::string& taken) {
  std::string names;
  for (const auto& [key, value] : object.items()) {
    if (key != taken && HasText(value)) names += (names.empty() ? "" : ", ") + Quoted(BeginOf(key, 40));
  }
  return names;
}

// The texts of a list, or of the one member of its objects (or of an object) that has what questions are about:
// another may have the answer. "" = it is not known. `at`: where jq finds the value.
std::string ProgramOfTexts(const std::string& name, const json& value, const std::string& at) {
  const bool objects = value.is_array() && !value.empty() && value.front().is_object();
  if (objects) {
    const auto text = First(value.front(), kPartTexts);
    const auto who =
        First(value.front(), std::array<std::string_view, 5>{"speaker", "speakers", "role", "from", "author"});
    const bool named = who && (who->value->is_string() || who->value->is_array());
    if (text && named && text->value->is_string() && FitsJq(text->name + who->name))
      return "[" + at + "[] | " +
             (who->value->is_array() ? "(." + JqKey(who->name) + R"( | join(", ")))" : "." + JqKey(who->name)) +
             R"( + ": " + .)" + JqKey(text->name) + R"(] | join("\n"))";
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

constexpr const char* kLinesOfGrid = R"(map(map(tostring) | join(" | ")) | join("\n"))";

// A list of rows of cells.
bool IsGrid(const json& value) {
  return value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& line) {
           return line.is_array() && std::ranges::all_of(line, [](const json& cell) { return cell.is_primitive(); });
         });
}

// What makes a text of a context that is none.
base::Error NoText(const Found& context) {
  const json& value = *context.value;
  const std::string program = HasText(value) && FitsJq(context.name) ? ProgramOfTexts(context.name, value, ".") : "";
  const bool objects = value.is_array() && !value.empty() && value.front().is_object();
  const json& object = objects ? value.front() : value;
  const auto part = objects ? First(object, kPartTexts) : std::nullopt;
  const std::string taken = !object.is_object()          ? ""
                            : part && FitsJq(part->name) ? part->name
                                                         : TextMember(context.name, object);
  const std::string others = taken.empty() ? "" : OtherTexts(object, taken);
  return Invalid(Quoted(context.name) + ": " + Excerpt(value) + " is no text" +
                 (program.empty() ? ""
                                  : ": jq -c '." + JqKey(context.name) + " |= (" + program +
                                        ")' FILE > OUT makes one of " + (taken.empty() ? "it" : Quoted(taken)) +
                                        (others.empty() ? "" : "; " + others + " may have the answer")));
}

class SentCheck {
 public:
  SentCheck(const json& row, const Question& question) : row_(row), out_(question) {}

  // Something that the question is about would be left out.
  base::Status Check() const {
    const std::string sent = SentOf(out_);
    const auto prompt = PromptOf(row_);
    const auto unsent = [&](const Found& text, Form form = Form::kProse) {
      if (form == Form::kMedium)
        return Invalid(Quoted(text.name) + ": " + Excerpt(*text.value) +
                       " would not be sent, and no text could say it: leave these rows out" +
                       (FitsJq(text.name)
                            ? "; or jq -c 'del(." + JqKey(text.name) + ")' FILE > OUT if the questions say enough"
                            : ""));
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
    if (const std::string stem = prompt || !Find(row_, "sentence") ? "" : AdviceForStem(row_); !stem.empty())
      return Invalid(stem);
    for (const auto& [name, need, form] : kUnsent) {
      const auto found = need == Need::kAlways ? Find(row_, name) : std::nullopt;
      if (!found || found->value->empty() || Says(sent, *found->value)) continue;
      if (name == "scenario" && IsTag(*found->value)) continue;
      if (form != Form::kMedium && (IsLink(*found->value) || NamesDocuments(name, *found->value))) continue;
      if (name == "code" && !words(found)) continue;  // of a language or a course
      if (name == "code" && question && words(question) && !IsAboutCode(sent)) return LeaveOutCode(*found);
      if (name == "code" && IsSolution(*found->value, prompt ? prompt : question)) return LeaveOutCode(*found, false);
      if (const std::string stem = name == "premise" && !prompt ? AdviceForStem(row_) : ""; !stem.empty())
        return Invalid(stem);
      return unsent(*found, form);
    }
    if (const auto context = ContextOf(row_); !prompt && !(context && HasText(*context->value))) {
      for (const auto& [name, need, form] : kUnsent) {
        const auto found = need == Need::kAlone ? Find(row_, name) : std::nullopt;
        if (found && HasLongText(*found->value) && !Says(sent, *found->value) && !HasLonger(*found, sent))
          return unsent(*found);
      }
      for (const auto& [key, value] : row_.items()) {
        const Found table{key, &value};
        if (IsTable(table) && !Says(sent, value)) return unsent(table);
      }
    }
    for (const auto& [name, value] : kPictured) {
      const auto found = Find(row_, name);
      if (found && *found->value == json(value))
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " says that the question needs a picture: leave it out");
    }
    const auto file = First(row_, std::array<std::string_view, 4>{"filename", "filepath", "attachment", "attachments"});
    const bool attached = Plain(sent).find("attach") != std::string::npos;
    if (file && HasText(*file->value) && (attached || (!prompt && !HasContext(row_) && IsDataFile(*file->value)))) {
      return Invalid(Quoted(file->name) + ": " + Excerpt(*file->value) +
                     (attached ? " would not be sent, and the question is about what is attached: leave the row out"
                               : " would not be sent, and the question may be about it: leave the row out"));
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
    for (const auto& [name, certain] : kContexts) {
      const auto context = bare || certain ? Find(row_, name) : std::nullopt;
      if (context && HasText(*context->value) && !Says(sent, *context->value)) return unsent(*context);
    }
    return {};
  }

 private:
  // "7bd8.xlsx"
  static bool IsDataFile(const json& value) {
    constexpr std::array<std::string_view, 17> kEnds = {".xlsx", ".xls", ".csv", ".pdf",  ".png",  ".jpg",
                                                        ".jpeg", ".mp3", ".wav", ".mp4",  ".docx", ".pptx",
                                                        ".zip",  ".py",  ".txt", ".json", ".xml"};
    return value.is_string() && std::ranges::any_of(kEnds, [&](std::string_view end) {
             return value.get_ref<const std::string&>().ends_with(end);
           });
  }

  // "eligibility", "first_time,minor": of which kind a question is.
  static bool IsTag(const json& value) {
    return value.is_string() && std::ranges::all_of(value.get_ref<const std::string&>(), [](unsigned char c) {
             return std::isalnum(c) != 0 || c == '_' || c == '-' || c == ',' || c == '.';
           });
  }

  // Names a question what a program has or does, without asking for one?
  static bool IsAboutCode(const std::string& asked) {
    constexpr std::array<std::string_view, 7> kWrites = {"write",    "implement", "create", "develop",
                                                         "generate", "complete",  "define"};
    constexpr std::array<std::string_view, 16> kAbout = {
        "code",   "function", "program", "snippet", "script", "print",   "return", "output",
        "method", "variable", "compile", "bug",     "loop",   "execute", "line",   "class"};
    const std::string lower = base::AsciiLower(asked);
    const auto is_in = [&](std::string_view word) {
      for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
        if (at == 0 || std::isalpha(static_cast<unsigned char>(lower[at - 1])) == 0) return true;
      }
      return false;
    };
    return std::ranges::any_of(kAbout, is_in) && std::ranges::none_of(kWrites, is_in);
  }

  // But for a number that was changed.
  static bool HasMostWordsOf(std::string_view comment, std::string_view text) {
    constexpr std::size_t kFewest = 5;
    std::size_t all = 0, known = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
      const std::string_view word = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (word.empty()) continue;
      ++all;
      known += comment.find(word) != std::string_view::npos ? 1 : 0;
    }
    return all >= kFewest && 4 * known >= 3 * all;
  }

  // A function `solution` without arguments, which computes the answer, or one that repeats what is asked as a comment.
  static bool IsSolution(const json& code, const std::optional<Found>& asked) {
    if (!code.is_string() || !asked || !asked->value->is_string() || !HasWordsOf(*asked->value)) return false;
    const std::string& program = code.get_ref<const std::string&>();
    const std::string_view text = Trimmed(asked->value->get_ref<const std::string&>());
    constexpr std::string_view kQuotes = "\"\"\"";
    const std::size_t open = program.find(kQuotes);
    const std::size_t close = open == std::string::npos ? open : program.find(kQuotes, open + kQuotes.size());
    if (close != std::string::npos && HasMostWordsOf(std::string_view(program).substr(open, close - open), text))
      return true;
    const bool solves =
        program.find("def solution()") != std::string::npos || program.find("def solve()") != std::string::npos;
    return solves && !IsAboutCode(std::string(text));
  }

  // `asks`: the question may be about it.
  static base::Status LeaveOutCode(const Found& code, bool asks = true) {
    return Invalid(Quoted(code.name) + ": " + Excerpt(*code.value) +
                   " would not be sent. It seems to be a solution: jq -c 'del(." + JqKey(code.name) +
                   ")' FILE > OUT leaves it out" +
                   (asks ? "; if the question is about it, write both as one \"prompt\"" : ""));
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
    if (ProgramOfText(from).empty()) return "";
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
      if (std::ranges::find(keys, "." + JqKey(text.name)) != keys.end() || ProgramOfText(text).empty()) return;
      texts.push_back(ProgramOfText(text));
      keys.push_back("." + JqKey(text.name));
    };
    for (const auto& [name, need, form] : kUnsent) {
      const auto found = need == Need::kAlways ? Find(row_, name) : std::nullopt;
      if (found) add(*found);
    }
    add(from);
    for (const auto& [name, value] : row_.items()) {
      if (const Found table{name, &value}; IsTable(from) && IsTable(table)) add(table);
    }
    std::string program, dropped;
    for (const std::string& text : texts) program += (program.empty() ? "" : ", ") + text;
    for (const std::string& one : keys) dropped += (dropped.empty() ? "" : ", ") + one;
    if (texts.size() > 1) program = "[" + program + R"(] | join("\n"))";
    if (texts.size() == 1 && program.starts_with('(')) program = program.substr(1, program.size() - 2);
    return key + " = (" + program + ") | del(" + dropped + ")";
  }

  // What a program returns for an input (CRUXEval). "" = the row does not say what it returns.
  std::string ProgramOfCode(const Found& input, const Found& code) const {
    const auto output = First(row_, std::array<std::string_view, 3>{"output", "expectedoutput", "answer"});
    const bool known = Plain(input.name) == "input" && output && ValueText(*output->value) && FitsJq(output->name);
    if (!known || !code.value->is_string()) return "";
    return R"({prompt: (.)" + JqKey(code.name) + R"( + "\n# What does it return for the input " + .)" +
           JqKey(input.name) + R"( + "?\nOutput:"), reference: .)" + JqKey(output->name) + R"(, match: "begins"})";
  }

  // Asks a prompt that is only a question behind its context, and puts a question behind a prompt that is its context.
  // "" = neither is known.
  std::string ProgramOfInput(const Found& prompt, const Found& unsent) const {
    const bool bare = std::find(kBarePrompts.begin(), kBarePrompts.end(), Plain(prompt.name)) != kBarePrompts.end();
    if (!FitsJq(prompt.name) || !FitsJq(unsent.name) || !row_.contains(prompt.name) || !prompt.value->is_string())
      return "";
    if (Plain(unsent.name) == "code") return ProgramOfCode(prompt, unsent);
    if (const std::string texts = ProgramOfText(unsent); !texts.empty())
      return "." + JqKey(prompt.name) + " = " + texts + R"( + "\n" + .)" + JqKey(prompt.name) + " | del(." +
             JqKey(unsent.name) + ")";
    const std::string lines =
        unsent.value->is_structured() && IsContext(unsent.name) ? ProgramOfTexts(unsent.name, *unsent.value, ".") : "";
    if (bare && !lines.empty())
      return ".question = ." + JqKey(prompt.name) + " | ." + JqKey(unsent.name) + " |= (" + lines + ") | del(." +
             JqKey(prompt.name) + ")";
    const auto question = QuestionOf(row_);
    const bool asks = question && question->name == unsent.name;
    if (!(bare || asks) || !unsent.value->is_string()) return "";
    const std::string input = "." + JqKey(prompt.name), other = "." + JqKey(unsent.name);
    if (question && question->name == unsent.name) return input + R"( += "\n" + )" + other + " | del(" + other + ")";
    const auto context = ContextOf(row_);
    if (question || !context || context->name != unsent.name) return "";
    return ".question = " + input + " | del(" + input + ")";
  }

  static bool IsContext(const std::string& name) {
    return std::ranges::find(kContexts, Plain(name), &Context::name) != kContexts.end();
  }

  // A text that nothing knows and that is longer than `than`, which only explains the answer by its name: the document
  // of which that is a part.
  bool HasLonger(const Found& than, std::string_view sent) const {
    if (!IsAdditional(than.name, *than.value)) return false;
    return std::ranges::any_of(row_.items(), [&](const auto& item) {
      const json& value = item.value();
      const auto known = std::ranges::find(kUnsent, Plain(item.key()), &Unsent::name);
      return item.key() != than.name && known == kUnsent.end() && !NamesReference(Plain(item.key())) &&
             !IsAdditional(item.key(), value) && HasLongText(value) && BytesOf(value) > BytesOf(*than.value) &&
             !Says(sent, value);
    });
  }

  static std::size_t BytesOf(const json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>().size();
    std::size_t bytes = 0;
    if (value.is_structured()) {
      for (const json& item : value) bytes += BytesOf(item);
    }
    return bytes;
  }

  const json& row_;
  const Question& out_;
};

}  // namespace

std::optional<Found> ContextOf(const json& row) {
  const auto question = QuestionOf(row);
  for (const Context& context : kContexts) {
    if (auto found = Find(row, context.name); found && !(question && question->name == found->name)) return found;
  }
  return std::nullopt;
}

bool HasContext(const json& row) {
  const auto context = ContextOf(row);
  return (context && HasText(*context->value)) || std::ranges::any_of(kUnsent, [&](const Unsent& unsent) {
           const auto found = unsent.need == Need::kAlways ? Find(row, unsent.name) : std::nullopt;
           return found && HasText(*found->value);
         });
}

bool IsTable(const Found& from) {
  return Plain(from.name).starts_with("table") && from.value->is_structured() && HasText(*from.value);
}

bool NamesParts(const json& row, const json& list) {
  return std::ranges::any_of(kUnsent, [&](const Unsent& unsent) {
    const auto parts = unsent.need == Need::kAlways ? Find(row, unsent.name) : std::nullopt;
    return parts && parts->value->is_array() && parts->value->size() == list.size();
  });
}

std::string ProgramOfText(const Found& from) {
  std::string plain = Plain(from.name);
  if (plain.ends_with(':')) plain.pop_back();
  const auto known = std::ranges::find(kUnsent, plain, &Unsent::name);
  const Form form = known != kUnsent.end()                                   ? known->form
                    : IsTable(from) || Plain(from.name).starts_with("table") ? Form::kProse
                                                                             : Form::kMedium;
  if (form == Form::kMedium || !FitsJq(from.name)) return "";
  std::string key = "." + JqKey(from.name);
  const json* value = from.value;
  if (value->is_string()) return key;
  if (form == Form::kObjects && value->is_array())
    return "([" + key + R"([] | if type == "string" then . else tojson end] | join("\n")))";
  if (value->is_object()) {
    const auto head = First(*value, std::array<std::string_view, 3>{"header", "columns", "columnnames"});
    const auto rows = First(*value, std::array<std::string_view, 3>{"rows", "data", "cells"});
    if (head && rows && head->value->is_array() && IsGrid(*rows->value) && FitsJq(head->name + rows->name))
      return "([" + key + JqKey(head->name) + "] + " + key + JqKey(rows->name) + " | " + kLinesOfGrid + ")";
  }
  const auto inner = value->is_object() ? Find(*value, Plain(from.name)) : std::nullopt;  // {"table": [[...]]}
  if (inner && FitsJq(inner->name)) {
    key += JqKey(inner->name);
    value = inner->value;
  }
  const auto is_text = [](const json& item) { return item.is_string(); };
  const bool names =
      Plain(from.name).find("column") != std::string::npos || Plain(from.name).find("head") != std::string::npos;
  if (IsTable(from) && names && value->is_array() && std::ranges::all_of(*value, is_text))
    return "(" + key + R"( | join(" | ")))";
  if (IsGrid(*value)) return "(" + key + " | " + kLinesOfGrid + ")";
  const std::string texts = ProgramOfTexts(from.name, *value, key);
  return texts.empty() ? "" : "(" + texts + ")";
}

base::Status CheckSent(const json& row, const Question& question) { return SentCheck(row, question).Check(); }

base::Result<std::string> TextBefore(const json& row, const Found& question) {
  const auto context = ContextOf(row);
  if (!context) return std::string();
  const json& value = *context->value;
  const auto text = ValueText(value);
  if (!text && value.is_string()) return std::string();
  if (!text) return NoText(*context);
  if (Plain(context->name) == "text" && Says(*text, *question.value) && HasWordsOf(*question.value)) {
    return Invalid(Quoted(context->name) + " has " + Quoted(question.name) +
                   " in it, and perhaps the answer, which would be sent" +
                   (FitsJq(context->name) ? ": jq -c 'del(." + JqKey(context->name) + ")' FILE > OUT" : ""));
  }
  return std::string(Trimmed(*text)) + "\n";
}

bool HasWordsOf(const json& question) {
  return question.is_string() && question.get_ref<const std::string&>().find(' ') != std::string::npos;
}

}  // namespace autotune::measurement
