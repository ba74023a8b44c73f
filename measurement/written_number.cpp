#include "measurement/written_number.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kLongestArithmetic = 200;  // bytes
constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// ---- Signs outside ASCII, and how TeX spaces numbers ----

constexpr std::array<std::pair<std::string_view, std::string_view>, 49> kSigns = {
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
     {"\uFF08", "("},        {"\uFF09", ")"},       {"\u2044", "/"},
     {"\uFF0F", "/"},        {"\u215B", " 1/8"},    {"\u215C", " 3/8"},
     {"\u215D", " 5/8"},     {"\u215E", " 7/8"},    {"\uFF0B", "+"},
     {"\u00F7", "\\div"}}};

// In the order of their digits.
constexpr std::array<std::string_view, 11> kRaised = {"\u2070", "\u00B9", "\u00B2", "\u00B3", "\u2074", "\u2075",
                                                      "\u2076", "\u2077", "\u2078", "\u2079", "\u207B"};

// ---- One number ----

// Reads what begins somewhere in a text that WithAsciiSigns() has written.
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
    if (StartsWith(at, "{")) return std::min(EndOfBraces(text_, at), text_.size());
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

  // What makes "2 1/2" or "2(1/2)" of "2": less than one.
  [[nodiscard]] std::optional<Number> PartBehind(std::size_t at) const {
    if (StartsWith(at, "\\frac")) return Fraction(at);
    if (StartsWith(at, "(") && IsDigitAt(text_, at + 1)) {
      auto part = PartBehind(at + 1);
      if (!part || !StartsWith(part->end, ")")) return std::nullopt;
      ++part->end;
      return part;
    }
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

// ---- Arithmetic ----

class Arithmetic {
 public:
  explicit Arithmetic(std::string_view text) : rest_(text) {}

  [[nodiscard]] std::optional<double> Value(bool sure) {
    const double value = Sum();
    Space();
    if (!rest_.empty() || !std::isfinite(value) || operators_ + brackets_ == 0) return std::nullopt;
    // "3-2" is a score, "3/4/2021" a date, "12\times18" a size.
    if (!sure && !products_ && (brackets_ == 0 || operators_ == differences_)) return std::nullopt;
    if (!sure && times_ > 0 && operators_ == times_ && brackets_ == 0) return std::nullopt;
    return value;
  }

 private:
  void Space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  bool Take(std::string_view sign) {
    Space();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }

  double Sum() {
    double value = Product();
    while (true) {
      if (Take("+")) {
        ++operators_;
        products_ = true;
        value += Product();
      } else if (Take("-")) {
        ++operators_;
        ++differences_;
        value -= Product();
      } else {
        return value;
      }
    }
  }

  double Product() {
    double value = Factor();
    while (true) {
      if (Take("*") || Take("\\times")) {
        ++operators_;
        ++times_;
        products_ = true;
        value *= Factor();
      } else if (Take("/") || Take("\\div")) {
        ++operators_;
        const double divisor = Factor();
        value = divisor == 0 ? kNoValue : value / divisor;
      } else {
        return value;
      }
    }
  }

  double Factor() {
    if (Take("-")) return -Factor();
    double value = kNoValue;
    if (Take("(")) {
      ++brackets_;
      value = Sum();
      if (!Take(")")) return kNoValue;
    } else {
      value = Digits();
    }
    return Take("%") ? value / 100 : value;
  }

  // "1." too, and "1(5/6)".
  double Digits() {
    Space();
    const std::size_t size = std::min(rest_.find_first_not_of("0123456789."), rest_.size());
    const std::string digits(rest_.substr(0, size));
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (digits.empty() || *end != '\0') return kNoValue;
    rest_.remove_prefix(size);
    products_ = products_ || digits.ends_with('.');  // "-1./3", as Python has it
    Space();
    if (!rest_.starts_with('(')) return value;
    const double part = Factor();
    return part > 0 && part < 1 && value == std::floor(value) ? value + part : kNoValue;
  }

  std::string_view rest_;
  int operators_ = 0, differences_ = 0, times_ = 0, brackets_ = 0;
  bool products_ = false;  // or sums: no score and no date
};

// Is what follows a number a percent sign, or the word?
bool IsPercent(std::string_view rest) {
  for (const char skipped : {'$', ' '}) {
    if (rest.starts_with(skipped)) rest.remove_prefix(1);
  }
  return rest.starts_with('%') || rest.starts_with("percent") || rest.starts_with("per cent");
}

// 1e6 if "million" follows a number.
double ScaleBehind(std::string_view rest) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kScales = {
      {{"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}, {"trillion", 1e12}, {"mn", 1e6}, {"bn", 1e9}}};
  const bool spaced = rest.starts_with(' ') || rest.starts_with('-');
  if (spaced) rest.remove_prefix(1);
  for (const auto& [word, scale] : kScales) {
    if (!rest.starts_with(word)) continue;
    if (rest.size() == word.size() || std::isalpha(static_cast<unsigned char>(rest[word.size()])) == 0) return scale;
  }
  return 1;
}

}  // namespace

bool IsDigitAt(std::string_view text, std::size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
}

std::size_t EndOfBraces(std::string_view text, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

std::string WithAsciiSigns(std::string_view text) {
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

std::optional<WrittenNumber> LastNumber(std::string_view text) {
  const std::string plain = WithAsciiSigns(text);
  const NumberReader reader(plain);
  std::optional<WrittenNumber> last;
  for (std::size_t at = 0; at < plain.size();) {
    if (const std::size_t end = reader.EndOfScript(at); end > at) {
      at = end;
      continue;
    }
    const auto number = reader.At(at);
    if (number) {
      const std::string_view rest = std::string_view(plain).substr(number->end);
      last = WrittenNumber{number->value, IsPercent(rest), ScaleBehind(rest)};
    }
    at = number ? std::max(number->end, at + 1) : at + 1;
  }
  return last && std::isfinite(last->value) ? last : std::nullopt;
}

std::optional<std::string> OneNumber(std::string_view text) {
  std::string plain = WithAsciiSigns(Trimmed(text));
  constexpr std::array<std::string_view, 7> kMoney = {"$", "\u20AC", "\u00A3", "\u00A5", "\u20B9", "%", "\u00B0"};
  std::string_view rest = Trimmed(plain);
  if (rest.ends_with('.')) rest = Trimmed(rest.substr(0, rest.size() - 1));
  const bool percent = rest.starts_with('%') || rest.ends_with('%');
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
  return std::string(rest) + (percent ? "%" : "");
}

std::optional<double> ArithmeticValue(std::string_view text, bool sure) {
  if (text.size() > kLongestArithmetic) return std::nullopt;
  const std::string plain = WithAsciiSigns(text);
  return Arithmetic(plain).Value(sure);
}

bool IsDate(std::string_view text) {
  text = Trimmed(text);
  return text.size() < 12 && text.find_first_not_of("0123456789/") == std::string_view::npos &&
         std::count(text.begin(), text.end(), '/') == 2 && text.find("//") == std::string_view::npos &&
         IsDigitAt(text, 0) && IsDigitAt(text, text.size() - 1);
}

}  // namespace autotune::measurement
