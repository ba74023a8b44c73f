// Answers that are yes or no, in many languages.
//
// Pure and thread-safe. UTF-8; only ASCII letters are compared ignoring case.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::measurement {

struct YesNo {
  std::string no, yes;  // "Nein", "Ja": capitalised if the text is
  bool is_yes = false;
};

// For a text that is only yes, no, true or false, apart from a full stop. If a word has several opposites ("no" is that
// of "yes" and of "s\u00ed"), the most frequent one is used.
std::optional<YesNo> VerdictIn(std::string_view text);

// Language code of a text ("de"), from its script or the most frequent words of 24 languages; "en" if they do not
// decide. `said`: the language that a row names ("pt-BR", "German"), or "".
std::string_view LanguageOf(std::string_view text, std::string_view said);

// No and yes in the language of a question, as LanguageOf() returns it.
YesNo VerdictOf(bool is_yes, std::string_view asked, std::string_view language);

// All words for the opposite of the verdict `text`. Empty if `text` is not a verdict.
std::vector<std::string> OppositesOf(std::string_view text);

// True for several verdicts, possibly with words for neither, and nothing else: "no, yes, no", "yes, unknown".
bool IsListOfVerdicts(std::string_view text);

// The verdict at the beginning of a text that continues: "Yes. It decreased", "Nein, denn ...". "" =
// none.
std::string_view ExplainedVerdict(std::string_view text);

}  // namespace autotune::measurement
