#include "measurement/asked_form.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/written_number.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::size_t kLeastRun = 4;     // "AAAA"; "III" is a number
constexpr std::size_t kMostQuoted = 40;  // bytes between a quotation mark and "answer"
constexpr std::array<std::string_view, 5> kJson = {"in JSON", "as JSON", "as a JSON", "JSON format",
                                                   "JSON object with"};
constexpr const char* kLetter = R"("^\\W?[A-Za-z]\\W?$")";

bool IsAlpha(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// "FFFFF", a word of one letter that may name a choice. "" = there is none.
std::string RunOfLetters(std::string_view asked) {
  for (std::size_t i = 0; i < asked.size();) {
    std::size_t end = i + 1;
    while (end < asked.size() && asked[end] == asked[i]) ++end;
    const bool alone = (i == 0 || !IsAlpha(asked[i - 1])) && (end == asked.size() || !IsAlpha(asked[end]));
    if (asked[i] >= 'A' && asked[i] <= 'J' && asked[i] != 'I' && alone && end - i >= kLeastRun)
      return std::string(asked.substr(i, end - i));
    i = end;
  }
  return "";
}

// Does a quotation mark open before `at`, with only words between?
bool OpensQuote(std::string_view asked, std::size_t at) {
  for (std::size_t i = at; i > 0 && at - i < kMostQuoted; --i) {
    const char c = asked[i - 1];
    if (c == '\'' || c == '"' || c == '`') return i == 1 || std::isalnum(static_cast<unsigned char>(asked[i - 2])) == 0;
    if (std::string_view(asked.substr(0, i)).ends_with("\u201C") ||
        std::string_view(asked.substr(0, i)).ends_with("\u2018"))
      return true;
    if (!IsAlpha(c) && c != ' ' && c != '*' && c != '#' && c != ',') return false;
  }
  return false;
}

// What "Answer: $LETTER" has behind its colon.
bool IsPlaceholder(std::string_view rest) {
  while (rest.starts_with(' ') || rest.starts_with('*')) rest.remove_prefix(1);
  return rest.size() > 1 && std::string_view("<[{$").find(rest[0]) != std::string_view::npos && IsAlpha(rest[1]);
}

// "Answer:" or "answer is" that the answer is to have, as the prompt writes it.
// "" = there is none.
std::string LeadOf(const std::string& asked) {
  const std::string lower = base::AsciiLower(asked);
  for (std::size_t at = lower.find("answer"); at != std::string::npos; at = lower.find("answer", at + 1)) {
    const std::string_view rest = std::string_view(lower).substr(at + 6);
    const bool colon = rest.starts_with(':'), is = rest.starts_with(" is");
    if (colon && (OpensQuote(asked, at) || IsPlaceholder(rest.substr(1)))) return asked.substr(at, 7);
    if (is && OpensQuote(asked, at)) return asked.substr(at, 9);
  }
  return "";
}

}  // namespace

std::optional<AskedForm> FormAskedFor(const std::string& asked) {
  if (asked.find("boxed{") != std::string::npos)
    return AskedForm{"boxed{", R"(\\\\boxed\\{(\\\\text\\{)?\\(?)", R"(\\)?\\})"};
  if (const std::string run = RunOfLetters(asked); !run.empty())
    return AskedForm{run, R"(\\b)", "{" + std::to_string(run.size()) + R"(}\\b)"};
  if (const std::string lead = LeadOf(asked); !lead.empty())
    return AskedForm{lead, R"([Aa]nswer( is)?:?[ *($]*)", R"(\\b)"};
  for (const std::string_view sign : kJson) {
    if (asked.find(sign) != std::string::npos) return AskedForm{std::string(sign), R"(:\\s*\")", R"(\")"};
  }
  if (asked.find("<eoa>") != std::string::npos) return AskedForm{"<eoa>", R"(\\]\\s*)", R"(\\s*<eoa>)"};
  const std::string lower = base::AsciiLower(asked);
  for (const std::string_view steps : {"step by step", "step-by-step"}) {
    const std::size_t at = lower.find(steps);
    if (at != std::string::npos) return AskedForm{asked.substr(at, steps.size()), "", ""};
  }
  return std::nullopt;
}

bool HasForm(const AskedForm& form, std::string_view reference) {
  const bool is_json = form.sign.find("JSON") != std::string::npos;
  return reference.find(form.sign) != std::string_view::npos ||
         (is_json && (reference.starts_with('{') || reference.starts_with('[')));
}

std::string ProgramOfForm(const AskedForm& form, const std::string& key, const std::string& reference) {
  if (!FitsJq(form.sign)) return "";
  const std::string asks =
      "(tostring | contains(" + json(form.sign).dump() + ")) and (" + key + " | type == \"string\" and ";
  if (IsLetter(PlainLabel(reference))) {
    if (form.before.empty()) return "";
    return "if " + asks + "test(" + kLetter + ")) then " + key + " |= \"" + form.before + R"(" + gsub("\\W"; "") + ")" +
           form.behind + R"(" | .match = "regex" else . end)";
  }
  const std::string number = R"("^[-$0-9.,%]+$")";
  if (OneNumber(reference)) return "if " + asks + "test(" + number + R"()) then .match = "number" else . end)";
  return "if " + asks + "(test(" + kLetter + ") or test(" + number + R"() | not)) then .match = "words" else . end)";
}

}  // namespace autotune::measurement
