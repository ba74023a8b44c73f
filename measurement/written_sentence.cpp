#include "measurement/written_sentence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kLongestCopied = 200;   // bytes of what an answer has word for word
constexpr std::size_t kLongestPhrase = 8;     // words without a clause among them
constexpr std::size_t kClause = 4;            // words of the shortest clause
constexpr std::size_t kLongestChinese = 75;   // bytes, 25 characters
constexpr std::size_t kShortestChinese = 24;  // bytes of a text with a full stop

bool IsUpper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool IsLower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }
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
                     [](std::string_view word) { return Bare(word).size() >= kLong && IsLower(Bare(word).front()); });
}

// Most of the longer words begin like names.
bool IsTitle(const std::vector<std::string_view>& words) {
  std::size_t names = 0, all = 0;
  for (const std::string_view word : words) {
    const std::string_view bare = Bare(word);
    if (bare.size() < kLong) continue;
    ++all;
    names += IsUpper(bare.front()) ? 1 : 0;
  }
  if (all > 0) return 3 * names >= 2 * all;
  return std::none_of(words.begin(), words.end(), [](std::string_view word) { return IsLower(word.front()); });
}

// Words that a clause has, and a name in lower case hardly.
bool HasVerb(const std::vector<std::string_view>& words) {
  constexpr std::array<std::string_view, 15> kVerbs = {"is",      "are",   "was",    "were",  "has",
                                                       "have",    "had",   "does",   "did",   "been",
                                                       "because", "would", "should", "could", "which"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return std::find(kVerbs.begin(), kVerbs.end(), Bare(word)) != kVerbs.end();
  });
}

// "It decreased", "They are".
bool BeginsClause(const std::vector<std::string_view>& words) {
  constexpr std::array<std::string_view, 6> kSubjects = {"It", "They", "There", "This", "These", "We"};
  return words.size() > 1 && IsLower(words[1].front()) &&
         std::find(kSubjects.begin(), kSubjects.end(), words.front()) != kSubjects.end();
}

bool AreAllIn(std::string_view asked, const std::vector<std::string_view>& words) {
  return !words.empty() && std::all_of(words.begin(), words.end(), [&](std::string_view word) {
    const std::string_view bare = Bare(word);
    return !bare.empty() && asked.find(bare) != std::string_view::npos;
  });
}

bool EndsInFull(std::string_view text) { return text.ends_with('.') || text.ends_with('!'); }

// "Walt Disney Co.", "Washington, D.C."
bool EndsInAbbreviation(std::string_view text) {
  const std::string_view last = text.substr(text.find_last_of(' ') + 1);
  constexpr std::size_t kShort = 4;  // with the full stop
  return last.size() <= kShort || last.find('.') + 1 < last.size();
}

bool IsChineseSentence(std::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0xE3 && static_cast<unsigned char>(c) <= 0xE9;
  });
  if (static_cast<std::size_t>(characters) * 4 < text.size()) return false;  // three bytes each
  return text.size() > kLongestChinese || (text.ends_with("\u3002") && text.size() > kShortestChinese);
}

}  // namespace

bool IsExplainedVerdict(std::string_view text) {
  text = Trimmed(text);
  for (const std::string_view verdict : {"yes", "no", "true", "false"}) {
    if (text.size() < verdict.size() + 3) continue;
    const bool begins = std::equal(verdict.begin(), verdict.end(), text.begin(), [](char a, char b) {
      return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
    });
    const std::string_view rest = text.substr(verdict.size());
    if (!begins || (std::string_view(",.;:").find(rest.front()) == std::string_view::npos && !rest.starts_with(" - ")))
      continue;
    const std::string_view more = Trimmed(rest.substr(rest.front() == ' ' ? 3 : 1));
    const bool counts = !more.empty() && std::isdigit(static_cast<unsigned char>(more.front())) != 0;
    if (rest.starts_with('.') && counts) return false;  // "No. 10"
    const std::vector<std::string_view> words = WordsOf(more);
    return counts ||
           std::any_of(words.begin(), words.end(), [](std::string_view word) { return IsLower(word.front()); });
  }
  return false;
}

bool IsSentence(std::string_view text, std::string_view asked) {
  text = Trimmed(text);
  if (text.size() > kLongestCopied || IsExplainedVerdict(text)) return true;
  if (text.starts_with('{') || text.starts_with('[')) return false;
  const std::vector<std::string_view> words = WordsOf(text);
  const auto spaces = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  if ((EndsInFull(text) || text.ends_with("\u3002")) && spaces > kClause) return true;
  if (!asked.empty() && (asked.find(text) != std::string_view::npos || AreAllIn(asked, words))) return false;
  if (IsChineseSentence(text)) return true;
  const bool ends = EndsInFull(text) && !EndsInAbbreviation(text);
  if (words.size() >= kClause && ends && IsUpper(text.front()) && HasLongLower(words)) return true;
  if (words.size() >= kClause && HasVerb(words)) return true;
  return !IsTitle(words) && (BeginsClause(words) || words.size() > kLongestPhrase);
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
  if (IsUpper(text.front()) && std::all_of(items.begin() + 1, items.end(), is_titled)) return false;
  const std::string_view last = items.back();
  for (const std::string_view word : {"and ", "or "}) {
    const bool begins = last.starts_with(word) && items.size() > 2;
    if (begins || last.find(" " + std::string(word)) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace autotune::measurement
