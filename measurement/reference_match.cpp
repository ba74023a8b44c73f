#include "measurement/reference_match.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measurement/asked_form.h"
#include "measurement/question_choices.h"
#include "measurement/reference_wording.h"
#include "measurement/row_columns.h"
#include "measurement/written_answer.h"
#include "measurement/written_number.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;
using Match = Question::Match;

constexpr std::array<std::pair<std::string_view, Match>, 6> kMatches = {{{"exact", Match::kExact},
                                                                         {"contains", Match::kContains},
                                                                         {"regex", Match::kRegex},
                                                                         {"begins", Match::kBegins},
                                                                         {"words", Match::kWords},
                                                                         {"number", Match::kNumber}}};

// How far from a number an answer may be.
struct Allowed {
  std::string_view name;
  bool absolute, relative;  // both: the smaller difference counts, as the name does not tell
};
constexpr std::array<Allowed, 9> kTolerances = {{{"error", true, false},
                                                 {"absolutetolerance", true, false},
                                                 {"abstol", true, false},
                                                 {"atol", true, false},
                                                 {"relativetolerance", false, true},
                                                 {"reltol", false, true},
                                                 {"rtol", false, true},
                                                 {"tolerance", true, true},
                                                 {"precision", true, true}}};

// "9 (apples)" is 9.
std::string_view WithoutUnit(std::string_view text) {
  const std::size_t unit = text.find(" (");
  return unit != std::string_view::npos && text.ends_with(')') ? text.substr(0, unit) : text;
}

// "12/25", where the prompt asks for a date.
bool MayBeDate(std::string_view asked, std::string_view text) {
  text = Trimmed(text);
  const std::size_t slash = text.find('/');
  const auto digits = [](std::string_view part, std::size_t most) { return IsDigits(part) && part.size() <= most; };
  if (slash == std::string_view::npos || !digits(text.substr(0, slash), 2)) return false;
  const std::string_view last = text.substr(slash + 1);
  if (!digits(last, 2) && !(last.size() == 4 && IsDigits(last.substr(1)))) return false;
  if (asked.find("\u65E5\u671F") != std::string_view::npos) return true;
  for (std::size_t at = asked.find("date"); at != std::string_view::npos; at = asked.find("date", at + 1)) {
    const bool begins = at == 0 || std::isalpha(static_cast<unsigned char>(asked[at - 1])) == 0;
    const bool ends = at + 4 == asked.size() || std::isalpha(static_cast<unsigned char>(asked[at + 4])) == 0;
    if (begins && ends) return true;
  }
  return false;
}

// "\%", "percent"
bool IsPercentSign(std::string_view unit) { return unit == "%" || Plain(unit) == "percent"; }

// "\pm 0.1 km" is 0.1 if the unit is "km"; "5 %" is 5 and `percent`. Nothing for what is no number of this unit.
std::optional<double> ReadAllowed(const json& value, const std::string& unit, bool& percent) {
  if (value.is_number()) return value.get<double>();
  std::string text = WithAsciiSigns(WithoutTex(value.get<std::string>()));
  for (const std::string_view sign : {"\u00B1", "\\pm", "+/-", "+-"}) {
    if (text.starts_with(sign)) text = std::string(Trimmed(std::string_view(text).substr(sign.size())));
  }
  std::string_view number = Trimmed(text);
  if (!unit.empty() && number.ends_with(unit)) number = Trimmed(number.substr(0, number.size() - unit.size()));
  const auto one = OneNumber(number);
  const auto read = one ? LastNumber(*one) : std::nullopt;
  if (!read) return std::nullopt;
  percent = read->percent || (IsPercentSign(unit) && text.ends_with(unit));
  return read->value;
}

// "\text{Ann}" is "Ann".
void TakeTexts(std::vector<std::string>& references) {
  for (std::string& reference : references) {
    std::string bare = WithoutTex(reference);
    if (!Trimmed(bare).empty() && !HasFormula(bare)) reference = std::move(bare);
  }
}

// "Ann." is "Ann", which is in "Ann came".
void DropFullStops(std::vector<std::string>& references) {
  for (std::string& reference : references) {
    std::string_view text = Trimmed(reference);
    while (text.ends_with('.')) text.remove_suffix(1);
    if (text.ends_with("\u3002")) text.remove_suffix(std::string_view("\u3002").size());
    if (!text.empty()) reference = std::string(text);
  }
}

base::Status CheckMatch(const Question& question) {
  for (const std::string& reference : question.references) {
    if (question.match == Match::kRegex && !FoundBy(reference, "")) {
      return Invalid(Quoted(reference) + " is no regular expression (ECMAScript)");
    }
    if (question.match != Match::kNumber) continue;
    const std::string said = "the reference " + Quoted(reference.substr(0, 60));
    if (!OneNumber(reference) && !ListedIn(reference).empty())
      return Invalid(said + " has several numbers, and of an answer the last one is compared");
    if (!LastNumber(reference)) return Invalid(said + " has no number");
  }
  return {};
}

class MatchReader {
 public:
  MatchReader(const json& row, bool framed, Question& question) : row_(row), framed_(framed), out_(question) {}

  base::Status Read(const Found& from, Match guessed) {
    if (const auto match = row_.find("match"); match != row_.end()) {
      const auto known =
          std::find_if(kMatches.begin(), kMatches.end(), [&](const auto& row) { return *match == row.first; });
      if (known == kMatches.end()) {
        return Invalid("\"match\": " + Excerpt(*match) + " is not exact, contains, words, begins, number or regex");
      }
      out_.match = known->second;
      return CheckNumbers();
    }
    out_.match = guessed;
    const bool loose = guessed == Match::kWords || guessed == Match::kNumber;
    if (from.value->is_number()) {
      const bool listed =
          std::any_of(row_.begin(), row_.end(), [](const json& value) { return value.is_structured(); });
      if (from.value->is_number_integer() && guessed != Match::kNumber && (listed || !framed_)) {
        const bool fits = FitsJq(from.name) && row_.contains(from.name);
        return Invalid(Quoted(from.name) + ": " + Excerpt(*from.value) +
                       R"( may be a number or the index of a choice: an index needs "choices")" +
                       ProgramOfChoices(from) + "; for numbers " +
                       (fits ? "jq -c 'if (." + JqKey(from.name) + R"( | type) == "number" then .)" + JqKey(from.name) +
                                   R"( |= tostring | .match = "number" else . end' FILE > OUT)"
                             : R"(write a text, with "match": "number")"));
      }
      out_.match = Match::kNumber;
    } else if (TakeResults(out_.references)) {
      out_.match = Match::kNumber;
    } else if (const std::string date = loose ? DateIn(out_.references) : ""; !date.empty()) {
      return Invalid(Quoted(from.name) + ": " + Quoted(date) +
                     R"( may be a date or a fraction: write "match": "words" or "number")");
    } else if (loose && HasRange()) {
      if (auto status = TakeRange(from); !status) return status;
    } else if (loose && TakeNumbers(out_.references, out_.formula, Equation())) {
      out_.match = Match::kNumber;
    } else {
      if (loose) TakeTexts(out_.references);
      if (auto status = CheckWording(row_, out_, framed_, from); !status) return status;
      if (auto status = CheckForm(from); !status) return status;
      if (out_.match == Match::kWords) DropFullStops(out_.references);
    }
    return CheckNumbers();
  }

 private:
  // Makes choices of a list of texts of which `index` may name one. "" = there is none.
  [[nodiscard]] std::string ProgramOfChoices(const Found& index) const {
    const auto list = index.value->is_number_unsigned() ? ListNamedBy(row_, index) : std::nullopt;
    const std::string program = list ? autotune::measurement::ProgramOfChoices(row_, *list, index) : "";
    return program.empty() ? "" : "; if it is one of " + Quoted(list->name) + ": " + program;
  }

  // No answer that is as the prompt asks for would pass.
  base::Status CheckForm(const Found& from) const {
    if (out_.match != Match::kExact && out_.match != Match::kBegins) return {};
    const auto form = FormAskedFor(SentOf(out_));
    if (!form || std::ranges::all_of(out_.references, [&](const std::string& one) { return HasForm(*form, one); }))
      return {};
    const std::string& reference = out_.references.front();
    const bool plain = from.value->is_string() && FitsJq(from.name) && row_.contains(from.name);
    const std::string program = plain ? ProgramOfForm(*form, "." + JqKey(from.name), reference) : "";
    return Invalid(
        "the prompt asks for " + Excerpt(json(form->sign)) + ", and such an answer does not " +
        (out_.match == Match::kExact ? "equal " : "begin with ") + Excerpt(json(reference)) +
        (program.empty()
             ? R"(: let the prompt say how the answer ends, such as "Answer: B", and write this as "reference", with "match": "regex")"
             : ": jq -c '" + program + "' FILE > OUT"));
  }

  std::string DateIn(const std::vector<std::string>& references) const {
    const std::string asked = SentOf(out_);
    const auto date = std::find_if(references.begin(), references.end(),
                                   [&](const std::string& reference) { return MayBeDate(asked, reference); });
    return date == references.end() ? "" : *date;
  }

  // "3 (acceptable range: anything between 2 and 4)"
  [[nodiscard]] bool HasRange() const {
    return std::ranges::any_of(out_.references, [](const std::string& reference) {
      const std::string_view text = Trimmed(reference);
      const std::string more = Plain(text.substr(WithoutUnit(text).size()));
      return LastNumber(more) && (more.find("accept") != std::string::npos || more.find("range") != std::string::npos ||
                                  more.find("between") != std::string::npos);
    });
  }

  // Its middle, with what it allows beside.
  base::Status TakeRange(const Found& from) {
    const std::string_view text = Trimmed(out_.references.front());
    const std::string_view bare = WithoutUnit(text), more = text.substr(bare.size());
    for (const std::string_view sign : {" and ", " to ", " - ", "\u2013", "-"}) {
      const std::size_t middle = more.rfind(sign);
      if (middle == std::string_view::npos || out_.references.size() > 1) continue;
      const auto number = LastNumber(bare), least = LastNumber(more.substr(0, middle)),
                 most = LastNumber(more.substr(middle + sign.size()));
      if (!OneNumber(bare) || !number || !least || !most || number->percent != most->percent) break;
      if (least->value > number->value || number->value > most->value) break;
      out_.references = {json((least->value + most->value) / 2).dump() + (number->percent ? "%" : "")};
      out_.tolerance = (most->value - least->value) / 2;
      out_.match = Match::kNumber;
      return {};
    }
    return Invalid(Quoted(from.name) + ": " + Excerpt(json(text)) +
                   R"( has a range, and not one number that is in it: write the number, with an "absolute_tolerance")");
  }

  std::string Equation() const {
    const auto equation = Find(row_, "equation");
    return equation && equation->value->is_string() ? equation->value->get<std::string>() : "";
  }

  // The unit and the tolerance of the row.
  base::Status CheckNumbers() {
    if (out_.match != Match::kNumber) return CheckMatch(out_);
    const auto found = First(row_, std::array<std::string_view, 3>{"unit", "units", "scale"});
    std::string unit;
    if (found && found->value->is_string()) {
      unit = Trimmed(WithAsciiSigns(WithoutTex(found->value->get<std::string>())));
      if (unit.find("10^") != std::string::npos && !Says(SentOf(out_), *found->value)) {
        return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                       " is a multiple of a unit, and the prompt does not name it: write the reference without it");
      }
    }
    for (std::string& reference : out_.references) {
      if (IsPercentSign(unit) && OneNumber(reference) && !reference.ends_with('%')) reference += '%';
    }
    if (auto status = CheckMatch(out_); !status) return status;
    for (const Allowed& allowed : kTolerances) {
      const auto member = Find(row_, allowed.name);
      if (member && TakeTolerance(*member, allowed, unit)) return {};
    }
    TakeLimits();
    return {};
  }

  // {"lower limit": "63.6", "upper limit": "70.4"}: what is between them is right.
  void TakeLimits() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kLimits = {{{"lowerlimit", "upperlimit"},
                                                                                       {"lowerbound", "upperbound"},
                                                                                       {"minanswer", "maxanswer"},
                                                                                       {"answermin", "answermax"}}};
    for (const auto& [low, high] : kLimits) {
      const auto lower = Find(row_, low), upper = Find(row_, high);
      const auto text = [](const std::optional<Found>& found) {
        return found ? OneNumber(ValueText(*found->value).value_or("")) : std::nullopt;
      };
      const auto least = text(lower), most = text(upper);
      if (!least || !most) continue;
      auto from = LastNumber(*least), to = LastNumber(*most);
      if (from && to && from->value > to->value) std::swap(from, to);  // of a negative number
      const auto right = LastNumber(out_.references.front());
      const bool within = from && to && right && from->value <= right->value && right->value <= to->value &&
                          out_.references.size() == 1 && !right->percent && right->scale == 1;
      if (!within) {
        out_.no_tolerance = Quoted(lower->name) + ": " + Excerpt(*lower->value);
      } else if (to->value > from->value) {
        out_.references = {json((from->value + to->value) / 2).dump()};
        out_.tolerance = (to->value - from->value) / 2;
      }
      return;
    }
  }

  // Returns whether the member says something of a tolerance.
  bool TakeTolerance(const Found& from, const Allowed& allowed, const std::string& unit) {
    const json& value = *from.value;
    if (!value.is_number() && !(value.is_string() && LastNumber(value.get<std::string>()))) return false;
    bool percent = false;
    const auto number = ReadAllowed(value, unit, percent);
    double least = 0;  // of the references, but for 0
    bool percentages = false;
    for (const std::string& reference : out_.references) {
      const auto read = LastNumber(reference);
      const double size = read ? std::abs(read->value) : 0;
      if (size > 0 && (least == 0 || size < least)) least = size;
      percentages = percentages || (read && read->percent);
    }
    const bool relative = allowed.relative || percent;
    const bool absolute = percent ? percentages : allowed.absolute;
    const bool digits = allowed.name == "precision" && number && *number >= 1;  // "precision": 2
    double most = number.value_or(0);
    if (relative) most = std::min(absolute ? most : HUGE_VAL, least * number.value_or(0) / (percent ? 100 : 1));
    if (number == 0.0) return false;
    if (!number || *number < 0 || digits || most == 0 || (least > 0 && most >= least)) {
      out_.no_tolerance = Quoted(from.name) + ": " + Excerpt(value);
    } else {
      out_.tolerance = most;
    }
    return true;
  }

  const json& row_;
  bool framed_;
  Question& out_;
};

}  // namespace

bool TakeResults(std::vector<std::string>& references) {
  static constexpr std::string_view kResult = "####";
  const auto has = [](const std::string& text) { return text.find(kResult) != std::string::npos; };
  if (!std::all_of(references.begin(), references.end(), has)) return false;
  for (std::string& text : references)
    text = Trimmed(std::string_view(text).substr(text.rfind(kResult) + kResult.size()));
  return true;
}

bool TakeNumbers(std::vector<std::string>& references, bool& formula, std::string_view equation) {
  std::vector<std::string> numbers;
  bool any = false;
  for (const std::string& reference : references) {
    const std::string bare = WithoutTex(reference);
    const std::string_view text = WithoutUnit(Trimmed(bare));
    auto number = OneNumber(text);
    if (!number) {
      const bool sure = !equation.empty() && Trimmed(equation.substr(equation.find('=') + 1)) == text;
      const auto value = ArithmeticValue(text, sure);
      if (!value) return false;
      any = true;
      numbers.push_back(json(*value).dump());
      continue;
    }
    any = any || HasFormula(number->starts_with('+') ? number->substr(1) : *number) ||
          bare.size() < Trimmed(reference).size();
    numbers.push_back(*std::move(number));
  }
  references = std::move(numbers);
  formula = any;
  return true;
}

base::Status ReadMatch(const json& row, bool framed, const Found& from, Match guessed, Question& question) {
  return MatchReader(row, framed, question).Read(from, guessed);
}

}  // namespace autotune::measurement
