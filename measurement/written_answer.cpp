#include "measurement/written_answer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "measurement/questions.h"
#include "measurement/written_number.h"

namespace autotune::measurement {
namespace {

constexpr std::size_t kLongestAnswer = 500;  // bytes of what may be one number or a list

bool IsLetterAt(std::string_view text, std::size_t at) {
  return at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0;
}

// ---- What is around an answer ----

// "\boxed{x}" of the command "\boxed", where nothing follows its brackets.
std::optional<std::string_view> ArgumentOf(std::string_view text, std::string_view command) {
  if (!text.starts_with(command)) return std::nullopt;
  text = Trimmed(text.substr(command.size()));
  if (!text.starts_with('{') || EndOfBraces(text, 0) != text.size()) return std::nullopt;
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
  if (equals != std::string_view::npos &&
      (OneNumber(text.substr(equals + 1)) || ArithmeticValue(text.substr(equals + 1)))) {
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
  const std::string plain = WithAsciiSigns(text);
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
    // "n/2", "2/n"
    if (at(behind) == '/' && IsDigitAt(text, behind + 1)) return true;
    if (at(before) == '/' && before > 0 && IsDigitAt(text, before - 1)) return true;
  }
  return false;
}

// "20!", "n!"
bool HasFactorial(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '!' && (IsDigitAt(text, i - 1) || IsLetterAt(text, i - 1) || text[i - 1] == ')')) return true;
  }
  return false;
}

// "center $(1,2)$", "$2$ cans"; not "$5 to $10"
bool HasTexInside(std::string_view text) {
  const std::size_t open = text.find('$');
  const std::size_t close = open == std::string_view::npos ? open : text.find('$', open + 1);
  if (close == std::string_view::npos || close < open + 2 || (open == 0 && close + 1 == text.size())) return false;
  const auto is_end = [](unsigned char c) { return std::isalnum(c) != 0 || c == ')' || c == ']' || c == '}'; };
  return text[open + 1] != ' ' && is_end(static_cast<unsigned char>(text[close - 1]));
}

// "np.arcsin(10/13)", "5*sqrt(3)", "sin 30"
bool HasFunction(std::string_view text) {
  constexpr std::array<std::string_view, 17> kFunctions = {"sin",    "cos",    "tan",    "cot",  "sec",  "csc",
                                                           "arcsin", "arccos", "arctan", "asin", "acos", "atan",
                                                           "sqrt",   "log",    "ln",     "lg",   "exp"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && IsLetterAt(text, i - 1)) continue;
    std::size_t end = i;
    while (IsLetterAt(text, end)) ++end;
    if (std::find(kFunctions.begin(), kFunctions.end(), text.substr(i, end - i)) == kFunctions.end()) continue;
    const std::size_t argument = end < text.size() && text[end] == ' ' ? end + 1 : end;
    if (IsDigitAt(text, argument) || text.substr(end).starts_with('(')) return true;
  }
  return false;
}

// What operators are between, of one text.
struct Terms {
  bool variable = false;     // "R"
  bool coefficient = false;  // "2RC"
  bool number = false;
  bool pi = false;

  // Returns false for what is no term: a word, or digits behind letters.
  bool Add(std::string_view term) {
    std::size_t digits = 0;
    while (IsDigitAt(term, digits)) ++digits;
    std::size_t end = digits;
    while (IsLetterAt(term, end)) ++end;
    const std::size_t letters = end - digits;
    if (end != term.size() || letters > 3) return false;
    variable = variable || (letters == 1 && digits == 0);
    coefficient = coefficient || (digits > 0 && letters > 0);
    number = number || letters == 0;
    pi = pi || term.substr(digits) == "pi";
    return true;
  }
};

// "2RC+R+C", "2RC(R+1)", "2ab - c", "2*pi", "x**2". "salt + water", "A+", "C++", "mid-1990s", "AC/DC", "km/h" are
// texts.
bool HasTerms(std::string_view text) {
  if (text.find("**") != std::string_view::npos) return true;
  if (text.starts_with('-')) text.remove_prefix(1);
  Terms terms;
  bool sums = false, differences = false;
  std::size_t begin = 0;
  const auto is_bracket = [&](std::size_t i) { return i < text.size() && (text[i] == '(' || text[i] == ')'); };
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !is_bracket(i) && std::string_view("+*-/").find(text[i]) == std::string_view::npos) continue;
    const std::string_view term = Trimmed(text.substr(begin, i - begin));
    if (term.empty() ? !is_bracket(i) && !(begin > 0 && is_bracket(begin - 1)) : !terms.Add(term)) return false;
    begin = i + 1;
    sums = sums || text.substr(i).starts_with('+') || text.substr(i).starts_with('*');
    differences = differences || text.substr(i).starts_with('-');
  }
  if (terms.pi) return terms.coefficient || terms.number || terms.variable;
  return (sums && (terms.variable || terms.coefficient)) || (differences && terms.variable && terms.coefficient);
}

// ---- Lists ----

// U+2460 to U+2473, as \textcircled{1}
bool IsCircled(std::string_view item) {
  return item.size() == 3 && item.starts_with("\xE2\x91") && item[2] >= '\xA0' && item[2] <= '\xB3';
}

bool IsLabel(std::string_view item) {
  constexpr std::array<std::string_view, 10> kRoman = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"};
  const bool bracketed = item.size() > 2 && item.starts_with('(') && item.ends_with(')');
  if (bracketed) item = item.substr(1, item.size() - 2);
  const bool number = item.size() == 1 && bracketed && IsDigitAt(item, 0);
  return number || IsCircled(item) ||
         (item.size() == 1 && std::isalpha(static_cast<unsigned char>(item.front())) != 0) ||
         std::find(kRoman.begin(), kRoman.end(), item) != kRoman.end();
}

// By the comma of enumerations, or by commas between words of at most three characters.
std::vector<std::string> ListedInChinese(std::string_view text) {
  constexpr std::size_t kCharacter = 3;  // bytes
  for (const std::string_view kana : {"\xE3\x81", "\xE3\x82", "\xE3\x83"}) {
    if (text.find(kana) != std::string_view::npos) return {};  // Japanese has the same comma between clauses
  }
  for (const auto& [sign, longest] :
       {std::pair<std::string_view, std::size_t>{"\u3001", 10}, {"\uFF0C", 3}, {"\uFF1B", 10}, {";", 10}}) {
    std::vector<std::string> items;
    if (sign == ";" && (text.empty() || static_cast<unsigned char>(text.front()) < 0xE3)) continue;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(sign, at), text.size());
      items.emplace_back(Trimmed(text.substr(at, end - at)));
      at = end + sign.size();
    }
    const auto is_item = [&, most = longest * kCharacter](const std::string& item) {
      return !item.empty() && item.size() <= most && item.find("\u3002") == std::string::npos;
    };
    if (items.size() > 1 && std::all_of(items.begin(), items.end(), is_item)) return items;
  }
  return {};
}

// "[emma, lily]"; "AC, AD, AB", which may be sides or pairs; not "(Paris, Texas)" and "NBC, CBS".
bool IsListOfNames(std::string_view text, const std::vector<std::string>& items) {
  constexpr std::size_t kLeastPairs = 3, kLongestPair = 3;  // items, letters
  if (items.size() < 2 || text.find(',') == std::string_view::npos) return false;
  const bool bracketed = text.starts_with('[') && text.ends_with(']') && text.find('[', 1) == std::string_view::npos;
  const auto is_word = [](const std::string& item) {
    return std::ranges::all_of(
        item, [](unsigned char c) { return std::isalpha(c) != 0 || c == ' ' || c == '-' || c >= 0x80; });
  };
  if (bracketed && std::ranges::all_of(items, is_word)) return true;
  return items.size() >= kLeastPairs && std::ranges::all_of(items, [&](const std::string& item) {
           return item.size() == items.front().size() && item.size() <= kLongestPair &&
                  std::ranges::all_of(item, [](unsigned char c) { return std::isupper(c) != 0; });
         });
}

std::string_view WithoutQuotes(std::string_view item) {
  item = Trimmed(item);
  for (const char quote : {'"', '\'', '$'}) {
    if (item.size() > 2 && item.front() == quote && item.back() == quote) item = item.substr(1, item.size() - 2);
  }
  return Trimmed(item);
}

}  // namespace

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
    const std::size_t end = EndOfBraces(text, open);
    if (end == std::string_view::npos) return std::nullopt;
    std::string inner(Trimmed(text.substr(open + 1, end - open - 2)));
    if (inner.empty() || (found && *found != inner)) return std::nullopt;
    found = std::move(inner);
  }
  return found;
}

bool HasFormula(std::string_view text) {
  for (std::size_t i = text.find('\\'); i != std::string_view::npos; i = text.find('\\', i + 1)) {
    if (i + 1 < text.size() && std::isspace(static_cast<unsigned char>(text[i + 1])) == 0) return true;
  }
  const auto is_outside = [](unsigned char c) { return std::isalnum(c) == 0 && c < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_outside)) return false;  // brackets alone
  if (IsDate(text)) return false;
  while (text.ends_with('+')) text.remove_suffix(1);  // "A+", "18+"
  if (text.find('^') != std::string_view::npos || text.find('=') != std::string_view::npos) return true;
  if (HasFunction(text) || HasTerms(text) || HasTexInside(text)) return true;
  bool symbols = false;
  if (HasWord(text, symbols)) return false;
  const bool bracketed =
      !text.empty() && (text.front() == '(' || text.front() == '[') && text.find(',') != std::string_view::npos;
  return symbols || bracketed || HasVariable(text) || text.find_first_of("+*/<>_{}|") != std::string_view::npos ||
         text.find(" - ") != std::string_view::npos || text.find(",-") != std::string_view::npos || HasFactorial(text);
}

std::vector<std::string> ListedIn(std::string_view text) {
  if (text.size() > kLongestAnswer) return {};
  std::string plain = WithAsciiSigns(WithoutTex(text));
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
      if ((item.back() == ')' && rest.starts_with('(')) || IsCircled(item)) end_item();
      continue;
    }
    end_item();
    rest.remove_prefix(between->size() - (between->ends_with(' ') ? 1 : 0));
  }
  end_item();
  const auto all = [&](const auto& is) { return std::all_of(items.begin(), items.end(), is); };
  if (IsListOfNames(Trimmed(text), items)) return items;
  const bool listed =
      items.size() > 1 && (all(IsLabel) || all([](const std::string& one) { return OneNumber(one).has_value(); }));
  return listed ? items : ListedInChinese(text);
}

std::optional<std::vector<std::string>> TupleOfPython(std::string_view text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return std::nullopt;
  text = Trimmed(text.substr(1, text.size() - 2));
  if (text.ends_with(',')) text.remove_suffix(1);
  return ListOfPython("[" + std::string(text) + "]");
}

std::optional<std::vector<std::pair<std::string, std::string>>> DictionaryOfPython(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  text = Trimmed(text.substr(1, text.size() - 2));
  // "'A': '...', 'B': '...'" is a list where the colons are commas.
  std::string list;
  std::size_t colons = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool quoted = text[i] == '\'' || text[i] == '"';
    const std::string_view rest = text.substr(i + 1);
    if (quoted && (rest.starts_with(": '") || rest.starts_with(": \""))) {
      list += std::string(1, text[i]) + ", ";
      ++colons;
      i += 2;
      continue;
    }
    list += text[i];
  }
  const auto items = ListOfPython("[" + list + "]");
  if (!items || items->size() != 2 * colons) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < items->size(); i += 2) pairs.emplace_back((*items)[i], (*items)[i + 1]);
  return pairs;
}

std::optional<std::vector<std::string>> ListOfPython(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  while (!text.empty()) {
    const char quote = text.front();
    if (quote != '\'' && quote != '"') return std::nullopt;
    std::size_t end = 1;
    std::string item;
    // "['Ann's']": a quotation mark within a word ends nothing.
    const auto ends = [&](std::size_t at) {
      const std::string_view rest = text.substr(at + 1);
      return text[at] == quote && (rest.empty() || rest.starts_with(", '") || rest.starts_with(", \""));
    };
    for (; end < text.size() && !ends(end); ++end) {
      const bool escaped = text[end] == '\\';
      if (escaped && (++end == text.size() || text[end] == 'x' || text[end] == 'u')) return std::nullopt;
      item += !escaped || (text[end] != 'n' && text[end] != 't') ? text[end] : text[end] == 'n' ? '\n' : '\t';
    }
    if (end == text.size() || Trimmed(item).empty()) return std::nullopt;
    items.push_back(std::move(item));
    text.remove_prefix(end + 1);
    if (text.empty()) break;
    if (!text.starts_with(", ")) return std::nullopt;
    text.remove_prefix(2);
  }
  return items.empty() ? std::nullopt : std::optional(std::move(items));
}

}  // namespace autotune::measurement
