#include "measurement/written_sentence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

#include "base/ascii_case.h"
#include "measurement/questions.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kLongestCopied = 200;   // bytes of what an answer has word for word
constexpr std::size_t kLongestPhrase = 8;     // words without a clause among them
constexpr std::size_t kClause = 4;            // words of the shortest clause
constexpr std::size_t kLongestChinese = 75;   // bytes, 25 characters
constexpr std::size_t kShortestChinese = 24;  // bytes of a text with a full stop

// Latin, Greek and Cyrillic capitals.
bool IsUpper(std::string_view text) {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80 || text.size() < 2) return std::isupper(first) != 0;
  const auto second = static_cast<unsigned char>(text[1]);
  return (first == 0xC3 && second < 0x9F) || (first == 0xCE && second >= 0x86 && second <= 0xA9) ||
         (first == 0xD0 && second <= 0xAF);
}
// Scripts without capitals, too.
bool IsLower(std::string_view text) {
  const unsigned char first = text.empty() ? '\0' : static_cast<unsigned char>(text[0]);
  return std::islower(first) != 0 || (first >= 0x80 && !IsUpper(text));
}
bool IsLetterOrMore(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

// What is between spaces and has a letter.
std::vector<std::string_view> WordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\n\r"), text.size());
    const std::string_view word = text.substr(0, end);
    if (std::any_of(word.begin(), word.end(), IsLetterOrMore)) words.push_back(word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string_view Bare(std::string_view word) {
  constexpr std::string_view kAround = ".,;:!?\"'()[]";
  const std::size_t begin = word.find_first_not_of(kAround);
  return begin == std::string_view::npos ? std::string_view()
                                         : word.substr(begin, word.find_last_not_of(kAround) - begin + 1);
}

constexpr std::size_t kLong = 4;  // letters: "of" and "the" have fewer

bool HasLongLower(const std::vector<std::string_view>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return Bare(word).size() >= kLong && IsLower(Bare(word)); });
}

// Most of the longer words begin like names.
bool IsTitle(const std::vector<std::string_view>& words) {
  std::size_t names = 0, all = 0;
  for (const std::string_view word : words) {
    const std::string_view bare = Bare(word);
    if (bare.size() < kLong) continue;
    ++all;
    names += IsUpper(bare) ? 1 : 0;
  }
  if (all > 0) return 3 * names >= 2 * all;
  return std::none_of(words.begin(), words.end(), [](std::string_view word) { return IsLower(word); });
}

template <std::size_t n>
bool HasAny(const std::vector<std::string_view>& words, const std::array<std::string_view, n>& known) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return std::find(known.begin(), known.end(), Bare(word)) != known.end();
  });
}

// Words that a clause has, and a name in lower case hardly. Those of other languages are in more titles.
bool HasVerb(const std::vector<std::string_view>& words) {
  constexpr std::array<std::string_view, 15> kVerbs = {"is",      "are",   "was",    "were",  "has",
                                                       "have",    "had",   "does",   "did",   "been",
                                                       "because", "would", "should", "could", "which"};
  constexpr std::array<std::string_view, 60> kOthers = {"ist",         "sind",       "waren",
                                                        "haben",       "hatte",      "wurde",
                                                        "wurden",      "wird",       "weil",
                                                        "dass",        "nicht",      "est",
                                                        "sont",        "\u00e9tait", "ont",
                                                        "parce",       "fue",        "fueron",
                                                        "est\u00e1",   "tiene",      "porque",
                                                        "foi",         "foram",      "s\u00e3o",
                                                        "\u00e8",      "sono",       "stato",
                                                        "perch\u00e9", "heeft",      "werd",
                                                        "omdat",       "niet",       "jest",
                                                        "by\u0142",    "by\u0142a",  "poniewa\u017c",
                                                        "\u00e4r",     "eftersom",   "\u00e7\u00fcnk\u00fc",
                                                        "был",         "была",       "было",
                                                        "были",        "является",   "потому",
                                                        "что",         "ήταν",       "είναι",
                                                        "لأن",         "لأنه",       "كان",
                                                        "كانت",        "है",          "हैं",
                                                        "था",          "थी",         "थे",
                                                        "क्योंकि",       "karena",     "adalah"};
  if (HasAny(words, kVerbs)) return true;
  return words.size() > kClause && HasAny(words, kOthers);
}

// "It decreased", "They are".
bool BeginsClause(const std::vector<std::string_view>& words) {
  constexpr std::array<std::string_view, 6> kSubjects = {"It", "They", "There", "This", "These", "We"};
  return words.size() > 1 && IsLower(words[1]) &&
         std::find(kSubjects.begin(), kSubjects.end(), words.front()) != kSubjects.end();
}

bool AreAllIn(std::string_view asked, const std::vector<std::string_view>& words) {
  return !words.empty() && std::all_of(words.begin(), words.end(), [&](std::string_view word) {
    const std::string_view bare = Bare(word);
    return !bare.empty() && asked.find(bare) != std::string_view::npos;
  });
}

bool EndsInFull(std::string_view text) {
  return std::ranges::any_of(std::array<std::string_view, 4>{".", "!", "\u0964", "\u06D4"},
                             [&](std::string_view sign) { return text.ends_with(sign); });
}

// "Walt Disney Co.", "Washington, D.C."
bool EndsInAbbreviation(std::string_view text) {
  const std::string_view last = text.substr(text.find_last_of(' ') + 1);
  constexpr std::size_t kShort = 4;  // with the full stop
  return last.size() <= kShort || last.find('.') + 1 < last.size();
}

// How sentences of Japanese and Korean end; names hardly do.
bool EndsInVerb(std::string_view text) {
  for (const std::string_view stop : {".", "\u3002"}) {
    if (text.ends_with(stop)) text.remove_suffix(stop.size());
  }
  constexpr std::array<std::string_view, 11> kEnds = {"です",   "ます",   "でした", "ました", "だった", "である",
                                                      "ません", "ました", "니다",   "었다",   "았다"};
  return text.size() > kShortestChinese &&
         std::ranges::any_of(kEnds, [&](std::string_view end) { return text.ends_with(end); });
}

bool IsChineseSentence(std::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0xE3 && static_cast<unsigned char>(c) <= 0xE9;
  });
  if (static_cast<std::size_t>(characters) * 4 < text.size()) return false;  // three bytes each
  return text.size() > kLongestChinese || (text.ends_with("\u3002") && text.size() > kShortestChinese);
}

}  // namespace

bool IsSentence(std::string_view text, std::string_view asked) {
  text = Trimmed(text);
  if (text.size() > kLongestCopied || !ExplainedVerdict(text).empty()) return true;
  if (text.starts_with('{') || text.starts_with('[')) return false;
  const std::vector<std::string_view> words = WordsOf(text);
  const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  if ((EndsInFull(text) || text.ends_with("\u3002")) && spaces > kClause) return true;
  // Words in another order are of sorted words; a long text has most words.
  const bool sorted =
      (asked.size() <= kLongestCopied * 5 || words.size() <= kClause || IsTitle(words)) && AreAllIn(asked, words);
  if (!asked.empty() && (asked.find(text) != std::string_view::npos || sorted)) return false;
  if (IsChineseSentence(text) || EndsInVerb(text)) return true;
  const bool ends = EndsInFull(text) && !EndsInAbbreviation(text);
  if (words.size() >= kClause && ends && IsUpper(text) && HasLongLower(words)) return true;
  if (words.size() >= kClause && HasVerb(words)) return true;
  return !IsTitle(words) && (BeginsClause(words) || words.size() > kLongestPhrase);
}

bool IsWordedNumber(std::string_view text, std::string_view asked) {
  constexpr std::size_t kMost = 5;  // words
  constexpr std::array<std::string_view, 44> kDifferences = {
      "increase", "increased", "increases", "decrease", "decreased", "decline",   "declined",    "growth",  "grew",
      "grow",     "drop",      "dropped",   "rise",     "rose",      "fall",      "fell",        "gain",    "gained",
      "loss",     "lost",      "higher",    "lower",    "more",      "less",      "fewer",       "greater", "larger",
      "smaller",  "faster",    "slower",    "improved", "reduced",   "reduction", "improvement", "up",      "down",
      "change",   "changed",   "profit",    "deficit",  "surplus",   "shortfall", "longer",      "shorter"};
  const std::vector<std::string_view> words = WordsOf(text);
  if (words.empty() || words.size() > kMost || AreAllIn(asked, words)) return false;
  std::size_t numbers = 0;
  bool within = false;
  for (const char c : text) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (digit && !within) ++numbers;
    within = digit || (within && (c == ',' || c == '.'));
  }
  return numbers == 1 && std::ranges::any_of(words, [&](std::string_view word) {
           return std::ranges::find(kDifferences, base::AsciiLower(Bare(word))) != kDifferences.end();
         });
}

bool IsWrittenEntities(std::string_view text) {
  constexpr std::array<std::string_view, 15> kTypes = {"PER",  "ORG",      "LOC",     "MISC",  "GPE",
                                                       "NORP", "FAC",      "PERSON",  "DATE",  "EVENT",
                                                       "LAW",  "LOCATION", "PRODUCT", "MONEY", "ORGANIZATION"};
  const auto is_type = [&](std::string_view word) { return std::ranges::find(kTypes, Trimmed(word)) != kTypes.end(); };
  text = Trimmed(text);
  if (text.empty()) return false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\n;"), text.size());
    std::string_view part = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    if (is_type(part.substr(0, part.find(':'))) && part.find(':') != std::string_view::npos) continue;
    if (part.ends_with(')')) part.remove_suffix(1);
    const std::size_t at = part.find_last_of(",(:|");
    if (at == std::string_view::npos || at == 0 || !is_type(part.substr(at + 1))) return false;
  }
  return true;
}

bool IsWrittenDuration(std::string_view text) {
  constexpr std::array<std::string_view, 9> kUnits = {"second", "minute", "hour", "day",   "week",
                                                      "month",  "year",   "min",  "decade"};
  std::size_t parts = 0;
  bool number = false;
  text = Trimmed(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text = Trimmed(text.substr(end));
    while (word.ends_with(',') || word.ends_with('.')) word.remove_suffix(1);
    if (word == "and" && !number) continue;
    if (!number) {
      number = !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
      if (!number) return false;
      continue;
    }
    if (word.ends_with('s')) word.remove_suffix(1);
    if (std::ranges::find(kUnits, word) == kUnits.end()) return false;
    number = false;
    ++parts;
  }
  return parts > 1 && !number;
}

bool IsEnumeration(std::string_view text, std::string_view asked) {
  text = Trimmed(text);
  if (!asked.empty() && asked.find(text) != std::string_view::npos) return false;
  if (text.find('&') != std::string_view::npos) return false;  // of a band or a firm
  const bool by_semicolons = text.find("; ") != std::string_view::npos;
  const std::string_view separator = by_semicolons ? "; " : ", ";
  std::vector<std::string_view> items;
  for (std::string_view rest = text;;) {
    const std::size_t end = rest.find(separator);
    items.push_back(Trimmed(rest.substr(0, end)));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + separator.size());
  }
  if (items.size() < 2 ||
      std::any_of(items.begin(), items.end(), [](std::string_view item) { return WordsOf(item).empty(); }))
    return false;
  if (by_semicolons) return true;
  const auto is_titled = [](std::string_view item) { return item.starts_with("the "); };
  if (IsUpper(text) && std::all_of(items.begin() + 1, items.end(), is_titled)) return false;
  const std::string_view last = items.back();
  for (const std::string_view word : {"and ", "or "}) {
    const bool begins = last.starts_with(word) && items.size() > 2;
    if (begins || last.find(" " + std::string(word)) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace autotune::measurement
