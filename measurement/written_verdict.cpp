#include "measurement/written_verdict.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "base/ascii_case.h"
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

struct Language {
  std::string_view code, name, no, yes;
  std::string_view words;  // frequent ones, with a blank before and behind each; "": by its script
};

constexpr std::array<Language, 24> kLanguages = {{
    {"en", "english", "no", "yes", " is are the of a an in does do can was were has did to and it "},
    {"de", "german", "nein", "ja", " ist sind der die das ein eine und kann hat wird gibt war wurde von im "},
    {"fr", "french", "non", "oui",
     " est le la les une un des du il elle peut dans sont a-t-il est-ce qui que se avec pour "},
    {"es", "spanish", "no", "s\u00ed", " es el la los las una un de en puede son est\u00e1 hay del fue se que con "},
    {"it", "italian", "no", "s\u00ec",
     " \u00e8 il lo la gli una un di pu\u00f2 sono nel c'\u00e8 del della si dal che con "},
    {"pt", "portuguese", "n\u00e3o", "sim", " \u00e9 o os as uma um s\u00e3o pode na no do da foi h\u00e1 se que com "},
    {"nl", "dutch", "nee", "ja", " is de het een zijn van kan heeft wordt er in was "},
    {"pl", "polish", "nie", "tak", " czy jest w na i si\u0119 s\u0105 mo\u017ce by\u0142 to z "},
    {"tr", "turkish", "hay\u0131r", "evet", " m\u0131 mi mu m\u00fc bir ve var m\u0131d\u0131r midir "},
    {"id", "indonesian", "tidak", "ya", " apakah adalah yang di dan ada dari dengan bisa "},
    {"vi", "vietnamese", "kh\u00f4ng", "c\u00f3", " c\u00f3 l\u00e0 kh\u00f4ng c\u1ee7a m\u1ed9t ph\u1ea3i trong "},
    {"sv", "swedish", "nej", "ja", " \u00e4r det en ett och kan har som av f\u00f6r "},
    {"da", "danish", "nej", "ja", " er det en et og kan har som af for "},
    {"hu", "hungarian", "nem", "igen", " a az egy van vagy hogy volt lehet "},
    {"ru", "russian", "нет", "да", ""},
    {"uk", "ukrainian", "ні", "так", ""},
    {"el", "greek", "όχι", "ναι", ""},
    {"ja", "japanese", "いいえ", "はい", ""},
    {"ko", "korean", "아니요", "예", ""},
    {"zh", "chinese", "否", "是", ""},
    {"ar", "arabic", "لا", "نعم", ""},
    {"fa", "persian", "خیر", "بله", ""},
    {"he", "hebrew", "לא", "כן", ""},
    {"hi", "hindi", "नहीं", "हाँ", ""},
}};

// By the script of most letters. "" = Latin, or none of these.
std::string_view CodeOfScript(std::string_view text) {
  struct Script {
    char32_t first, last;
    std::string_view code;
  };
  constexpr std::array<Script, 9> kScripts = {{{0x0370, 0x03FF, "el"},
                                               {0x0400, 0x04FF, "ru"},
                                               {0x0590, 0x05FF, "he"},
                                               {0x0600, 0x06FF, "ar"},
                                               {0x0900, 0x097F, "hi"},
                                               {0x1100, 0x11FF, "ko"},
                                               {0x3040, 0x30FF, "ja"},
                                               {0x4E00, 0x9FFF, "zh"},
                                               {0xAC00, 0xD7A3, "ko"}}};
  std::array<std::size_t, kScripts.size()> counts{};
  std::size_t latin = 0, all = 0;
  bool kana = false, ukrainian = false, persian = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (std::size_t j = 1; j < size && i + j < text.size(); ++j)
      code = code << 6U | (static_cast<unsigned char>(text[i + j]) & 0x3FU);
    i += size;
    if (code < 0x80) latin += std::isalpha(static_cast<int>(code)) != 0 ? 1 : 0;
    for (std::size_t k = 0; k < kScripts.size(); ++k) {
      if (code < kScripts[k].first || code > kScripts[k].last) continue;
      ++counts[k];
      ++all;
      kana = kana || kScripts[k].code == "ja";
    }
    ukrainian = ukrainian || code == 0x0456 || code == 0x0457 || code == 0x0454;                // і, ї, є
    persian = persian || code == 0x067E || code == 0x0686 || code == 0x06AF || code == 0x06CC;  // پ, چ, گ, ی
  }
  if (all <= latin) return "";
  const std::string_view code =
      kScripts[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())].code;
  if (code == "zh" && kana) return "ja";
  if (code == "ru" && ukrainian) return "uk";
  if (code == "ar" && persian) return "fa";
  return code;
}

// By frequent words. "en" if no other language has more of them.
std::string_view CodeOfWords(std::string_view text) {
  std::string_view best = "en";
  std::ptrdiff_t most = 0;
  bool alone = true;
  for (const Language& language : kLanguages) {
    if (language.words.empty()) continue;
    std::ptrdiff_t count = 0;
    for (std::size_t i = 0; i < text.size();) {
      const auto ends = [&](std::size_t at) {
        return at == text.size() || std::string_view(" \t\r\n,.;:?!\"()").find(text[at]) != std::string_view::npos;
      };
      std::size_t end = i;
      std::string word = " ";
      for (; !ends(end); ++end) word += base::AsciiLower(text[end]);
      if (end > i && language.words.find(word + " ") != std::string_view::npos) ++count;
      i = end + 1;
    }
    if (count > most) best = language.code;
    alone = count > most || (alone && count < most);
    most = std::max(most, count);
  }
  return alone || best == "en" ? best : "en";
}

bool Begins(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(),
                                                  [](char a, char b) { return a == base::AsciiLower(b) || a == b; });
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
  if (std::isupper(static_cast<unsigned char>(text.front())) != 0) out[0] = base::AsciiUpper(out[0]);
  return out;
}

// The length of the sign that ends a verdict, 0 = none.
std::size_t SignBefore(std::string_view rest) {
  for (const std::string_view sign : {",", ".", ";", ":", " - ", " \u2013 ", " \u2014 ", "\u3001", "\u3002", "\uFF0C",
                                      "\uFF1B", "\uFF1A", "\u060C", " (", " ["}) {
    if (rest.starts_with(sign)) return sign.size();
  }
  return 0;
}

// " you can", behind "Yes".
bool BeginsReason(std::string_view rest) {
  constexpr std::array<std::string_view, 13> kWords = {" you ", " it ",  " they ",  " we ",   " he ",
                                                       " she ", " i ",   " there ", " this ", " because ",
                                                       " as ",  " but ", " if "};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return Begins(rest, word); });
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

std::string_view LanguageOf(std::string_view text, std::string_view language) {
  std::string said;
  for (const char c : language) said += base::AsciiLower(c);
  std::string_view code;
  for (const Language& known : kLanguages) {
    const bool region = said.size() > 2 && (said[2] == '-' || said[2] == '_') && said.substr(0, 2) == known.code;
    if (said == known.code || said == known.name || region) code = known.code;
  }
  if (code.empty()) code = CodeOfScript(text);
  return code.empty() ? CodeOfWords(text) : code;
}

YesNo VerdictOf(bool is_yes, std::string_view asked, std::string_view language) {
  const auto found = std::ranges::find(kLanguages, LanguageOf(asked, language), &Language::code);
  return {std::string(found->no), std::string(found->yes), is_yes};
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

bool IsListOfVerdicts(std::string_view text) {
  constexpr std::array<std::string_view, 7> kNeither = {"unknown",   "maybe",   "uncertain",   "unclear",
                                                        "ambiguous", "neither", "undetermined"};
  constexpr std::array<std::string_view, 4> kSigns = {",", ";", "\u3001", "\uFF0C"};
  text = Trimmed(text);
  std::size_t parts = 0, verdicts = 0;
  while (!text.empty()) {
    std::size_t end = text.size(), size = 0;
    for (const std::string_view sign : kSigns) {
      if (const std::size_t at = text.find(sign); at < end) {
        end = at;
        size = sign.size();
      }
    }
    const std::string_view part = Trimmed(text.substr(0, end));
    text.remove_prefix(end + size);
    const bool verdict = VerdictIn(part).has_value();
    if (!verdict && std::ranges::none_of(kNeither, [&](std::string_view word) { return Is(part, word); })) return false;
    verdicts += verdict ? 1 : 0;
    ++parts;
  }
  return parts > 1 && verdicts > 0;
}

std::string_view ExplainedVerdict(std::string_view text) {
  text = Trimmed(text);
  if (IsListOfVerdicts(text)) return "";
  for (const Pair& pair : kPairs) {
    for (const std::string_view word : {pair.no, pair.yes}) {
      if (!Begins(text, word)) continue;
      const std::string_view rest = text.substr(word.size());
      if (BeginsReason(rest)) return text.substr(0, word.size());
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
