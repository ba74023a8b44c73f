// Answers that are yes or no, in the words of many languages.
//
// Pure and thread-safe. UTF-8; only ASCII letters are compared without case.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::measurement {

struct YesNo {
  std::string no, yes;  // "Nein", "Ja": with a capital where the text has one
  bool is_yes = false;
};

// Of a text that is nothing but yes, no, true or false, but for a full stop. Some words have several opposites: "no"
// is that of "yes" and of "s\u00ed". The most frequent is taken.
std::optional<YesNo> VerdictIn(std::string_view text);

// The code of the language of a text ("de"), by its script, or by the most frequent words of 24 languages; "en" if they
// do not tell. `said`: what a row says of it ("pt-BR", "German"), or "".
std::string_view LanguageOf(std::string_view text, std::string_view said);

// No and yes in the language of a question, as LanguageOf() tells it.
YesNo VerdictOf(bool is_yes, std::string_view asked, std::string_view language);

// All words for the opposite of the verdict `text`. Empty if `text` is not a verdict.
std::vector<std::string> OppositesOf(std::string_view text);

// "no, yes, no", "yes, unknown": several verdicts, perhaps with words for neither, and nothing else.
bool IsListOfVerdicts(std::string_view text);

// The verdict at the begin of "Yes. It decreased", "Nein, denn ...": a word of VerdictIn with more behind it. "" =
// none.
std::string_view ExplainedVerdict(std::string_view text);

}  // namespace autotune::measurement
