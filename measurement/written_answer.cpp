#include "measurement/written_answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kLongestAnswer = 500;  // bytes of what may be one number or a list
constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

bool IsDigitAt(std::string_view text, std::size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
}
bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// ---- Signs outside ASCII, and how TeX spaces numbers ----

constexpr std::array<std::pair<std::string_view, std::string_view>, 41> kSigns = {
    {{"\u2212", "-"},        {"\uFE63", "-"},       {"\uFF0D", "-"},
     {"\u00A0", " "},        {"\u2007", " "},       {"\u2009", " "},
     {"\u202F", " "},        {"\uFF05", "%"},       {"\uFF0C", ","},
     {"\uFF0E", "."},        {"\uFF1D", "="},       {"\uFF04", "$"},
     {"{,}", ","},           {"\\,", " "},          {"\\!", ""},
     {"\\;", " "},           {"\\:", " "},          {"\\ ", " "},
     {"\\%", "%"},           {"\\$", "$"},          {"~", " "},
     {"\u00D7", "\\times"},  {"\u00B7", "\\times"}, {"\\cdot", "\\times"},
     {"\u03C0", "\\pi"},     {"\u221A", "\\sqrt"},  {"\u00BD", " 1/2"},
     {"\u00BC", " 1/4"},     {"\u00BE", " 3/4"},    {"\u2153", " 1/3"},
     {"\u2154", " 2/3"},     {"\\dfrac", "\\frac"}, {"\\tfrac", "\\frac"},
     {"\\cfrac", "\\frac"},  {"\\left", ""},        {"\\right", ""},
     {"\\displaystyle", ""}, {"^\\circ", "\u00B0"}, {"^{\\circ}", "\u00B0"},
     {"\uFF08", "("},        {"\uFF09", ")"}}};

// In the order of their digits.
constexpr std::array<std::string_view, 11> kRaised = {"\u2070", "\u00B9", "\u00B2", "\u00B3", "\u2074", "\u2075",
                                                      "\u2076", "\u2077", "\u2078", "\u2079", "\u207B"};

std::string Ascii(std::string_view text) {
  std::string out;
  bool raised = false;
  while (!text.empty()) {
    const auto up = std::find_if(kRaised.begin(), kRaised.end(), [&](auto sign) { return text.starts_with(sign); });
    if (up != kRaised.end()) {
      const auto digit = up - kRaised.begin();
      if (!raised) out += '^';
      out += digit == 10 ? '-' : static_cast<char>('0' + digit);
      text.remove_prefix(up->size());
      raised = true;
      continue;
    }
    raised = false;
    const auto sign =
        std::find_if(kSigns.begin(), kSigns.end(), [&](const auto& row) { return text.starts_with(row.first); });
    if (sign != kSigns.end()) {
      out += sign->second;
      text.remove_prefix(sign->first.size());
    } else if (text.size() > 2 && text.starts_with("\xEF\xBC") && text[2] >= '\x90' && text[2] <= '\x99') {
      out += static_cast<char>('0' + (text[2] - '\x90'));  // of full width
      text.remove_prefix(3);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

// ---- One number ----

// Reads what begins somewhere in a text that Ascii() has written.
class NumberReader {
 public:
  struct Number {
    double value;  // NaN: a formula without a value here
    std::size_t end;
  };

  explicit NumberReader(std::string_view text) : text_(text) {}

  // With its sign.
  [[nodiscard]] std::optional<Number> At(std::size_t at) const {
    if (at < text_.size() && (text_[at] == '-' || text_[at] == '+')) {
      std::size_t begin = at + 1;
      if (!IsSign(at, begin < text_.size() && text_[begin] == ' ')) return std::nullopt;
      while (begin < text_.size() && (text_[begin] == ' ' || text_[begin] == '$')) ++begin;
      auto number = Unsigned(begin);
      if (number && text_[at] == '-') number->value = -number->value;
      return number;
    }
    return Unsigned(at);
  }

  // The end of an index or an exponent at `at`, of something that is no number: "x_1", "cm^2". Else `at`.
  [[nodiscard]] std::size_t EndOfScript(std::size_t at) const {
    const bool script = at > 0 && (text_[at] == '^' || text_[at] == '_') &&
                        (IsAlnum(text_[at - 1]) || text_[at - 1] == '}' || text_[at - 1] == ')');
    return script ? EndOfArgument(at + 1) : at;
  }

 private:
  [[nodiscard]] bool StartsWith(std::size_t at, std::string_view word) const {
    return at < text_.size() && text_.substr(at).starts_with(word);
  }

  [[nodiscard]] std::size_t SkipSpaces(std::size_t at) const {
    while (at < text_.size() && text_[at] == ' ') ++at;
    return at;
  }

  // Behind a number or a bracket it is an operator. Before a space, it needs what an operand follows.
  [[nodiscard]] bool IsSign(std::size_t at, bool spaced) const {
    if (at == 0) return true;
    const char before = text_[at - 1];
    if (IsAlnum(before) || before == ')' || before == ']' || before == '}') return false;
    if (!spaced) return true;
    std::size_t last = at;
    while (last > 0 && text_[last - 1] == ' ') --last;
    return last == 0 || std::string_view("=([{:,$").find(text_[last - 1]) != std::string_view::npos;
  }

  // Of "{...}", or of digits with a sign, or of one character.
  [[nodiscard]] std::size_t EndOfArgument(std::size_t at) const {
    at = std::min(at, text_.size());
    if (StartsWith(at, "{")) {
      int depth = 0;
      for (std::size_t i = at; i < text_.size(); ++i) {
        depth += text_[i] == '{' ? 1 : text_[i] == '}' ? -1 : 0;
        if (depth == 0) return i + 1;
      }
      return text_.size();
    }
    std::size_t end = StartsWith(at, "-") ? at + 1 : at;
    if (!IsDigitAt(text_, end)) return std::min(end + 1, text_.size());
    while (IsDigitAt(text_, end)) ++end;
    return end;
  }

  // Of an argument that is a plain number.
  [[nodiscard]] static double ValueOf(std::string_view argument) {
    if (argument.starts_with('{') && argument.ends_with('}') && argument.size() > 2)
      argument = argument.substr(1, argument.size() - 2);
    const std::string text(Trimmed(argument));
    if (text.empty() || text.find_first_not_of("0123456789.,-") != std::string::npos) return kNoValue;
    std::string digits;
    std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != ','; });
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    return *end == '\0' && end != digits.c_str() ? value : kNoValue;
  }

  [[nodiscard]] std::optional<Number> Unsigned(std::size_t at) const {
    if (StartsWith(at, "\\frac")) return Fraction(at);
    if (StartsWith(at, "\\sqrt")) return Number{kNoValue, EndOfArgument(SkipSpaces(at + 5))};
    const bool point = StartsWith(at, ".") && (at == 0 || (!IsAlnum(text_[at - 1]) && text_[at - 1] != '.'));
    if (!IsDigitAt(text_, at) && !(point && IsDigitAt(text_, at + 1))) return std::nullopt;
    Number number = Decimal(at);
    const bool whole = number.value == std::floor(number.value) && number.end > at;
    if (!Scale(number)) {
      const std::size_t next = SkipSpaces(number.end);
      const bool near = next <= number.end + 1;
      if (const auto part = near && whole ? PartBehind(next) : std::nullopt) {
        number = {number.value + part->value, part->end};
      } else if (const auto end = at > 0 && text_[at - 1] == '/' ? std::nullopt : Divisor(next)) {
        const double divisor = ValueOf(text_.substr(end->first, end->second - end->first));
        number = {divisor == 0 ? kNoValue : number.value / divisor, end->second};
      }
    }
    const std::size_t next = SkipSpaces(number.end);
    if (StartsWith(next, "\\pi")) return Number{kNoValue, next + 3};
    if (StartsWith(next, "\\sqrt")) return Number{kNoValue, EndOfArgument(SkipSpaces(next + 5))};
    return number;
  }

  [[nodiscard]] std::optional<Number> Fraction(std::size_t at) const {
    const std::size_t first = SkipSpaces(at + 5);
    std::size_t middle = EndOfArgument(first);
    if (!StartsWith(first, "{")) middle = std::min(first + 1, text_.size());  // "\frac12"
    const std::size_t second = SkipSpaces(middle);
    std::size_t end = EndOfArgument(second);
    if (!StartsWith(second, "{")) end = std::min(second + 1, text_.size());
    const double over = ValueOf(text_.substr(first, middle - first));
    const double under = ValueOf(text_.substr(second, end - second));
    return Number{under == 0 ? kNoValue : over / under, end};
  }

  // What makes "2 1/2" of "2": less than one.
  [[nodiscard]] std::optional<Number> PartBehind(std::size_t at) const {
    if (StartsWith(at, "\\frac")) return Fraction(at);
    std::size_t slash = at;
    while (IsDigitAt(text_, slash)) ++slash;
    const auto divisor = slash > at && StartsWith(slash, "/") ? Divisor(slash) : std::nullopt;
    if (!divisor) return std::nullopt;
    const double over = ValueOf(text_.substr(at, slash - at));
    const double under = ValueOf(text_.substr(divisor->first, divisor->second - divisor->first));
    return over < under ? std::optional<Number>({over / under, divisor->second}) : std::nullopt;
  }

  // Begin and end of the digits behind "/". None in a date.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> Divisor(std::size_t at) const {
    if (!StartsWith(at, "/")) return std::nullopt;
    const std::size_t begin = SkipSpaces(at + 1);
    std::size_t end = begin;
    while (IsDigitAt(text_, end)) ++end;
    if (end == begin || (StartsWith(end, "/") && IsDigitAt(text_, end + 1))) return std::nullopt;
    return std::pair(begin, end);
  }

  // The length of groups of digits behind the first one, all of three digits but for those that `pairs` allows.
  [[nodiscard]] std::size_t Groups(std::size_t at, char separator, bool pairs, std::size_t& count) const {
    std::size_t end = at, complete = at;
    for (count = 0; StartsWith(end, std::string_view(&separator, 1)); ++count) {
      std::size_t digits = 0;
      while (IsDigitAt(text_, end + 1 + digits)) ++digits;
      if (digits != 3 && !(pairs && digits == 2)) break;
      end += 1 + digits;
      if (digits == 3) complete = end;
    }
    return complete;
  }

  // "1,234.5", "1 234", "1.234.567", "12,34,567", ".5".
  [[nodiscard]] Number Decimal(std::size_t at) const {
    std::size_t end = at;
    while (IsDigitAt(text_, end)) ++end;
    std::size_t count = 0;
    const bool short_start = end - at <= 3 && end > at;
    std::size_t grouped = short_start ? Groups(end, ',', true, count) : end;
    if (grouped == end && short_start && text_[at] != '0' && !FollowsNumber(at))
      grouped = Groups(end, ' ', false, count);
    if (grouped == end && short_start) {
      grouped = Groups(end, '.', false, count);
      if (count < 2) grouped = end;
    }
    const bool points = grouped > end && StartsWith(end, ".");
    end = grouped;
    if (!points && StartsWith(end, ".") && IsDigitAt(text_, end + 1)) {
      ++end;
      while (IsDigitAt(text_, end)) ++end;
    }
    std::string digits;
    for (const char c : text_.substr(at, end - at)) {
      if (c != ',' && c != ' ' && !(points && c == '.')) digits += c;
    }
    return {std::strtod(digits.c_str(), nullptr), end};
  }

  // "5 100 200" is no number in groups if another digit or a point is before it.
  [[nodiscard]] bool FollowsNumber(std::size_t at) const {
    return at > 1 &&
           (text_[at - 1] == '.' || text_[at - 1] == ',' || (text_[at - 1] == ' ' && IsDigitAt(text_, at - 2)));
  }

  // "e5", " \times 10^{5}", "^5". Returns whether there was one.
  bool Scale(Number& number) const {
    std::size_t at = number.end;
    if (StartsWith(at, "e") || StartsWith(at, "E")) {
      std::size_t end = at + 1;
      if (StartsWith(end, "-") || StartsWith(end, "+")) ++end;
      const std::size_t begin = end;
      while (IsDigitAt(text_, end)) ++end;
      if (end == begin || end - begin > 3 || (end < text_.size() && IsAlnum(text_[end]))) return false;
      number.value *= std::pow(10.0, std::strtod(std::string(text_.substr(at + 1, end - at - 1)).c_str(), nullptr));
      number.end = end;
      return true;
    }
    const std::size_t times = SkipSpaces(at);
    for (const std::string_view sign : {"\\times", "*", "x"}) {
      const std::size_t ten = SkipSpaces(times + sign.size());
      if (!StartsWith(times, sign) || !StartsWith(ten, "10^")) continue;
      const std::size_t end = EndOfArgument(ten + 3);
      number.value *= std::pow(10.0, ValueOf(text_.substr(ten + 3, end - ten - 3)));
      number.end = end;
      return true;
    }
    if (!StartsWith(at, "^")) return false;
    const std::size_t end = EndOfArgument(at + 1);
    number.value = std::pow(number.value, ValueOf(text_.substr(at + 1, end - at - 1)));
    number.end = end;
    return true;
  }

  std::string_view text_;
};

// ---- What is around an answer ----

// "\boxed{x}" of the command "\boxed", where nothing follows its brackets.
std::optional<std::string_view> ArgumentOf(std::string_view text, std::string_view command) {
  if (!text.starts_with(command)) return std::nullopt;
  text = Trimmed(text.substr(command.size()));
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0 && i + 1 < text.size()) return std::nullopt;
  }
  return text.substr(1, text.size() - 2);
}

constexpr std::array<std::string_view, 11> kTexts = {"\\boxed",  "\\fbox",         "\\text",   "\\textbf",
                                                     "\\textrm", "\\textit",       "\\mathrm", "\\mathbf",
                                                     "\\mbox",   "\\operatorname", "\\rm"};

// "12 \mathrm{~cm}^2" is "12".
std::string_view WithoutUnitOfTex(std::string_view text) {
  for (const std::string_view command : kTexts) {
    const std::size_t at = text.find(command);
    if (at == std::string_view::npos || at == 0) continue;
    bool counts = false;  // "12 \\text{ or } 13"
    for (std::size_t i = at; i < text.size(); ++i) {
      counts = counts || (IsDigitAt(text, i) && std::string_view("^{-").find(text[i - 1]) == std::string_view::npos);
    }
    if (!counts && OneNumber(text.substr(0, at))) return Trimmed(text.substr(0, at));
  }
  return text;
}

std::string_view Unwrapped(std::string_view text) {
  text = Trimmed(text);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPairs = {
      {{"$$", "$$"}, {"$", "$"}, {"\\(", "\\)"}, {"\\[", "\\]"}}};
  for (const auto& [open, close] : kPairs) {
    if (text.size() <= open.size() + close.size() || !text.starts_with(open) || !text.ends_with(close)) continue;
    const std::string_view inner = text.substr(open.size(), text.size() - open.size() - close.size());
    if (inner.find('$') == std::string_view::npos || inner.find("\\$") != std::string_view::npos) return inner;
  }
  for (const std::string_view command : kTexts) {
    if (const auto inner = ArgumentOf(text, command)) return *inner;
  }
  // Of one variable.
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos && OneNumber(text.substr(equals + 1))) {
    const std::string_view name = Trimmed(text.substr(0, equals));
    if (name.size() == 1 && std::isalpha(static_cast<unsigned char>(name.front())) != 0) return text.substr(equals + 1);
  }
  return WithoutUnitOfTex(text);
}

// ---- Formulas ----

// Signs of formulas beside those of kSigns and kRaised.
bool IsSymbol(std::string_view character) {
  if (character.size() == 3 && character[0] == '\xE2' && character[1] >= '\x88' && character[1] <= '\x8B') return true;
  constexpr std::array<std::string_view, 2> kOthers = {"\u00B1", "\u00F7"};
  return std::find(kOthers.begin(), kOthers.end(), character) != kOthers.end();
}

// Two letters, or one outside ASCII. `symbols`: signs of formulas are in it.
bool HasWord(std::string_view text, bool& symbols) {
  const std::string plain = Ascii(text);
  symbols = symbols || (plain != text && plain.find_first_of("^\\/") != std::string::npos);
  std::string without;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    for (const std::string_view command : {"\\times", "\\pi", "\\sqrt"}) {
      if (std::string_view(plain).substr(i).starts_with(command)) i += command.size();
    }
    if (i >= plain.size()) break;
    const auto lead = static_cast<unsigned char>(plain[i]);
    const std::size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (size > 1 && IsSymbol(std::string_view(plain).substr(i, size))) {
      symbols = true;
      i += size - 1;
      without += ' ';
      continue;
    }
    without += plain[i];
  }
  for (std::size_t i = 0; i < without.size(); ++i) {
    const auto letter = [&](std::size_t j) { return std::isalpha(static_cast<unsigned char>(without[j])) != 0; };
    if (static_cast<unsigned char>(without[i]) >= 0x80 || (i > 0 && letter(i - 1) && letter(i))) return true;
  }
  return false;
}

// "10-4 n", "292i", "-i", "x-4", "n(n-1)": single letters that are computed with. "11 p.m." has none. REQUIRES: no
// word.
bool HasVariable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::isalpha(static_cast<unsigned char>(text[i])) == 0) continue;
    const std::size_t before = i == 0 ? std::string_view::npos : text.find_last_not_of(' ', i - 1);
    const std::size_t behind = text.find_first_not_of(' ', i + 1);
    const auto at = [&](std::size_t j) { return j == std::string_view::npos ? '\0' : text[j]; };
    if (i + 1 < text.size() && text[i + 1] == '(') return true;
    if (std::islower(static_cast<unsigned char>(text[i])) == 0 || at(behind) == '.') continue;
    if (IsDigitAt(text, before) || at(before) == '-' || at(behind) == '-') return true;
  }
  return false;
}

// ---- Lists ----

bool IsLabel(std::string_view item) {
  constexpr std::array<std::string_view, 10> kRoman = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"};
  const bool bracketed = item.size() > 2 && item.starts_with('(') && item.ends_with(')');
  if (bracketed) item = item.substr(1, item.size() - 2);
  const bool number = item.size() == 1 && bracketed && IsDigitAt(item, 0);
  return number || (item.size() == 1 && std::isalpha(static_cast<unsigned char>(item.front())) != 0) ||
         std::find(kRoman.begin(), kRoman.end(), item) != kRoman.end();
}

std::string_view WithoutQuotes(std::string_view item) {
  item = Trimmed(item);
  for (const char quote : {'"', '\'', '$'}) {
    if (item.size() > 2 && item.front() == quote && item.back() == quote) item = item.substr(1, item.size() - 2);
  }
  return Trimmed(item);
}

}  // namespace

std::optional<double> LastNumber(std::string_view text) {
  const std::string plain = Ascii(text);
  const NumberReader reader(plain);
  std::optional<double> last;
  for (std::size_t at = 0; at < plain.size();) {
    if (const std::size_t end = reader.EndOfScript(at); end > at) {
      at = end;
      continue;
    }
    const auto number = reader.At(at);
    if (number) last = number->value;
    at = number ? std::max(number->end, at + 1) : at + 1;
  }
  return last && std::isfinite(*last) ? last : std::nullopt;
}

std::optional<std::string> OneNumber(std::string_view text) {
  std::string plain = Ascii(Trimmed(text));
  constexpr std::array<std::string_view, 7> kMoney = {"$", "\u20AC", "\u00A3", "\u00A5", "\u20B9", "%", "\u00B0"};
  std::string_view rest = Trimmed(plain);
  if (rest.ends_with('.')) rest = Trimmed(rest.substr(0, rest.size() - 1));
  for (const std::string_view sign : kMoney) {
    if (rest.starts_with(sign)) rest.remove_prefix(sign.size());
    if (rest.ends_with(sign)) rest.remove_suffix(sign.size());
    rest = Trimmed(rest);
  }
  const auto number = NumberReader(rest).At(0);
  if (!number || number->end != rest.size() || !std::isfinite(number->value)) return std::nullopt;
  // Groups of three: "12,34,567" may be a list.
  const std::string_view whole = rest.substr(0, rest.find('.'));
  for (std::size_t i = whole.find(','); i != std::string_view::npos; i = whole.find(',', i + 1)) {
    if (std::min(whole.find(',', i + 1), whole.size()) - i != 4) return std::nullopt;
  }
  return std::string(rest);
}

std::string WithoutTex(std::string_view text) {
  if (text.size() > kLongestAnswer) return std::string(text);
  for (std::string_view inner = Unwrapped(text); inner.size() < text.size(); inner = Unwrapped(text)) text = inner;
  return std::string(text);
}

std::optional<std::string> Boxed(std::string_view text) {
  constexpr std::string_view kBoxed = "\\boxed";
  std::optional<std::string> found;
  for (std::size_t at = text.find(kBoxed); at != std::string_view::npos; at = text.find(kBoxed, at + 1)) {
    const std::size_t open = text.find_first_not_of(' ', at + kBoxed.size());
    if (open == std::string_view::npos || text[open] != '{') return std::nullopt;
    int depth = 0;
    std::size_t end = open;
    for (; end < text.size(); ++end) {
      depth += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
      if (depth == 0) break;
    }
    if (end == text.size()) return std::nullopt;
    std::string inner(Trimmed(text.substr(open + 1, end - open - 1)));
    if (inner.empty() || (found && *found != inner)) return std::nullopt;
    found = std::move(inner);
  }
  return found;
}

bool HasFormula(std::string_view text) {
  for (std::size_t i = text.find('\\'); i != std::string_view::npos; i = text.find('\\', i + 1)) {
    if (i + 1 < text.size() && std::isspace(static_cast<unsigned char>(text[i + 1])) == 0) return true;
  }
  const auto is_outside = [](char c) { return !IsAlnum(c) && static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_outside)) return false;  // brackets alone
  if (text.find('^') != std::string_view::npos || text.find('=') != std::string_view::npos) return true;
  bool symbols = false;
  if (HasWord(text, symbols)) return false;
  const bool bracketed =
      !text.empty() && (text.front() == '(' || text.front() == '[') && text.find(',') != std::string_view::npos;
  return symbols || bracketed || HasVariable(text) || text.find_first_of("+*/<>_{}") != std::string_view::npos ||
         text.find(" - ") != std::string_view::npos || text.find(",-") != std::string_view::npos;
}

std::vector<std::string> ListedIn(std::string_view text) {
  if (text.size() > kLongestAnswer) return {};
  std::string plain = Ascii(WithoutTex(text));
  std::string_view rest = Trimmed(plain);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPairs = {
      {{"\\{", "\\}"}, {"[", "]"}, {"(", ")"}, {"{", "}"}}};
  for (const auto& [open, close] : kPairs) {
    // "(A), (C)" has brackets of its own.
    if (!rest.starts_with(open) || !rest.ends_with(close) || rest.find(open, 1) != std::string_view::npos) continue;
    rest = rest.substr(open.size(), rest.size() - open.size() - close.size());
    break;
  }
  constexpr std::array<std::string_view, 7> kBetween = {",", ";", "\u3001", "\uFF1B", " and ", " or ", "\u548C"};
  std::vector<std::string> items;
  std::string item;
  const auto end_item = [&] {
    const std::string_view bare = WithoutQuotes(item);
    if (!bare.empty()) items.emplace_back(bare);
    item.clear();
  };
  while (!rest.empty()) {
    const auto between =
        std::find_if(kBetween.begin(), kBetween.end(), [&](std::string_view sign) { return rest.starts_with(sign); });
    if (between == kBetween.end()) {
      item += rest.front();
      rest.remove_prefix(1);
      // "(1)(3)"
      if (item.back() == ')' && rest.starts_with('(')) end_item();
      continue;
    }
    end_item();
    rest.remove_prefix(between->size() - (between->ends_with(' ') ? 1 : 0));
  }
  end_item();
  const auto all = [&](const auto& is) { return std::all_of(items.begin(), items.end(), is); };
  const bool listed =
      items.size() > 1 && (all(IsLabel) || all([](const std::string& one) { return OneNumber(one).has_value(); }));
  return listed ? items : std::vector<std::string>();
}

}  // namespace autotune::measurement
