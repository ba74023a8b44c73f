#include "measurement/written_verdict.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

struct Pair {
  std::string_view no, yes;
};

// The first one of a word has its most frequent opposite.
constexpr std::array<Pair, 44> kPairs = {{{"no", "yes"},
                                          {"false", "true"},
                                          {"nein", "ja"},
                                          {"falsch", "richtig"},
                                          {"falsch", "wahr"},
                                          {"non", "oui"},
                                          {"faux", "vrai"},
                                          {"no", "s\u00ed"},
                                          {"falso", "verdadero"},
                                          {"no", "s\u00ec"},
                                          {"falso", "vero"},
                                          {"n\u00e3o", "sim"},
                                          {"falso", "verdadeiro"},
                                          {"nee", "ja"},
                                          {"onwaar", "waar"},
                                          {"nej", "ja"},
                                          {"nei", "ja"},
                                          {"nie", "tak"},
                                          {"nem", "igen"},
                                          {"hay\u0131r", "evet"},
                                          {"tidak", "ya"},
                                          {"kh\u00f4ng", "c\u00f3"},
                                          {"нет", "да"},
                                          {"Нет", "Да"},
                                          {"ні", "так"},
                                          {"Ні", "Так"},
                                          {"όχι", "ναι"},
                                          {"Όχι", "Ναι"},
                                          {"いいえ", "はい"},
                                          {"아니요", "예"},
                                          {"아니오", "예"},
                                          {"아니요", "네"},
                                          {"아니오", "네"},
                                          {"否", "是"},
                                          {"不是", "是"},
                                          {"不是", "是的"},
                                          {"错", "对"},
                                          {"不对", "对"},
                                          {"错误", "正确"},
                                          {"لا", "نعم"},
                                          {"خیر", "بله"},
                                          {"לא", "כן"},
                                          {"नहीं", "हाँ"},
                                          {"नहीं", "हां"}}};

char LowerOf(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool Begins(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == LowerOf(b) || a == b; });
}

bool IsOutsideAscii(std::string_view text) { return !text.empty() && static_cast<unsigned char>(text.front()) >= 0x80; }

std::string_view WithoutFullStop(std::string_view text) {
  text = Trimmed(text);
  for (const std::string_view stop : {".", "\u3002", "\u0964"}) {
    if (text.size() > stop.size() && text.ends_with(stop)) return Trimmed(text.substr(0, text.size() - stop.size()));
  }
  return text;
}

bool Is(std::string_view text, std::string_view word) { return text.size() == word.size() && Begins(text, word); }

// "yes" as `text` is written.
std::string Cased(std::string_view word, std::string_view text) {
  std::string out(word);
  if (std::isupper(static_cast<unsigned char>(text.front())) != 0)
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// The length of the sign that ends a verdict, 0 = none.
std::size_t SignBefore(std::string_view rest) {
  for (const std::string_view sign : {",", ".", ";", ":", " - ", " \u2013 ", " \u2014 ", "\u3001", "\u3002", "\uFF0C",
                                      "\uFF1B", "\uFF1A", "\u060C"}) {
    if (rest.starts_with(sign)) return sign.size();
  }
  return 0;
}

// "Yes, Minister" is a title.
bool HasPlainWord(std::string_view text) {
  bool begins = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (begins && (std::islower(byte) != 0 || byte >= 0x80)) return true;
    begins = std::isspace(byte) != 0;
  }
  return false;
}

}  // namespace

std::optional<YesNo> VerdictIn(std::string_view text) {
  const std::string_view bare = WithoutFullStop(text);
  for (const Pair& pair : kPairs) {
    const bool yes = Is(bare, pair.yes);
    if (yes || Is(bare, pair.no)) return YesNo{Cased(pair.no, bare), Cased(pair.yes, bare), yes};
  }
  return std::nullopt;
}

std::vector<std::string> OppositesOf(std::string_view text) {
  const std::string_view bare = WithoutFullStop(text);
  std::vector<std::string> out;
  for (const Pair& pair : kPairs) {
    if (Is(bare, pair.yes)) out.push_back(Cased(pair.no, bare));
    if (Is(bare, pair.no)) out.push_back(Cased(pair.yes, bare));
  }
  return out;
}

std::string_view ExplainedVerdict(std::string_view text) {
  text = Trimmed(text);
  for (const Pair& pair : kPairs) {
    for (const std::string_view word : {pair.no, pair.yes}) {
      if (!Begins(text, word)) continue;
      const std::string_view rest = text.substr(word.size());
      const std::size_t sign = SignBefore(rest);
      const std::string_view more = Trimmed(rest.substr(sign));
      if (sign == 0 || more.empty()) continue;
      const bool counts = std::isdigit(static_cast<unsigned char>(more.front())) != 0;
      if (rest.starts_with('.') && counts) return "";  // "No. 10"
      if (counts || IsOutsideAscii(more) || HasPlainWord(more)) return text.substr(0, word.size());
    }
  }
  return "";
}

}  // namespace autotune::measurement
