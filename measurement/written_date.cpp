#include "measurement/written_date.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

#include "base/ascii_case.h"

namespace autotune::measurement {
namespace {

// By month: as they are written in full, and shorter.
constexpr std::array<std::array<std::string_view, 13>, 12> kMonths = {{
    {"january", "jan", "januar", "j\u00e4nner", "janvier", "enero", "ene", "gennaio", "gen", "janeiro", "januari",
     "janv"},
    {"february", "feb", "februar", "f\u00e9vrier", "f\u00e9vr", "febrero", "febbraio", "fevereiro", "fev", "februari"},
    {"march", "mar", "m\u00e4rz", "m\u00e4r", "mars", "marzo", "mar\u00e7o", "maart"},
    {"april", "apr", "avril", "avr", "abril", "abr", "aprile"},
    {"may", "mai", "mayo", "maggio", "mag", "maio", "mei"},
    {"june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho"},
    {"july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho"},
    {"august", "aug", "ao\u00fbt", "agosto", "ago", "augustus"},
    {"september", "sep", "sept", "septembre", "septiembre", "settembre", "set", "setembro"},
    {"october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out"},
    {"november", "nov", "novembre", "noviembre", "novembro"},
    {"december", "dec", "dezember", "dez", "d\u00e9cembre", "d\u00e9c", "diciembre", "dic", "dicembre", "dezembro"},
}};
constexpr std::array<std::string_view, 7> kOrdinals = {"st", "nd", "rd", "th", "er", "\u00ba", "\u00aa"};
constexpr std::array<std::string_view, 6> kBetween = {"of", "the", "de", "del", "den", "do"};
constexpr std::array<std::string_view, 30> kBefore = {
    "on",      "in",       "am",     "im",     "le",       "el",       "il",         "em",
    "den",     "op",       "the",    "since",  "monday",   "tuesday",  "wednesday",  "thursday",
    "friday",  "saturday", "sunday", "montag", "dienstag", "mittwoch", "donnerstag", "freitag",
    "samstag", "sonntag",  "lundi",  "mardi",  "vendredi", "dimanche"};
constexpr std::size_t kLongestYear = 4;  // digits

// Digits, letters, or one sign.
struct Token {
  std::string text;  // of ASCII in lower case
  int number = -1;   // of at most four digits
};

std::vector<Token> TokensOf(std::string_view text) {
  constexpr std::array<std::string_view, 6> kUnits = {"\u5e74", "\u6708", "\u65e5", "\ub144", "\uc6d4", "\uc77c"};
  std::vector<Token> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isspace(c) != 0) {
      ++i;
      continue;
    }
    const auto unit =
        std::ranges::find_if(kUnits, [&](std::string_view one) { return text.substr(i).starts_with(one); });
    if (unit != kUnits.end()) {
      out.push_back({std::string(*unit)});
      i += unit->size();
      continue;
    }
    const bool digits = std::isdigit(c) != 0;
    const auto is_part = [&](std::size_t at) {
      const auto next = static_cast<unsigned char>(text[at]);
      if (digits) return std::isdigit(next) != 0;
      return std::isalpha(next) != 0 || next >= 0x80;
    };
    std::size_t end = i + 1;
    while (is_part(i) && end < text.size() && is_part(end)) ++end;
    Token token{base::AsciiLower(text.substr(i, end - i))};
    if (digits && end - i <= kLongestYear) token.number = std::stoi(token.text);
    out.push_back(std::move(token));
    i = end;
  }
  return out;
}

class DateParser {
 public:
  explicit DateParser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  // A date that begins at a token; `end`: behind it.
  std::optional<WrittenDate> At(std::size_t begin, std::size_t& end) {
    for (const auto form : {&DateParser::Numbers, &DateParser::Units, &DateParser::DayFirst, &DateParser::MonthFirst}) {
      at_ = begin;
      const auto date = (this->*form)();
      if (!date) continue;
      end = at_;
      return date;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::string_view Text(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? std::string_view(tokens_[at_ + ahead].text) : std::string_view();
  }
  [[nodiscard]] int Number(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].number : -1;
  }
  bool Skip(std::string_view sign) {
    if (Text() != sign || sign.empty()) return false;
    ++at_;
    return true;
  }
  template <std::size_t n>
  bool SkipAny(const std::array<std::string_view, n>& words) {
    return std::ranges::any_of(words, [this](std::string_view word) { return Skip(word); });
  }

  int Day() {
    const int day = Number();
    if (day < 1 || day > 31 || Text().size() > 2) return 0;
    ++at_;
    SkipAny(kOrdinals);
    return day;
  }
  int Month() {
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (!Text().empty() && std::ranges::find(kMonths[i], Text()) != kMonths[i].end()) {
        ++at_;
        Skip(".");
        return static_cast<int>(i) + 1;
      }
    }
    return 0;
  }
  int Year() {
    const int year = Number();
    if (year < 100) return 0;
    ++at_;
    return year;
  }
  // What may stand before a year: taken only if one follows.
  int YearBehind() {
    const std::size_t before = at_;
    if (!Skip(",")) SkipAny(kBetween);
    const int year = Year();
    if (year == 0) at_ = before;
    return year;
  }

  // "2010-05-25", "25.5.2010", "25/5/2010", "5/25/2010"
  std::optional<WrittenDate> Numbers() {
    const std::string_view sign = Text(1);
    if ((sign != "-" && sign != "/" && sign != ".") || Text(3) != sign) return std::nullopt;
    const int a = Number(), b = Number(2), c = Number(4);
    const bool year_first = Text().size() == kLongestYear && Text(2).size() <= 2 && Text(4).size() <= 2;
    const bool year_last = Text(4).size() == kLongestYear && Text().size() <= 2 && Text(2).size() <= 2;
    WrittenDate date;
    if (year_first) date = {a, b, c};
    if (year_last && (sign == "." || a > 12 || a == b)) date = {c, b, a};
    if (year_last && sign != "." && b > 12) date = {c, a, b};
    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return std::nullopt;
    at_ += 5;
    return date;
  }

  // Of Chinese, Japanese and Korean.
  std::optional<WrittenDate> Units() {
    constexpr std::array<std::array<std::string_view, 2>, 3> kParts = {
        {{"\u5e74", "\ub144"}, {"\u6708", "\uc6d4"}, {"\u65e5", "\uc77c"}}};
    WrittenDate date;
    int said = 0;
    for (std::size_t i = 0; i < kParts.size(); ++i) {
      if (Number() < 1 || std::ranges::find(kParts[i], Text(1)) == kParts[i].end()) continue;
      (i == 0 ? date.year : i == 1 ? date.month : date.day) = Number();
      at_ += 2;
      ++said;
    }
    if (said < 2 || date.month == 0 || date.month > 12 || date.day > 31) return std::nullopt;
    return date;
  }

  std::optional<WrittenDate> DayFirst() {
    const int day = Day();
    if (day == 0) return std::nullopt;
    Skip(".");
    SkipAny(kBetween);
    const int month = Month();
    if (month == 0) return std::nullopt;
    return WrittenDate{YearBehind(), month, day};
  }

  std::optional<WrittenDate> MonthFirst() {
    const int month = Month();
    if (month == 0) return std::nullopt;
    if (const int year = YearBehind(); year > 0) return WrittenDate{year, month, 0};
    Skip("the");
    const int day = Day();
    if (day == 0) return std::nullopt;
    return WrittenDate{YearBehind(), month, day};
  }

  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<WrittenDate> OneDate(std::string_view text) {
  constexpr std::size_t kLongest = 60;  // bytes
  if (text.size() > kLongest) return std::nullopt;
  std::vector<Token> tokens = TokensOf(text);
  if (!tokens.empty() && tokens.back().text == ".") tokens.pop_back();
  std::size_t begin = 0, end = 0;
  while (begin < tokens.size() &&
         (tokens[begin].text == "," || std::ranges::find(kBefore, tokens[begin].text) != kBefore.end()))
    ++begin;
  const auto date = DateParser(tokens).At(begin, end);
  return date && end == tokens.size() ? date : std::nullopt;
}

bool HasDate(std::string_view text, const WrittenDate& date) {
  const std::vector<Token> tokens = TokensOf(text);
  DateParser parser(tokens);
  for (std::size_t begin = 0; begin < tokens.size();) {
    std::size_t end = begin;
    const auto found = parser.At(begin, end);
    if (found && (date.year == 0 || date.year == found->year) && (date.month == 0 || date.month == found->month) &&
        (date.day == 0 || date.day == found->day))
      return true;
    begin = found ? end : begin + 1;
  }
  return false;
}

}  // namespace autotune::measurement
